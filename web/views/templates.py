"""Templates: sizes, and machines and volumes as they were asked for once, to be asked for again."""

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from sirocco.cmdb.models import Template
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.limits import check_machine
from sirocco.domain.query import Order, Query
from sirocco.services import templates
from web import documents, forms
from web.area import Area, go, to
from web.views.machines import asked as asked_machine
from web.views.machines import new as new_machine
from web.views.volumes import asked as asked_volume
from web.views.volumes import new as new_volume

area = Area("templates")
KINDS = {"machine": "MachineTemplate", "volume": "VolumeTemplate", "size": "MachineConfiguration"}
_ALL = Query(None, (Order("name"),))


def _kind(name: str) -> str:
    if name not in KINDS:
        raise SiroccoError(NOT_FOUND, kind="page", id=f"/templates/{name}")
    return KINDS[name]


@area.page("/templates")
def index(tx: Transaction) -> ResponseReturnValue:
    """All kinds of templates that the portal's forms can use."""
    rows = {kind: templates.page(tx, known, _ALL).items for kind, known in KINDS.items()}
    return render_template("templates/index.html", rows=rows, everywhere=tx.who.everywhere)


@area.action("/templates/machine", form=new_machine)
def keep_machine(tx: Transaction) -> ResponseReturnValue:
    """Keep what the form for a machine asks for, instead of asking."""
    request, size = asked_machine(tx), forms.text("size")
    return _kept(tx, "machine", documents.of_machine(request, "" if size == "own" else size))


@area.action("/templates/volume", form=new_volume)
def keep_volume(tx: Transaction) -> ResponseReturnValue:
    """Keep what the form for a volume asks for, instead of asking."""
    return _kept(tx, "volume", documents.of_volume(asked_volume()))


@area.page("/templates/size/new", role=Role.MEMBER)
def new_size(tx: Transaction) -> ResponseReturnValue:  # noqa: ARG001 - every page has its transaction
    """The form for a new size."""
    return render_template("templates/size.html")


@area.action("/templates/size", form=new_size)
def keep_size(tx: Transaction) -> ResponseReturnValue:
    """Keep a size that machines can have."""
    cpu, memory = forms.whole("cpu"), forms.mib("memory")
    check_machine(cpu, memory, ())
    return _kept(tx, "size", {"cpu": cpu, "memory": memory // 1024}, shared=forms.ticked("shared"))


def _kept(tx: Transaction, kind: str, content: dict[str, Any], *, shared: bool = False) -> ResponseReturnValue:
    name, description = forms.needed("name"), forms.text("description")
    templates.create(tx, KINDS[kind], content, name=name, description=description, shared=shared)
    return go("templates.index", done="created")


@area.page("/templates/<kind>/<id>/edit", role=Role.MEMBER)
def edit(tx: Transaction, kind: str, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """Name and description."""
    return render_template("templates/edit.html", row=templates.get(tx, _kind(kind), id), kind=kind)


@area.action("/templates/<kind>/<id>/edit", form=edit)
def save(tx: Transaction, kind: str, id: str) -> ResponseReturnValue:  # noqa: A002
    """Keep the new words."""
    changes = {"name": forms.needed("name"), "description": forms.text("description")}
    templates.update(tx, _kind(kind), id, changes, forms.whole("version"))
    return go("templates.index", done="saved")


@area.page("/templates/<kind>/<id>/delete", role=Role.MEMBER)
def ask_delete(tx: Transaction, kind: str, id: str) -> ResponseReturnValue:  # noqa: A002
    """A thought before it is gone."""
    row: Template = templates.get(tx, _kind(kind), id)
    return render_template(
        "delete.html",
        name=row.name,
        back=(to("templates.index"), gettext("Templates")),
        action=to("templates.delete", kind=kind, id=id),
        what=gettext("What was made from it stays."),
    )


@area.action("/templates/<kind>/<id>/delete", form=ask_delete)
def delete(tx: Transaction, kind: str, id: str) -> ResponseReturnValue:  # noqa: A002
    """Forget a template."""
    templates.delete(tx, _kind(kind), id)
    return go("templates.index", done="deleted")
