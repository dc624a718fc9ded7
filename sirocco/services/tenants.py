"""Tenants and their quotas."""

from typing import Any

from sqlalchemy import func, select

from sirocco.cmdb.capacity import RESOURCES
from sirocco.cmdb.models import Credential, Image, Machine, Membership, Network, Quota, Template, Tenant, Volume
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction, expect_version
from sirocco.contracts.errors import IN_USE, INVALID, NAME_TAKEN, NOT_FOUND, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.limits import check_text
from sirocco.domain.query import EVERYTHING, Comparison, Query
from sirocco.services import events

_GIB = 2**30
DEFAULT_CEILINGS: dict[str, int | None] = {
    "machines": 50,
    "cores": 100,
    "memory": 256 * _GIB,
    "volumes": 100,
    "capacity": 5 * 1024 * _GIB,
    "addresses": 200,
    "images": 100,
}
_POLICIES = ("spread", "pack")


def create(tx: Transaction, name: str, *, description: str = "", properties: dict[str, str] | None = None) -> Tenant:
    """Add a tenant with the default quotas."""
    tx.who.need(Role.OPERATOR)
    check_text(name, description, properties)
    _refuse_taken(tx, name)
    tenant = tx.add(Tenant(name=name, description=description, properties=properties or {}))
    for resource in RESOURCES:
        tx.add(Quota(tenant_id=tenant.id, resource=resource, ceiling=DEFAULT_CEILINGS[resource], used=0))
    events.changed(tx, tenant, "create")
    return tenant


def _refuse_taken(tx: Transaction, name: str) -> None:
    if not name:
        raise SiroccoError(INVALID, where="name", why="it is empty")
    if tx.session.scalar(select(Tenant.id).where(Tenant.name == name)):
        raise SiroccoError(NAME_TAKEN, kind="tenant", name=name)


def get(tx: Transaction, tenant_id: str) -> Tenant:
    """A tenant: any for an operator, one's own for others."""
    if not tx.who.may(Role.OPERATOR) and tenant_id != tx.who.tenant_id:
        raise SiroccoError(NOT_FOUND, kind="tenant", id=tenant_id)
    return tx.get(Tenant, tenant_id)


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[Tenant]:
    """All tenants for an operator, one's own for others."""
    if tx.who.may(Role.OPERATOR):
        return fetch(tx, Tenant, query)
    return fetch(tx, Tenant, query, Tenant.id == tx.who.tenant_id)


def update(tx: Transaction, tenant_id: str, changes: dict[str, Any], version: int | None = None) -> Tenant:
    """Change words, ``enabled``, ``placement`` or ``providers``."""
    tx.who.need(Role.OPERATOR)
    tenant = tx.get(Tenant, tenant_id, lock=True)
    expect_version(tenant, version)
    check_text(changes.get("name", tenant.name), changes.get("description", ""), changes.get("properties"))
    if changes.get("name", tenant.name) != tenant.name:
        _refuse_taken(tx, changes["name"])
    if changes.get("placement", tenant.placement) not in _POLICIES:
        raise SiroccoError(INVALID, where="placement", why="it is one of {choices}", choices=", ".join(_POLICIES))
    for field in ("name", "description", "properties", "enabled", "placement", "providers"):
        if field in changes:
            setattr(tenant, field, changes[field])
    tenant.updated = tx.now
    events.changed(tx, tenant, "update")
    return tenant


def delete(tx: Transaction, tenant_id: str) -> None:
    """Forget a tenant that holds nothing any more."""
    tx.who.need(Role.OPERATOR)
    tenant = tx.get(Tenant, tenant_id, lock=True)
    for model in (Machine, Volume, Network, Image, Credential, Template):
        rows = select(func.count()).select_from(model).where(model.tenant_id == tenant.id)
        if count := tx.session.scalar(rows):
            raise SiroccoError(IN_USE, kind="tenant", name=tenant.name, users=f"{count} {model.__tablename__}s")
    events.changed(tx, tenant, "delete")
    tenant.enabled, tenant.name = False, f"{tenant.name} (deleted {tx.now:%Y-%m-%d %H:%M:%S})"
    for member in tx.session.scalars(select(Membership).where(Membership.tenant_id == tenant.id)):
        tx.session.delete(member)


def quotas(tx: Transaction, tenant_id: str) -> list[Quota]:
    """A tenant's quotas in their usual order."""
    get(tx, tenant_id)
    rows = {row.resource: row for row in tx.session.scalars(select(Quota).where(Quota.tenant_id == tenant_id))}
    return [rows[resource] for resource in RESOURCES if resource in rows]


def set_quota(tx: Transaction, tenant_id: str, ceilings: dict[str, int | None]) -> list[Quota]:
    """Set ceilings by resource, None for unlimited; below what is used is allowed and stops growth only."""
    tx.who.need(Role.OPERATOR)
    rows = {row.resource: row for row in quotas(tx, tenant_id)}
    for resource, ceiling in ceilings.items():
        if resource not in rows:
            raise SiroccoError(INVALID, where="quota", why="it is one of {choices}", choices=", ".join(RESOURCES))
        if ceiling is not None and not 0 <= ceiling < 2**62:
            raise SiroccoError(INVALID, where=f"quota.{resource}", why="it is a number of 0 or more, or absent")
        rows[resource].ceiling = ceiling
    events.changed(tx, tx.get(Tenant, tenant_id), "update")
    return quotas(tx, tenant_id)


def named(name: str) -> Query:
    """The query for a tenant of this name."""
    return Query(Comparison("name", "=", name))
