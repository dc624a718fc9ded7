"""Who asks: Basic (user and password, or an API key), Bearer (an API key), or a browser's session."""

import hashlib
import hmac
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy.exc import OperationalError
from werkzeug.wrappers import Request

from sirocco.cmdb.models import User
from sirocco.cmdb.transaction import Cmdb, Transaction
from sirocco.contracts.errors import CSRF, NO_TENANT, UNAUTHENTICATED, SiroccoError
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.identity.principals import (
    authenticate_key,
    authenticate_password,
    is_key,
    key_use_is_old,
    note_key_use,
    principal,
)
from sirocco.identity.sessions import signed_in

COOKIE = "sirocco_session"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REMEMBERED = 1000
_SECONDS = 60.0


@dataclass(slots=True)
class _Proven:
    """Passwords that were right a moment ago, by a keyed hash; a change of password or user ends it at once."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    known: dict[bytes, tuple[str, str, float]] = field(default_factory=dict)

    def mark(self, name: str, password: str) -> bytes:
        return hmac.digest(self.key, f"{len(name)}:{name}:{password}".encode(), hashlib.sha256)

    def recall(self, tx: Transaction, mark: bytes) -> User | None:
        user_id, password_hash, until = self.known.get(mark, ("", "", 0.0))
        if until < time.monotonic():
            return None
        user = tx.session.get(User, user_id)
        return user if user and user.enabled and user.password_hash == password_hash else None

    def keep(self, mark: bytes, user: User) -> None:
        if len(self.known) >= _REMEMBERED:
            self.known.clear()
        self.known[mark] = (user.id, user.password_hash, time.monotonic() + _SECONDS)


class Identification:
    """Turns a request into a principal; shared by all threads of a process."""

    def __init__(self, cmdb: Cmdb) -> None:
        self._cmdb, self._proven = cmdb, _Proven()

    def principal(self, request: Request) -> Principal:
        """Who asks and for which tenant; UNAUTHENTICATED, LOCKED_OUT, NO_TENANT or CSRF otherwise."""
        wanted = _in_utf8(request.headers.get("tenantId", "") or request.headers.get("tenantName", ""))
        if "Authorization" not in request.headers:
            return self._by_session(request, wanted)
        given = request.authorization
        if given is None:
            raise SiroccoError(UNAUTHENTICATED)
        if given.type == "bearer" and given.token:
            return self._by_key(given.token, wanted)
        name, password = _printable(given.username), _printable(given.password)
        if given.type == "basic" and (key := next(filter(is_key, (password, name)), "")):
            return self._by_key(key, wanted)
        if given.type == "basic" and name and password:
            return self._by_password(name, password, wanted)
        raise SiroccoError(UNAUTHENTICATED)

    def _by_password(self, name: str, password: str, wanted: str) -> Principal:
        mark = self._proven.mark(name, password)
        with self._cmdb.reading(SYSTEM) as tx:
            user = self._proven.recall(tx, mark)
            if user is not None:
                return principal(tx, user, wanted)
        with self._cmdb.writing(SYSTEM) as tx:  # a failure is counted, so it has to be kept
            user = authenticate_password(tx, name, password)
        if user is None:
            raise SiroccoError(UNAUTHENTICATED)
        self._proven.keep(mark, user)
        with self._cmdb.reading(SYSTEM) as tx:
            return principal(tx, tx.session.get_one(User, user.id), wanted)

    def _by_key(self, token: str, wanted: str) -> Principal:
        """A key acts in its own tenant only."""
        with self._cmdb.reading(SYSTEM) as tx:
            user, key = authenticate_key(tx, token)
            found = principal(tx, user, key.tenant_id)
            if wanted and principal(tx, user, wanted).tenant_id != key.tenant_id:
                raise SiroccoError(NO_TENANT, tenant=wanted)
            unnoted = key.id if key_use_is_old(tx, key) else ""
        if unnoted:
            self._note_use(unnoted)
        return found

    def _note_use(self, key_id: str) -> None:
        """A database that takes no writes right now still answers those who read."""
        with suppress(OperationalError), self._cmdb.writing(SYSTEM) as tx:
            note_key_use(tx, key_id)

    def _by_session(self, request: Request, wanted: str) -> Principal:
        cookie = request.cookies.get(COOKIE, "")
        if not cookie:
            raise SiroccoError(UNAUTHENTICATED)
        with self._cmdb.reading(SYSTEM) as tx:
            signed = signed_in(tx, cookie)
            if signed is None:
                raise SiroccoError(UNAUTHENTICATED)
            if request.method not in _SAFE:
                _check_csrf(request, signed.csrf)
            return principal(tx, signed.user, wanted) if wanted else signed.principal


def _check_csrf(request: Request, expected: str) -> None:
    given = request.headers.get("X-CSRF-Token", "")
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise SiroccoError(CSRF)


def _in_utf8(header: str) -> str:
    """A header as its sender wrote it: WSGI reads bytes as Latin-1, but terminals and libraries write UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _printable(text: str | None) -> str:
    """No user name or password holds what databases and logs cannot."""
    found = text or ""
    if not found.isprintable():
        raise SiroccoError(UNAUTHENTICATED)
    return found
