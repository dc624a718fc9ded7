"""Steps that bring images in from elsewhere."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from temporalio import activity
from temporalio.exceptions import CancelledError

from activities.calls import Plant
from sirocco.cmdb.models import Image, Job
from sirocco.cmdb.transaction import Cmdb
from sirocco.connectors.ports import ConnectorError, Fault
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.errors import IMAGE_REFUSED, SiroccoError
from sirocco.domain.principal import SYSTEM
from sirocco.images.fetch import SilentSourceError
from sirocco.images.inspect import ImageError
from sirocco.images.intake import Intake
from sirocco.services import events, images

_TENTH = 10
_MOST = 90  # the rest is said by the step's end


class ImportSteps:
    """Fetching an image into the store, and leaving nothing of one that was not."""

    def __init__(self, plant: Plant, intake: Intake) -> None:
        self._plant, self._intake = plant, intake

    def all(self) -> list[Callable[..., Any]]:
        """The activities of this class."""
        return [self.fetch, self.discard]

    @activity.defn(name="image.fetch", no_thread_cancel_exception=True)
    def fetch(self, order: JobOrder) -> None:
        """Fetch the image, look at what it really is, and keep it in the store."""
        with self._plant.step(order, "fetch") as step:
            with step.first() as tx:
                job = tx.session.get_one(Job, order.job_id)
                image_id, wanted, image_format = job.target_id, images.source_of(tx, job), job.arguments["format"]
            step.provider = wanted.host
            with _told():
                going = _Going(self._plant.cmdb, order.job_id)
                stored = self._intake.bring(image_id, wanted, image_format, going.on)
            with step.last() as tx:
                image = tx.session.get_one(Image, image_id)
                image.path, image.format = str(stored.path), "qcow2"
                image.size, image.capacity = stored.size, stored.capacity

    @activity.defn(name="image.discard", no_thread_cancel_exception=True)
    def discard(self, order: JobOrder) -> None:
        """Leave nothing of an image that was not brought in."""
        with self._plant.step(order, "undo fetch") as step:
            with step.first() as tx:
                image_id = tx.session.get_one(Job, order.job_id).target_id
            self._intake.forget(image_id)
            with step.last() as tx:
                image = tx.session.get(Image, image_id)
                if image is not None:
                    image.path = ""


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What goes wrong in the catalogue's words; a silent source is asked again."""
    try:
        yield
    except ImageError as error:
        raise SiroccoError(IMAGE_REFUSED, **error.details) from error
    except SilentSourceError as error:
        raise ConnectorError(Fault.TRANSIENT, **error.details) from error


@dataclass(slots=True)
class _Going:
    """How far an import is: its job says so at every tenth, for those who look on."""

    cmdb: Cmdb
    job_id: str
    shown: int = 0

    def on(self, share: float) -> None:
        """Note the share that is done, unless the job was stopped."""
        if activity.in_activity() and activity.is_cancelled():
            raise CancelledError("the job was stopped")
        reached = int(_MOST * share)
        if reached >= self.shown + _TENTH:
            self._show(reached)

    def _show(self, reached: int) -> None:
        self.shown = reached
        with self.cmdb.writing(SYSTEM) as tx:
            changed = update(Job).where(Job.id == self.job_id, Job.progress < reached).values(progress=reached)
            tx.session.execute(changed.execution_options(synchronize_session=False))  # others may change it meanwhile
            job = tx.session.get_one(Job, self.job_id)
            events.record(tx, job, "state", {"step": "fetch", "state": "RUNNING"}, job_id=job.id)
