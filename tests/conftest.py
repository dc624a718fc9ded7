"""Fixtures of the whole suite: the CMDB on SQLite and on PostgreSQL, and a small world in it."""

import pytest

from tests.postgres import cluster
from tests.world import a_cmdb, populate


@pytest.fixture(scope="session")
def postgres():
    with cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cmdb.sqlite'}"
    return request.getfixturevalue("postgres").create_database()


@pytest.fixture
def cmdb(database_url, tmp_path):
    with a_cmdb(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def world(cmdb):
    return populate(cmdb)
