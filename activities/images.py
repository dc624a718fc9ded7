"""Steps on images, at every provider that holds a copy, and in the image store."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from temporalio import activity
from temporalio.exceptions import CancelledError

from activities.calls import Plant, complete, remove
from sirocco.cmdb.models import Image, Job, Machine, ProviderImage
from sirocco.cmdb.transaction import Transaction
from sirocco.connectors.ports import DropSnapshot, Kind, Ref
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.ids import step_token
from sirocco.contracts.states import JobState
from sirocco.domain.principal import SYSTEM

_LOOK_EVERY = 0.3


class ImageSteps:
    """The end of machine images, snapshots and volume images."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._cmdb, self._clouds = plant.cmdb, plant.clouds

    def all(self) -> list[Callable[..., Any]]:
        """The activities of this class."""
        return [self.delete]

    @activity.defn(name="image.delete", no_thread_cancel_exception=True)
    def delete(self, order: JobOrder) -> None:
        """Remove every copy; gone already is success."""
        with self._plant.step(order, "delete") as step:
            with step.first() as tx:
                maker = str(tx.session.get_one(Job, order.job_id).arguments.get("after") or "")
            self._await(maker)
            with self._cmdb.reading(SYSTEM) as tx:
                job = tx.session.get_one(Job, order.job_id)
                image = tx.session.get(Image, job.target_id)
                machine = tx.session.get(Machine, image.machine_id) if image and image.machine_id else None
            if image is not None and image.type == "SNAPSHOT":
                self._drop_snapshot(job, image, machine)
                return
            self._remove_copies(job)
            if image is not None and image.path:
                self._remove_file(image)

    def _await(self, maker: str) -> None:
        """Let the job that was making the image end: what it still makes would be left over otherwise."""
        waiting = threading.Event()
        while maker and not self._ended(maker):
            if activity.is_cancelled():
                raise CancelledError("the job was stopped")
            waiting.wait(_LOOK_EVERY)

    def _ended(self, job_id: str) -> bool:
        with self._cmdb.reading(SYSTEM) as tx:
            job = tx.session.get(Job, job_id)
            return job is None or JobState(job.state).ended

    def _drop_snapshot(self, job: Job, image: Image, machine: Machine | None) -> None:
        if machine is None or not machine.native_id:
            return
        cloud = self._clouds.of(machine.provider_id or "")
        ref = Ref(Kind.MACHINE, machine.native_id)
        complete(cloud, cloud.connector.act(ref, DropSnapshot(image.id), token=step_token(job.id, "drop")))

    def _remove_copies(self, job: Job) -> None:
        with self._cmdb.reading(SYSTEM) as tx:
            places = tx.session.scalars(select(ProviderImage).where(ProviderImage.image_id == job.target_id)).all()
        self._plant.remove(job.target_id, Kind.IMAGE)
        for place in places:
            remove(self._clouds.of(place.provider_id), Ref(Kind.IMAGE, place.native_id), job.id)

    def _remove_file(self, image: Image) -> None:
        """Files of the store go with the last image that names them."""
        with self._cmdb.reading(SYSTEM) as tx:
            if _users(tx, image.path) > 1:
                return
        for path in (image.path, *image.boot.values()):
            if path and Path(path).is_absolute():
                Path(path).unlink(missing_ok=True)


def _users(tx: Transaction, path: str) -> int:
    return tx.session.scalar(select(func.count()).select_from(Image).where(Image.path == path)) or 0
