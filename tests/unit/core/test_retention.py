"""What has been over for a year goes; what is younger, at work, or the newest event stays."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from sirocco.cmdb.models import Event, Job, JobStep, Machine
from sirocco.contracts.commands import Stop
from sirocco.contracts.states import JobState
from sirocco.domain.principal import SYSTEM
from sirocco.services import bulk, events, machines, retention

LONG_AGO = retention.KEPT + timedelta(minutes=1)
JUST_KEPT = retention.KEPT - timedelta(minutes=1)


@pytest.fixture
def stopping(world):
    """A job with two nested ones and a step."""
    with world.writing() as tx:
        made = [machines.create(tx, world.machine(name=f"m{number}"))[0] for number in range(2)]
        tx.session.execute(update(Job).values(state=JobState.SUCCESS))
        tx.session.execute(update(Machine).values(job_id=None, state="STARTED"))
        parent = bulk.act(tx, [one.id for one in made], Stop())
        tx.add(JobStep(job_id=parent.id, name="stop", state="SUCCESS"))
        return parent.id


def aged(world, age, **values):
    with world.writing(SYSTEM) as tx:
        past = tx.now - age
        tx.session.execute(update(Job).values(due=past, status_changed=past, **values))
        tx.session.execute(update(Event).values(timestamp=past))


def forget(world):
    with world.writing(SYSTEM) as tx:
        return retention.forget(tx)


def left(world, model):
    with world.reading(SYSTEM) as tx:
        return len(tx.session.scalars(select(model)).all())


def test_ended_jobs_go_with_their_nested_jobs_and_steps(world, stopping):
    assert (left(world, Job), left(world, JobStep)) == (5, 1)
    aged(world, LONG_AGO, state=JobState.SUCCESS)
    forget(world)
    assert (left(world, Job), left(world, JobStep)) == (0, 0)
    assert left(world, Machine) == 2


def test_a_younger_job_stays_and_so_do_its_events(world, stopping):
    before = left(world, Event)
    aged(world, JUST_KEPT, state=JobState.SUCCESS)
    assert forget(world) == 0
    assert (left(world, Job), left(world, Event)) == (5, before)


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.STOPPING])
def test_a_job_at_work_stays_however_old_it_is(world, stopping, state):
    aged(world, LONG_AGO, state=state)
    forget(world)
    assert left(world, Job) == 5


def test_a_job_that_ended_lately_stays_however_long_ago_it_was_due(world, stopping):
    aged(world, LONG_AGO, state=JobState.SUCCESS)
    with world.writing(SYSTEM) as tx:
        tx.session.execute(update(Job).where(Job.id == stopping).values(status_changed=tx.now))
    forget(world)
    assert left(world, Job) == 3


def test_the_newest_event_keeps_the_numbers_going(world, stopping):
    aged(world, LONG_AGO)
    with world.reading(SYSTEM) as tx:
        newest = max(tx.session.scalars(select(Event.id)))
    assert forget(world) > 0
    assert left(world, Event) == 1
    with world.writing() as tx:
        events.changed(tx, tx.session.scalars(select(Machine)).first(), "edit")
    with world.reading(SYSTEM) as tx:
        assert min(tx.session.scalars(select(Event.id))) == newest
        assert max(tx.session.scalars(select(Event.id))) == newest + 1


def test_what_is_much_goes_by_and_by(world):
    young = left(world, Event)
    with world.writing(SYSTEM) as tx:
        past = tx.now - LONG_AGO
        for number in range(450):
            tx.add(Event(resource_kind="tenant", resource_id=str(number), type="model", timestamp=past))
    gone = []
    while many := forget(world):
        gone.append(many)
    assert len(gone) == 3
    assert left(world, Event) == young + 1
