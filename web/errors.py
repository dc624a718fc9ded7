"""Refusals and faults as pages: what, why, what to do, and the id to quote."""

from contextlib import suppress
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Flask, Response, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from sirocco.contracts.errors import (
    INTERNAL,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    TOO_LARGE,
    UNAVAILABLE,
    SiroccoError,
)
from sirocco.contracts.ids import new_id
from web.area import SignInNeeded, enter, portal, showing, to
from web.failures import message, remedy
from web.security import guarded

log = structlog.get_logger(__name__)


def answer(pages: Blueprint) -> None:
    """Turn what goes wrong in the portal's pages into answers for people."""
    pages.before_request(_begin)
    pages.after_request(_named)
    pages.register_error_handler(SignInNeeded, _door)
    pages.register_error_handler(SiroccoError, _refused)
    pages.register_error_handler(HTTPException, _http)
    pages.register_error_handler(Exception, _failed)


def answer_outside(app: Flask) -> None:
    """The same for addresses that no route has, and for faults outside of the portal's pages."""

    @app.errorhandler(HTTPException)
    @app.errorhandler(Exception)
    def outside(error: Exception) -> ResponseReturnValue:
        _begin()
        with suppress(Exception):  # whoever is signed in gets the menu; without a database there is nobody
            enter()
        body = _http(error) if isinstance(error, HTTPException) else _failed(error)
        return guarded(_named(make_response(body)))


def _begin() -> None:
    g.portal = portal()
    g.request_id = getattr(g, "request_id", "") or new_id()


def _named(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    return response


def _door(_need: SignInNeeded) -> ResponseReturnValue:
    """Where to sign in; a script that asks for a part of a page is told so instead."""
    if request.headers.get("HX-Request") or _wants_json():
        return make_response({"message": "sign in"}, 401)
    if request.method == "GET":
        return redirect(to("door.sign_in", next=request.full_path.rstrip("?")), 303)
    return redirect(to("door.sign_in", next=_form_page(), done="expired"), 303)


def _form_page() -> str | None:
    """The page of ours whose form was sent, as the browser tells it."""
    came = urlsplit(request.referrer or "")
    ours = f"{came.path}?{came.query}".rstrip("?") if came.netloc == request.host else ""
    return ours or None


def _refused(refusal: SiroccoError) -> ResponseReturnValue:
    body: ResponseReturnValue
    if _wants_json():
        body = make_response({"code": refusal.problem.code, "message": message(refusal), "remedy": remedy(refusal)})
    else:
        body = make_response(_page(refusal))
    body.status_code = refusal.problem.status
    return body


def _page(refusal: SiroccoError) -> str:
    """The error's page, with the menu around it for those who are signed in, while the database answers."""
    if getattr(g, "signed", None) is not None:
        with suppress(SQLAlchemyError), showing():
            return render_template("error.html", refusal=refusal)
    g.signed = g.tx = None
    return render_template("error.html", refusal=refusal)


def _http(error: HTTPException) -> ResponseReturnValue:
    """An answer of the framework itself, in our words."""
    known = {
        400: SiroccoError(MALFORMED, format="HTTP", why="it is no request that can be understood"),
        404: SiroccoError(NOT_FOUND, kind="page", id=request.path),
        405: SiroccoError(METHOD_NOT_ALLOWED, method=request.method, path=request.path, allowed="GET"),
        413: SiroccoError(TOO_LARGE, limit_size=request.max_content_length or 0),
    }
    if error.code is None or error.code < 400:
        return error.get_response()
    if error.code >= 500:
        return _failed(getattr(error, "original_exception", None) or error)
    return _refused(known.get(error.code, SiroccoError(NOT_FOUND, kind="page", id=request.path)))


def _failed(error: Exception) -> ResponseReturnValue:
    """A fault of ours: the log has the trace, the reader has the id that leads to it."""
    log.error("page failed", request=g.request_id, path=request.path, exc_info=error)
    busy = isinstance(error, OperationalError)
    return _refused(SiroccoError(UNAVAILABLE) if busy else SiroccoError(INTERNAL, request=g.request_id))


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
