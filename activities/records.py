"""Steps that only write the CMDB: how jobs end, what is claimed, what is planned."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities.calls import Plant, told
from sirocco.cmdb import capacity
from sirocco.cmdb.models import Claim, Host, Job, Machine
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.commands import Migrate
from sirocco.contracts.engine import JobFailure, JobOrder
from sirocco.contracts.errors import NO_CAPACITY, SiroccoError
from sirocco.contracts.states import JobState
from sirocco.domain.principal import SYSTEM
from sirocco.services import hosts, jobs, machines, settlement, volumes


class RecordSteps:
    """Short, idempotent, run inside the worker as local activities."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def all(self) -> list[Callable[..., Any]]:
        """The activities of this class."""
        return [self.failed, self.stopped, self.claim_size, self.drop_volumes, self.plan_drain]

    def _settle(self, job_id: str, settle: Callable[[Transaction, Job], None]) -> None:
        with self._plant.cmdb.writing(SYSTEM) as tx:
            job = tx.session.get(Job, job_id, with_for_update=True)
            if job is not None and not JobState(job.state).ended:
                settle(tx, job)

    @activity.defn(name="job.failed")
    def failed(self, failure: JobFailure) -> None:
        """The workflow failed and has undone its steps."""
        self._settle(failure.job_id, lambda tx, job: settlement.failed(tx, job, failure.code, failure.details))

    @activity.defn(name="job.stopped")
    def stopped(self, order: JobOrder) -> None:
        """The workflow was stopped and has undone its steps."""
        self._settle(order.job_id, settlement.stopped)

    @activity.defn(name="machine.claim-size")
    def claim_size(self, order: JobOrder) -> None:
        """Claim the larger of the old and the new size on the machine's host."""
        with self._plant.cmdb.writing(SYSTEM) as tx:
            job = tx.session.get_one(Job, order.job_id)
            machine = tx.session.get_one(Machine, job.target_id)
            wanted = capacity.Amount(
                max(machine.cpu, job.arguments["cpu"]),
                max(machine.memory, job.arguments["memory"]),
                _disk_claimed(tx, machine),
            )
            host = tx.session.get_one(Host, machine.host_id)
            if not capacity.resize_claim(tx, host.id, machine.id, wanted):
                raise told(SiroccoError(NO_CAPACITY, why="{host} has not that much left", host=host.name))

    @activity.defn(name="machine.drop-volumes")
    def drop_volumes(self, order: JobOrder) -> None:
        """Undo the volumes that were made with a machine: those under way are stopped, the others deleted."""
        with self._plant.cmdb.writing(SYSTEM) as tx:
            volumes.drop_nested(tx, tx.session.get_one(Job, order.job_id))

    @activity.defn(name="host.plan-drain")
    def plan_drain(self, order: JobOrder) -> None:
        """A nested job for each machine on the host; planned once, however often this runs."""
        with self._plant.cmdb.writing(SYSTEM) as tx:
            job = tx.session.get_one(Job, order.job_id)
            if jobs.nested(tx, job):
                return
            host = tx.session.get_one(Host, job.target_id)
            for machine in hosts.machines_on(tx, host):
                child = machines.act(tx, machine.id, Migrate(), parent=job)
                child.due = jobs.HELD


def _disk_claimed(tx: Transaction, machine: Machine) -> int:
    held = tx.session.get(Claim, (machine.id, machine.host_id))
    return held.disk if held else 0
