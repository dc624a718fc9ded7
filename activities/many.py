"""Steps of jobs that are made of nested jobs."""

import threading
from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.exceptions import CancelledError

from activities.calls import Plant
from sirocco.cmdb.models import Job
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.errors import PARTLY, SiroccoError
from sirocco.contracts.states import JobState
from sirocco.domain.principal import SYSTEM
from sirocco.services import bulk, jobs

_LOOK_EVERY = 0.3


class ManySteps:
    """Waiting for nested jobs, with a limit on how many work at once."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._cmdb = plant.cmdb

    def all(self) -> list[Callable[..., Any]]:
        """The activities of this class."""
        return [self.await_nested]

    @activity.defn(name="job.await-nested", no_thread_cancel_exception=True)
    def await_nested(self, order: JobOrder) -> None:
        """Let nested jobs begin up to the limit until all have ended; fails when one of them did."""
        waiting = threading.Event()
        with self._plant.step(order, "nested jobs") as step:
            with step.first():
                pass
            while not self._done(order.job_id):
                if activity.is_cancelled():
                    raise CancelledError("the job was stopped")
                waiting.wait(_LOOK_EVERY)
            self._judge(order.job_id)

    def _done(self, job_id: str) -> bool:
        """Whether all have ended by themselves; those that a stop has ended are followed by the stop of this job."""
        with self._cmdb.writing(SYSTEM) as tx:
            job = tx.session.get_one(Job, job_id)
            return bulk.release(tx, job) and job.state != JobState.STOPPING

    def _judge(self, job_id: str) -> None:
        with self._cmdb.reading(SYSTEM) as tx:
            children = jobs.nested(tx, tx.session.get_one(Job, job_id))
        bad = [child for child in children if child.state != JobState.SUCCESS]
        if bad:
            raise SiroccoError(PARTLY, failed=len(bad), total=len(children))
