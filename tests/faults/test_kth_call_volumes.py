"""A machine made with its volumes while the k-th call fails, for every call, every k and every kind of trouble.

Whatever happens: the job and its nested jobs end, machine and volumes are at the provider or nowhere, counts are sums.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import Claim, Host, Intent, Job, Machine, MachineVolume, Volume
from sirocco.connectors.fake import control
from sirocco.connectors.fake.control import Trouble
from sirocco.connectors.ports import Fault, Kind
from sirocco.contracts.states import JobState
from sirocco.domain.principal import SYSTEM
from sirocco.services import machines
from sirocco.services.machine_create import NewVolume
from sirocco.services.volumes import VolumeRequest
from tests.world import GIB, MIB

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

TROUBLES = {
    "refused": {"trouble": Trouble.ERROR, "fault": Fault.CONFLICT},
    "full": {"trouble": Trouble.ERROR, "fault": Fault.CAPACITY},
    "throttled": {"trouble": Trouble.ERROR, "fault": Fault.TRANSIENT},
    "silent before": {"trouble": Trouble.TIMEOUT_BEFORE},
    "silent after": {"trouble": Trouble.TIMEOUT_AFTER},
    "slow": {"trouble": Trouble.SLOW, "seconds": 0.3},
    "garbage": {"trouble": Trouble.GARBAGE},
    "ends failed": {"trouble": Trouble.FAIL, "fault": Fault.INTERNAL},
}
SURVIVED = {"throttled", "silent before", "silent after", "slow"}
CALLS = [("create.volume", 1), ("create.volume", 2), ("create.machine", 1), ("poll.*", 1), ("poll.*", 3)]
VOLUMES = (NewVolume(VolumeRequest("data", 8 * MIB)), NewVolume(VolumeRequest("logs", 16 * MIB)))
_numbers = count()


def test_each_call_fails_in_each_way(plant, world):
    runs = [(call, nth, name) for call, nth in CALLS for name in TROUBLES]
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda run: one_run(plant, world, *run), runs))
    for (call, nth, name), end in zip(runs, ends, strict=True):
        assert end in ({JobState.SUCCESS} if name in SURVIVED else {JobState.SUCCESS, JobState.FAILED}), (
            call,
            nth,
            name,
        )
    assert JobState.FAILED in ends


def one_run(plant, world, call, nth, name):
    host = {"cores": 64, "memory": 64 * GIB, "disk": 1024 * GIB}
    hosts = [{"name": one, **host} for one in ("a", "b")]
    provider_id, store = plant.add_fake(f"volumes-{next(_numbers)}", hosts=hosts, delays={"*": 0.05})
    verb, kind = call.split(".")
    control.inject(store, verb=verb, kind=kind, nth=nth, times=1, **TROUBLES[name])
    with world.writing() as tx:
        wanted = world.machine(provider_id=provider_id, nics=(), new_volumes=VOLUMES)
        machine, job = machines.create(tx, wanted)
        volumes = [use.volume_id for use in machine.volumes]
    end = JobState(plant.settle(job.id).state)
    for nested in _left(world, machine.id, volumes, job.id):
        plant.settle(nested)
    check(world, provider_id, store, machine.id, volumes, f"{call} {nth} {name}: {end}")
    return end


def _left(world, machine_id, volumes, job_id):
    """Jobs that the machine's job began or left behind: its volumes' making and ending."""
    with world.reading(SYSTEM) as tx:
        return list(
            tx.session.scalars(select(Job.id).where(Job.target_id.in_([machine_id, *volumes]), Job.id != job_id))
        )


def check(world, provider_id, store, machine_id, volumes, where):
    """CMDB and cloud agree, attachments too, and claims are sums."""
    there = control.inventory(store)
    with world.reading(SYSTEM) as tx:
        machine = tx.session.get(Machine, machine_id)
        rows = [row for one in volumes if (row := tx.session.get(Volume, one)) is not None]
        alive = [row for row in rows if row.native_id]
        assert all(row.job_id is None for row in (machine, *rows) if row is not None), where
        made = {machine.native_id} if machine is not None and machine.native_id else set()
        assert {seen.ref.native_id for seen in there[Kind.MACHINE]} == made, where
        assert {seen.ref.native_id for seen in there[Kind.VOLUME]} == {row.native_id for row in alive}, where
        uses = tx.session.scalars(select(MachineVolume).where(MachineVolume.machine_id == machine_id)).all()
        if made:
            assert {use.volume_id for use in uses} == set(volumes), where
            assert {use.volume for seen in there[Kind.MACHINE] for use in seen.facts.volumes} == {
                row.native_id for row in alive
            }, where
        holders = {machine_id} if made else set()
        holders |= {row.id for row in alive}
        hosts = select(Host.id).where(Host.provider_id == provider_id)
        claims = tx.session.scalars(select(Claim).where(Claim.host_id.in_(hosts))).all()
        assert {claim.holder_id for claim in claims} == holders, where
        intents = select(Intent).where(Intent.provider_id == provider_id, Intent.kind != Kind.IMAGE)
        assert {intent.resource_id for intent in tx.session.scalars(intents)} == holders, where
