"""Volumes and the images made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

from api.cimi import changes as change
from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import KB, ONLY_2, V1, V2, Access, Values, text
from api.cimi.resource import WORDS, Action, Below, Change, Creation, Removal, Resource, metadata_of
from api.cimi.templates import id_of, template_of, words
from sirocco.cmdb.models import Volume, VolumeImage
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts import commands as c
from sirocco.contracts.states import Role, VolumeState
from sirocco.services import volumes
from sirocco.services.volumes import VolumeRequest

VOLUME, VOLUME_IMAGE = KINDS["Volume"], KINDS["VolumeImage"]


def _create(exchange: Exchange, values: Values) -> Made:
    name, description, properties = words(values)
    wanted = volume_request(name, template_of(exchange, VOLUME, values))
    volume, job = volumes.create(exchange.tx, replace(wanted, description=description, properties=properties))
    return Made(volume, job)


def volume_request(name: str, template: Values) -> VolumeRequest:
    """What a resolved template asks for."""
    config = cast("Values", template.get("volumeConfig") or {})
    return VolumeRequest(
        name=name,
        capacity=cast("int", config.get("capacity") or 0) * KB,
        type=str(config.get("type") or ""),
        filesystem=str(config.get("format") or ""),
        volume_image_id=id_of(template.get("volumeImage")),
        provider_id=id_of(template.get("sirocco_provider")),
    )


def _update(exchange: Exchange, volume_id: str, values: Values) -> Made:
    """Change words; a larger capacity starts a job that grows the volume."""
    columns = change.columns(VOLUME, values, exchange.wire.version)
    capacity = columns.pop("capacity", None)
    volume = volumes.update(exchange.tx, volume_id, columns, exchange.expected)
    if capacity is None or capacity == volume.capacity // KB * KB:
        return Made(volume)
    return Made(volume, volumes.grow(exchange.tx, volume_id, c.Grow(capacity)))


def _delete(exchange: Exchange, volume_id: str) -> Made:
    return Made(job=volumes.delete(exchange.tx, volume_id))


def _snapshot(exchange: Exchange, volume_id: str, values: Values) -> Made:
    return Made(job=_new_image(exchange, volume_id, values).job)


def _new_image(exchange: Exchange, volume_id: str, values: Values) -> Made:
    image, job = volumes.create_image(exchange.tx, volume_id, *words(values))
    return Made(image, job, path=f"volumeImages/{image.id}", kind=VOLUME_IMAGE)


def _create_image(exchange: Exchange, values: Values) -> Made:
    collection, _, volume_id = (exchange.wire.relative(str(values.get("imageLocation") or "-")) or "").partition("/")
    if collection != "volumes":
        raise invalid(
            "imageLocation", why="it does not lead to one of {collection}", collection=exchange.wire.href("volumes")
        )
    return _new_image(exchange, volume_id, values)


def _create_below(exchange: Exchange, values: Values) -> Made:
    return _new_image(exchange, exchange.ids["id"], values)


def _update_image(exchange: Exchange, image_id: str, values: Values) -> Made:
    columns = change.columns(VOLUME_IMAGE, values, exchange.wire.version)
    return Made(volumes.update_image(exchange.tx, image_id, columns, exchange.expected))


def _delete_image(exchange: Exchange, image_id: str) -> Made:
    return Made(job=volumes.delete_image(exchange.tx, image_id))


def _permits(tx: Transaction, volume: Volume) -> Iterable[tuple[str, bool]]:
    free = not volume.job_id
    attached = volumes.attachment(tx, volume) is not None
    yield "delete", free and not attached and volume.state in {VolumeState.AVAILABLE, VolumeState.ERROR}
    yield "snapshot", free and not attached and volume.state == VolumeState.AVAILABLE


def _more(exchange: Exchange, volume: Volume) -> Values:
    more = metadata_of(VOLUME, volume.provider_id)
    more["eventLog"] = {"href": f"eventLogs/volumes.{volume.id}"}
    if use := volumes.attachment(exchange.tx, volume):
        more["sirocco_machine"] = {"href": f"machines/{use.machine_id}"}
    return more


def _image_more(_exchange: Exchange, image: VolumeImage) -> Values:
    return {"imageLocation": image.location or f"volumeImages/{image.id}"}


def _images(exchange: Exchange, volume: Volume) -> Sequence[VolumeImage]:
    return volumes.images_of(exchange.tx, volume)


def _association(_exchange: Exchange, _volume: Volume, image: VolumeImage) -> Values:
    return {"volumeImage": {"href": f"volumeImages/{image.id}"}}


_NEW_IMAGE = (*WORDS, text("imageLocation", access=Access.CREATE))
_NAMES = ("VolumeImageCreate", "VolumeImage", "VolumeVolumeImage")
_ADD = Creation(Role.MEMBER, _create_below, _NEW_IMAGE, _NAMES, VOLUME_IMAGE)

VOLUMES = Resource(
    VOLUME,
    volumes.get,
    volumes.page,
    more=_more,
    permits=_permits,
    create=Creation(Role.MEMBER, _create),
    update=Change(Role.MEMBER, _update),
    delete=Removal(Role.MEMBER, _delete),
    actions=(
        Action(
            "snapshot",
            Role.MEMBER,
            _snapshot,
            _NEW_IMAGE,
            names=("VolumeImageCreate", "VolumeImage"),
            versions=ONLY_2,
            description="Make an image of the content.",
        ),
    ),
    below={
        ("images", V1): Below(KINDS["VolumeVolumeImage"], _images, _association, add=_ADD),
        ("images", V2): Below(VOLUME_IMAGE, _images, add=_ADD, elsewhere=True),
    },
)

VOLUME_IMAGES = Resource(
    VOLUME_IMAGE,
    volumes.image,
    volumes.images,
    more=_image_more,
    create=Creation(Role.MEMBER, _create_image),
    update=Change(Role.MEMBER, _update_image),
    delete=Removal(Role.MEMBER, _delete_image),
)
