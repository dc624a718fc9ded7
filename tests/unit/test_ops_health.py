import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sirocco.ops import health, listen, ports
from sirocco.ops.settings import load, prepare_home


@pytest.fixture
def settings(tmp_path):
    made = load(home=tmp_path / "home")
    prepare_home(made)
    return made


def test_a_beat_tells_of_its_own_process_only(settings):
    health.beat(settings, "worker")
    assert health.alive(settings, "worker", os.getpid())
    assert not health.alive(settings, "worker", os.getpid() + 1)
    assert not health.alive(settings, "solver", os.getpid())


def test_an_old_beat_does_not_count(settings):
    health.beat(settings, "worker")
    past = time.time() - health.LATE - 1
    os.utime(settings.run / "worker.alive", (past, past))
    assert not health.alive(settings, "worker", os.getpid())
    assert not health.works(settings, "worker")


def test_works_asks_whoever_has_the_role(settings):
    assert not health.works(settings, "worker")
    health.beat(settings, "worker")
    assert health.works(settings, "worker")


def test_beats_go_on_by_themselves_until_ended(settings):
    ended = health.keep_beating(settings, "worker")
    path = settings.run / "worker.alive"
    past = time.time() - 100
    os.utime(path, (past, past))
    end = time.monotonic() + 30
    while not health.alive(settings, "worker", os.getpid()):
        assert time.monotonic() < end
        time.sleep(0.05)
    ended.set()


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({"/healthz": 200, "/empty": 204}.get(self.path, 503))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def served():
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_only_a_good_answer_in_time_counts(served, tmp_path):
    base = f"http://127.0.0.1:{served}"
    assert health.answers(f"{base}/healthz")
    assert not health.answers(f"{base}/broken")
    assert health.works(load(home=tmp_path, port=served), "web")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not health.answers(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2)
    assert not health.answers("http://127.0.0.1:1/", timeout=0.2)


def test_a_socket_is_handed_on():
    """A child answers on the parent's socket, and what came before it started waits instead of being refused."""
    program = (
        "from sirocco.ops.listen import gunicorn_bind, listening_socket as s;"
        "import os; print(gunicorn_bind('127.0.0.1', 9), flush=True); s('127.0.0.1', 9).accept()[0].sendall(b'child')"
    )
    with listen.open_socket("127.0.0.1", 0) as opened, socket.create_connection(opened.getsockname()) as early:
        child = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, **listen.environment(opened)},
            pass_fds=(opened.fileno(),),
            stdout=subprocess.PIPE,
            text=True,
        )
        early.settimeout(60)
        assert early.recv(5) == b"child"
        assert child.communicate()[0] == f"fd://{opened.fileno()}\n"


def test_without_a_supervisor_a_process_opens_its_own(monkeypatch):
    monkeypatch.delenv("SIROCCO_LISTEN_FD", raising=False)
    assert listen.gunicorn_bind("127.0.0.1", 8080) == "127.0.0.1:8080"
    assert listen.gunicorn_bind("::1", 8080) == "[::1]:8080"
    with listen.listening_socket("127.0.0.1", 0) as opened:
        assert opened.getsockname()[1] > 0


def test_a_default_port_that_is_taken_is_replaced_by_last_time_s(settings):
    with listen.open_socket("127.0.0.1", 0) as taken, listen.open_socket("127.0.0.1", 0) as last:
        busy, remembered = taken.getsockname()[1], last.getsockname()[1]
        default = settings.model_construct(**{**settings.model_dump(), "port": busy})
        object.__setattr__(default, "__pydantic_fields_set__", set())
        ports.remember(default, {"port": remembered})
        last.close()
        with ports.claim(default, "port", "127.0.0.1") as claimed:
            assert claimed.getsockname()[1] == remembered
        named = load(home=settings.home, port=busy)
        with pytest.raises(ports.PortTakenError, match=f"{busy} \\(SIROCCO_PORT\\)"):
            ports.claim(named, "port", "127.0.0.1")


@pytest.mark.parametrize("content", ["", "[]", '{"port": "x"}', "{"])
def test_a_broken_memory_of_ports_is_forgotten(settings, content):
    (settings.run / "ports.json").write_text(content)
    with ports.claim(load(home=settings.home, port=0), "port", "127.0.0.1") as claimed:
        assert claimed.getsockname()[1] > 0


def test_only_the_listener_owns_a_port():
    with listen.open_socket("127.0.0.1", 0) as opened:
        port = opened.getsockname()[1]
        assert ports.owned_by(os.getpid(), port)
        assert not ports.owned_by(os.getppid(), port)
        assert not ports.owned_by(2**22 + 1, port)
    assert not ports.owned_by(os.getpid(), port)
