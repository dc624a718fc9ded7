"""Tenants, users, quotas and API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from api.cimi import changes as change
from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, V2, Value, Values
from api.cimi.resource import Below, Change, Creation, Part, Removal, Resource
from api.cimi.templates import id_of, words
from sirocco.cmdb.models import Quota, Tenant, User
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.query import Query
from sirocco.services import tenants, users

TENANT, USER, QUOTA, API_KEY = (KINDS[name] for name in ("Tenant", "User", "Quota", "ApiKey"))


def _create_tenant(exchange: Exchange, values: Values) -> Made:
    name, description, properties = words(values)
    return Made(tenants.create(exchange.tx, name, description=description, properties=properties))


def _update_tenant(exchange: Exchange, tenant_id: str, values: Values) -> Made:
    columns = change.columns(TENANT, values, exchange.wire.version)
    if "providers" in values:
        columns["providers"] = [id_of(entry) for entry in cast("list[Values]", values["providers"] or [])]
    return Made(tenants.update(exchange.tx, tenant_id, columns, exchange.expected))


def _delete_tenant(exchange: Exchange, tenant_id: str) -> Made:
    tenants.delete(exchange.tx, tenant_id)
    return Made()


def _tenant_more(_exchange: Exchange, tenant: Tenant) -> Values:
    return {"providers": [{"href": f"providers/{provider_id}"} for provider_id in tenant.providers]}


@dataclass(frozen=True, slots=True)
class _Ceiling:
    """A quota under an id of its own: its tenant's and the name of what it counts."""

    id: str
    quota: Quota


def _ceilings(tx: Transaction, tenant_id: str) -> list[_Ceiling]:
    return [_Ceiling(f"{row.tenant_id}.{row.resource}", row) for row in tenants.quotas(tx, tenant_id)]


def _find_quota(tx: Transaction, quota_id: str) -> _Ceiling:
    tenant_id, _, _resource = quota_id.partition(".")
    found = next((one for one in _ceilings(tx, tenant_id) if one.id == quota_id), None)
    if found is None:
        raise SiroccoError(NOT_FOUND, kind="quota", id=quota_id)
    return found


def _quotas(tx: Transaction, query: Query) -> Part:
    rows = [one for tenant in tenants.page(tx).items for one in _ceilings(tx, tenant.id)]
    return Part(rows[query.first - 1 : query.last or None], len(rows))


def _quotas_of(exchange: Exchange, tenant: Tenant) -> Sequence[_Ceiling]:
    return _ceilings(exchange.tx, tenant.id)


def _quota_more(_exchange: Exchange, one: _Ceiling) -> Values:
    row = one.quota
    return {
        "tenant": {"href": f"tenants/{row.tenant_id}"},
        "resource": row.resource,
        "ceiling": row.ceiling,
        "used": row.used,
    }


def _update_quota(exchange: Exchange, quota_id: str, values: Values) -> Made:
    one = _find_quota(exchange.tx, quota_id)
    if "ceiling" in values:
        tenants.set_quota(exchange.tx, one.quota.tenant_id, {one.quota.resource: cast("int | None", values["ceiling"])})
    return Made(one)


def _roles(values: Values) -> dict[str, str]:
    given = cast("list[Values]", values.get("memberships") or [])
    return {id_of(entry["tenant"]): str(entry["role"]) for entry in given}


def _create_user(exchange: Exchange, values: Values) -> Made:
    name, description, _ = words(values)
    user = users.create(
        exchange.tx,
        name,
        str(values.get("password") or ""),
        roles=_roles(values),
        operator=values.get("operator") is True,
        language=str(values.get("language") or ""),
        description=description,
    )
    return Made(user)


def _update_user(exchange: Exchange, user_id: str, values: Values) -> Made:
    columns = change.columns(USER, values, exchange.wire.version)
    columns.pop("name", None)
    if values.get("memberships") is not None:
        columns["roles"] = _roles(values)
    user = users.update(exchange.tx, user_id, columns, exchange.expected)
    if password := values.get("password"):
        users.set_password(exchange.tx, user_id, str(password), str(values.get("currentPassword") or ""))
    return Made(user)


def _delete_user(exchange: Exchange, user_id: str) -> Made:
    users.delete(exchange.tx, user_id)
    return Made()


def _user_more(exchange: Exchange, user: User) -> Values:
    everywhere = exchange.tx.who.may(Role.OPERATOR) or user.id == exchange.tx.who.user_id
    shown: list[Value] = [
        {"tenant": {"href": f"tenants/{member.tenant_id}"}, "role": member.role}
        for member in user.memberships
        if everywhere or member.tenant_id == exchange.tx.who.tenant_id
    ]
    return {"memberships": shown}


def _create_key(exchange: Exchange, values: Values) -> Made:
    name, description, _ = words(values)
    until, most = cast("datetime | None", values.get("expires")), users.LONGEST_KEY_DAYS
    if until and not timedelta() < until - exchange.tx.now <= timedelta(days=most):
        raise invalid("expires", why="it is in the past, or more than {most} days ahead", most=most)
    row, token = users.create_key(exchange.tx, name, until=until, description=description)
    return Made(row, document={"token": token})


def _delete_key(exchange: Exchange, key_id: str) -> Made:
    users.delete_key(exchange.tx, key_id)
    return Made()


_QUOTAS_OF = Below(QUOTA, _quotas_of, elsewhere=True)

TENANTS = Resource(
    TENANT,
    tenants.get,
    tenants.page,
    more=_tenant_more,
    create=Creation(Role.OPERATOR, _create_tenant),
    update=Change(Role.OPERATOR, _update_tenant),
    delete=Removal(Role.OPERATOR, _delete_tenant),
    below={("quotas", V1): _QUOTAS_OF, ("quotas", V2): _QUOTAS_OF},
)

USERS = Resource(
    USER,
    users.get,
    users.page,
    more=_user_more,
    create=Creation(Role.TENANT_ADMIN, _create_user),
    update=Change(Role.VIEWER, _update_user),
    delete=Removal(Role.OPERATOR, _delete_user),
)

QUOTAS = Resource(
    QUOTA,
    _find_quota,
    _quotas,
    more=_quota_more,
    update=Change(Role.OPERATOR, _update_quota),
    tabled=False,
)

API_KEYS = Resource(
    API_KEY,
    users.key,
    users.keys,
    create=Creation(Role.VIEWER, _create_key),
    delete=Removal(Role.VIEWER, _delete_key),
)
