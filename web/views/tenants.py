"""Tenants and their quotas, for operators."""

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from sirocco.cmdb.models import Provider
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.domain.query import Order, Query
from sirocco.services import providers, tenants
from web import forms, lists
from web.area import Area, go, to

area = Area("tenants")
_BYTES = {"memory", "capacity"}


@area.page("/tenants", role=Role.OPERATOR)
def index(tx: Transaction) -> ResponseReturnValue:
    """All tenants."""
    question = lists.asked(("name", "created"), sort="name")
    shown = lists.Shown.of(question, tenants.page(tx, question.query()))
    return render_template("tenants/index.html", shown=shown)


@area.page("/quotas", role=Role.OPERATOR)
def quotas(tx: Transaction) -> ResponseReturnValue:
    """Every tenant's limits and use side by side."""
    question = lists.asked(("name", "created"), sort="name")
    shown = lists.Shown.of(question, tenants.page(tx, question.query()))
    return render_template(
        "tenants/quotas.html", shown=shown, quotas={row.id: tenants.quotas(tx, row.id) for row in shown.items}
    )


@area.page("/tenants/new", role=Role.OPERATOR)
def new(tx: Transaction) -> ResponseReturnValue:  # noqa: ARG001 - every page has its transaction
    """The form for a new tenant."""
    return render_template("tenants/new.html")


@area.action("/tenants", role=Role.OPERATOR, form=new)
def create(tx: Transaction) -> ResponseReturnValue:
    """Add the tenant of the form."""
    row = tenants.create(tx, forms.needed("name"), description=forms.text("description"))
    return go("tenants.show", id=row.id, done="created")


@area.page("/tenants/<id>", role=Role.OPERATOR)
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """One tenant: words, placement, limits."""
    known: list[Provider] = list(providers.page(tx, Query(None, (Order("name"),))).items)
    return render_template(
        "tenants/show.html", row=tenants.get(tx, id), quotas=tenants.quotas(tx, id), providers=known, in_bytes=_BYTES
    )


@area.action("/tenants/<id>", role=Role.OPERATOR, form=show)
def save(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Keep changes."""
    changes = {
        "name": forms.needed("name"),
        "description": forms.text("description"),
        "enabled": forms.ticked("enabled"),
        "placement": forms.text("placement"),
        "providers": forms.chosen("provider"),
    }
    tenants.update(tx, id, changes, forms.whole("version"))
    return go("tenants.show", id=id, done="saved")


@area.action("/tenants/<id>/quota", role=Role.OPERATOR, form=show)
def set_quota(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Set the ceilings; an empty one is unlimited."""
    ceilings = {quota.resource: _ceiling(quota.resource) for quota in tenants.quotas(tx, id)}
    tenants.set_quota(tx, id, ceilings)
    return go("tenants.show", id=id, done="saved")


def _ceiling(resource: str) -> int | None:
    if not forms.text(resource):
        return None
    return forms.gib(resource) if resource in _BYTES else forms.whole(resource)


@area.page("/tenants/<id>/delete", role=Role.OPERATOR)
def ask_delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """A thought before it is gone."""
    row = tenants.get(tx, id)
    return render_template(
        "delete.html",
        name=row.name,
        back=(to("tenants.show", id=id), row.name),
        action=to("tenants.delete", id=id),
        what=gettext(
            "The tenant ends for good. It has to be free of machines, volumes, networks, images and credentials."
        ),
    )


@area.action("/tenants/<id>/delete", role=Role.OPERATOR, form=ask_delete)
def delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """End a tenant that holds nothing."""
    tenants.delete(tx, id)
    return go("tenants.index", done="deleted")
