"""Steps that bring images in from elsewhere."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from temporalio import activity
from temporalio.exceptions import CancelledError

from activities.calls import Plant
from sirocco.cmdb.models import Image, Job
from sirocco.connectors.ports import ConnectorError, Fault
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.errors import IMAGE_REFUSED, SiroccoError
from sirocco.images.fetch import SilentSourceError
from sirocco.images.inspect import ImageError
from sirocco.images.intake import Intake
from sirocco.services import images


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
        with self._plant.step(order.job_id, "fetch") as step:
            with step.first() as tx:
                job = tx.session.get_one(Job, order.job_id)
                image_id, wanted, image_format = job.target_id, images.source_of(tx, job), job.arguments["format"]
            step.provider = wanted.host
            with _told():
                stored = self._intake.bring(image_id, wanted, image_format, _go_on)
            with step.last() as tx:
                image = tx.session.get_one(Image, image_id)
                image.path, image.format = str(stored.path), "qcow2"
                image.size, image.capacity = stored.size, stored.capacity

    @activity.defn(name="image.discard", no_thread_cancel_exception=True)
    def discard(self, order: JobOrder) -> None:
        """Leave nothing of an image that was not brought in."""
        with self._plant.step(order.job_id, "undo fetch") as step:
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
        raise ConnectorError(Fault.TRANSIENT, str(error)) from error


def _go_on(_share: float) -> None:
    if activity.in_activity() and activity.is_cancelled():
        raise CancelledError("the job was stopped")
