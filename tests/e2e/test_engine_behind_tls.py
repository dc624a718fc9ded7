"""An engine that wants TLS and a client's certificate: what a real server or a gateway before it asks for."""

import asyncio
import contextlib
import ssl
import sys
import threading

import pytest

from sirocco.ops.engine import connect
from sirocco.ops.keyring import KeyRing
from sirocco.ops.settings import load
from sirocco.services import machines
from tests.authority import Authority
from tests.installation import Installation

pytestmark = pytest.mark.timeout(300)


class Gate:
    """Ends TLS in front of the engine, for those whose certificate the authority has signed."""

    def __init__(self, folder, behind):
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "cacert.pem")
        self._context.load_cert_chain(folder / "clientcert.pem", folder / "clientkey.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.set_alpn_protocols(["h2"])
        self._behind, self.port, self.passed = behind, 0, 0
        self._loop, self._open = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._open.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._let_through, "127.0.0.1", 0, ssl=self._context)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._open.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _let_through(self, reader, writer):
        self.passed += 1
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(_pour(reader, inner_writer), _pour(inner_reader, writer))


async def _pour(reader, writer):
    while content := await reader.read(1 << 16):
        writer.write(content)
        await writer.drain()
    writer.close()


@pytest.fixture
def credentials(tmp_path):
    return Authority(tmp_path / "authority").equip("party")


@pytest.fixture
def plant(tmp_path):
    installation = Installation(tmp_path / "home")
    try:
        installation.start_engine()
        yield installation
    finally:
        installation.stop()


def wanted(gate, folder, **more):
    """The variables that lead through the gate."""
    return {
        "TEMPORAL_ADDRESS": f"127.0.0.1:{gate.port}",
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(folder / "cacert.pem"),
        **more,
    }


def test_a_machine_is_made_through_a_gate_that_wants_a_certificate(plant, credentials):
    ours = {
        "TEMPORAL_TLS_CLIENT_CERT_PATH": str(credentials / "clientcert.pem"),
        "TEMPORAL_TLS_CLIENT_KEY_PATH": str(credentials / "clientkey.pem"),
    }
    with Gate(credentials, plant.engine_port) as gate:
        surroundings = wanted(gate, credentials, **ours)
        plant.spawn("worker-1", [sys.executable, "-m", "sirocco.worker"], **surroundings)
        plant.spawn("solver", [sys.executable, "-m", "sirocco.worker", "--solver"], **surroundings)
        world = plant.populate()
        with world.writing() as tx:
            _, job = machines.create(tx, world.machine())
        assert plant.settle(job.id).state == "SUCCESS"
        assert gate.passed >= 2
        plant.stop()


def test_without_a_certificate_nobody_passes(plant, credentials, monkeypatch):
    with Gate(credentials, plant.engine_port) as gate:
        for name, value in wanted(gate, credentials).items():
            monkeypatch.setenv(name, value)
        settings = load(home=plant.home)
        with pytest.raises(RuntimeError, match=r"(?i)connect|certificate|tls"):
            asyncio.run(connect(settings, KeyRing.at(settings.keyring)))
        assert gate.passed == 0
