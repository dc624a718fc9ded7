"""The registry on Flask: one way through for every request."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial

import structlog
from flask import Blueprint, Response, request
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from api.cimi.codec.limits import BODY
from api.cimi.codec.wire import ROOT, Wire, prefix
from api.cimi.exchange import Body, Exchange
from api.cimi.query.parameters import read as read_parameters
from api.common import once
from api.common.identity import Identification
from api.common.negotiate import Format, negotiate
from api.common.once import Reply
from api.common.render import refuse, render
from api.routes import Public, Route
from api.unread import no_request
from sirocco.cmdb.transaction import Cmdb, Transaction
from sirocco.contracts.errors import (
    CONFLICT,
    INTERNAL,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    STALE,
    TOO_LARGE,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA,
    SiroccoError,
)
from sirocco.contracts.ids import new_id

_LANGUAGES = ("en", "fr")
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
_TRIES = 3
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = structlog.get_logger(__name__)

Translated = Callable[[str, str], str]
"""A text of the catalogue in a language."""


class Server:
    """Answers requests by the registry; shared by all threads of a process."""

    def __init__(self, cmdb: Cmdb, routes: Iterable[Route], translate: Translated, site: str) -> None:
        self._cmdb, self._routes, self._translate, self._site = cmdb, tuple(routes), translate, site
        self._identification = Identification(cmdb)

    def blueprint(self) -> Blueprint:
        """All routes, and an answer in CIMI's manner for every other path below theirs."""
        blueprint = Blueprint("api", __name__)
        for route in self._routes:
            path = prefix(route.version) + re.sub(r"{(\w+)}", r"<\1>", route.path)
            blueprint.add_url_rule(
                path,
                route.name,
                partial(self._answer, route),
                methods=[route.method],
                provide_automatic_options=False,
                strict_slashes=False,
            )
        for path in (ROOT.rstrip("/"), ROOT, f"{ROOT}<path:rest>"):
            blueprint.add_url_rule(
                path, f"unknown {path}", self._unknown, methods=_METHODS, provide_automatic_options=False
            )
        blueprint.before_app_request(self._method_unheard_of)
        return blueprint

    def _method_unheard_of(self) -> Response | None:
        """The framework would answer a method that no rule names in its own manner."""
        if request.method in {*_METHODS, "HEAD"} or not request.path.startswith(ROOT):
            return None
        return self._unknown(request.path.removeprefix(ROOT))

    def _answer(self, route: Route, **ids: str) -> Response:
        return self._guarded(route.version, lambda form: self._reply(route, ids, form))

    def _unknown(self, rest: str = "") -> Response:
        """A path or a method that no route has."""
        version = 2 if rest.startswith("2/") else 1
        path = rest.removeprefix("2/").rstrip("/")
        fitting = {route.method for route in self._routes if route.version == version and _fits(route, path)}
        allowed = sorted(fitting | {"HEAD"} if "GET" in fitting else fitting)

        def reply(_form: Format) -> Reply:
            if allowed:
                raise SiroccoError(
                    METHOD_NOT_ALLOWED, method=request.method, path=request.path, allowed=", ".join(allowed)
                )
            raise SiroccoError(NOT_FOUND, kind="resource", id=request.path[:200])

        response = self._guarded(version, reply)
        if allowed:
            response.headers["Allow"] = ", ".join(allowed)
        return response

    def _guarded(self, version: int, answer: Callable[[Format], Reply]) -> Response:
        """Every refusal becomes a document in the format asked for; nothing else ever leaves here."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        form, wire = Format.JSON, Wire(version, self._site or request.host_url.rstrip("/"))
        try:
            form = negotiate(request.args.get("$format"), request.accept_mimetypes)
            reply = answer(form)
        except SiroccoError as refusal:
            reply = self._refused(refusal, wire, form, request_id)
        except RequestEntityTooLarge:
            reply = self._refused(SiroccoError(TOO_LARGE, limit_size=BODY), wire, form, request_id)
        except HTTPException:
            reply = self._refused(no_request(), wire, form, request_id)
        except Exception:  # noqa: BLE001 - a traceback belongs in the log, never in an answer
            _log.exception("request failed", request=request_id, method=request.method, path=request.path)
            reply = self._refused(SiroccoError(INTERNAL, request=request_id), wire, form, request_id)
        return _response(reply, request_id)

    def _refused(self, refusal: SiroccoError, wire: Wire, form: Format, request_id: str) -> Reply:
        return refuse(
            refusal,
            wire,
            form,
            method=request.method,
            path=wire.relative(request.path) or "",
            request=request_id,
            translate=self._translator(),
        )

    def _translator(self) -> Callable[[str], str]:
        wanted = (tag.partition("-")[0].lower() for tag, _ in request.accept_languages)
        language = next((tag for tag in wanted if tag in _LANGUAGES), _LANGUAGES[0])
        return partial(self._translated, language)

    def _translated(self, language: str, text: str) -> str:
        return text if language == "en" else self._translate(text, language)

    def _reply(self, route: Route, ids: dict[str, str], form: Format) -> Reply:
        if not request.host:  # one that no address can hold, and so no answer either
            raise no_request()
        body = _body()
        who = self._identification.principal(request)
        if not isinstance(route.policy, Public):
            who.need(route.policy)
        for value in ids.values():
            if not _ID.fullmatch(value):
                raise SiroccoError(NOT_FOUND, kind="resource", id=value[:100].encode("ascii", "replace").decode())
        wire = Wire(route.version, self._site or request.host_url.rstrip("/"))
        parameters = read_parameters(defaultdict(list, request.args.to_dict(flat=False)))

        def exchange(tx: Transaction) -> Exchange:
            expected = _expected(request.headers.get("If-Match"))
            return Exchange(tx, wire, parameters, ids, body, expected, self._translator())

        if not route.writes:
            with self._cmdb.reading(who) as tx:
                return render(route.call(exchange(tx)), wire, form)
        asked = f"{request.method} {request.full_path} {who.tenant_id} {request.content_type}".encode()
        key = once.key_of(request.headers.get(once.HEADER), asked, body.content)

        def write() -> Reply:
            with self._cmdb.writing(who) as tx:
                return once.once(tx, key, lambda: render(route.call(exchange(tx)), wire, form))

        return _retried(write, conditional="If-Match" in request.headers)


def _retried(write: Callable[[], Reply], *, conditional: bool) -> Reply:
    """One transaction for key, change and job; done anew when another one got in its way."""
    for _ in range(_TRIES - 1):
        try:
            return write()
        except (IntegrityError, StaleDataError, OperationalError, DataError):
            continue
    try:
        return write()
    except (IntegrityError, StaleDataError, OperationalError, DataError) as fault:
        raise _conflict(fault, conditional=conditional) from fault


def _conflict(fault: Exception, *, conditional: bool) -> SiroccoError:
    """What a database refused again and again, as its reader would say it."""
    if isinstance(fault, StaleDataError):
        return SiroccoError(STALE if conditional else CONFLICT, kind="resource", id=request.path[:200])
    if isinstance(fault, OperationalError):
        return SiroccoError(UNAVAILABLE, seconds=1)
    _log.warning("the database refused a write", why=str(fault))
    return SiroccoError(CONFLICT)


def _body() -> Body:
    if request.content_length is not None and request.content_length > BODY:
        raise SiroccoError(TOO_LARGE, limit_size=BODY)
    request.max_content_length = BODY
    if (coding := request.content_encoding) and coding.lower() != "identity":
        raise SiroccoError(UNSUPPORTED_MEDIA, type=f"{request.mimetype} ({coding})"[:100])
    try:
        return Body(request.get_data(cache=False), request.mimetype)
    except HTTPException:
        raise
    except Exception as fault:  # every server has its own errors for a body whose chunks are wrong
        raise no_request() from fault


def _expected(header: str | None) -> int | None:
    """The version that If-Match names; ``*`` names any, and what we never sent matches none."""
    if header is None or header.strip() == "*":
        return None
    found = re.fullmatch(r'\s*(?:W/)?"(\d{1,18})"\s*', header, re.ASCII)
    return int(found[1]) if found else -1


def _fits(route: Route, path: str) -> bool:
    pattern = re.sub(r"{\w+}", "[^/]+", route.path)
    return re.fullmatch(pattern, path) is not None


def _response(reply: Reply, request_id: str) -> Response:
    response = Response(reply.body, reply.status, dict(reply.headers))
    response.headers["X-Request-Id"] = request_id
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Vary"] = "Accept, Accept-Language, Authorization, Cookie, tenantId, tenantName"
    return response
