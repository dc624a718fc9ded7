"""Signing in, choosing language and theme, reports of broken page policies: what needs no session."""

import secrets
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sirocco.contracts.errors import UNAUTHENTICATED, SiroccoError
from sirocco.domain.principal import SYSTEM
from sirocco.identity import sessions
from sirocco.identity.principals import authenticate_password, principal
from web import forms
from web.area import check_form, go, portal, to
from web.language import LANGUAGES
from web.security import COOKIE, drop_session, keep_preference, keep_session

area = Blueprint("door", __name__)
log = structlog.get_logger(__name__)
_DOOR = "sirocco_door"
_THEMES = {"auto", "light", "dark"}
_REPORT = 8192


@area.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The form; one who is signed in already goes on."""
    with portal().cmdb.reading(SYSTEM) as tx:
        if sessions.signed_in(tx, request.cookies.get(COOKIE, "")):
            return redirect(onward(request.args.get("next", "")), 303)
    return _form()


def _form(status: int = 200) -> Response:
    """The form with a token that this browser's cookie repeats: there is no session yet to bind it to."""
    token = secrets.token_urlsafe(24)
    response = make_response(render_template("door/sign_in.html", door=token), status)
    response.set_cookie(_DOOR, token, httponly=True, secure=request.is_secure, samesite="Strict", path="/sign-in")
    return response


@area.post("/sign-in")
def enter() -> ResponseReturnValue:
    """Try a name and a password."""
    try:
        check_form(request.cookies.get(_DOOR, ""))
        cookie = _try(forms.text("name"), request.form.get("password", ""))
    except SiroccoError as refusal:
        g.refusal = refusal
        return _form(refusal.problem.status)
    response = make_response(redirect(onward(forms.text("next")), 303))
    return keep_session(response, cookie)


def _try(name: str, password: str) -> str:
    """The session of the user with this password; the count of failures is kept even when it refuses."""
    with portal().cmdb.writing(SYSTEM) as tx:
        user = authenticate_password(tx, name, password)
        if user is not None:
            principal(tx, user)
            return sessions.open_session(tx, user, request.user_agent.string)
    raise SiroccoError(UNAUTHENTICATED)


def onward(wanted: str) -> str:
    """Where to go on: a path of ours only, never another site."""
    parts = urlsplit(wanted)
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return wanted if ours else to("dashboard.show")


@area.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this session, or all of the user's."""
    everywhere = forms.ticked("everywhere")
    with portal().cmdb.writing(SYSTEM) as tx:
        signed = sessions.signed_in(tx, request.cookies.get(COOKIE, ""))
        if signed is not None:
            check_form(signed.csrf)
            if everywhere:
                sessions.close_all_sessions(tx, signed.user.id)
            sessions.close_session(tx, signed.session_id)
    return drop_session(go("door.sign_in", done="everywhere" if everywhere else "signed-out"))


@area.get("/preferences")
def prefer() -> ResponseReturnValue:
    """Remember language or theme in the browser. It changes nothing but how pages look, so a link may do it."""
    response = make_response(redirect(onward(request.args.get("back", "")), 303))
    if (theme := request.args.get("theme", "")) in _THEMES:
        keep_preference(response, "theme", theme)
    if (language := request.args.get("language", "")) in LANGUAGES:
        keep_preference(response, "language", language)
    return response


@area.post("/csp-reports")
def report() -> ResponseReturnValue:
    """A browser says that a page broke its own policy: a fault of ours, for the log."""
    log.warning("page broke its policy", report=request.get_data(cache=False)[:_REPORT].decode(errors="replace"))
    return "", 204
