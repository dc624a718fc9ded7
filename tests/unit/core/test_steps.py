"""What is recorded of a job's steps: their states, tries and messages, and how far the job is."""

import pytest
from temporalio.exceptions import ApplicationError

from activities.calls import Plant, Step
from sirocco.cmdb.models import Job, JobStep, Machine
from sirocco.connectors.ports import ConnectorError, Fault
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.errors import NO_CAPACITY, SiroccoError
from sirocco.contracts.states import JobState, MachineState
from sirocco.domain.principal import SYSTEM
from sirocco.services import events, machines, settlement


@pytest.fixture
def job(world):
    with world.writing() as tx:
        return machines.create(tx, world.machine())[1]


@pytest.fixture
def plant(world):
    return Plant(world.cmdb, None)


def kept(world, job, name):
    with world.reading(SYSTEM) as tx:
        row = tx.session.get_one(JobStep, (job.id, name))
        return row.state, row.attempts, row.message, row.ended is not None


def progress(world, job):
    with world.reading(SYSTEM) as tx:
        return tx.session.get_one(Job, job.id).progress


def test_a_step_is_at_work_from_its_first_transaction_and_done_with_its_last(world, job, plant):
    with plant.step(JobOrder(job.id), "create") as step:
        with step.first():
            pass
        assert kept(world, job, "create") == ("RUNNING", 1, "", False)
        with step.last():
            pass
        assert kept(world, job, "create") == ("SUCCESS", 1, "", True)
    with world.reading() as tx:
        told = [event.content for event in events.of_resource(tx, job) if "step" in event.content]
    assert told == [{"step": "create", "state": "SUCCESS"}, {"step": "create", "state": "RUNNING"}]


def test_what_fails_is_told_and_tried_again(world, job, plant):
    for fault, state in ((Fault.TRANSIENT, "RETRYING"), (Fault.INVALID, "FAILED")):
        with pytest.raises(ApplicationError), plant.step(JobOrder(job.id), "create") as step:
            with step.first():
                pass
            raise ConnectorError(fault, why="because of {it}", it="this")
        assert kept(world, job, "create")[0] == state
    assert kept(world, job, "create") == ("FAILED", 2, "because of this", True)


def test_a_last_transaction_that_fails_leaves_nothing_but_the_reason(world, job, plant):
    with pytest.raises(ApplicationError), plant.step(JobOrder(job.id), "place") as step, step.last() as tx:
        tx.session.get_one(Job, job.id).provider_id = "gone"
        raise SiroccoError(NO_CAPACITY, why="full")
    with world.reading(SYSTEM) as tx:
        assert tx.session.get_one(Job, job.id).provider_id != "gone"
    assert kept(world, job, "place")[0] == "FAILED"


def test_every_step_done_brings_the_job_nearer_to_its_end(world, job):
    seen = []
    for name in ("place", "create", "undo create"):
        Step(world.cmdb, job.id, name, final=False).note("SUCCESS")
        seen.append(progress(world, job))
    assert seen == [50, 75, 75]


def as_recorded(world, job):
    with world.reading(SYSTEM) as tx:
        held = tx.session.get_one(Job, job.id)
        return held.state, tx.session.get_one(Machine, held.target_id).state


def test_the_final_step_writes_the_success_of_the_job_with_its_own(world, job, plant):
    with plant.step(JobOrder(job.id, final=True), "create") as step:
        with step.first():
            pass
        assert as_recorded(world, job)[0] != JobState.SUCCESS
        with step.last() as tx:
            tx.session.get_one(Machine, job.target_id).native_id = "m-1"
    assert as_recorded(world, job) == (JobState.SUCCESS, MachineState.STARTED)
    assert kept(world, job, "create")[0] == "SUCCESS"
    with world.reading(SYSTEM) as tx:
        assert tx.session.get_one(Machine, job.target_id).native_id == "m-1"


def test_a_final_step_without_a_last_transaction_of_its_own_ends_the_job_too(world, job, plant):
    with plant.step(JobOrder(job.id, final=True), "create") as step, step.first():
        pass
    assert as_recorded(world, job) == (JobState.SUCCESS, MachineState.STARTED)


def test_a_final_step_that_fails_does_not_end_the_job(world, job, plant):
    with pytest.raises(ApplicationError), plant.step(JobOrder(job.id, final=True), "create") as step:
        with step.first():
            pass
        raise ConnectorError(Fault.INVALID, why="because")
    assert as_recorded(world, job) == (JobState.QUEUED, MachineState.CREATING)


@pytest.mark.parametrize("name", ["create", "undo create"])
def test_a_step_of_a_job_that_has_ended_does_nothing(world, job, plant, name):
    with world.writing(SYSTEM) as tx:
        settlement.succeeded(tx, tx.session.get_one(Job, job.id))
    reached = []
    for final in (True, False):
        with plant.step(JobOrder(job.id, final=final), name) as step:
            with step.first():
                reached.append("first")
            reached.append("the far end")
        with plant.step(JobOrder(job.id, final=final), name) as step, step.last():
            reached.append("last")
    assert reached == []
    with world.reading(SYSTEM) as tx:
        assert tx.session.get(JobStep, (job.id, name)) is None
