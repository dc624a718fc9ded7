"""From proof to principal: sign in by password, API key or session, and choose a tenant."""

import re
from datetime import timedelta
from unicodedata import normalize

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import joinedload

from sirocco.cmdb.models import ApiKey, Tenant, User
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import LOCKED_OUT, NO_TENANT, UNAUTHENTICATED, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.principal import Principal
from sirocco.identity.secrets import fingerprint, password_matches

_TRIES = 10
_LOCK = timedelta(minutes=5)
_NOTED_EVERY = timedelta(minutes=1)
KEY_PREFIX = "sk_"
_KEY = re.compile(rf"{KEY_PREFIX}[\w-]{{43}}", re.ASCII)

_BY_KEY = (
    select(ApiKey, User)
    .join(User, User.id == ApiKey.user_id)
    .where(ApiKey.hash == bindparam("hash"))
    .options(joinedload(User.memberships))
)
"""All that the answer to a key needs, in one query: every request of a program begins with it."""


def named(tx: Transaction, name: str) -> User | None:
    """The user of this name, however its accents were typed (RFC 8265, 3.3.2)."""
    return tx.session.scalar(select(User).where(User.name == normalize("NFC", name)))


def authenticate_password(tx: Transaction, name: str, password: str) -> User | None:
    """The user with this password, or None. Ten failures in a row lock the user for five minutes.

    A failure is recorded in ``tx``, so the caller commits even when it then refuses.
    """
    user = named(tx, name)
    if user and user.locked_until and user.locked_until > tx.now:
        seconds = int((user.locked_until - tx.now).total_seconds()) + 1
        raise SiroccoError(LOCKED_OUT, seconds=seconds)
    right = password_matches(user.password_hash if user else "", password)
    if user is None or not user.enabled:
        return None
    if not right:
        _count_failure(tx, user)
        return None
    if user.failures:
        user.failures, user.locked_until = 0, None
    return user


def _count_failure(tx: Transaction, user: User) -> None:
    user.failures += 1
    if user.failures >= _TRIES:
        user.failures, user.locked_until = 0, tx.now + _LOCK


def is_key(text: str) -> bool:
    """Whether a text has the form of an API key; a name or a password may begin like one."""
    return _KEY.fullmatch(text) is not None


def authenticate_key(tx: Transaction, token: str) -> tuple[User, ApiKey]:
    """The user of an API key and the key; refuses unknown, expired and disabled ones."""
    found = tx.session.execute(_BY_KEY, {"hash": fingerprint(token)}).unique().one_or_none()
    if found is None:
        raise SiroccoError(UNAUTHENTICATED)
    key, user = found
    if not user.enabled or (key.expires and key.expires <= tx.now):
        raise SiroccoError(UNAUTHENTICATED)
    return user, key


def key_use_is_old(tx: Transaction, key: ApiKey) -> bool:
    """Whether the last use that was noted of a key is a minute ago."""
    return key.used is None or key.used <= tx.now - _NOTED_EVERY


def note_key_use(tx: Transaction, key_id: str) -> None:
    """Note that a key is used now; its version stays, since its owner changed nothing."""
    tx.session.execute(update(ApiKey).where(ApiKey.id == key_id).values(used=tx.now))


def principal(tx: Transaction, user: User, tenant: str = "") -> Principal:
    """The user acting in ``tenant`` (id or name; empty: the first of theirs). Operators see all unless they chose."""
    chosen = _tenant(tx, user, tenant)
    if user.operator:
        return Principal(user.id, user.name, chosen.id if chosen else "", Role.OPERATOR, everywhere=not tenant)
    if chosen is None:
        raise SiroccoError(NO_TENANT, tenant=tenant or "-")
    role = next(Role(member.role) for member in user.memberships if member.tenant_id == chosen.id)
    return Principal(user.id, user.name, chosen.id, role)


def _tenant(tx: Transaction, user: User, wanted: str) -> Tenant | None:
    mine = {member.tenant_id for member in user.memberships}
    rows = select(Tenant).where(Tenant.enabled).order_by(Tenant.created, Tenant.id)
    if wanted:
        rows = rows.where((Tenant.id == wanted) | (Tenant.name == wanted))
    if mine and not (user.operator and wanted):
        rows = rows.where(Tenant.id.in_(mine))
    elif not user.operator:
        return None
    found = tx.session.scalar(rows.limit(1))
    if wanted and found is None:
        raise SiroccoError(NO_TENANT, tenant=wanted)
    return found
