"""For the engine's own interface: opens sealed payloads for operators who look at workflows there."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, request
from flask.typing import ResponseReturnValue

from sirocco.contracts.errors import FORBIDDEN, MALFORMED, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.principal import SYSTEM
from sirocco.identity import sessions
from sirocco.ops.keyring import KeyRing
from web.area import SignInNeeded, portal
from web.security import COOKIE

area = Blueprint("engine", __name__)


def _origin() -> str:
    """The origin of the engine's interface, if there is one."""
    parts = urlsplit(portal().settings.temporal_ui_url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _for_the_interface(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = _origin()
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Allow-Headers"] = "content-type, x-namespace"
    response.headers["Cross-Origin-Resource-Policy"] = "same-site"
    response.headers["Vary"] = "Origin"
    return response


@area.route("/operator/codec/decode", methods=["OPTIONS"])
def ask() -> ResponseReturnValue:
    """The browser asks whether the engine's interface may ask."""
    return _for_the_interface(make_response("", 204))


@area.post("/operator/codec/decode")
def decode() -> ResponseReturnValue:
    """The payloads of the body, opened. Nothing changes here; who asks is an operator, from the interface's page."""
    from sirocco.ops.codec import open_document  # noqa: PLC0415 - half a second of CPU that other pages never need

    with portal().cmdb.reading(SYSTEM) as tx:
        signed = sessions.signed_in(tx, request.cookies.get(COOKIE, ""))
    if signed is None:
        raise SignInNeeded
    signed.principal.need(Role.OPERATOR)
    if not _origin() or request.headers.get("Origin") != _origin():
        raise SiroccoError(FORBIDDEN, role=Role.OPERATOR.value)
    ring = KeyRing.at(portal().settings.keyring)
    try:
        body = open_document(ring, request.get_data())
    except ValueError:
        raise SiroccoError(MALFORMED, format="JSON", why="it holds no payload that can be opened") from None
    return _for_the_interface(make_response(body, 200, {"Content-Type": "application/json"}))
