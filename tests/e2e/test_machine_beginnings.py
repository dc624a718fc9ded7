"""Machines that begin paused, and machines made with volumes of their own, at a provider; and what is left if not."""

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import Claim, Host, Machine, Quota, Volume
from sirocco.connectors.fake import control
from sirocco.connectors.fake.control import Trouble
from sirocco.connectors.ports import Fault, Kind, State
from sirocco.contracts.states import JobState, MachineState, VolumeState
from sirocco.services import jobs, machines, volumes
from sirocco.services.machine_create import NewVolume
from sirocco.services.volumes import VolumeRequest
from tests.installation import until
from tests.world import GIB, MIB

pytestmark = pytest.mark.timeout(300)
TWO = (NewVolume(VolumeRequest("one", 8 * MIB), "vdb"), NewVolume(VolumeRequest("two", 16 * MIB)))
HOSTS = [{"name": name, "cores": 8, "memory": 16 * GIB, "disk": 500 * GIB} for name in ("a", "b")]


def ask(world, provider_id, **wanted):
    with world.writing() as tx:
        return machines.create(tx, world.machine(provider_id=provider_id, nics=(), **wanted))


def rows(world, model):
    with world.reading(world.operator) as tx:
        return list(tx.session.scalars(select(model)))


def nothing_is_left(plant, world, store):
    def settled():
        held = control.inventory(store)
        return not held[Kind.VOLUME] and not held[Kind.MACHINE] and not rows(world, Volume)

    until(settled, "the volumes are gone again")
    assert {row.holder_id for row in rows(world, Claim)} <= {row.id for row in rows(world, Machine)}
    used = {row.resource: row.used for row in rows(world, Quota)}
    assert used["volumes"] == used["capacity"] == 0


def test_a_machine_begins_paused(plant, world):
    provider_id, store = plant.add_fake("paused")
    machine, job = ask(world, provider_id, initial_state="PAUSED")
    assert plant.settle(job.id).state == JobState.SUCCESS
    with world.reading() as tx:
        assert machines.get(tx, machine.id).state == MachineState.PAUSED
    (held,) = control.inventory(store)[Kind.MACHINE]
    assert held.state is State.PAUSED


def test_a_provider_that_cannot_pause_is_not_chosen(plant, world):
    provider_id, _ = plant.add_fake("restless", without=["machine.pause"])
    _, job = ask(world, provider_id, initial_state="PAUSED")
    ended = plant.settle(job.id)
    assert (ended.state, ended.error) == (JobState.FAILED, "no-capacity")


def test_volumes_are_made_where_the_machine_is(plant, world):
    provider_id, store = plant.add_fake("together", hosts=HOSTS)
    machine, job = ask(world, provider_id, new_volumes=TWO)
    ended = plant.settle(job.id)
    assert ended.state == JobState.SUCCESS, ended.status_message
    found = [row for row in rows(world, Volume) if row.provider_id == provider_id]
    host = next(row for row in rows(world, Machine) if row.id == machine.id).host_id
    assert {row.state for row in found} == {VolumeState.AVAILABLE}
    assert {row.host_id for row in found} <= {row.id for row in rows(world, Host) if row.provider_id == provider_id}
    assert host
    held = {seen.ref.native_id: seen for seen in control.inventory(store)[Kind.VOLUME]}
    assert set(held) == {row.native_id for row in found}
    with world.writing() as tx:
        job = machines.delete(tx, machine.id)
    assert plant.settle(job.id).state == JobState.SUCCESS
    with world.writing() as tx:
        ended = [volumes.delete(tx, row.id).id for row in found]
    assert {plant.settle(one).state for one in ended} == {JobState.SUCCESS}


@pytest.mark.parametrize("verb", [("create", "machine"), ("create", "volume")])
def test_a_machine_that_fails_leaves_no_volumes(plant, world, verb):
    provider_id, store = plant.add_fake(f"fails-{verb[1]}", hosts=HOSTS)
    control.inject(store, Trouble.FAIL, verb=verb[0], kind=verb[1], fault=Fault.CONFLICT, times=9)
    machine, job = ask(world, provider_id, new_volumes=TWO)
    assert plant.settle(job.id).state == JobState.FAILED
    with world.reading() as tx:
        assert machines.get(tx, machine.id).state == MachineState.ERROR
    nothing_is_left(plant, world, store)


def test_a_machine_that_is_stopped_leaves_no_volumes(plant, world):
    provider_id, store = plant.add_fake("stopped", hosts=HOSTS, delays={"create.machine": 5.0})
    machine, job = ask(world, provider_id, new_volumes=TWO)
    until(lambda: control.inventory(store)[Kind.MACHINE], "the machine is being made")
    with world.writing() as tx:
        jobs.stop(tx, job.id)
    assert plant.settle(job.id).state == JobState.STOPPED
    assert machine.id not in {row.id for row in rows(world, Machine)}
    nothing_is_left(plant, world, store)
