"""Machine images and snapshots."""

from flask import render_template
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Machine
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.contracts.states import ImageState, Role
from sirocco.domain.sources import FORMATS
from sirocco.services import events, images, jobs
from web import forms, lists
from web.area import Area, go

area = Area("images")
_SORTABLE = ("name", "state", "type", "size", "capacity", "created")
_ASKED = ("edit", "delete")


@area.page("/images")
def index(tx: Transaction) -> ResponseReturnValue:
    """Images that the tenant may use."""
    question = lists.asked(_SORTABLE, filters=("type", "state"), sort="name")
    shown = lists.Shown.of(question, images.page(tx, question.query()))
    machines = lists.by_id(tx, Machine, [row.machine_id for row in shown.items])
    return render_template("images/index.html", shown=shown, machines=machines, states=list(ImageState))


@area.page("/images/new", role=Role.MEMBER)
def new(tx: Transaction) -> ResponseReturnValue:  # noqa: ARG001 - every page has its transaction
    """The form for an image from elsewhere."""
    return render_template("images/new.html", kinds=sorted(FORMATS))


@area.action("/images", form=new)
def create(tx: Transaction) -> ResponseReturnValue:
    """Ask for the image of the form."""
    source = images.ImageSource(
        name=forms.text("name"),
        url=forms.needed("url"),
        format=forms.text("format"),
        digest=forms.text("digest"),
        description=forms.text("description"),
        shared=forms.ticked("shared"),
    )
    image, _ = images.bring_in(tx, source)
    return go("images.show", id=image.id)


@area.page("/images/<id>")
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """Everything about one image."""
    image = images.get(tx, id)
    return render_template(
        "images/show.html",
        image=image,
        source=tx.find(Machine, image.machine_id) if image.machine_id else None,
        related=tx.find(type(image), image.related_image_id) if image.related_image_id else None,
        current=jobs.get(tx, image.job_id) if image.job_id else None,
        events=events.of_resource(tx, image, last=12),
        mine=image.tenant_id is not None or tx.who.may(Role.OPERATOR),
    )


@area.page("/images/<id>/actions/<action>", role=Role.MEMBER)
def ask(tx: Transaction, id: str, action: str) -> ResponseReturnValue:  # noqa: A002
    """The form of an operation."""
    if action not in _ASKED:
        raise SiroccoError(NOT_FOUND, kind="page", id=action)
    return render_template("images/act.html", image=images.get(tx, id), action=action)


@area.action("/images/<id>/actions/<action>", form=ask)
def act(tx: Transaction, id: str, action: str) -> ResponseReturnValue:  # noqa: A002
    """Carry an operation out."""
    match action:
        case "edit":
            changes = {"name": forms.needed("name"), "description": forms.text("description")}
            images.update(tx, id, changes, forms.whole("version"))
        case "delete":
            images.delete(tx, id)
        case _:
            raise SiroccoError(NOT_FOUND, kind="page", id=action)
    return go("images.show", id=id)
