"""Volumes and the images made of them."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from sirocco.cmdb import capacity
from sirocco.cmdb.models import Job, MachineVolume, Provider, Volume, VolumeImage
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts import capabilities as cap
from sirocco.contracts import commands as c
from sirocco.contracts.errors import BUSY, IN_USE, INVALID, NOT_CAPABLE, WRONG_STATE, SiroccoError
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import ImageState, JobState, Role, VolumeState
from sirocco.domain.limits import MAX_DISK, MIB, check, check_text
from sirocco.domain.query import EVERYTHING, Query
from sirocco.services import events, image_quota, jobs
from sirocco.services.providers import capabilities
from sirocco.services.words import edit

FILESYSTEMS = ("", "ext4")


@dataclass(frozen=True, slots=True)
class VolumeRequest:
    """A new volume: capacity in bytes, 0 for as large as its image; blank, formatted, or with an image's content."""

    name: str
    capacity: int
    description: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    type: str = ""
    filesystem: str = ""
    volume_image_id: str = ""
    provider_id: str = ""


def create(tx: Transaction, request: VolumeRequest, *, parent: Job | None = None) -> tuple[Volume, Job]:
    """Accept a new volume: CREATING until its job ends."""
    tx.who.need(Role.MEMBER)
    check_text(request.name, request.description, request.properties)
    image = tx.get(VolumeImage, request.volume_image_id) if request.volume_image_id else None
    size = request.capacity or (image.capacity if image else 0)
    if not size:
        raise SiroccoError(INVALID, where="capacity", why="it is missing, and there is no image to take it from")
    check("capacity", size, MIB, MAX_DISK, in_bytes=True)
    if image is not None:
        _check_image(image, size)
    if request.filesystem not in FILESYSTEMS:
        raise SiroccoError(INVALID, where="format", why="it is ext4 or absent")
    capacity.take(tx, tx.who.tenant_id, {"volumes": 1, "capacity": size})
    volume = tx.add(
        Volume(
            id=new_id(),
            tenant_id=tx.who.tenant_id,
            user_id=tx.who.user_id,
            name=request.name or "volume",
            description=request.description,
            properties=request.properties,
            type=request.type,
            filesystem=request.filesystem,
            capacity=size,
            bootable=image.bootable if image else False,
            volume_image_id=image.id if image else None,
        )
    )
    arguments = {"provider_id": request.provider_id}
    job = jobs.submit(tx, "CreateVolume", "add", volume, arguments=arguments, parent=parent)
    events.changed(tx, volume, "create", job_id=job.id)
    return volume, job


def _check_image(image: VolumeImage, size: int) -> None:
    if image.state != ImageState.AVAILABLE:
        raise SiroccoError(
            WRONG_STATE, kind="volume image", name=image.name, state=image.state, action="add", needed="AVAILABLE"
        )
    if size < image.capacity:
        raise SiroccoError(
            INVALID,
            where="capacity",
            why="the image {image} needs {least_size}",
            image=image.name,
            least_size=image.capacity,
        )


def get(tx: Transaction, volume_id: str) -> Volume:
    """One volume."""
    return tx.get(Volume, volume_id)


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[Volume]:
    """Volumes of the tenant."""
    return fetch(tx, Volume, query)


def attachment(tx: Transaction, volume: Volume) -> MachineVolume | None:
    """Where a volume is attached, if anywhere."""
    return tx.session.scalar(select(MachineVolume).where(MachineVolume.volume_id == volume.id))


def update(tx: Transaction, volume_id: str, changes: dict[str, Any], version: int | None = None) -> Volume:
    """Change ``name``, ``description`` or ``properties``."""
    tx.who.need(Role.MEMBER)
    volume = tx.own(Volume, volume_id)
    edit(tx, volume, changes, version)
    return volume


def grow(tx: Transaction, volume_id: str, command: c.Grow) -> Job:
    """Make a volume larger, attached or not; it never shrinks."""
    tx.who.need(Role.MEMBER)
    volume = _usable(tx, volume_id, command.action)
    if command.capacity <= volume.capacity:
        why = "it has to be more than {least_size}"
        raise SiroccoError(INVALID, where="capacity", why=why, least_size=volume.capacity)
    check("capacity", command.capacity, MIB, MAX_DISK, in_bytes=True)
    _need(tx, volume, cap.VOLUME_GROW)
    capacity.take(tx, volume.tenant_id, {"capacity": command.capacity - volume.capacity})
    return jobs.submit(tx, "ActOnVolume", command.action, volume, arguments=command.arguments())


