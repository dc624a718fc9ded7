"""An engine that wants TLS and an API key with every call, as hosted ones do."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest

from sirocco.ops.engine import connect
from sirocco.ops.keyring import KeyRing
from sirocco.ops.settings import load
from sirocco.services import machines
from tests.authority import Authority
from tests.installation import Installation

pytestmark = pytest.mark.timeout(300)
KEY = "a-key-of-the-engine"


class Doorkeeper(grpc.GenericRpcHandler):
    """Passes calls on to the engine, byte for byte, for those who show the key."""

    def __init__(self, behind):
        self._behind, self.passed, self.refused = behind, 0, 0

    def service(self, call):
        shown = dict(call.invocation_metadata).get("authorization")
        if shown != f"Bearer {KEY}":
            self.refused += 1
            return grpc.unary_unary_rpc_method_handler(
                lambda _, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "no such key")
            )
        self.passed += 1
        engine = self._behind.unary_unary(call.method)

        def pass_on(request, context):
            kept = [(key, value) for key, value in call.invocation_metadata if not key.startswith((":", "user-agent"))]
            try:
                return engine(request, timeout=context.time_remaining(), metadata=kept)
            except grpc.RpcError as error:
                return context.abort(error.code(), error.details() or "")

        return grpc.unary_unary_rpc_method_handler(pass_on)


@contextmanager
def door(folder, engine_port):
    """The doorkeeper at work, and the variables that lead to it with the key."""
    with grpc.insecure_channel(f"127.0.0.1:{engine_port}") as behind, ThreadPoolExecutor(64) as threads:
        keeper = Doorkeeper(behind)
        server = grpc.server(threads, handlers=[keeper])
        pair = (folder / "clientkey.pem").read_bytes(), (folder / "clientcert.pem").read_bytes()
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        server.start()
        yield (
            keeper,
            {
                "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
                "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(folder / "cacert.pem"),
                "TEMPORAL_API_KEY": KEY,
            },
        )
        server.stop(grace=None).wait()


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


def test_a_machine_is_made_with_the_key(plant, credentials):
    with door(credentials, plant.engine_port) as (keeper, surroundings):
        plant.spawn("worker-1", [sys.executable, "-m", "sirocco.worker"], **surroundings)
        plant.spawn("solver", [sys.executable, "-m", "sirocco.worker", "--solver"], **surroundings)
        world = plant.populate()
        with world.writing() as tx:
            _, job = machines.create(tx, world.machine())
        assert plant.settle(job.id).state == "SUCCESS"
        plant.stop()
    assert keeper.passed > 10
    assert keeper.refused == 0
    for log in plant.home.glob("*.out"):
        assert KEY not in log.read_text(), log


@pytest.mark.parametrize("shown", ["", "another-key"])
def test_without_the_key_nobody_passes(plant, credentials, monkeypatch, shown):
    with door(credentials, plant.engine_port) as (keeper, surroundings):
        for name, value in (surroundings | {"TEMPORAL_API_KEY": shown}).items():
            monkeypatch.setenv(name, value)
        settings = load(home=plant.home)
        with pytest.raises(RuntimeError, match="no such key"):
            asyncio.run(connect(settings, KeyRing.at(settings.keyring)))
    assert keeper.passed == 0
    assert keeper.refused > 0
