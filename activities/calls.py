"""How steps are carried out: recorded for people, kept alive by heartbeats, failures told in the catalogue's words."""

import contextvars
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import select
from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError

from sirocco.cmdb.models import Intent, Job, JobStep
from sirocco.cmdb.transaction import Cmdb, Transaction
from sirocco.connectors.clouds import Cloud, Clouds
from sirocco.connectors.ports import ConnectorError, Done, Fault, Kind, Op, OpStatus, Ref
from sirocco.contracts.engine import JobOrder, PlaceOrder
from sirocco.contracts.errors import NO_CAPACITY, PROVIDER_FAILED, PROVIDER_SILENT, SiroccoError, kept
from sirocco.contracts.ids import step_token
from sirocco.contracts.states import JobState
from sirocco.domain.principal import SYSTEM
from sirocco.services import events, settlement
from sirocco.services.outcomes.held import held

_BEAT = 1.0
_ASKED_AGAIN = 5
_LONGEST_PAUSE = 5.0
_SILENT = {Fault.TRANSIENT, Fault.UNKNOWN_OUTCOME}
log = structlog.get_logger(__name__)


class _JobEndedError(Exception):
    """The job of a step has its outcome already: an earlier try of the step wrote it, or the job was given up."""


@dataclass(slots=True)
class Step:
    """A step at work. That it began and that it is done are written with what is read first and learnt last.

    A step of a job that has ended does nothing: neither ``first`` nor ``last`` is entered.
    """

    cmdb: Cmdb
    job_id: str
    name: str
    final: bool
    provider: str = ""
    over: bool = False

    @contextmanager
    def first(self) -> Iterator[Transaction]:
        """Where the step reads what it is about and writes what it intends."""
        with self.cmdb.writing(SYSTEM) as tx:
            job = self._job(tx)
            yield tx
            self._note(tx, job, "RUNNING")

    @contextmanager
    def last(self) -> Iterator[Transaction]:
        """Where the step writes what it learnt, or all that it does if nothing of it is outside."""
        with self.cmdb.writing(SYSTEM) as tx:
            job = self._job(tx)
            if self.final:
                held(tx, job)
            yield tx
            self._note(tx, job, "SUCCESS")
            if self.final:
                settlement.succeeded(tx, job)
        self.over = True

    def _job(self, tx: Transaction) -> Job:
        job = tx.session.get(Job, self.job_id, with_for_update=self.final)
        if job is None or JobState(job.state).ended:
            raise _JobEndedError
        return job

    def note(self, state: str, message: str = "", cause: dict[str, object] | None = None) -> None:
        """Write the step's state alone, and what went wrong."""
        with self.cmdb.writing(SYSTEM) as tx:
            self._note(tx, tx.session.get(Job, self.job_id), state, message, cause)

    def _note(
        self,
        tx: Transaction,
        job: Job | None,
        state: str,
        message: str = "",
        cause: dict[str, object] | None = None,
    ) -> None:
        with tx.session.no_autoflush:  # what the step changed is written once, at the end
            row = tx.session.get(JobStep, (self.job_id, self.name))
        if row is None:
            row = JobStep(job_id=self.job_id, name=self.name, started=tx.now)
            tx.session.add(row)
        elif state == "RUNNING" or row.state != "RUNNING":
            row.attempts += 1
        row.state, row.message, row.cause = state, message, cause or {}
        row.ended = None if state == "RUNNING" else tx.now
        if job is not None:
            if state == "SUCCESS" and not self.name.startswith("undo"):
                job.progress += (100 - job.progress) // 2
            events.record(tx, job, "state", {"step": self.name, "state": state}, job_id=self.job_id)


