"""The lease scheduler inside a workflow: the engine's time is its time, and a replay comes to the same."""

import asyncio

from temporalio.worker import Replayer, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from placement.leases import Kind, NodeGroup, Request, Scheduler, Settings, Suspension, equal_hosts, resources
from tests.workflow.conftest import an_engine
from tests.workflow.lease_clock import LeaseClock

LIBRARY = SandboxRestrictions.default.with_passthrough_modules("numpy", "placement")


def without_engine():
    """The same two leases in a loop of our own."""
    full = resources(cpu=100, memory=1024)
    scheduler = Scheduler(equal_hosts(4, full), Settings(suspension=Suspension.ALL))
    scheduler.submit(Request("low", Kind.BEST_EFFORT, (NodeGroup(1, full),), 3600, preemptible=True), now=0)
    scheduler.submit(Request("high", Kind.ADVANCE, (NodeGroup(4, full),), 1800, start=1800), now=0)
    while (due := scheduler.next_time()) is not None:
        scheduler.tick(due)
    return [f"{event.time} {event.lease} {event.happening.name}" for event in scheduler.take_events()]


def test_leases_run_in_a_workflows_time_and_replay_the_same():
    async def run():
        worker = {"workflows": [LeaseClock], "workflow_runner": SandboxedWorkflowRunner(restrictions=LIBRARY)}
        async with an_engine() as engine, Worker(engine.client, task_queue="leases", **worker):
            handle = await engine.client.start_workflow(LeaseClock.run, id="leases", task_queue="leases")
            happened = await handle.result()
            await Replayer(**worker).replay_workflow(await handle.fetch_history())
            return happened

    happened = asyncio.run(run())
    assert happened == without_engine()
    assert "1800 low SUSPEND_START" in happened
