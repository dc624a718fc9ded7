"""From the CMDB to the engine: queued jobs are started, stopped ones cancelled, lost ones started again.

Every worker runs one. A job is claimed by moving its ``due``, and a new one is RUNNING with its claim; a claim whose
worker dies runs out by itself. Starting twice is harmless: the workflow's id is the job's.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import bindparam, select
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from sirocco.cmdb.models import Job
from sirocco.cmdb.transaction import Cmdb, Transaction
from sirocco.contracts.engine import SEARCH_ATTRIBUTES, TASK_QUEUE, JobOrder
from sirocco.contracts.errors import ENGINE_FAILED
from sirocco.contracts.states import JobState
from sirocco.domain.principal import SYSTEM
from sirocco.services import events, settlement

_PAUSE = 0.05
_PATIENCE = 0.5
_CLAIM = timedelta(seconds=3)
_LOOK_AGAIN = timedelta(seconds=5)
_TASK = timedelta(seconds=5)
"""After so long without an answer a workflow's next decision is given to another worker."""
_BATCH = 32
_MOST_ATTEMPTS = 5
_OPEN = (JobState.QUEUED, JobState.RUNNING, JobState.STOPPING)

_DUE = (
    select(Job.id)
    .where(Job.state.in_(_OPEN), Job.due <= bindparam("now", type_=Job.due.type))
    .order_by(Job.due)
    .limit(_BATCH)
)
"""Asked twenty times a second, so put together once."""

Note = Callable[[Transaction, Job], None]
"""What is written of a job that was attended to."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A job that wants attention."""

    order: JobOrder
    name: str
    workflow: str
    state: JobState
    attempts: int


class Dispatcher:
    """Turns until it is cancelled; an engine that is away is only a reason to try again."""

    def __init__(self, cmdb: Cmdb, client: Client) -> None:
        self._cmdb, self._client = cmdb, client
        self._over = threading.Event()
        """Set when nobody starts what would be claimed."""

    async def run(self) -> None:
        """Look for due jobs for ever."""
        try:
            while True:
                await self._turn_safely()
        finally:
            self._over.set()

    async def _turn_safely(self) -> None:
        try:
            await self.turn(patience=_PATIENCE)
        except Exception:
            log.exception("dispatcher turn failed")
            await asyncio.sleep(_PAUSE)

    async def turn(self, *, patience: float = 0.0) -> bool:
        """Attend to the jobs that are due now, or first within ``patience`` (s); whether there were any."""
        due = await asyncio.to_thread(self._next, patience)
        notes = await asyncio.gather(*(self._attend(job) for job in due))
        if any(notes):
            await asyncio.to_thread(self._keep, due, notes)
        return bool(due)

    def _next(self, patience: float) -> list[Due]:
        """Claim what is due now, or first within ``patience`` (s).

        Looking again and again costs half as much in one thread as it does with the event loop asking each time.
        """
        until = time.monotonic() + patience
        while not (due := self._claim()) and time.monotonic() < until and not self._over.wait(_PAUSE):
            pass
        return due

    def _claim(self) -> list[Due]:
        with self._cmdb.reading(SYSTEM) as tx:
            ids = tx.session.scalars(_DUE, {"now": tx.now}).all()
        if not ids:
            return []
        with self._cmdb.writing(SYSTEM) as tx:
            rows = select(Job).where(Job.id.in_(ids), Job.state.in_(_OPEN), Job.due <= tx.now)
            jobs = tx.session.scalars(rows.with_for_update(skip_locked=True)).all()
            claimed = [_due(job) for job in jobs]
            for job in jobs:
                if job.state == JobState.QUEUED:
                    _begun(tx, job)
                job.due = tx.now + _CLAIM
            return claimed

    def _keep(self, due: list[Due], notes: list[Note | None]) -> None:
        """Write what was done, all jobs in one transaction; one that has ended meanwhile stays as it is."""
        with self._cmdb.writing(SYSTEM) as tx:
            for job, note in zip(due, notes, strict=True):
                row = tx.session.get(Job, job.order.job_id, with_for_update=True) if note else None
                if note and row is not None and not JobState(row.state).ended:
                    note(tx, row)

    async def _attend(self, job: Due) -> Note | None:
        try:
            if job.state is not JobState.QUEUED:
                return await self._look_after(job)
            await self._start(job)
        except RPCError as error:
            log.warning("engine does not answer", job=job.order.job_id, status=error.status.name)
            return _queued_again if job.state is JobState.QUEUED else None
        return None

    async def _start(self, job: Due, *, again: bool = False) -> None:
        policy = WorkflowIDReusePolicy.ALLOW_DUPLICATE if again else WorkflowIDReusePolicy.REJECT_DUPLICATE
        try:
            await self._client.start_workflow(
                job.workflow,
                job.order,
                id=job.order.job_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=policy,
                search_attributes=_attributes(job.order),
                static_summary=job.name,
                request_eager_start=not again,
                task_timeout=_TASK,
            )
        except WorkflowAlreadyStartedError:
            log.info("workflow is known already", job=job.order.job_id)

    async def _look_after(self, job: Due) -> Note | None:
        """A job that was started once: cancel it if it is to stop, start it again if the engine has lost it."""
        handle = self._client.get_workflow_handle(job.order.job_id)
        try:
            found = (await handle.describe()).status
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            await self._start(job)
            return _started_again
        if found is not WorkflowExecutionStatus.RUNNING:
            return await self._revive(job)
        if job.state is JobState.STOPPING:
            await handle.cancel()
        return _postponed

    async def _revive(self, job: Due) -> Note | None:
        """The workflow has ended but the job has not: it was terminated, or could not write its end."""
        if await asyncio.to_thread(self._ended_or_given_up, job):
            return None
        log.warning("job outlived its workflow", job=job.order.job_id, attempts=job.attempts)
        await self._start(job, again=True)
        return _started_again

    def _ended_or_given_up(self, job: Due) -> bool:
        with self._cmdb.writing(SYSTEM) as tx:
            row = tx.session.get(Job, job.order.job_id, with_for_update=True)
            if row is None or JobState(row.state).ended:
                return True
            if job.attempts < _MOST_ATTEMPTS:
                return False
            settlement.failed(
                tx, row, ENGINE_FAILED.code, {"why": "the workflow ended {count} times", "count": str(job.attempts)}
            )
            return True


def _begun(tx: Transaction, row: Job) -> None:
    row.status_changed, row.attempts = tx.now, row.attempts + 1
    events.set_state(tx, row, JobState.RUNNING, job_id=row.id)


def _queued_again(tx: Transaction, row: Job) -> None:
    if row.state == JobState.RUNNING:
        row.status_changed, row.attempts = tx.now, row.attempts - 1
        events.set_state(tx, row, JobState.QUEUED, job_id=row.id)


def _started_again(tx: Transaction, row: Job) -> None:
    row.attempts += 1
    row.due = tx.now + (_CLAIM if row.state == JobState.STOPPING else _LOOK_AGAIN)


def _postponed(tx: Transaction, row: Job) -> None:
    row.due = tx.now + _LOOK_AGAIN


def _due(job: Job) -> Due:
    order = JobOrder(job.id, job.tenant_id or "", f"{job.target_kind}/{job.target_id}", job.provider_id)
    return Due(order, job.name, job.workflow, JobState(job.state), job.attempts)


def _attributes(order: JobOrder) -> TypedSearchAttributes:
    values = dict(
        zip(SEARCH_ATTRIBUTES, (order.tenant_id, order.resource, order.provider_id, order.job_id), strict=True)
    )
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in values.items() if value]
    )
