"""Steps on volumes at their provider."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities import specs
from activities.calls import Plant, Step, complete, remove
from sirocco.cmdb import capacity
from sirocco.cmdb.models import Host, Job, ProviderImage, Volume
from sirocco.cmdb.transaction import Transaction
from sirocco.connectors.clouds import Cloud
from sirocco.connectors.ports import Capture, GrowVolume, Kind, Ref
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.errors import NO_CAPACITY, SiroccoError
from sirocco.contracts.ids import step_token


class VolumeSteps:
    """Each step loads what it needs by the job's id, acts once per token, and writes what it learnt."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._cmdb, self._clouds = plant.cmdb, plant.clouds

    def all(self) -> list[Callable[..., Any]]:
        """The activities of this class."""
        return [self.create, self.remove, self.grow, self.capture, self.uncapture, self.delete]

    def _target(self, tx: Transaction, job_id: str) -> tuple[Job, Volume]:
        job = tx.session.get_one(Job, job_id)
        return job, tx.session.get_one(Volume, job.target_id)

    def _at(self, step: Step, volume: Volume) -> Cloud:
        cloud = self._clouds.of(volume.provider_id or "")
        step.provider = cloud.name
        return cloud

    @activity.defn(name="volume.create", no_thread_cancel_exception=True)
    def create(self, order: JobOrder) -> None:
        """Make the volume where placement chose."""
        with self._plant.step(order, "create") as step:
            with step.first() as tx:
                job, volume = self._target(tx, order.job_id)
                cloud, spec, host_id = self._at(step, volume), specs.volume_spec(tx, volume), volume.host_id or ""
                token = self._plant.intend(tx, job.id, Kind.VOLUME, volume.id, cloud.provider_id, host_id=host_id)
            ref = complete(cloud, cloud.connector.create(spec, token=token))
            with step.last() as tx:
                _, volume = self._target(tx, order.job_id)
                volume.native_id = ref.native_id

    @activity.defn(name="volume.remove", no_thread_cancel_exception=True)
    def remove(self, order: JobOrder) -> None:
        """Undo a creation."""
        with self._plant.step(order, "undo create") as step:
            self._remove(step)
            with step.last() as tx:
                _, volume = self._target(tx, order.job_id)
                capacity.release(tx, volume.id)
                volume.host_id = volume.native_id = None

    @activity.defn(name="volume.delete", no_thread_cancel_exception=True)
    def delete(self, order: JobOrder) -> None:
        """Remove the volume for good."""
        with self._plant.step(order, "delete") as step:
            self._remove(step)

    def _remove(self, step: Step) -> None:
        with step.first() as tx:
            _, volume = self._target(tx, step.job_id)
        self._plant.remove(volume.id, Kind.VOLUME)
        if volume.native_id and volume.provider_id:
            remove(self._clouds.of(volume.provider_id), Ref(Kind.VOLUME, volume.native_id), step.job_id)

    @activity.defn(name="volume.grow", no_thread_cancel_exception=True)
    def grow(self, order: JobOrder) -> None:
        """Claim the larger size, then grow."""
        with self._plant.step(order, "grow") as step:
            with step.first() as tx:
                job, volume = self._target(tx, order.job_id)
                cloud, ref, wanted = self._at(step, volume), _ref(volume), job.arguments["capacity"]
                host = tx.session.get_one(Host, volume.host_id)
                fits = capacity.resize_claim(tx, host.id, volume.id, capacity.Amount(disk=wanted))
            if not fits:
                raise SiroccoError(NO_CAPACITY, why="{host} has not that much left", host=host.name)
            token = step_token(job.id, "grow")
            complete(cloud, cloud.connector.act(ref, GrowVolume(wanted), token=token))

    @activity.defn(name="volume.capture", no_thread_cancel_exception=True)
    def capture(self, order: JobOrder) -> None:
        """Copy the volume's content into an image."""
        with self._plant.step(order, "snapshot") as step:
            with step.first() as tx:
                job, volume = self._target(tx, order.job_id)
                cloud, ref, image_id = self._at(step, volume), _ref(volume), job.arguments["image_id"]
                token = self._plant.intend(tx, job.id, Kind.IMAGE, image_id, cloud.provider_id)
            made = complete(cloud, cloud.connector.act(ref, Capture(image_id), token=token))
            with step.last() as tx:
                if tx.session.get(ProviderImage, (image_id, cloud.provider_id)) is None:
                    tx.add(ProviderImage(image_id=image_id, provider_id=cloud.provider_id, native_id=made.native_id))

    @activity.defn(name="volume.uncapture", no_thread_cancel_exception=True)
    def uncapture(self, order: JobOrder) -> None:
        """Undo a capture."""
        with self._plant.step(order, "undo snapshot") as step:
            with step.first() as tx:
                job, _ = self._target(tx, order.job_id)
            self._plant.remove(job.arguments["image_id"], Kind.IMAGE)


def _ref(volume: Volume) -> Ref:
    return Ref(Kind.VOLUME, volume.native_id or "")
