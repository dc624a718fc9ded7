"""Users, what they may do in which tenant, and their API keys."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from unicodedata import normalize

from sqlalchemy import select

from sirocco.cmdb.models import ApiKey, Membership, Tenant, User
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction, expect_version
from sirocco.contracts.errors import FORBIDDEN, INVALID, NAME_TAKEN, NOT_FOUND, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.limits import check, check_text
from sirocco.domain.query import EVERYTHING, Query
from sirocco.identity.principals import KEY_PREFIX, named
from sirocco.identity.secrets import fingerprint, hash_password, new_token, password_matches
from sirocco.identity.sessions import close_all_sessions
from sirocco.services import events

KEY_DAYS = 365
LONGEST_KEY_DAYS = 3650
_MEMBER_ROLES = (Role.TENANT_ADMIN, Role.MEMBER, Role.VIEWER)


def create(
    tx: Transaction,
    name: str,
    password: str,
    *,
    roles: Mapping[str, str] | None = None,
    operator: bool = False,
    language: str = "",
    description: str = "",
) -> User:
    """Add a user with roles by tenant id. Tenant administrators add users to their own tenant only."""
    _may_grant(tx, roles or {}, operator=operator)
    check_text(name, description)
    if not name or ":" in name or name != name.strip():
        raise SiroccoError(INVALID, where="name", why="it is empty, or holds a colon or blanks at its ends")
    if named(tx, name):
        raise SiroccoError(NAME_TAKEN, kind="user", name=name)
    user = User(
        name=normalize("NFC", name),
        description=description,
        password_hash=hash_password(password),
        operator=operator,
        language=language,
        memberships=[Membership(tenant_id=tenant_id, role=role) for tenant_id, role in (roles or {}).items()],
    )
    tx.add(user)
    events.changed(tx, user, "create")
    return user


def _may_grant(tx: Transaction, roles: Mapping[str, str], *, operator: bool) -> None:
    tx.who.need(Role.OPERATOR if operator else Role.TENANT_ADMIN)
    for tenant_id, role in roles.items():
        if role not in _MEMBER_ROLES:
            raise SiroccoError(INVALID, where="role", why="it is one of {choices}", choices=", ".join(_MEMBER_ROLES))
        if tx.session.get(Tenant, tenant_id) is None or not (
            tx.who.may(Role.OPERATOR) or tenant_id == tx.who.tenant_id
        ):
            raise SiroccoError(NOT_FOUND, kind="tenant", id=tenant_id)
    if not roles and not operator and not tx.who.may(Role.OPERATOR):
        raise SiroccoError(INVALID, where="roles", why="name the role in your tenant")


def get(tx: Transaction, user_id: str) -> User:
    """A user: any for an operator, those of the tenant for its administrator, oneself for everybody."""
    user = tx.session.get(User, user_id)
    if user is None or not _may_see(tx, user):
        raise SiroccoError(NOT_FOUND, kind="user", id=user_id)
    return user


def _may_see(tx: Transaction, user: User) -> bool:
    shared = any(member.tenant_id == tx.who.tenant_id for member in user.memberships)
    return tx.who.may(Role.OPERATOR) or user.id == tx.who.user_id or (shared and tx.who.may(Role.TENANT_ADMIN))


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[User]:
    """Users that the principal may see."""
    if tx.who.may(Role.OPERATOR):
        return fetch(tx, User, query)
    if tx.who.may(Role.TENANT_ADMIN):
        here = select(Membership.user_id).where(Membership.tenant_id == tx.who.tenant_id)
        return fetch(tx, User, query, User.id.in_(here))
    return fetch(tx, User, query, User.id == tx.who.user_id)


def update(tx: Transaction, user_id: str, changes: Mapping[str, Any], version: int | None = None) -> User:
    """Change ``description``, ``language``, ``enabled``, ``roles`` or ``operator``; one's own words are free."""
    user = get(tx, user_id)
    expect_version(user, version)
    if user.operator and not tx.who.may(Role.OPERATOR) and user.id != tx.who.user_id:
        raise SiroccoError(FORBIDDEN, role=Role.OPERATOR.value)
    check_text(user.name, changes.get("description", ""), changes.get("properties"))
    for field in ("description", "properties", "language"):
        if field in changes:
            setattr(user, field, changes[field])
    if "enabled" in changes and changes["enabled"] != user.enabled:
        _enable(tx, user, enabled=changes["enabled"])
    if "operator" in changes and changes["operator"] != user.operator:
        tx.who.need(Role.OPERATOR)
        user.operator = changes["operator"]
        close_all_sessions(tx, user.id)
    if "roles" in changes:
        _grant(tx, user, changes["roles"])
    user.updated = tx.now
    events.changed(tx, user, "update")
    return user


