"""What is recorded of a job's steps: their states, tries and messages, and how far the job is."""

import pytest
from temporalio.exceptions import ApplicationError

from activities.calls import Plant, Step
from sirocco.cmdb.models import Job, JobStep
from sirocco.connectors.ports import ConnectorError, Fault
from sirocco.contracts.errors import NO_CAPACITY, SiroccoError
from sirocco.domain.principal import SYSTEM
from sirocco.services import events, machines


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
    with plant.step(job.id, "create") as step:
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
        with pytest.raises(ApplicationError), plant.step(job.id, "create") as step:
            with step.first():
                pass
            raise ConnectorError(fault, "because")
        assert kept(world, job, "create")[0] == state
    assert kept(world, job, "create") == ("FAILED", 2, "because", True)


def test_a_last_transaction_that_fails_leaves_nothing_but_the_reason(world, job, plant):
    with pytest.raises(ApplicationError), plant.step(job.id, "place") as step, step.last() as tx:
        tx.session.get_one(Job, job.id).provider_id = "gone"
        raise SiroccoError(NO_CAPACITY, why="full")
    with world.reading(SYSTEM) as tx:
        assert tx.session.get_one(Job, job.id).provider_id != "gone"
    assert kept(world, job, "place")[0] == "FAILED"


def test_every_step_done_brings_the_job_nearer_to_its_end(world, job):
    seen = []
    for name in ("place", "create", "undo create"):
        Step(world.cmdb, job.id, name).note("SUCCESS")
        seen.append(progress(world, job))
    assert seen == [50, 75, 75]
