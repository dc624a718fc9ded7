"""How a job ends: its outcome is written to the job and to the resources it held, in one transaction, once."""

from collections.abc import Callable, Mapping

from sqlalchemy import select

from sirocco.cmdb.models import Base, Host, Image, Job, Machine, Network, Record, Volume, VolumeImage
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import CANCELLED, SiroccoError, catalogue, fill
from sirocco.contracts.states import JobState
from sirocco.services import events

LOCKABLE: Mapping[str, type[Record]] = {
    "machine": Machine,
    "volume": Volume,
    "image": Image,
    "volume image": VolumeImage,
    "network": Network,
    "host": Host,
}

Outcome = Callable[[Transaction, Job], None]
_SUCCESS: dict[str, Outcome] = {}
_FAILURE: dict[str, Outcome] = {}


def settles(workflow: str, *, success: Outcome, failure: Outcome) -> None:
    """Say what a workflow's end means for its resources; each service does so for its own."""
    _SUCCESS[workflow], _FAILURE[workflow] = success, failure


def held(tx: Transaction, job: Job) -> list[Record]:
    """The resources that the job still holds; one that another job took over is left alone."""
    rows: list[Record] = []
    for item in job.affected:
        model = LOCKABLE.get(item["kind"])
        row = tx.session.get(model, item["id"], with_for_update=True) if model else None
        if row is not None and getattr(row, "job_id", None) == job.id:
            rows.append(row)
    return rows


def succeeded(tx: Transaction, job: Job) -> None:
    """The job did all it was to do."""
    _SUCCESS[job.workflow](tx, job)
    _end(tx, job, JobState.SUCCESS)


def failed(tx: Transaction, job: Job, code: str, details: Mapping[str, str]) -> None:
    """The job could not be done; what it had made is undone by now."""
    problem = catalogue()[code]
    job.error, job.details, job.return_code = problem.code, dict(details), problem.number
    job.status_message = fill(problem.message, details)
    _FAILURE[job.workflow](tx, job)
    _end(tx, job, JobState.FAILED)


def stopped(tx: Transaction, job: Job) -> None:
    """The job was stopped by a user; what it had made is undone by now."""
    job.error, job.return_code = CANCELLED.code, CANCELLED.number
    job.status_message = SiroccoError(CANCELLED).message
    _FAILURE[job.workflow](tx, job)
    _end(tx, job, JobState.STOPPED)


def _end(tx: Transaction, job: Job, state: JobState) -> None:
    for row in held(tx, job):
        row.job_id = None  # type: ignore[attr-defined]  # all of LOCKABLE have it
    job.state, job.progress, job.status_changed = state, 100, tx.now
    if state is not JobState.SUCCESS:
        events.record(tx, job, "alarm", {"code": job.error, "detail": job.status_message}, job_id=job.id, failed=True)


def gone(tx: Transaction, row: Base) -> None:
    """Remove a resource's record, and its name from the job's list of affected resources."""
    tx.session.delete(row)


def children_left(tx: Transaction, job: Job) -> bool:
    """Whether a job made of others still waits for one."""
    states = tx.session.scalars(select(Job.state).where(Job.parent_id == job.id))
    return any(not JobState(state).ended for state in states)
