"""What the dispatcher writes when the engine does not answer: a process boundary, so the engine's silence is played."""

import asyncio

import pytest
from temporalio.service import RPCError, RPCStatusCode

from sirocco.cmdb.models import Job
from sirocco.contracts.states import JobState
from sirocco.domain.principal import SYSTEM
from sirocco.housekeeping.dispatcher import Dispatcher
from sirocco.services import jobs, machines


class SilentEngine:
    """Refuses as an engine that cannot be reached does; ``meanwhile`` happens while it is asked."""

    def __init__(self, meanwhile=lambda: None):
        self._meanwhile = meanwhile

    async def start_workflow(self, *_, **__):
        self._meanwhile()
        raise RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")


@pytest.fixture
def job(world):
    with world.writing() as tx:
        return machines.create(tx, world.machine())[1]


def recorded(world, job):
    with world.reading(SYSTEM) as tx:
        row = tx.session.get_one(Job, job.id)
        return JobState(row.state), row.attempts


def turn(world, engine):
    return asyncio.run(Dispatcher(world.cmdb, engine).turn())


def test_a_job_whose_start_the_engine_did_not_take_is_queued_again(world, job):
    seen = []
    assert turn(world, SilentEngine(lambda: seen.append(recorded(world, job))))
    assert seen == [(JobState.RUNNING, 1)]
    assert recorded(world, job) == (JobState.QUEUED, 0)


def test_it_is_not_tried_again_before_its_claim_has_run_out(world, job):
    assert turn(world, SilentEngine())
    assert not turn(world, SilentEngine())


def test_a_stop_that_came_meanwhile_is_kept(world, job):
    def stop():
        with world.writing() as tx:
            jobs.stop(tx, job.id)

    turn(world, SilentEngine(stop))
    assert recorded(world, job) == (JobState.STOPPING, 1)
