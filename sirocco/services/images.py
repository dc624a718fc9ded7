"""Machine images and snapshots."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from sirocco.cmdb.models import Image, Job, Machine
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import BUSY, IN_USE, INVALID, TOO_MANY, SiroccoError
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import ImageState, JobState, Role
from sirocco.domain.limits import check_text
from sirocco.domain.query import EVERYTHING, Query
from sirocco.domain.sources import FORMATS, Source, source
from sirocco.services import events, image_quota, jobs, words
from sirocco.services.words import edit

_IMPORTS_AT_ONCE = 4


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
    image_quota.count(tx, image)
    events.changed(tx, image, "create")
    return image


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image to fetch: its address, its format as its maker states it, ``sha256:`` or ``sha512:`` of its content."""

    name: str
    url: str
    format: str
    digest: str = ""
    description: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    shared: bool = False


def bring_in(tx: Transaction, wanted: ImageSource) -> tuple[Image, Job]:
    """Accept an image from elsewhere: CREATING until its job ends. Its address is sealed, as it may hold a key."""
    tx.who.need(Role.OPERATOR if wanted.shared else Role.MEMBER)
    check_text(wanted.name, wanted.description, wanted.properties)
    found = source(wanted.url, wanted.digest)
    if wanted.format not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise SiroccoError(INVALID, where="sirocco_format", why="it is one of {known}", known=known)
    _refuse_many(tx)
    image = tx.add(
        Image(
            id=new_id(),
            tenant_id=None if wanted.shared else tx.who.tenant_id,
            name=wanted.name or found.path.partition("?")[0].rpartition("/")[2][:255] or "image",
            description=wanted.description,
            properties=wanted.properties,
            location=found.shown,
        )
    )
    image_quota.count(tx, image)
    sealed = tx.sealer.seal(found.url, "image", image.id, "source")
    arguments = {"source": sealed, "digest": found.digest, "format": wanted.format}
    job = jobs.submit(tx, "ImportImage", "add", image, arguments=arguments)
    events.changed(tx, image, "create", job_id=job.id)
    return image, job


def source_of(tx: Transaction, job: Job) -> Source:
    """Where the image of an import comes from."""
    url = tx.sealer.open(job.arguments["source"], "image", job.target_id, "source")
    return source(url, job.arguments["digest"])


def _refuse_many(tx: Transaction) -> None:
    """One tenant's imports leave room for the others'."""
    ended = [state for state in JobState if state.ended]
    rows = select(func.count()).select_from(Job).where(Job.workflow == "ImportImage", Job.state.not_in(ended))
    if (tx.session.scalar(rows.where(Job.tenant_id == tx.who.tenant_id)) or 0) >= _IMPORTS_AT_ONCE:
        raise SiroccoError(TOO_MANY, seconds=30)


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
    maker = _supersede(tx, image)
    machine = tx.session.get(Machine, image.machine_id) if image.machine_id else None
    if machine is not None and machine.job_id:
        raise SiroccoError(BUSY, kind="machine", name=machine.name, job=machine.job_id)
    _refuse_used(tx, image)
    affected = [machine] if machine is not None and image.type == "SNAPSHOT" else []
    arguments = {"before": ImageState.ERROR, "after": maker} if maker else {"before": image.state}
    job = jobs.submit(tx, "DeleteImage", "delete", image, arguments=arguments, affected=affected)
    events.set_state(tx, image, ImageState.DELETING, job_id=job.id)
    return job


def deletable(image: Image) -> bool:
    """Whether its end can be asked for now: while it is made too, unless it is a snapshot."""
    return not image.job_id or (image.state == ImageState.CREATING and image.type != "SNAPSHOT")


def _supersede(tx: Transaction, image: Image) -> str:
    """The deletion of an image that is still made takes over: its job is stopped, and waited for by the deletion's."""
    if not deletable(image):
        raise SiroccoError(BUSY, kind="image", name=image.name, job=image.job_id)
    maker, image.job_id = image.job_id or "", None
    if maker:
        jobs.stop(tx, maker)
    return maker


def _refuse_used(tx: Transaction, image: Image) -> None:
    """A machine's disk is a layer on its image: the image has to outlive it."""
    machines = select(func.count()).select_from(Machine).where(Machine.image_id == image.id)
    if count := tx.session.scalar(machines):
        users = "1 machine" if count == 1 else f"{count} machines"
        raise SiroccoError(IN_USE, kind="image", name=image.name, users=users)
