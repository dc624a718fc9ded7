"""Jobs: every write that takes time becomes one, in the same transaction as the change it carries out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import select

from sirocco.cmdb.models import Job, JobStep, Record
from sirocco.cmdb.models.base import Lockable
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction, word
from sirocco.contracts.errors import BUSY, JOB_ENDED, SiroccoError
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import JobState, Role
from sirocco.domain.query import EVERYTHING, Query
from sirocco.services import events, settlement

HELD = datetime(9999, 1, 1, tzinfo=UTC)
"""A nested job that waits for its turn is due at the end of time."""


def submit(
    tx: Transaction,
    workflow: str,
    action: str,
    target: Record,
    *,
    arguments: dict[str, Any] | None = None,
    affected: Sequence[Record] = (),
    parent: Job | None = None,
) -> Job:
    """Queue a job on ``target`` and take its lock; BUSY when another job holds it."""
    job = Job(
        id=new_id(),
        tenant_id=getattr(target, "tenant_id", None) or tx.who.tenant_id or None,
        user_id=tx.who.user_id,
        name=f"{action} {target.name}".strip()[:255],
        action=action,
        workflow=workflow,
        arguments=arguments or {},
        target_kind=word(type(target)),
        target_id=target.id,
        affected=[reference(row) for row in (target, *affected)],
        provider_id=getattr(target, "provider_id", None) or "",
        parent_id=parent.id if parent else None,
        status_changed=tx.now,
        due=tx.now,
    )
    for row in (target, *affected):
        if isinstance(row, Lockable):
            lock(row, job)
    return tx.add(job)


def done(tx: Transaction, action: str, target: Record) -> Job:
    """The record of a write that ended with its request."""
    return tx.add(
        Job(
            tenant_id=getattr(target, "tenant_id", None) or tx.who.tenant_id or None,
            user_id=tx.who.user_id,
            name=f"{action} {target.name}".strip()[:255],
            action=action,
            workflow="",
            state=JobState.SUCCESS,
            progress=100,
            target_kind=word(type(target)),
            target_id=target.id,
            affected=[reference(target)],
            status_changed=tx.now,
        )
    )


def reference(row: Record) -> dict[str, str]:
    """A resource as jobs and events name it."""
    return {"kind": word(type(row)), "id": row.id}


def lock(row: Any, job: Job) -> None:
    """Make ``job`` the one that acts on ``row``."""
    if row.job_id and row.job_id != job.id:
        raise SiroccoError(BUSY, kind=word(type(row)), name=row.name, job=row.job_id)
    row.job_id = job.id


def get(tx: Transaction, job_id: str) -> Job:
    """One job."""
    return tx.get(Job, job_id)


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[Job]:
    """Jobs of the tenant."""
    return fetch(tx, Job, query)


def steps(tx: Transaction, job: Job) -> list[JobStep]:
    """The steps of a job so far, in the order they began."""
    return list(tx.session.scalars(select(JobStep).where(JobStep.job_id == job.id).order_by(JobStep.started)))


def nested(tx: Transaction, job: Job) -> list[Job]:
    """The jobs that a job is made of."""
    return list(tx.session.scalars(select(Job).where(Job.parent_id == job.id).order_by(Job.created, Job.id)))


def stop(tx: Transaction, job_id: str) -> Job:
    """Ask a job to end early and undo what it did; one that has not begun ends at once."""
    tx.who.need(Role.MEMBER)
    job = tx.get(Job, job_id, lock=True)
    if JobState(job.state).ended:
        raise SiroccoError(JOB_ENDED, job=job.id, state=job.state)
    for child in nested(tx, job):
        if not JobState(child.state).ended:
            stop(tx, child.id)
    if job.state == JobState.QUEUED and job.attempts == 0:
        settlement.stopped(tx, job)
    elif job.state != JobState.STOPPING:
        job.status_changed, job.due = tx.now, tx.now
        events.set_state(tx, job, JobState.STOPPING, job_id=job.id)
    return job


def delete(tx: Transaction, job_id: str) -> None:
    """Forget a job that has ended."""
    tx.who.need(Role.MEMBER)
    job = tx.get(Job, job_id, lock=True)
    if not JobState(job.state).ended:
        raise SiroccoError(BUSY, kind="job", name=job.name, job=job.id)
    tx.session.execute(sql_delete(JobStep).where(JobStep.job_id == job.id))
    tx.session.delete(job)
