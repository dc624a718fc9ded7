"""One action on many machines: one job, a nested job for each machine, a limit on how many work at once."""

from collections.abc import Sequence

from sqlalchemy import select

from sirocco.cmdb.models import Job, Machine, Tenant
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.commands import Command
from sirocco.contracts.errors import INVALID, SiroccoError
from sirocco.contracts.states import JobState, Role
from sirocco.services import jobs, machines

AT_ONCE = 8
MOST = 500


def act(tx: Transaction, machine_ids: Sequence[str], command: Command | None) -> Job:
    """Accept ``command`` (None: delete) for all the machines; a machine that refuses is a nested job that failed."""
    tx.who.need(Role.MEMBER)
    if not 1 <= len(machine_ids) <= MOST:
        raise SiroccoError(INVALID, where="machines", why="choose {low} to {high}", low=1, high=MOST)
    action = command.action if command else "delete"
    tenant = tx.session.get_one(Tenant, tx.get(Machine, machine_ids[0]).tenant_id)
    parent = jobs.submit(tx, "Bulk", action, tenant)
    for machine_id in dict.fromkeys(machine_ids):
        _add(tx, parent, machine_id, command)
    return parent


def _add(tx: Transaction, parent: Job, machine_id: str, command: Command | None) -> None:
    machine = tx.get(Machine, machine_id)
    try:
        with tx.session.begin_nested():
            child = (
                machines.act(tx, machine_id, command, parent=parent)
                if command
                else machines.delete(tx, machine_id, parent=parent)
            )
            child.due = jobs.HELD
    except SiroccoError as error:
        _refused(tx, parent, machine, error)


def _refused(tx: Transaction, parent: Job, machine: Machine, error: SiroccoError) -> None:
    child = jobs.done(tx, parent.action, machine)
    child.parent_id, child.state = parent.id, JobState.FAILED
    child.error, child.details, child.return_code = error.problem.code, error.details, error.problem.number
    child.status_message = error.message


def release(tx: Transaction, parent: Job, at_once: int = AT_ONCE) -> bool:
    """Let nested jobs begin up to the limit; True when all have ended."""
    children = list(tx.session.scalars(select(Job).where(Job.parent_id == parent.id).order_by(Job.created, Job.id)))
    left = [child for child in children if not JobState(child.state).ended]
    working = [child for child in left if child.due < jobs.HELD]
    for child in [child for child in left if child.due >= jobs.HELD][: max(at_once - len(working), 0)]:
        child.due = tx.now
    parent.progress = 100 * (len(children) - len(left)) // max(len(children), 1)
    return not left
