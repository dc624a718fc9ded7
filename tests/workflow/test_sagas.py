"""What workflows decide: order, undoing, other hosts, stops. Their steps are the test's; the engine is real."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError

from sirocco.contracts import steps
from sirocco.contracts.engine import TASK_QUEUE, JobOrder
from sirocco.contracts.steps import Step
from tests.workflow.conftest import Script, a_worker, an_engine, refused

NAMES = sorted({step.name for step in vars(steps).values() if isinstance(step, Step)})


def carried_out(workflow, script, *, during=None):
    """Run one workflow to its end; what it called, how it ended, and how much virtual time it took."""

    async def go():
        async with an_engine() as engine, a_worker(engine.client, script, NAMES):
            handle = await engine.client.start_workflow(
                workflow, JobOrder("job-1", provider_id="p1"), id="job-1", task_queue=TASK_QUEUE
            )
            if during is not None:
                await during(handle)
            with contextlib.suppress(WorkflowFailureError):
                await handle.result()
            described = await handle.describe()
            return described.status.name, described.close_time - described.start_time

    status, took = asyncio.run(go())
    return script.calls, status, took


def test_a_machine_is_placed_and_made_in_this_order():
    calls, status, _ = carried_out("CreateMachine", Script(machine_place="h1"))
    assert (calls, status) == (["machine.place", "machine.create"], "COMPLETED")


def test_a_refusal_undoes_what_was_begun_and_is_recorded_with_its_reason():
    calls, status, _ = carried_out("CreateMachine", Script(machine_place="h1", machine_create=refused()))
    assert calls == ["machine.place", "machine.create", "machine.remove", "job.failed"]
    assert status == "FAILED"


def test_a_host_without_room_is_left_out_and_another_chosen():
    script = Script(machine_place=["h1", "h2"], machine_create=[refused(elsewhere="yes"), None])
    calls, status, _ = carried_out("CreateMachine", script)
    once = ["machine.place", "machine.create"]
    assert (calls, status) == ([*once, "machine.remove", *once], "COMPLETED")


def test_three_hosts_are_tried_at_most():
    full = [refused(elsewhere="yes") for _ in range(5)]
    calls, status, _ = carried_out("CreateMachine", Script(machine_place=["h1", "h2", "h3"], machine_create=full))
    assert (calls.count("machine.create"), calls.count("machine.remove"), status) == (3, 3, "FAILED")


def test_a_refused_placement_is_undone_too_since_it_may_have_happened():
    calls, status, _ = carried_out("CreateMachine", Script(machine_place=refused()))
    assert (calls, status) == (["machine.place", "machine.remove", "job.failed"], "FAILED")


def test_passing_trouble_is_waited_out():
    script = Script(machine_place="h1", machine_create=[refused(again=True)] * 3 + [None])
    calls, status, _ = carried_out("CreateMachine", script)
    assert (calls.count("machine.create"), status) == (4, "COMPLETED")


def test_trouble_that_does_not_pass_fails_the_job_in_bounded_time():
    script = Script(machine_place="h1", machine_create=[refused(again=True)] * 99)
    calls, status, took = carried_out("CreateMachine", script)
    assert calls.count("machine.create") == steps.MACHINE_CREATE.tries
    assert (calls[-2:], status) == (["machine.remove", "job.failed"], "FAILED")
    assert took < timedelta(minutes=10)


def test_a_stop_undoes_and_is_recorded_as_a_stop():
    async def stop(handle):
        await script.called["machine.create"].wait()
        await handle.cancel()

    script = Script(machine_place="h1", machine_create=_patient)
    calls, status, _ = carried_out("CreateMachine", script, during=stop)
    assert calls == ["machine.place", "machine.create", "machine.remove", "job.stopped"]
    assert status == "CANCELED"


async def _patient():
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.1)


def test_a_second_stop_does_not_interrupt_the_undoing():
    async def slow_undo():
        await asyncio.sleep(1.0)

    async def stop_twice(handle):
        await script.called["machine.create"].wait()
        await handle.cancel()
        await script.called["machine.remove"].wait()
        await handle.cancel()

    script = Script(machine_place="h1", machine_create=_patient, machine_remove=slow_undo)
    calls, status, _ = carried_out("CreateMachine", script, during=stop_twice)
    assert (calls[-2:], status) == (["machine.remove", "job.stopped"], "CANCELED")


def test_undoing_is_tried_until_it_succeeds():
    script = Script(machine_place="h1", machine_create=refused(), machine_remove=[refused(again=True)] * 12 + [None])
    calls, status, took = carried_out("CreateMachine", script)
    assert (calls.count("machine.remove"), calls[-1], status) == (13, "job.failed", "FAILED")
    assert took > timedelta(minutes=1)


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [
        ("CreateMachineWithVolumes", ["machine.place", "job.await-nested", "machine.create"]),
        ("ActOnMachine", ["machine.perform"]),
        ("ResizeMachine", ["machine.claim-size", "machine.perform"]),
        ("MigrateMachine", ["machine.place-target", "machine.migrate"]),
        ("DeleteMachine", ["machine.delete"]),
        ("CreateVolume", ["volume.place", "volume.create"]),
        ("ActOnVolume", ["volume.grow"]),
        ("CaptureVolume", ["volume.capture"]),
        ("DeleteVolume", ["volume.delete"]),
        ("ImportImage", ["image.fetch"]),
        ("DeleteImage", ["image.delete"]),
        ("DeleteVolumeImage", ["image.delete"]),
        ("CreateNetwork", ["network.create"]),
        ("ActOnNetwork", ["network.perform"]),
        ("DeleteNetwork", ["network.delete"]),
        ("DrainHost", ["host.plan-drain", "job.await-nested"]),
        ("Bulk", ["job.await-nested"]),
    ],
)
def test_each_workflow_does_its_steps_and_the_last_of_them_records_success(workflow, expected):
    script = Script()
    calls, status, _ = carried_out(workflow, script)
    assert (calls, script.final, status) == (expected, expected[-1:], "COMPLETED")
