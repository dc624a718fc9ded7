"""Machine images and snapshots."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from sirocco.cmdb.models import Image, Job, Machine
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import BUSY, IN_USE, INVALID, SiroccoError
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import ImageState, Role
from sirocco.domain.limits import check_text
from sirocco.domain.query import EVERYTHING, Query
from sirocco.services import events, jobs, words
from sirocco.services.words import edit


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file of the image store: format as its header's reader states it, sizes in bytes, kernel boot if it has one."""

    name: str
    path: str
    format: str
    size: int
    capacity: int
    boot: dict[str, str] = field(default_factory=dict)
    description: str = ""
    properties: dict[str, str] = field(default_factory=dict)


def register(tx: Transaction, file: ImageFile, *, shared: bool = False) -> Image:
    """Offer a file of the image store; ``shared`` with all tenants needs an operator."""
    tx.who.need(Role.OPERATOR if shared else Role.MEMBER)
    check_text(file.name, file.description, file.properties)
    image = tx.add(
        Image(
            id=new_id(),
            tenant_id=None if shared else tx.who.tenant_id,
            name=file.name,
            description=file.description,
            properties=file.properties,
            state=ImageState.AVAILABLE,
            path=file.path,
            format=file.format,
            size=file.size,
            capacity=file.capacity,
            boot=file.boot,
        )
    )
    events.changed(tx, image, "create")
    return image


def get(tx: Transaction, image_id: str) -> Image:
    """One image."""
    return tx.get(Image, image_id)


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[Image]:
    """Images that the tenant may use."""
    return fetch(tx, Image, query)


def update(tx: Transaction, image_id: str, changes: dict[str, Any], version: int | None = None) -> Image:
    """Change words or ``shared``; a snapshot stays with its machine's tenant."""
    tx.who.need(Role.MEMBER)
    image = tx.own(Image, image_id)
    edit(tx, image, changes, version)
    _refuse_shared_snapshot(image)
    return image


def share(tx: Transaction, image: Image) -> None:
    """Offer an image to all tenants; operators only."""
    words.share(tx, image, shared=True)
    _refuse_shared_snapshot(image)


def _refuse_shared_snapshot(image: Image) -> None:
    if image.tenant_id is None and image.type == "SNAPSHOT":
        raise SiroccoError(INVALID, where="shared", why="a snapshot is of use to its own machine only")


def delete(tx: Transaction, image_id: str) -> Job:
    """Accept the end of a snapshot, or of an image that no machine was made of."""
    tx.who.need(Role.MEMBER)
    image = tx.own(Image, image_id)
    if image.job_id:
        raise SiroccoError(BUSY, kind="image", name=image.name, job=image.job_id)
    machine = tx.session.get(Machine, image.machine_id) if image.machine_id else None
    if machine is not None and machine.job_id:
        raise SiroccoError(BUSY, kind="machine", name=machine.name, job=machine.job_id)
    _refuse_used(tx, image)
    affected = [machine] if machine is not None and image.type == "SNAPSHOT" else []
    arguments = {"before": image.state}
    job = jobs.submit(tx, "DeleteImage", "delete", image, arguments=arguments, affected=affected)
    events.set_state(tx, image, ImageState.DELETING, job_id=job.id)
    return job


def _refuse_used(tx: Transaction, image: Image) -> None:
    """A machine's disk is a layer on its image: the image has to outlive it."""
    machines = select(func.count()).select_from(Machine).where(Machine.image_id == image.id)
    if count := tx.session.scalar(machines):
        raise SiroccoError(IN_USE, kind="image", name=image.name, users=f"{count} machines")
