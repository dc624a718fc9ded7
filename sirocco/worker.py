"""The worker process: workflows, their steps, and the housekeeping beside them; or, as solver, placement alone."""

import asyncio
import ctypes
import gc
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig

import sirocco
from activities import catalogue
from activities.calls import Plant
from sirocco.cmdb.database import Database
from sirocco.cmdb.transaction import Cmdb
from sirocco.connectors.clouds import Clouds
from sirocco.contracts.engine import PLACEMENT_QUEUE, TASK_QUEUE
from sirocco.domain.sources import Trust
from sirocco.housekeeping.dispatcher import Dispatcher
from sirocco.housekeeping.leadership import resign
from sirocco.housekeeping.observer import Observer
from sirocco.images.fetch import Limits
from sirocco.images.intake import Intake
from sirocco.images.store import ImageStore
from sirocco.ops.engine import connect
from sirocco.ops.errors import OperationError
from sirocco.ops.health import BEAT, beat
from sirocco.ops.keyring import KeyRing, Sealer
from sirocco.ops.logging import configure
from sirocco.ops.settings import Settings, load
from sirocco.ops.words import said
from sirocco.services import providers
from workflows.catalogue import WORKFLOWS

_THREADS = 32
_CACHED_WORKFLOWS = 500
_STICKY = timedelta(seconds=3)
_GRACE = timedelta(seconds=5)
_ARENA_MAX, _ARENAS = -8, 2
"""glibc's M_ARENA_MAX, and how many heaps suffice."""
_MAPPED_FROM, _LARGE = -3, 128 * 1024
"""glibc's M_MMAP_THRESHOLD, and its value in bytes at first: left alone it grows, and what is freed is kept."""

_RELEASE = WorkerDeploymentConfig(WorkerDeploymentVersion("sirocco", sirocco.__version__), use_worker_versioning=False)
"""What operators see of a worker; without it the SDK reads every module's code anew, a second of each start."""

log = structlog.get_logger(__name__)


def work_queue(client: Client, plant: Plant, intake: Intake, executor: ThreadPoolExecutor) -> Worker:
    """Serves workflows and their steps."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=catalogue.work(plant, intake),
        activity_executor=executor,
        max_concurrent_activities=_THREADS - 8,
        max_concurrent_local_activities=8,
        max_concurrent_workflow_task_polls=10,
        max_cached_workflows=_CACHED_WORKFLOWS,
        sticky_queue_schedule_to_start_timeout=_STICKY,
        max_heartbeat_throttle_interval=timedelta(seconds=1),
        default_heartbeat_throttle_interval=timedelta(seconds=1),
        graceful_shutdown_timeout=_GRACE,
        deployment_config=_RELEASE,
    )


def choice_queue(client: Client, plant: Plant, executor: ThreadPoolExecutor) -> Worker:
    """Serves placement."""
    return Worker(
        client,
        task_queue=PLACEMENT_QUEUE,
        activities=catalogue.choices(plant),
        activity_executor=executor,
        max_concurrent_activities=8,
        graceful_shutdown_timeout=_GRACE,
        deployment_config=_RELEASE,
    )


async def serve(settings: Settings, *, solver: bool) -> None:
    """Work until SIGTERM or SIGINT."""
    ring = KeyRing.at(settings.keyring)
    cmdb = Cmdb(Database(settings.database, pool_size=_THREADS), Sealer(ring))
    plant = Plant(cmdb, Clouds(providers.directory(cmdb)))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    beats = asyncio.create_task(_beats(settings, "solver" if solver else "worker"))
    client = await _reach(settings, ring)
    with ThreadPoolExecutor(_THREADS) as executor:
        try:
            if solver:
                await _until(stopped, choice_queue(client, plant, executor))
            else:
                await _with_housekeeping(stopped, plant, client, work_queue(client, plant, _intake(settings), executor))
        finally:
            beats.cancel()
            plant.clouds.close()


def _intake(settings: Settings) -> Intake:
    trust = Trust.of(settings.image_sources.split(","))
    return Intake(ImageStore(settings.images), Limits(settings.image_limit << 30, trust=trust))


async def _reach(settings: Settings, ring: KeyRing) -> Client:
    """A client of the engine, as soon as there is one: it may start after us."""
    while True:
        try:
            return await connect(settings, ring)
        except RuntimeError as error:
            log.info("waiting for the engine", why=str(error)[:120])
            await asyncio.sleep(0.2)


async def _until(stopped: asyncio.Event, worker: Worker) -> None:
    running = asyncio.create_task(worker.run())
    ended = asyncio.create_task(stopped.wait())
    await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        ended.cancel()
        await running
    await worker.shutdown()
    await running


async def _with_housekeeping(stopped: asyncio.Event, plant: Plant, client: Client, worker: Worker) -> None:
    holder = f"{os.uname().nodename}/{os.getpid()}"
    observer = Observer(plant, holder)
    watching = threading.Thread(target=observer.run, name="observer", daemon=True)
    watching.start()
    dispatching = asyncio.create_task(Dispatcher(plant.cmdb, client).run())
    try:
        await _until(stopped, worker)
    finally:
        dispatching.cancel()
        observer.stop()
        await asyncio.to_thread(watching.join, 5.0)
        resign(plant.cmdb, holder)


async def _beats(settings: Settings, role: str) -> None:
    while True:
        await asyncio.to_thread(beat, settings, role)  # a slow disk holds up this sign only
        await asyncio.sleep(BEAT)


def _spare_memory() -> None:
    """Keep no memory that nobody uses.

    Threads mostly wait, so they share heaps (about 9 MiB less here); large pieces go back when they are freed (7 less).
    """
    with suppress(AttributeError):  # a C library without the setting
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)
        ctypes.CDLL(None).mallopt(_MAPPED_FROM, _LARGE)


def main() -> None:
    """Run as ``worker``, or as ``solver`` with ``--solver``."""
    _spare_memory()
    solver = "--solver" in sys.argv[1:]
    try:
        settings = load()
        configure(settings, "solver" if solver else "worker")
        gc.freeze()  # what stays for good is not looked through again: 4 MiB less, and a twentieth of a workflow's CPU
        asyncio.run(serve(settings, solver=solver))
    except OperationError as error:
        sys.exit(said(error))


if __name__ == "__main__":
    main()