def drop_nested(tx: Transaction, parent: Job) -> None:
    """Give up the volumes that nested jobs make or made; the machine they were for is gone or never was."""
    for child in jobs.nested(tx, parent):
        use = tx.session.scalar(select(MachineVolume).where(MachineVolume.volume_id == child.target_id))
        if use is not None:
            tx.session.delete(use)
            tx.session.flush()
        volume = tx.session.get(Volume, child.target_id)
        if not JobState(child.state).ended:
            jobs.stop(tx, child.id)
        elif volume is not None and not volume.job_id:
            delete(tx, volume.id)


def _usable(tx: Transaction, volume_id: str, action: str, *states: VolumeState) -> Volume:
    volume = tx.own(Volume, volume_id)
    needed = states or (VolumeState.AVAILABLE,)
    if volume.job_id:
        raise SiroccoError(BUSY, kind="volume", name=volume.name, job=volume.job_id)
    if volume.state not in needed:
        raise SiroccoError(
            WRONG_STATE, kind="volume", name=volume.name, state=volume.state, action=action, needed=", ".join(needed)
        )
    return volume


def _need(tx: Transaction, volume: Volume, capability: str) -> None:
    provider = tx.session.get(Provider, volume.provider_id) if volume.provider_id else None
    if provider is not None and capability not in capabilities(provider):
        raise SiroccoError(NOT_CAPABLE, provider=provider.name, capability=capability)


def delete(tx: Transaction, volume_id: str) -> Job:
    """Accept the end of a volume that no machine uses."""
    tx.who.need(Role.MEMBER)
    volume = _usable(tx, volume_id, "delete", VolumeState.AVAILABLE, VolumeState.ERROR)
    if use := attachment(tx, volume):
        raise SiroccoError(IN_USE, kind="volume", name=volume.name, users=f"machine {use.machine_id}")
    job = jobs.submit(tx, "DeleteVolume", "delete", volume, arguments={"before": volume.state})
    events.set_state(tx, volume, VolumeState.DELETING, job_id=job.id)
    return job


def create_image(
    tx: Transaction, volume_id: str, name: str = "", description: str = "", properties: dict[str, str] | None = None
) -> tuple[VolumeImage, Job]:
    """Accept a copy of a detached volume's content as a volume image."""
    tx.who.need(Role.MEMBER)
    check_text(name, description, properties)
    volume = _usable(tx, volume_id, "snapshot")
    if use := attachment(tx, volume):
        raise SiroccoError(IN_USE, kind="volume", name=volume.name, users=f"machine {use.machine_id}")
    _need(tx, volume, cap.VOLUME_CAPTURE)
    image = tx.add(
        VolumeImage(
            id=new_id(),
            tenant_id=volume.tenant_id,
            name=name or f"{volume.name} image",
            description=description,
            properties=properties or {},
            bootable=volume.bootable,
            capacity=volume.capacity,
            volume_id=volume.id,
        )
    )
    image_quota.count(tx, image)
    arguments = {"image_id": image.id}
    job = jobs.submit(tx, "CaptureVolume", "snapshot", volume, arguments=arguments, affected=[image])
    events.set_state(tx, volume, VolumeState.CAPTURING, job_id=job.id)
    return image, job


def image(tx: Transaction, image_id: str) -> VolumeImage:
    """One volume image."""
    return tx.get(VolumeImage, image_id)


def images(tx: Transaction, query: Query = EVERYTHING) -> Page[VolumeImage]:
    """Volume images of the tenant."""
    return fetch(tx, VolumeImage, query)


def images_of(tx: Transaction, volume: Volume) -> list[VolumeImage]:
    """Images made of a volume, oldest first."""
    rows = tx.visible(VolumeImage).where(VolumeImage.volume_id == volume.id).order_by(VolumeImage.created)
    return list(tx.session.scalars(rows))


def update_image(tx: Transaction, image_id: str, changes: dict[str, Any], version: int | None = None) -> VolumeImage:
    """Change ``name``, ``description`` or ``properties``."""
    tx.who.need(Role.MEMBER)
    row = tx.own(VolumeImage, image_id)
    edit(tx, row, changes, version)
    return row


def delete_image(tx: Transaction, image_id: str) -> Job:
    """Accept the end of a volume image; volumes made of it are copies and stay."""
    tx.who.need(Role.MEMBER)
    row = tx.own(VolumeImage, image_id)
    if row.job_id:
        raise SiroccoError(BUSY, kind="volume image", name=row.name, job=row.job_id)
    job = jobs.submit(tx, "DeleteVolumeImage", "delete", row, arguments={"before": row.state})
    events.set_state(tx, row, ImageState.DELETING, job_id=job.id)
    return job
