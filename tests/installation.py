"""A real installation for tests: its own home, database, engine and processes, each known by its pid."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sirocco.cmdb import migrate
from sirocco.cmdb.database import Database
from sirocco.cmdb.transaction import Cmdb
from sirocco.contracts.states import JobState, Role
from sirocco.domain.principal import SYSTEM
from sirocco.ops import temporal_server
from sirocco.ops.errors import OperationError
from sirocco.ops.keyring import KeyRing, Sealer
from sirocco.ops.settings import Settings, load, prepare_home
from sirocco.services import hosts, images, jobs, networks, providers, tenants, users
from tests.world import MIB, World

PATIENCE = 90.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return opened.getsockname()[1]


def until(condition: Callable[[], object], why: str, *, patience: float = PATIENCE):
    """Ask until the answer is true; fails with ``why``."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not in {patience:.0f} s: {why}")


@dataclass
class Installation:
    """Processes by name (``engine``, ``worker-1``, ``solver``, ``web-1``, ...), started and killed one by one."""

    home: Path
    database_url: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.engine_port, self.ui_port = free_port(), free_port()
        self.web_ports: dict[str, int] = {}
        self.settings: Settings = load(**self._values())
        prepare_home(self.settings)
        migrate.upgrade(self.settings.database)
        self.cmdb = Cmdb(Database(self.settings.database), Sealer(KeyRing.at(self.settings.keyring)))

    def _values(self) -> dict[str, object]:
        values: dict[str, object] = {"home": self.home, "temporal_address": f"127.0.0.1:{self.engine_port}"}
        return values | ({"database_url": self.database_url} if self.database_url else {})

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SIROCCO_", "TEMPORAL_"))}
        wanted = {"SIROCCO_HOME": str(self.home), "TEMPORAL_ADDRESS": f"127.0.0.1:{self.engine_port}"}
        if self.database_url:
            wanted["SIROCCO_DATABASE_URL"] = self.database_url
        return kept | wanted | more

    def spawn(self, name: str, command: list[str], **environment: str) -> None:
        with (self.home / f"{name}.out").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment(**environment), stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )

    def start_engine(self) -> None:
        temporal_server.prepare_store(
            self.settings.temporal, temporal_server.version(temporal_server.program(self.settings))
        )
        self.spawn("engine", temporal_server.command(self.settings, self.engine_port, self.ui_port))
        until(self._registered, "the engine answers")

    def _registered(self) -> bool:
        try:
            temporal_server.register(self.settings, f"127.0.0.1:{self.engine_port}")
        except OperationError:
            return False
        return True

    def start_worker(self, name: str = "worker-1") -> None:
        self.spawn(name, [sys.executable, "-m", "sirocco.worker"])

    def start_solver(self) -> None:
        self.spawn("solver", [sys.executable, "-m", "sirocco.worker", "--solver"])

    def start_web(self, name: str = "web-1") -> None:
        port = self.web_ports.setdefault(name, free_port())
        self.spawn(name, [sys.executable, "-m", "sirocco.server"], SIROCCO_PORT=str(port))

    def web_answers(self, name: str = "web-1") -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url(name)}/healthz", timeout=2) as answer:
            return answer.status == 200
        return False

    def url(self, name: str = "web-1") -> str:
        return f"http://127.0.0.1:{self.web_ports[name]}"

    def start(self, *, webs: int = 0, workers: int = 1) -> None:
        self.start_engine()
        self.start_solver()
        for number in range(1, workers + 1):
            self.start_worker(f"worker-{number}")
        for number in range(1, webs + 1):
            self.start_web(f"web-{number}")
        for name in self.web_ports:
            until(lambda name=name: self.web_answers(name), f"{name} answers")

    def kill(self, name: str) -> None:
        """kill -9, and wait until it is gone."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def forget_engine(self) -> None:
        """Delete the engine's store while it is down."""
        shutil.rmtree(self.settings.temporal)
        self.settings.temporal.mkdir()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        self.cmdb.database.close()

    # --- what tests do with it ---

    def settle(self, job_id: str, *, patience: float = PATIENCE):
        """The job when it has ended."""

        def ended():
            with self.cmdb.reading(SYSTEM) as tx:
                job = jobs.get(tx, job_id)
                return job if JobState(job.state).ended else None

        return until(ended, f"job {job_id} ends", patience=patience)

    def add_fake(self, name: str, **settings: object) -> tuple[str, Path]:
        """A fake provider with a store of its own, probed."""
        store = self.settings.fake / f"{name}.sqlite"
        with self.cmdb.writing(SYSTEM) as tx:
            provider_id = providers.create(tx, name, "fake", {"store": str(store), **settings}).id
        until(lambda: self._probed(provider_id), f"provider {name} is probed")
        return provider_id, store

    def _probed(self, provider_id: str) -> bool:
        with self.cmdb.reading(SYSTEM) as tx:
            known = any(host.provider_id == provider_id for host in hosts.page(tx).items)
            return known and bool(providers.get(tx, provider_id).capabilities)

    def populate(self) -> World:
        """A tenant, a user, a fake provider, an image and a default network that exists."""
        provider_id, _ = self.add_fake("p1")
        disk = self.settings.images / "tiny.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "16M"], check=True)
        with self.cmdb.writing(SYSTEM) as tx:
            tenant = tenants.create(tx, "acme")
            tenants.set_quota(tx, tenant.id, dict.fromkeys(("machines", "cores", "memory", "volumes", "addresses")))
            user = users.create(tx, "bob", "correct horse", roles={tenant.id: Role.MEMBER})
            image = images.register(tx, images.ImageFile("tiny", str(disk), "qcow2", MIB, 16 * MIB), shared=True)
        world = World(self.cmdb, tenant.id, user.id, provider_id, image.id, "")
        with world.writing(world.operator) as tx:
            wanted = networks.NetworkRequest("default", nat=True, shared=True, provider_id=provider_id)
            network, job = networks.create(tx, wanted)
        assert self.settle(job.id).state == JobState.SUCCESS
        world.network_id = network.id
        return world


@contextlib.contextmanager
def an_installation(home: Path, database_url: str = "", **processes: int) -> Iterator[Installation]:
    """A running installation, gone afterwards."""
    installation = Installation(home, database_url)
    try:
        installation.start(**processes)
        yield installation
    finally:
        installation.stop()
