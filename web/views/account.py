"""The reader's own account: tenant, password, language."""

from flask import g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import WebSession
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.identity import sessions
from sirocco.services import users
from web import forms
from web.area import Area, go
from web.language import LANGUAGES
from web.security import keep_preference, keep_session
from web.views.door import onward

area = Area("account")


@area.page("/account")
def show(tx: Transaction) -> ResponseReturnValue:
    """Who one is, and where one is signed in."""
    rows = tx.session.query(WebSession).where(WebSession.user_id == tx.who.user_id).order_by(WebSession.seen.desc())
    return render_template("account/show.html", sessions=rows.all(), here=g.signed.session_id)


@area.action("/account/tenant", role=Role.VIEWER)
def choose_tenant(tx: Transaction) -> ResponseReturnValue:
    """Work in another of one's tenants; an operator may choose none and see all."""
    sessions.choose_tenant(tx, g.signed.session_id, forms.text("tenant") or None)
    return go("dashboard.show")


@area.action("/account/language", role=Role.VIEWER, form=show)
def choose_language(tx: Transaction) -> ResponseReturnValue:
    """Keep the language with the user, for every browser."""
    language = forms.text("language")
    if language in LANGUAGES:
        users.update(tx, tx.who.user_id, {"language": language})
    return keep_preference(make_response(redirect(onward(forms.text("back")), 303)), "language", language)


@area.action("/account/password", role=Role.VIEWER, form=show)
def change_password(tx: Transaction) -> ResponseReturnValue:
    """A new password; every other session ends, this one goes on under a new name in the same tenant."""
    tenant_id = tx.session.get_one(WebSession, g.signed.session_id).tenant_id
    users.set_password(tx, tx.who.user_id, forms.secret("password"), forms.secret("current"))
    cookie = sessions.open_session(tx, g.signed.user, request.user_agent.string, tenant_id)
    return keep_session(go("account.show", done="password"), cookie)