def _enable(tx: Transaction, user: User, *, enabled: bool) -> None:
    tx.who.need(Role.OPERATOR)
    if user.id == tx.who.user_id:
        raise SiroccoError(INVALID, where="enabled", why="you cannot lock yourself out")
    user.enabled = enabled
    if not enabled:
        close_all_sessions(tx, user.id)


def _grant(tx: Transaction, user: User, roles: Mapping[str, str]) -> None:
    """Set roles in the tenants that the principal administers; other memberships stay as they are."""
    _may_grant(tx, roles, operator=False)
    kept = [] if tx.who.may(Role.OPERATOR) else [row for row in user.memberships if row.tenant_id != tx.who.tenant_id]
    known = {row.tenant_id: row for row in user.memberships}
    for tenant_id, role in roles.items():
        row = known.get(tenant_id) or Membership(tenant_id=tenant_id)
        row.role = role
        kept.append(row)
    user.memberships = kept
    close_all_sessions(tx, user.id)


def set_password(tx: Transaction, user_id: str, password: str, current: str = "") -> None:
    """Change a password; one's own needs the current one, another's needs an operator. All sessions end."""
    user = get(tx, user_id)
    if user.id == tx.who.user_id:
        if not password_matches(user.password_hash, current):
            raise SiroccoError(INVALID, where="current password", why="it is wrong")
    else:
        tx.who.need(Role.OPERATOR)
    user.password_hash = hash_password(password)
    close_all_sessions(tx, user.id)
    events.record(tx, user, "access", {"operation": "set-password"})


def delete(tx: Transaction, user_id: str) -> None:
    """Forget a user, with keys and sessions; what the user made stays with its tenant."""
    tx.who.need(Role.OPERATOR)
    user = get(tx, user_id)
    if user.id == tx.who.user_id:
        raise SiroccoError(INVALID, where="user", why="you cannot delete yourself")
    events.changed(tx, user, "delete")
    tx.session.delete(user)


def keys(tx: Transaction, query: Query = EVERYTHING) -> Page[ApiKey]:
    """The principal's own API keys."""
    return fetch(tx, ApiKey, query, ApiKey.user_id == tx.who.user_id)


def key(tx: Transaction, key_id: str) -> ApiKey:
    """One of the principal's own API keys."""
    row = tx.session.get(ApiKey, key_id)
    if row is None or row.user_id != tx.who.user_id:
        raise SiroccoError(NOT_FOUND, kind="api key", id=key_id)
    return row


def create_key(
    tx: Transaction, name: str, *, days: int = KEY_DAYS, until: datetime | None = None, description: str = ""
) -> tuple[ApiKey, str]:
    """A new key for the principal in the chosen tenant; the second part is the key itself, shown this once.

    It ends at the moment ``until``, or after so many days.
    """
    check_text(name, description)
    check("days", days, 1, LONGEST_KEY_DAYS)
    token = new_token(KEY_PREFIX)
    row = tx.add(
        ApiKey(
            user_id=tx.who.user_id,
            tenant_id=tx.who.tenant_id,
            name=name or "api key",
            description=description,
            prefix=token[:11],
            hash=fingerprint(token),
            expires=until or tx.now + timedelta(days=days),
        )
    )
    events.changed(tx, row, "create")
    return row, token


def delete_key(tx: Transaction, key_id: str) -> None:
    """Revoke a key at once."""
    row = key(tx, key_id)
    events.changed(tx, row, "delete")
    tx.session.delete(row)
