"""An engine behind a gateway (HAProxy) that wants TLS and an API key with every call, as hosted engines do."""

import asyncio
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from sirocco.ops.engine import connect
from sirocco.ops.keyring import KeyRing
from sirocco.ops.settings import load
from sirocco.services import machines
from tests.authority import Authority
from tests.installation import Installation, free_port, until

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not HAPROXY, reason="Debian's haproxy is not installed (`make setup-test`)"),
]
KEY = "a-key-of-the-engine"
GATEWAY = """
defaults
    mode http
    timeout connect 5s
    timeout client 90s
    timeout server 90s
frontend door
    bind 127.0.0.1:{port} ssl crt {certificate} alpn h2
    http-request deny deny_status 401 unless {{ req.hdr(authorization) -m str "Bearer {key}" }}
    default_backend engine
backend engine
    server engine 127.0.0.1:{engine} proto h2
"""


@contextmanager
def gateway(folder, engine_port):
    """A gateway of our own at work, and the variables that lead to it with the key."""
    port, certificate, settings = free_port(), folder / "both.pem", folder / "haproxy.cfg"
    certificate.write_text((folder / "clientcert.pem").read_text() + (folder / "clientkey.pem").read_text())
    settings.write_text(GATEWAY.format(port=port, certificate=certificate, key=KEY, engine=engine_port))
    process = subprocess.Popen([HAPROXY, "-db", "-q", "-f", str(settings)])
    try:
        until(lambda: process.poll() is not None or _open(port), "the gateway listens", patience=20)
        assert process.poll() is None
        yield {
            "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(folder / "cacert.pem"),
            "TEMPORAL_API_KEY": KEY,
        }
    finally:
        process.kill()
        process.wait()


def _open(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def plant(tmp_path):
    installation = Installation(tmp_path / "home")
    try:
        installation.start_engine()
        yield installation
    finally:
        installation.stop()


@pytest.fixture
def credentials(tmp_path):
    return Authority(tmp_path / "authority").equip("party")


def test_a_machine_is_made_with_the_key_and_nothing_shows_it(plant, credentials):
    with gateway(credentials, plant.engine_port) as surroundings:
        plant.spawn("worker-1", [sys.executable, "-m", "sirocco.worker"], **surroundings)
        plant.spawn("solver", [sys.executable, "-m", "sirocco.worker", "--solver"], **surroundings)
        world = plant.populate()
        with world.writing() as tx:
            _, job = machines.create(tx, world.machine())
        assert plant.settle(job.id).state == "SUCCESS"
        plant.stop()
    for log in plant.home.glob("*.out"):
        assert KEY not in log.read_text(), log


@pytest.mark.parametrize("shown", ["", "another-key"])
def test_without_the_key_nobody_passes(plant, credentials, monkeypatch, shown):
    with gateway(credentials, plant.engine_port) as surroundings:
        for name, value in (surroundings | {"TEMPORAL_API_KEY": shown}).items():
            monkeypatch.setenv(name, value)
        settings = load(home=plant.home)
        with pytest.raises(RuntimeError, match=r"(?i)unauthenticated|401"):
            asyncio.run(connect(settings, KeyRing.at(settings.keyring)))
