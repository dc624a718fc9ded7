"""How steps are carried out: recorded for people, kept alive by heartbeats, failures told in the catalogue's words."""

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
from sirocco.contracts.errors import NO_CAPACITY, PROVIDER_FAILED, PROVIDER_SILENT, SiroccoError
from sirocco.contracts.ids import step_token
from sirocco.domain.principal import SYSTEM
from sirocco.services import events

_BEAT = 1.0
_ASKED_AGAIN = 5
_LONGEST_PAUSE = 5.0
_SILENT = {Fault.TRANSIENT, Fault.UNKNOWN_OUTCOME}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plant:
    """What every step works with: the CMDB and the clouds."""

    cmdb: Cmdb
    clouds: Clouds

    @contextmanager
    def step(self, job_id: str, name: str, provider: str = "") -> Iterator[None]:
        """Record the step, keep it alive, and turn what goes wrong into a failure that workflows understand."""
        self._begin(job_id, name)
        try:
            with beating():
                yield
        except (ConnectorError, SiroccoError) as error:
            failure = told(error, provider)
            self._end(job_id, name, "FAILED" if failure.non_retryable else "RETRYING", failure.message)
            raise failure from error
        except CancelledError:
            self._end(job_id, name, "STOPPED")
            raise
        except Exception as error:
            log.exception("step failed", job=job_id, step=name)
            self._end(job_id, name, "RETRYING", type(error).__name__)
            raise
        self._end(job_id, name, "SUCCESS")

    def _begin(self, job_id: str, name: str) -> None:
        with self.cmdb.writing(SYSTEM) as tx:
            row = tx.session.get(JobStep, (job_id, name))
            if row is None:
                tx.add(JobStep(job_id=job_id, name=name, state="RUNNING", started=tx.now))
            else:
                row.state, row.ended, row.attempts = "RUNNING", None, row.attempts + 1
            _announce(tx, job_id, name, "RUNNING")

    def _end(self, job_id: str, name: str, state: str, message: str = "") -> None:
        with self.cmdb.writing(SYSTEM) as tx:
            row = tx.session.get_one(JobStep, (job_id, name))
            row.state, row.ended, row.message = state, tx.now, message
            _announce(tx, job_id, name, state)

    def intend(
        self, tx: Transaction, job_id: str, kind: Kind, resource_id: str, provider_id: str, *, host_id: str = ""
    ) -> str:
        """Write what is about to be made and where, and return the token it will carry."""
        token = step_token(job_id, f"{kind}/{resource_id}/{host_id or provider_id}")
        if tx.session.get(Intent, token) is None:
            tx.add(Intent(token=token, job_id=job_id, provider_id=provider_id, kind=kind, resource_id=resource_id))
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


def _announce(tx: Transaction, job_id: str, step: str, state: str) -> None:
    """Tell those who watch the job."""
    job = tx.session.get(Job, job_id)
    if job is not None:
        events.record(tx, job, "state", {"step": step, "state": state}, job_id=job_id)


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
        raise ConnectorError(Fault.INTERNAL, f"{op.verb} failed without a reason")
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
    details = {
        "provider": provider or "-",
        "why": error.message,
        "fault": error.fault.name,
        "elsewhere": "yes" if error.fault.elsewhere else "no",
    }
    again = error.fault in _SILENT
    wait = timedelta(seconds=error.retry_after) if again and error.retry_after else None
    return ApplicationError(error.message, details, type=problem.code, non_retryable=not again, next_retry_delay=wait)


@contextmanager
def beating() -> Iterator[None]:
    """Heartbeats from a thread of their own while a blocking call goes on."""
    if not activity.in_activity() or not activity.info().heartbeat_timeout:
        yield
        return
    ended = threading.Event()
    context = contextvars.copy_context()

    def beat() -> None:
        while not ended.wait(_BEAT):
            activity.heartbeat()

    thread = threading.Thread(target=context.run, args=(beat,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
