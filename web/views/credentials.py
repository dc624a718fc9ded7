"""Credentials that machines are given."""

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.services import credentials
from web import forms, lists
from web.area import Area, go, to

area = Area("credentials")


@area.page("/credentials")
def index(tx: Transaction) -> ResponseReturnValue:
    """The tenant's credentials."""
    question = lists.asked(("name", "user_name", "created"), sort="name", searched=("name", "description", "user_name"))
    return render_template(
        "credentials/index.html", shown=lists.Shown.of(question, credentials.page(tx, question.query()))
    )


@area.page("/credentials/new", role=Role.MEMBER)
def new(tx: Transaction) -> ResponseReturnValue:  # noqa: ARG001 - every page has its transaction
    """The form for a new credential."""
    return render_template("credentials/new.html")


@area.action("/credentials", form=new)
def create(tx: Transaction) -> ResponseReturnValue:
    """Keep the credential of the form."""
    row = credentials.create(
        tx,
        forms.needed("name"),
        user_name=forms.text("user_name"),
        password=forms.secret("password"),
        public_key=forms.text("public_key"),
        description=forms.text("description"),
    )
    return go("credentials.show", id=row.id, done="created")


@area.page("/credentials/<id>")
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """One credential, without its password."""
    return render_template("credentials/show.html", row=credentials.get(tx, id))


@area.action("/credentials/<id>", form=show)
def save(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Keep changes; an empty password leaves the old one."""
    changes = {
        "name": forms.needed("name"),
        "description": forms.text("description"),
        "user_name": forms.text("user_name"),
        "public_key": forms.text("public_key"),
    }
    if forms.secret("password"):
        changes["password"] = forms.secret("password")
    credentials.update(tx, id, changes, forms.whole("version"))
    return go("credentials.show", id=id, done="saved")


@area.page("/credentials/<id>/delete", role=Role.MEMBER)
def ask_delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """A thought before it is gone."""
    row = credentials.get(tx, id)
    return render_template(
        "delete.html",
        name=row.name,
        back=(to("credentials.show", id=id), row.name),
        action=to("credentials.delete", id=id),
        what=gettext("Machines made with it keep what they were given."),
    )


@area.action("/credentials/<id>/delete", form=ask_delete)
def delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Forget a credential."""
    credentials.delete(tx, id)
    return go("credentials.index", done="deleted")
