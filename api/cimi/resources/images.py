"""Machine images and snapshots."""

from collections.abc import Iterable

from api.cimi import changes as change
from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import Values
from api.cimi.model.kind import SHARED
from api.cimi.resource import Change, Creation, Removal, Resource
from api.cimi.resources import machines
from api.cimi.templates import words
from sirocco.cmdb.models import Image
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.services import images

IMAGE = KINDS["MachineImage"]


def _create(exchange: Exchange, values: Values) -> Made:
    """A capture or a snapshot of the machine that imageLocation names, or an image fetched from there."""
    location = str(values.get("imageLocation") or "")
    inside = exchange.wire.relative(location)
    if inside is None and "://" in location:
        return _bring_in(exchange, values, location)
    collection, _, machine_id = (inside or "").partition("/")
    if collection != "machines" or "/" in machine_id:
        why = "it is neither one of {collection} nor an address to fetch"
        raise invalid("imageLocation", why=why, collection=exchange.wire.href("machines"))
    if values.get("type") not in {None, "IMAGE", "SNAPSHOT"}:
        raise invalid("type", why="it is IMAGE or SNAPSHOT")
    make = machines.snapshot if values.get("type") == "SNAPSHOT" else machines.capture
    made = make(exchange, machine_id, values)
    if values.get(SHARED.name) is True:
        images.share(exchange.tx, made.row)
    return made


def _bring_in(exchange: Exchange, values: Values, location: str) -> Made:
    if values.get("type") not in {None, "IMAGE"}:
        raise invalid("type", why="what is fetched is an IMAGE")
    name, description, properties = words(values)
    image, job = images.bring_in(
        exchange.tx,
        images.ImageSource(
            name=name,
            url=location.strip(),
            format=str(values.get("sirocco_format") or ""),
            digest=str(values.get("sirocco_digest") or ""),
            description=description,
            properties=properties,
            shared=values.get(SHARED.name) is True,
        ),
    )
    return Made(image, job)


def _update(exchange: Exchange, image_id: str, values: Values) -> Made:
    columns = change.columns(IMAGE, values, exchange.wire.version)
    if values.get(SHARED.name) is not None:
        columns["shared"] = values[SHARED.name]
    return Made(images.update(exchange.tx, image_id, columns, exchange.expected))


def _delete(exchange: Exchange, image_id: str) -> Made:
    return Made(job=images.delete(exchange.tx, image_id))


def _permits(tx: Transaction, image: Image) -> Iterable[tuple[str, bool]]:
    yield "delete", images.deletable(image) and (image.tenant_id is not None or tx.who.may(Role.OPERATOR))


def _more(_exchange: Exchange, image: Image) -> Values:
    """After a capture the location is the image's own: it no longer refers to the machine."""
    return {"imageLocation": image.location or f"machineImages/{image.id}", SHARED.name: image.tenant_id is None}


IMAGES = Resource(
    IMAGE,
    images.get,
    images.page,
    more=_more,
    permits=_permits,
    create=Creation(Role.MEMBER, _create),
    update=Change(Role.MEMBER, _update),
    delete=Removal(Role.MEMBER, _delete),
)
