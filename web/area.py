"""How a page meets the CMDB: who asks, whether the form is ours, one transaction, and refusals as pages."""

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from flask import Blueprint, Response, current_app, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from sirocco.cmdb.models import WebSession
from sirocco.cmdb.transaction import Cmdb, Transaction
from sirocco.contracts.errors import CONFLICT, CSRF, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.principal import SYSTEM
from sirocco.identity import sessions
from sirocco.ops.settings import Settings
from web.assets import Assets
from web.once import once
from web.security import COOKIE

P = ParamSpec("P")
View = Callable[Concatenate[Transaction, P], ResponseReturnValue]
_TOUCH = timedelta(minutes=1)
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Portal:
    """What the portal works with."""

    cmdb: Cmdb
    settings: Settings
    assets: Assets


def portal() -> Portal:
    """The portal of the running application."""
    return cast(Portal, current_app.extensions["portal"])


class SignInNeeded(Exception):  # noqa: N818 - a way, not a failure
    """Nobody is signed in: show the door."""


class Area(Blueprint):
    """Pages and actions about one thing. Each states the role it needs; nothing is reachable without one."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__)
        self.roles: dict[str, Role] = {}

    def page(self, rule: str, *, role: Role = Role.VIEWER) -> Callable[[View[P]], View[P]]:
        """A page to look at: one reading transaction."""

        def register(view: View[P]) -> View[P]:
            self._add(rule, view.__name__, _reader(view, role), "GET", role)
            return view

        return register

    def action(
        self, rule: str, *, role: Role = Role.MEMBER, form: Callable[..., ResponseReturnValue] | None = None
    ) -> Callable[[View[P]], View[P]]:
        """A form that was sent: one writing transaction, undone when refused; ``form`` then shows it again."""

        def register(view: View[P]) -> View[P]:
            self._add(rule, view.__name__, _writer(view, role, form), "POST", role)
            return view

        return register

    def _add(self, rule: str, name: str, view: Callable[..., Any], method: str, role: Role) -> None:
        self.roles[name] = role
        self.add_url_rule(rule, name, view, methods=[method])


def _reader(view: Callable[..., ResponseReturnValue], role: Role) -> Callable[..., ResponseReturnValue]:
    @wraps(view)
    def answer(**values: Any) -> ResponseReturnValue:
        with portal().cmdb.reading(SYSTEM) as tx:
            mine = _enter(tx, role)
            response = make_response(view(mine, **values))
            stale = mine.now - tx.session.get_one(WebSession, g.signed.session_id).seen > _TOUCH
        if stale:
            _touch()
        return response

    return answer


def _writer(
    view: Callable[..., ResponseReturnValue], role: Role, form: Callable[..., ResponseReturnValue] | None
) -> Callable[..., ResponseReturnValue]:
    @wraps(view)
    def answer(**values: Any) -> ResponseReturnValue:
        try:
            return _written(view, role, values)
        except SiroccoError as refusal:
            if form is None or refusal.problem is CSRF or not may(role):
                raise
            return _again(form, refusal, values)

    return answer


def _written(view: Callable[..., ResponseReturnValue], role: Role, values: dict[str, Any]) -> Response:
    """The answer of a view in a transaction that is done anew when another one got in its way."""
    for _ in range(_TRIES):
        try:
            with portal().cmdb.writing(SYSTEM) as tx:
                return _answered(_enter(tx, role), view, values)
        except (IntegrityError, StaleDataError):
            continue
    raise SiroccoError(CONFLICT)


def _answered(tx: Transaction, view: Callable[..., ResponseReturnValue], values: dict[str, Any]) -> Response:
    check_form(g.signed.csrf)
    return once(tx, lambda: make_response(view(tx, **values)))


def _again(form: Callable[..., ResponseReturnValue], refusal: SiroccoError, values: dict[str, Any]) -> Response:
    """The form as it was filled in, with the refusal, from a transaction of its own: the first one was undone."""
    g.refusal = refusal
    with showing() as tx:
        response = make_response(form(tx, **values))
    response.status_code = refusal.problem.status
    return response


def enter() -> None:
    """Learn who asks, for a page that nobody asked for. Raises ``SignInNeeded``."""
    with showing():
        pass


@contextmanager
def showing() -> Iterator[Transaction]:
    """A transaction of its own for a page about what went wrong in another, which is over."""
    with portal().cmdb.reading(SYSTEM) as tx:
        yield _enter(tx, Role.VIEWER)


def _enter(tx: Transaction, role: Role) -> Transaction:
    """The same transaction, as the signed-in user."""
    signed = sessions.signed_in(tx, request.cookies.get(COOKIE, ""))
    if signed is None:
        raise SignInNeeded
    g.signed, g.language = signed, signed.user.language
    signed.principal.need(role)
    g.tx = Transaction(tx.session, signed.principal, tx.sealer, tx.now)
    return cast(Transaction, g.tx)


def _touch() -> None:
    with portal().cmdb.writing(SYSTEM) as tx:
        sessions.touch_session(tx, g.signed.session_id)


def check_form(expected: str) -> None:
    """Refuse a form that this portal did not hand to this session, or that another site sent."""
    given = request.form.get("csrf", "") or request.headers.get("X-CSRF-Token", "")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    ours = bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
    if not ours or site not in {"same-origin", "none"}:
        raise SiroccoError(CSRF)


def may(role: Role) -> bool:
    """Whether the signed-in user's role includes ``role``."""
    signed = getattr(g, "signed", None)
    return signed is not None and bool(signed.principal.may(role))


def to(endpoint: str, **values: Any) -> str:
    """The address of a page: ``machines.show``."""
    return url_for(f"portal.{endpoint}", **values)


def go(endpoint: str, **values: Any) -> Response:
    """Send the browser to a page after an action."""
    return cast(Response, redirect(to(endpoint, **values), 303))
