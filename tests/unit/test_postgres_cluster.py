import psycopg
import pytest

from tests.postgres import cluster


@pytest.fixture(scope="module")
def server():
    with cluster() as running:
        yield running


def _connect(url):
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def test_each_database_is_new_and_apart(server):
    first, second = server.create_database(), server.create_database()
    with _connect(first) as connection:
        connection.execute("CREATE TABLE seen (n integer)")
    with _connect(second) as connection:
        assert connection.execute("SELECT to_regclass('seen')").fetchone() == (None,)


def test_committed_rows_survive_a_kill(server):
    url = server.create_database()
    with _connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    server.kill()
    server.start()
    with _connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_nothing_listens_on_tcp(server):
    with _connect(server.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_nothing_is_left():
    with cluster() as running:
        process = running.process
    assert process.returncode == 0
    assert not running.home.exists()
