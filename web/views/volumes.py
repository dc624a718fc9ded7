"""Volumes and the images made of them."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Host, Machine, MachineVolume, Provider, Volume, VolumeImage
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts import commands as c
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.contracts.states import ImageState, Role, VolumeState
from sirocco.domain.query import Comparison, Order, Query
from sirocco.services import events, jobs, providers, templates, volumes
from web import documents, forms, lists
from web.area import Area, go

area = Area("volumes")
_SORTABLE = ("name", "state", "capacity", "created")
_BY_NAME = (Order("name"),)
_ASKED = ("grow", "snapshot", "delete", "edit")


@area.page("/volumes")
def index(tx: Transaction) -> ResponseReturnValue:
    """The tenant's volumes, and the images made of volumes."""
    question = lists.asked(_SORTABLE, filters=("state",))
    shown = lists.Shown.of(question, volumes.page(tx, question.query()))
    return render_template(
        "volumes/index.html",
        shown=shown,
        users=_users(tx, [row.id for row in shown.items]),
        states=list(VolumeState),
        images=volumes.images(tx, Query(None, _BY_NAME)).items,
    )


def _users(tx: Transaction, ids: list[str]) -> dict[str, Machine]:
    """The machine that each volume is attached to."""
    rows = tx.visible(Machine).join(MachineVolume, MachineVolume.machine_id == Machine.id)
    found = tx.session.execute(rows.where(MachineVolume.volume_id.in_(ids)).add_columns(MachineVolume.volume_id))
    return {volume_id: machine for machine, volume_id in found}


@area.page("/volumes/new", role=Role.MEMBER)
def new(tx: Transaction) -> ResponseReturnValue:
    """The form for a new volume."""
    usable = Query(Comparison("state", "=", ImageState.AVAILABLE), _BY_NAME)
    if template := request.args.get("template"):
        forms.suggest(documents.to_volume(templates.get(tx, "VolumeTemplate", template).content))
    return render_template(
        "volumes/new.html",
        images=volumes.images(tx, usable).items,
        providers=providers.page(tx).items if tx.who.may(Role.OPERATOR) else [],
        filesystems=volumes.FILESYSTEMS,
    )


@area.action("/volumes", form=new)
def create(tx: Transaction) -> ResponseReturnValue:
    """Ask for the volume of the form."""
    volume, _ = volumes.create(tx, asked())
    return go("volumes.show", id=volume.id)


def asked() -> volumes.VolumeRequest:
    """The volume that the form asks for."""
    return volumes.VolumeRequest(
        name=forms.needed("name"),
        capacity=forms.gib("capacity"),
        description=forms.text("description"),
        filesystem=forms.text("filesystem"),
        volume_image_id=forms.text("image"),
        provider_id=forms.text("provider"),
    )


@area.page("/volumes/<id>")
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """Everything about one volume."""
    volume = volumes.get(tx, id)
    return render_template(
        "volumes/show.html",
        volume=volume,
        user_machine=_users(tx, [volume.id]).get(volume.id),
        images=volumes.images_of(tx, volume),
        source=tx.find(VolumeImage, volume.volume_image_id) if volume.volume_image_id else None,
        provider=tx.session.get(Provider, volume.provider_id) if volume.provider_id else None,
        host=tx.session.get(Host, volume.host_id) if volume.host_id else None,
        current=jobs.get(tx, volume.job_id) if volume.job_id else None,
        events=events.of_resource(tx, volume, last=12),
        why_not=_why_not(volume),
    )


def _why_not(volume: Volume) -> str:
    """Why nothing can be asked of the volume now: it is worked on, or in a state that allows nothing."""
    if volume.job_id:
        return "busy"
    return "" if volume.state in {VolumeState.AVAILABLE, VolumeState.ERROR} else "state"


@area.page("/volumes/<id>/actions/<action>", role=Role.MEMBER)
def ask(tx: Transaction, id: str, action: str) -> ResponseReturnValue:  # noqa: A002
    """The form of an operation."""
    if action not in _ASKED:
        raise SiroccoError(NOT_FOUND, kind="page", id=action)
    return render_template("volumes/act.html", volume=volumes.get(tx, id), action=action)


@area.action("/volumes/<id>/actions/<action>", form=ask)
def act(tx: Transaction, id: str, action: str) -> ResponseReturnValue:  # noqa: A002
    """Carry an operation out."""
    match action:
        case "grow":
            volumes.grow(tx, id, c.Grow(forms.gib("capacity")))
        case "snapshot":
            volumes.create_image(tx, id, forms.text("name"), forms.text("description"))
        case "delete":
            volumes.delete(tx, id)
        case "edit":
            changes = {"name": forms.needed("name"), "description": forms.text("description")}
            volumes.update(tx, id, changes, forms.whole("version"))
        case _:
            raise SiroccoError(NOT_FOUND, kind="page", id=action)
    return go("volumes.show", id=id)


@area.action("/volume-images/<id>/delete")
def delete_image(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Ask for the end of an image of a volume."""
    volumes.delete_image(tx, id)
    return go("volumes.index")
