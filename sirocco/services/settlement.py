"""How a job ends: its outcome is written to the job and to the resources it held, in one transaction, once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sirocco.cmdb.models import Job
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import CANCELLED, SiroccoError, catalogue, explained, fill, kept
from sirocco.contracts.states import JobState
from sirocco.services import events
from sirocco.services.outcomes import machines, others
from sirocco.services.outcomes.held import held

Change = Callable[[Transaction, Job], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a workflow's two ends mean for its resources."""

    success: Change
    failure: Change


OUTCOMES: Mapping[str, Outcome] = {
    "CreateMachine": Outcome(machines.created, machines.not_created),
    "CreateMachineWithVolumes": Outcome(machines.created, machines.not_created),
    "ActOnMachine": Outcome(machines.acted, machines.not_acted),
    "ResizeMachine": Outcome(machines.resized, machines.not_resized),
    "MigrateMachine": Outcome(machines.migrated, machines.migrated),
    "DeleteMachine": Outcome(machines.deleted, machines.not_deleted),
    "CreateVolume": Outcome(others.volume_created, others.volume_not_created),
    "ActOnVolume": Outcome(others.volume_grown, others.volume_not_grown),
    "CaptureVolume": Outcome(others.volume_captured, others.volume_not_captured),
    "DeleteVolume": Outcome(others.volume_deleted, others.volume_not_deleted),
    "ImportImage": Outcome(others.image_imported, others.image_not_imported),
    "DeleteImage": Outcome(others.image_deleted, others.image_not_deleted),
    "DeleteVolumeImage": Outcome(others.image_deleted, others.image_not_deleted),
    "CreateNetwork": Outcome(others.network_created, others.network_not_created),
    "ActOnNetwork": Outcome(others.network_acted, others.network_unchanged),
    "DeleteNetwork": Outcome(others.network_deleted, others.network_unchanged),
    "DrainHost": Outcome(others.host_drained, others.host_not_drained),
    "Bulk": Outcome(others.nothing, others.nothing),
}


def succeeded(tx: Transaction, job: Job) -> None:
    """The job did all it was to do."""
    OUTCOMES[job.workflow].success(tx, job)
    _end(tx, job, JobState.SUCCESS)


def failed(tx: Transaction, job: Job, code: str, details: Mapping[str, str]) -> None:
    """The job could not be done; what it had made is undone by now."""
    problem = catalogue()[code]
    job.error, job.details, job.return_code = problem.code, dict(details), problem.number
    job.status_message = fill(problem.message, explained(details))
    OUTCOMES[job.workflow].failure(tx, job)
    _end(tx, job, JobState.FAILED)


def stopped(tx: Transaction, job: Job) -> None:
    """The job was stopped by a user; what it had made is undone by now."""
    job.error, job.return_code = CANCELLED.code, CANCELLED.number
    job.status_message = SiroccoError(CANCELLED).message
    OUTCOMES[job.workflow].failure(tx, job)
    _end(tx, job, JobState.STOPPED)


def _end(tx: Transaction, job: Job, state: JobState) -> None:
    for row in held(tx, job):
        row.job_id = None  # type: ignore[attr-defined]  # all that can be held have it
    job.progress, job.status_changed = 100, tx.now
    events.set_state(tx, job, state, job_id=job.id)
    if state is not JobState.SUCCESS:
        detail = kept(job.details, job.error) | {"detail": job.status_message}
        events.record(tx, job, "alarm", detail, job_id=job.id, failed=True)
