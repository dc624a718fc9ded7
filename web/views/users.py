"""Users and their roles, for operators and tenant administrators."""

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from sirocco.cmdb.models import Tenant
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.domain.query import Order, Query
from sirocco.services import tenants, users
from web import forms, lists
from web.area import Area, go, to
from web.language import LANGUAGES

area = Area("users")
_ROLES = (Role.VIEWER, Role.MEMBER, Role.TENANT_ADMIN)


def _tenants(tx: Transaction) -> list[Tenant]:
    return list(tenants.page(tx, Query(None, (Order("name"),))).items)


@area.page("/users", role=Role.TENANT_ADMIN)
def index(tx: Transaction) -> ResponseReturnValue:
    """Users that the reader administers."""
    question = lists.asked(("name", "created"), sort="name")
    shown = lists.Shown.of(question, users.page(tx, question.query()))
    return render_template("users/index.html", shown=shown, tenants={row.id: row for row in _tenants(tx)})


@area.page("/users/new", role=Role.TENANT_ADMIN)
def new(tx: Transaction) -> ResponseReturnValue:
    """The form for a new user."""
    return render_template("users/new.html", tenants=_tenants(tx), roles=_ROLES)


@area.action("/users", role=Role.TENANT_ADMIN, form=new)
def create(tx: Transaction) -> ResponseReturnValue:
    """Add the user of the form."""
    row = users.create(
        tx,
        forms.needed("name"),
        forms.secret("password"),
        roles=_granted(tx),
        operator=forms.ticked("operator"),
        language=forms.text("language") if forms.text("language") in LANGUAGES else "",
        description=forms.text("description"),
    )
    return go("users.show", id=row.id, done="created")


def _granted(tx: Transaction) -> dict[str, str]:
    """The roles of the form by tenant; none chosen is no membership."""
    chosen = {row.id: forms.text(f"role.{row.id}") for row in _tenants(tx)}
    return {tenant_id: role for tenant_id, role in chosen.items() if role}


@area.page("/users/<id>", role=Role.TENANT_ADMIN)
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """One user: words, roles, password."""
    row = users.get(tx, id)
    held = {member.tenant_id: member.role for member in row.memberships}
    return render_template("users/show.html", row=row, held=held, tenants=_tenants(tx), roles=_ROLES)


@area.action("/users/<id>", role=Role.TENANT_ADMIN, form=show)
def save(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Keep changes; what the reader may not grant is not in the form and stays."""
    row = users.get(tx, id)
    changes: dict[str, object] = {"description": forms.text("description")}
    held = {member.tenant_id: member.role for member in row.memberships}
    granted = _granted(tx)
    if {one: role for one, role in held.items() if one in {known.id for known in _tenants(tx)}} != granted:
        changes["roles"] = granted
    if tx.who.may(Role.OPERATOR) and row.id != tx.who.user_id:
        changes |= {"enabled": forms.ticked("enabled"), "operator": forms.ticked("operator")}
    users.update(tx, id, changes, forms.whole("version"))
    return go("users.show", id=id, done="saved")


@area.action("/users/<id>/password", role=Role.OPERATOR, form=show)
def set_password(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Give a user a new password; all of the user's sessions end."""
    users.set_password(tx, id, forms.secret("password"))
    return go("users.show", id=id, done="saved")


@area.page("/users/<id>/delete", role=Role.OPERATOR)
def ask_delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """A thought before it is gone."""
    row = users.get(tx, id)
    return render_template(
        "delete.html",
        name=row.name,
        back=(to("users.show", id=id), row.name),
        action=to("users.delete", id=id),
        what=gettext("The user, with keys and sessions, ends for good. What the user made stays with its tenant."),
    )


@area.action("/users/<id>/delete", role=Role.OPERATOR, form=ask_delete)
def delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Forget a user."""
    users.delete(tx, id)
    return go("users.index", done="deleted")
