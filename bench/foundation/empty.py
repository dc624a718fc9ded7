"""A workflow of two activities that do nothing: what the engine and its SDK cost on this machine, whoever uses them.

Run as a program in the environment of an installation, this is the worker that serves it.
"""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from bench.foundation.empty_workflow import Empty
from bench.foundation.figure import Figure, compared
from bench.foundation.processes import cpu_seconds
from sirocco.ops.engine import connect
from sirocco.ops.keyring import KeyRing
from sirocco.ops.settings import load
from tests.installation import Installation

QUEUE, WORKFLOWS, CALLERS = "empty", 60, 4
_numbers = count()


@activity.defn(name="nothing")
def nothing() -> None:
    """Do nothing."""


async def _connected(plant: Installation) -> Client:
    return await connect(plant.settings, KeyRing.at(plant.settings.keyring))


async def _serve() -> None:
    settings = load()
    client = await connect(settings, KeyRing.at(settings.keyring))
    with ThreadPoolExecutor(8) as executor:
        await Worker(
            client,
            task_queue=QUEUE,
            workflows=[Empty],
            activities=[nothing],
            activity_executor=executor,
            max_concurrent_workflow_task_polls=10,
        ).run()


async def _run(client: Client) -> float:
    """Seconds that all took."""

    async def some() -> None:
        for _ in range(WORKFLOWS // CALLERS):
            await client.execute_workflow("Empty", id=f"empty-{next(_numbers)}", task_queue=QUEUE)

    begun = time.monotonic()
    await asyncio.gather(*(some() for _ in range(CALLERS)))
    return time.monotonic() - begun


async def _costs(plant: Installation, worker: int) -> tuple[float, float, float]:
    """Milliseconds of the worker's and of the engine's CPU for each workflow, and workflows each second."""
    client, engine = await _connected(plant), plant.processes["engine"].pid
    await _run(client)
    mine, its = cpu_seconds(worker), cpu_seconds(engine)
    took = await _run(client)
    share = 1000 / WORKFLOWS
    return (cpu_seconds(worker) - mine) * share, (cpu_seconds(engine) - its) * share, WORKFLOWS / took


def empty(plant: Installation) -> list[Figure]:
    """What an empty workflow costs its worker."""
    plant.spawn("empty", [sys.executable, "-m", "bench.foundation.empty"])
    worker, engine, rate = asyncio.run(_costs(plant, plant.processes["empty"].pid))
    plant.kill("empty")
    note = f"the engine spends {engine:.0f} ms more; {rate:.1f} each second"
    return [compared("for comparison: worker CPU of an empty workflow of two activities", worker, "ms", note)]


if __name__ == "__main__":
    asyncio.run(_serve())
