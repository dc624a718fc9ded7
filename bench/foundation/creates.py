"""Machines made on the fake provider: how many a second, and what each costs the worker."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sirocco_client.wire import Api, Login

from bench.foundation.figure import Figure, at_least, at_most
from bench.foundation.processes import cpu_seconds, resident
from sirocco.connectors.fake.connector import FakeConnector
from sirocco.connectors.ports import DiskSpec, Done, ImageSpec, MachineSpec, ProviderSettings, Seed
from sirocco.connectors.registry import open_connector
from sirocco.contracts.states import JobState
from tests.installation import Installation
from tests.world import MIB, World

ROUNDS, MACHINES, CALLERS = 3, 60, 4
IDLE_SECONDS = 5.0
_numbers = count()


@dataclass(frozen=True)
class Run:
    """One run: its length, and the worker's CPU during it; seconds."""

    elapsed: float
    worker: float


def created(plant: Installation, world: World, token: str, folder: Path) -> list[Figure]:
    """Sustained rate, and the worker's CPU for each machine beyond idling and the fake provider's own work."""
    _run(plant, world, token)
    runs = [_run(plant, world, token) for _ in range(ROUNDS)]
    resting, fakes = idle(plant), fake_work(folder)
    rate = statistics.median(MACHINES / run.elapsed for run in runs)
    whole = statistics.median(run.worker / MACHINES for run in runs)
    net = statistics.median((run.worker - resting * run.elapsed) / MACHINES for run in runs) - fakes
    note = f"{whole * 1000:.0f} ms with the fake's {fakes * 1000:.1f} ms and {resting * 1000:.0f} ms/s of idling"
    return [
        at_least("machines created each second, sustained", rate, "/s", 12, f"runs of {MACHINES}"),
        at_most("worker CPU per workflow without the connector's own work", net * 1000, "ms", 20, note),
        at_most("memory of the worker", resident(plant.processes["worker-1"].pid), "MiB", 150),
        at_most("memory of the web process", resident(plant.processes["web-1"].pid), "MiB", 150),
    ]


def _run(plant: Installation, world: World, token: str) -> Run:
    """Machines from the first request to the last job's end."""

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
    return Run(elapsed, cpu_seconds(worker) - spent)


def idle(plant: Installation) -> float:
    """The worker's CPU seconds each second when there is nothing to do."""
    worker = plant.processes["worker-1"].pid
    spent = cpu_seconds(worker)
    time.sleep(IDLE_SECONDS)
    return (cpu_seconds(worker) - spent) / IDLE_SECONDS


def fake_work(folder: Path) -> float:
    """CPU seconds of the calls that one creation makes to the fake provider, called alone on a store of its own."""
    cloud = open_connector("fake", ProviderSettings("alone", {"store": str(folder / "alone.sqlite")}))
    assert isinstance(cloud, FakeConnector)
    host = cloud.hosts()[0].name
    disk = folder / "tiny.raw"
    disk.write_bytes(bytes(MIB))
    image = cloud.create(ImageSpec("tiny", str(disk), "raw"), token="image").ref.native_id
    seed = Seed(hostname="m", user_data=b"", ssh_keys=())
    disks = (DiskSpec(16 * MIB, image),)
    begun = time.process_time()
    for number in range(MACHINES):
        spec = MachineSpec(f"m-{number}", 1, 128 * MIB, disks, seed=seed, host=host)
        made = cloud.create(spec, token=f"machine-{number}")
        while made.done is Done.PENDING and cloud.poll(made).done is Done.PENDING:
            time.sleep(0.001)
        cloud.observe(made.ref)
    spent = time.process_time() - begun
    cloud.close()
    return spent / MACHINES
