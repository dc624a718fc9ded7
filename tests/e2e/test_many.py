"""Jobs made of jobs, and jobs that are stopped: bulk actions, draining a host, cancelling with compensation."""

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import Claim, Host, Machine
from sirocco.connectors.fake import control
from sirocco.connectors.ports import Kind
from sirocco.contracts import commands as c
from sirocco.contracts.states import HostState, JobState, MachineState
from sirocco.domain.principal import SYSTEM
from sirocco.services import bulk, hosts, jobs, machines
from tests.installation import until
from tests.world import GIB

pytestmark = pytest.mark.timeout(300)


def provider(plant, name, **settings):
    sizes = [{"name": f"{name}-{letter}", "cores": 8, "memory": 16 * GIB, "disk": 500 * GIB} for letter in "ab"]
    return plant.add_fake(name, hosts=sizes, **settings)


def crew(plant, world, provider_id, count, *, host_id=""):
    who = world.operator if host_id else world.member
    with world.writing(who) as tx:
        made = [
            machines.create(tx, world.machine(name=f"m{n}", provider_id=provider_id, host_id=host_id, nics=()))
            for n in range(count)
        ]
    assert {plant.settle(job.id).state for _, job in made} == {JobState.SUCCESS}
    return [machine.id for machine, _ in made]


def states(plant, ids):
    with plant.cmdb.reading(SYSTEM) as tx:
        return [tx.session.get_one(Machine, one).state for one in ids]


def test_a_drained_host_is_empty_and_takes_nothing_until_it_is_enabled(plant, world):
    provider_id, _ = provider(plant, "drained")
    with plant.cmdb.reading(SYSTEM) as tx:
        rows = tx.session.scalars(select(Host).where(Host.provider_id == provider_id).order_by(Host.name)).all()
    ids = crew(plant, world, provider_id, 3, host_id=rows[0].id)
    with world.writing(world.operator) as tx:
        job = hosts.drain(tx, rows[0].id)
    ended = plant.settle(job.id)
    assert ended.state == JobState.SUCCESS, ended.status_message
    with plant.cmdb.reading(SYSTEM) as tx:
        assert len(jobs.nested(tx, ended)) == 3
        assert {tx.session.get_one(Machine, one).host_id for one in ids} == {rows[1].id}
        assert tx.session.get_one(Host, rows[0].id).state == HostState.MAINTENANCE
        assert {claim.host_id for claim in tx.session.scalars(select(Claim).where(Claim.holder_id.in_(ids)))} == {
            rows[1].id
        }
    assert states(plant, ids) == [MachineState.STARTED] * 3
    with world.writing(world.operator) as tx:
        assert hosts.enable(tx, rows[0].id).state == HostState.ONLINE


def test_a_bulk_action_is_one_job_with_a_result_for_each_machine(plant, world):
    provider_id, _ = provider(plant, "bulk")
    ids = crew(plant, world, provider_id, 4)
    with world.writing() as tx:
        machines.act(tx, ids[0], c.Pause())
    until(lambda: states(plant, ids[:1]) == [MachineState.PAUSED], "one machine is paused")
    with world.writing() as tx:
        job = bulk.act(tx, ids, c.Stop())
    ended = plant.settle(job.id)
    assert (ended.state, ended.error) == (JobState.FAILED, "partly-failed")
    with plant.cmdb.reading(SYSTEM) as tx:
        results = {child.target_id: (child.state, child.error) for child in jobs.nested(tx, ended)}
    assert results == {ids[0]: ("FAILED", "wrong-state"), **dict.fromkeys(ids[1:], ("SUCCESS", ""))}
    assert states(plant, ids) == [MachineState.PAUSED] + [MachineState.STOPPED] * 3
    with world.writing() as tx:
        job = bulk.act(tx, ids, None)
    assert plant.settle(job.id).state == JobState.SUCCESS


def test_a_creation_that_is_stopped_leaves_nothing_anywhere(plant, world):
    provider_id, store = provider(plant, "stopped", delays={"create.machine": 60})
    with world.writing() as tx:
        machine, job = machines.create(tx, world.machine(provider_id=provider_id, nics=()))
    until(lambda: control.inventory(store)[Kind.MACHINE], "the provider is at work")
    with world.writing() as tx:
        assert jobs.stop(tx, job.id).state == JobState.STOPPING
    assert plant.settle(job.id).state == JobState.STOPPED
    assert control.inventory(store)[Kind.MACHINE] == ()
    with plant.cmdb.reading(SYSTEM) as tx:
        assert tx.session.get(Machine, machine.id) is None
        assert tx.session.scalars(select(Claim).where(Claim.holder_id == machine.id)).all() == []


def test_a_stopped_bulk_action_stops_its_nested_jobs(plant, world):
    provider_id, _ = provider(plant, "halted", delays={"stop": 60})
    ids = crew(plant, world, provider_id, 3)
    with world.writing() as tx:
        job = bulk.act(tx, ids, c.Stop())
    until(lambda: set(states(plant, ids)) == {MachineState.STOPPING}, "the machines are stopping")
    with world.writing() as tx:
        jobs.stop(tx, job.id)
    assert plant.settle(job.id).state == JobState.STOPPED
    with plant.cmdb.reading(SYSTEM) as tx:
        nested = [child.id for child in jobs.nested(tx, job)]
    assert {plant.settle(one).state for one in nested} == {JobState.STOPPED}
    until(lambda: MachineState.STOPPING not in states(plant, ids), "no machine is left in between")
