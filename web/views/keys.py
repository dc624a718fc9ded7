"""The reader's own API keys."""

from flask import make_response, render_template
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Tenant
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.services import users
from web import forms, lists
from web.area import Area, go

area = Area("keys")


def _page(tx: Transaction, **more: str) -> str:
    question = lists.asked(("name", "prefix", "expires", "used", "created"), searched=("name", "prefix"))
    shown = lists.Shown.of(question, users.keys(tx, question.query()))
    tenants = {row.tenant_id: tx.session.get_one(Tenant, row.tenant_id) for row in shown.items}
    return render_template("keys/index.html", shown=shown, tenants=tenants, **more)


@area.page("/api-keys")
def index(tx: Transaction) -> ResponseReturnValue:
    """The keys, of which only the beginning is known here."""
    return _page(tx)


@area.action("/api-keys", role=Role.VIEWER, form=index)
def create(tx: Transaction) -> ResponseReturnValue:
    """A new key, shown this once."""
    _, token = users.create_key(tx, forms.needed("name"), days=forms.whole("days", 365))
    return make_response(_page(tx, token=token), 201)


@area.action("/api-keys/<id>/delete", role=Role.VIEWER)
def delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """Revoke a key."""
    users.delete_key(tx, id)
    return go("keys.index", done="deleted")