@dataclass(frozen=True, slots=True)
class Plant:
    """What every step works with: the CMDB and the clouds."""

    cmdb: Cmdb
    clouds: Clouds

    @contextmanager
    def step(self, order: JobOrder | PlaceOrder, name: str) -> Iterator[Step]:
        """Record the step, keep it alive, and turn what goes wrong into a failure that workflows understand."""
        step = Step(self.cmdb, order.job_id, name, isinstance(order, JobOrder) and order.final)
        try:
            with _HEART.beating():
                yield step
            if not step.over:
                with step.last():
                    pass
        except _JobEndedError:
            log.info("step of a job that has ended", job=order.job_id, step=step.name)
        except (ConnectorError, SiroccoError) as error:
            failure = told(error, step.provider)
            cause = kept(error.details, error.problem.code if isinstance(error, SiroccoError) else "")
            step.note("FAILED" if failure.non_retryable else "RETRYING", failure.message, cause)
            raise failure from error
        except CancelledError:
            step.note("STOPPED")
            raise
        except Exception as error:
            log.exception("step failed", job=order.job_id, step=step.name)
            step.note("RETRYING", type(error).__name__)
            raise

    def intend(
        self, tx: Transaction, job_id: str, kind: Kind, resource_id: str, provider_id: str, *, host_id: str = ""
    ) -> str:
        """Write what is about to be made and where, and return the token it will carry."""
        token = step_token(job_id, f"{kind}/{resource_id}/{host_id or provider_id}")
        if tx.session.get(Intent, token) is None:
            intent = Intent(token=token, job_id=job_id, provider_id=provider_id, kind=kind, resource_id=resource_id)
            tx.session.add(intent)
        return token

    def remove(self, resource_id: str, kind: Kind) -> None:
        """Remove all that was ever intended for a resource, by token: what does not exist is no obstacle."""
        with self.cmdb.reading(SYSTEM) as tx:
            rows = tx.session.scalars(
                select(Intent).where(Intent.resource_id == resource_id, Intent.kind == kind)
            ).all()
        for intent in rows:
            cloud = self.clouds.of(intent.provider_id)
            found = cloud.connector.find_by_token(kind, intent.token)
            if found is not None:
                remove(cloud, found.ref, intent.token)
            with self.cmdb.writing(SYSTEM) as tx:
                tx.session.delete(tx.session.get_one(Intent, intent.token))


def remove(cloud: Cloud, ref: Ref, token: str) -> None:
    """Delete at the far end and wait until it is gone."""
    complete(cloud, cloud.connector.delete(ref, token=step_token(token, "remove")))


def complete(cloud: Cloud, op: Op) -> Ref:
    """Wait for an operation's end; stops early, asking the far end to do so too, when the job is stopped.

    An error of asking is not an error of the operation: it is asked again a few times before the asking has failed.
    """
    waiting, refused = threading.Event(), 0
    pending = op.done is Done.PENDING
    while pending:
        try:
            status = cloud.connector.poll(op)
        except ConnectorError:
            refused += 1
            if refused > _ASKED_AGAIN:
                raise
            status = OpStatus(Done.PENDING, poll_after=0.2 * refused)
        if status.error is not None:
            raise status.error
        pending = status.done is Done.PENDING
        if pending:
            _stop_early(cloud, op)
            waiting.wait(min(status.poll_after, _LONGEST_PAUSE))
    if op.done is Done.FAILED:
        raise ConnectorError(Fault.INTERNAL, why="{action} failed without a reason", action=op.verb)
    return op.ref


def _stop_early(cloud: Cloud, op: Op) -> None:
    if activity.in_activity() and activity.is_cancelled():
        cloud.connector.cancel(op)
        raise CancelledError("the job was stopped")


def told(error: ConnectorError | SiroccoError, provider: str = "") -> ApplicationError:
    """The failure as workflows carry it: the problem's code as type, its details, whether to try again and when."""
    if isinstance(error, SiroccoError):
        return ApplicationError(error.message, error.details, type=error.problem.code, non_retryable=True)
    problem = PROVIDER_SILENT if error.fault in _SILENT else PROVIDER_FAILED
    if error.fault is Fault.CAPACITY:
        problem = NO_CAPACITY
    details = error.details | {
        "provider": provider or "-",
        "fault": error.fault.name,
        "elsewhere": "yes" if error.fault.elsewhere else "no",
    }
    again = error.fault in _SILENT
    wait = timedelta(seconds=error.retry_after) if again and error.retry_after else None
    return ApplicationError(error.message, details, type=problem.code, non_retryable=not again, next_retry_delay=wait)


class Heart:
    """One thread that beats for every step at work: heartbeats tell the engine that this process lives."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._contexts: dict[object, contextvars.Context] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Heartbeats while a blocking call goes on, if the step has any."""
        if not activity.in_activity() or not activity.info().heartbeat_timeout:
            yield
            return
        key = object()
        with self._guard:
            self._contexts[key] = contextvars.copy_context()
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._guard:
                del self._contexts[key]

    def _beat(self) -> None:
        while True:
            time.sleep(_BEAT)
            with self._guard:
                for context in self._contexts.values():
                    with suppress(RuntimeError):  # the worker is shutting down
                        context.run(activity.heartbeat)


_HEART = Heart()
