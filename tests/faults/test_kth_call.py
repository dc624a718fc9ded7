"""The k-th external call fails, for every k and every kind of trouble, in each core workflow.

Whatever happens: the job ends, what the CMDB says is what the cloud holds, quotas and claims are the sum of what there
is, and nothing is left over.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import Claim, Host, Intent, Machine
from sirocco.connectors.fake import control
from sirocco.connectors.fake.control import Trouble
from sirocco.connectors.ports import Fault, Kind
from sirocco.contracts.commands import Migrate, Resize
from sirocco.contracts.states import JobState, MachineState
from sirocco.domain.principal import SYSTEM
from sirocco.services import machines
from tests.world import GIB, MIB

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

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
_numbers = count()


@dataclass
class Stage:
    """A provider of its own for one run: what happens there is seen by nobody else."""

    plant: object
    world: object
    provider_id: str
    store: Path

    def create(self, name="m"):
        with self.world.writing() as tx:
            request = self.world.machine(name=name, provider_id=self.provider_id, nics=())
            return machines.create(tx, request)

    def ready(self):
        """A machine that works."""
        machine, job = self.create()
        ended = self.plant.settle(job.id)
        assert ended.state == JobState.SUCCESS, ended.status_message
        return machine


def stage(plant, world):
    provider_id, store = plant.add_fake(
        f"stage-{next(_numbers)}", hosts=[_host("a"), _host("b"), _host("c")], delays={"*": 0.05}
    )
    return Stage(plant, world, provider_id, store)


def _host(name):
    return {"name": name, "cores": 64, "memory": 64 * GIB, "disk": 1024 * GIB}


def create(on: Stage, _machine):
    return on.create()[1]


def delete(on: Stage, machine):
    with on.world.writing() as tx:
        return machines.delete(tx, machine.id)


def resize(on: Stage, machine):
    with on.world.writing() as tx:
        return machines.act(tx, machine.id, Resize(2, 256 * MIB))


def migrate(on: Stage, machine):
    with on.world.writing(on.world.operator) as tx:
        return machines.act(tx, machine.id, Migrate())


WORKFLOWS: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "create": (create, ("create.image", "create.machine", "observe.machine", "poll.*")),
    "delete": (delete, ("find.machine", "delete.machine", "poll.*")),
    "resize": (resize, ("resize.machine", "observe.machine", "poll.*")),
    "migrate": (migrate, ("migrate.machine", "observe.machine", "poll.*")),
}


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_each_call_fails_in_each_way(plant, world, workflow):
    act, calls = WORKFLOWS[workflow]
    runs = [(call, name) for call in calls for name in TROUBLES]
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda run: one_run(plant, world, act, *run), runs))
    assert set(ends) <= {JobState.SUCCESS, JobState.FAILED}
    survived = sum(end == JobState.SUCCESS for end in ends)
    assert survived >= len(runs) // 3, "throttling, silence and slowness must not fail a job"


def test_a_size_that_cannot_be_taken_back_is_counted(plant, world):
    on = stage(plant, world)
    machine = on.ready()
    control.inject(on.store, Trouble.ERROR, verb="observe", kind="machine", fault=Fault.INTERNAL)
    control.inject(on.store, Trouble.ERROR, verb="resize", nth=2, fault=Fault.CONFLICT)
    job = plant.settle(resize(on, machine).id)
    assert job.state == JobState.FAILED
    (seen,) = control.inventory(on.store)[Kind.MACHINE]
    with world.reading(SYSTEM) as tx:
        row = tx.session.get_one(Machine, machine.id)
        assert (row.cpu, row.memory) == (seen.facts.cpu, seen.facts.memory) == (2, 256 * MIB)
    check(on, "after a resize that stuck")


def one_run(plant, world, act, call, name):
    on = stage(plant, world)
    machine = None if act is create else on.ready()
    verb, kind = call.split(".")
    control.inject(on.store, verb=verb, kind=kind, nth=1, times=1, **TROUBLES[name])
    job = plant.settle(act(on, machine).id)
    where = f"{act.__name__} with {call} {name}: {job.state} {job.status_message}"
    check(on, where)
    return JobState(job.state)


def check(on: Stage, where: str) -> None:
    """CMDB and cloud agree, and counts are sums."""
    held = {seen.ref.native_id: seen for seen in control.inventory(on.store)[Kind.MACHINE]}
    with on.world.reading(SYSTEM) as tx:
        rows = tx.session.scalars(select(Machine).where(Machine.provider_id == on.provider_id)).all()
        alive = {row.native_id: row for row in rows if row.state != MachineState.ERROR and row.native_id}
        assert set(held) == set(alive), where
        assert all(row.job_id is None for row in rows), where
        assert {row.state for row in rows} <= {MachineState.STARTED, MachineState.ERROR}, where
        for native_id, row in alive.items():
            facts = held[native_id].facts
            assert (facts.cpu, facts.memory) == (row.cpu, row.memory), where
            assert facts.host == tx.session.get_one(Host, row.host_id).name, where
        for host in tx.session.scalars(select(Host).where(Host.provider_id == on.provider_id)):
            claims = tx.session.scalars(select(Claim).where(Claim.host_id == host.id)).all()
            here = [row for row in alive.values() if row.host_id == host.id]
            assert {claim.holder_id for claim in claims} == {row.id for row in here}, where
            assert host.cores_claimed == sum(row.cpu for row in here), where
            assert host.memory_claimed == sum(row.memory for row in here), where
        left = tx.session.scalars(
            select(Intent).where(Intent.provider_id == on.provider_id, Intent.kind == Kind.MACHINE)
        ).all()
        assert {intent.resource_id for intent in left} == {row.id for row in alive.values()}, where
