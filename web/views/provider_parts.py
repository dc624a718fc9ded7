"""What belongs to a provider: its locations, and the accounts that are held there."""

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from sirocco.cmdb.models import Provider
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.services import providers
from web import forms
from web.area import Area, go, to

area = Area("provider_parts")


def _back(provider: Provider) -> tuple[str, str]:
    return to("providers.show", id=provider.id), provider.name


@area.page("/providers/<id>/locations/new", role=Role.OPERATOR)
def new_location(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """The form for a new location."""
    provider = providers.get(tx, id)
    address = to("provider_parts.create_location", id=id)
    return render_template("providers/location.html", row=None, address=address, back=_back(provider))


@area.action("/providers/<id>/locations", role=Role.OPERATOR, form=new_location)
def create_location(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Add a location."""
    providers.create_location(
        tx, id, forms.needed("name"), forms.text("country"), description=forms.text("description")
    )
    return go("providers.show", id=id, done="created")


@area.page("/locations/<id>", role=Role.OPERATOR)
def location(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """The form to change a location."""
    row = providers.location(tx, id)
    address, provider = to("provider_parts.save_location", id=id), providers.get(tx, row.provider_id)
    return render_template("providers/location.html", row=row, address=address, back=_back(provider))


@area.action("/locations/<id>", role=Role.OPERATOR, form=location)
def save_location(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Keep changes."""
    changes = _words() | {"country": forms.text("country")}
    row = providers.update_location(tx, id, changes, forms.whole("version"))
    return go("providers.show", id=row.provider_id, done="saved")


@area.page("/locations/<id>/delete", role=Role.OPERATOR)
def ask_delete_location(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """A thought before it is gone."""
    row = providers.location(tx, id)
    what = gettext("The location is forgotten. Its hosts stay.")
    return _ask_delete(row.name, _back(providers.get(tx, row.provider_id)), "delete_location", id, what)


def _ask_delete(name: str, back: tuple[str, str], action: str, part_id: str, what: str) -> str:
    return render_template(
        "delete.html", name=name, back=back, action=to(f"provider_parts.{action}", id=part_id), what=what
    )


@area.action("/locations/<id>/delete", role=Role.OPERATOR, form=ask_delete_location)
def delete_location(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Forget a location."""
    provider_id = providers.location(tx, id).provider_id
    providers.delete_location(tx, id)
    return go("providers.show", id=provider_id, done="deleted")


@area.page("/providers/<id>/accounts/new", role=Role.OPERATOR)
def new_account(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """The form for a new account."""
    provider = providers.get(tx, id)
    address = to("provider_parts.create_account", id=id)
    return render_template("providers/account.html", row=None, address=address, back=_back(provider))


@area.action("/providers/<id>/accounts", role=Role.OPERATOR, form=new_account)
def create_account(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Keep an account; its secret is sealed."""
    providers.create_account(
        tx,
        id,
        forms.needed("name"),
        forms.text("login"),
        forms.secret("secret"),
        shared=forms.text("reach") != "tenant",
        description=forms.text("description"),
    )
    return go("providers.show", id=id, done="created")


@area.page("/accounts/<id>", role=Role.OPERATOR)
def account(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """The form to change an account."""
    row = providers.account(tx, id)
    address, provider = to("provider_parts.save_account", id=id), providers.get(tx, row.provider_id)
    return render_template("providers/account.html", row=row, address=address, back=_back(provider))


@area.action("/accounts/<id>", role=Role.OPERATOR, form=account)
def save_account(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Keep changes; an empty secret leaves the old one."""
    changes = _words() | {"login": forms.text("login"), "enabled": forms.ticked("enabled")}
    if forms.secret("secret"):
        changes["secret"] = forms.secret("secret")
    row = providers.update_account(tx, id, changes, forms.whole("version"))
    return go("providers.show", id=row.provider_id, done="saved")


@area.page("/accounts/<id>/delete", role=Role.OPERATOR)
def ask_delete_account(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """A thought before it is gone."""
    row = providers.account(tx, id)
    what = gettext("The account and its secret are forgotten here; the provider keeps them.")
    return _ask_delete(row.name, _back(providers.get(tx, row.provider_id)), "delete_account", id, what)


@area.action("/accounts/<id>/delete", role=Role.OPERATOR, form=ask_delete_account)
def delete_account(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Forget an account."""
    provider_id = providers.account(tx, id).provider_id
    providers.delete_account(tx, id)
    return go("providers.show", id=provider_id, done="deleted")


def _words() -> dict[str, Any]:
    return {"name": forms.needed("name"), "description": forms.text("description")}
