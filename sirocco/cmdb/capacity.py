"""Quotas and host capacity, taken and given back by single statements: two requests can never both take the last."""

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, bindparam, case, delete, or_, select, update

from sirocco.cmdb.models import Claim, Host, Quota
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import QUOTA, SiroccoError
from sirocco.contracts.states import HostState

RESOURCES = ("machines", "cores", "memory", "volumes", "capacity", "addresses", "images")
"""What quotas count; ``memory`` and ``capacity`` (of volumes) in bytes, the others in pieces."""

_TAKE = (
    update(Quota)
    .where(Quota.tenant_id == bindparam("tenant"), Quota.resource == bindparam("counted"))
    .where(or_(Quota.ceiling.is_(None), Quota.used + bindparam("more") <= Quota.ceiling))
    .values(used=Quota.used + bindparam("more"))
    .execution_options(synchronize_session=False)
)
"""Every machine says it four times: putting it together takes twice as long as carrying it out, so it is done once."""


def take(tx: Transaction, tenant_id: str, amounts: dict[str, int]) -> None:
    """Count ``amounts`` against the tenant's quotas, all or nothing (the transaction is the all)."""
    for resource, amount in sorted(amounts.items()):
        if amount > 0 and not _taken(tx, tenant_id, resource, amount):
            row = tx.session.get(Quota, (tenant_id, resource))
            used, ceiling = (row.used, row.ceiling) if row else (0, 0)
            raise SiroccoError(QUOTA, resource=resource, used=used, wanted=amount, ceiling=ceiling)


def _taken(tx: Transaction, tenant_id: str, resource: str, amount: int) -> bool:
    return _changed(tx, _TAKE, tenant=tenant_id, counted=resource, more=amount) == 1


def give_back(tx: Transaction, tenant_id: str, amounts: dict[str, int]) -> None:
    """Stop counting ``amounts``; never below zero. What is not positive was never taken and is left out."""
    for resource, amount in sorted(amounts.items()):
        if amount <= 0:
            continue
        left = case((Quota.used > amount, Quota.used - amount), else_=0)
        tx.session.execute(
            update(Quota)
            .where(Quota.tenant_id == tenant_id, Quota.resource == resource)
            .values(used=left)
            .execution_options(synchronize_session=False)
        )


@dataclass(frozen=True, slots=True)
class Amount:
    """Capacity of a host: cores, bytes of memory, bytes of disk."""

    cores: int = 0
    memory: int = 0
    disk: int = 0


def claim(tx: Transaction, host_id: str, holder_id: str, amount: Amount) -> bool:
    """Take capacity on an online host for a machine or volume; False when it no longer fits. Repeating is harmless."""
    if tx.session.get(Claim, (holder_id, host_id)) is not None:
        return True
    statement = (
        update(Host)
        .where(Host.id == host_id, Host.state == HostState.ONLINE)
        .where(Host.cores_claimed + amount.cores <= Host.cores * Host.overbooking)
        .where(Host.memory_claimed + amount.memory <= Host.memory)
        .where(Host.disk_claimed + amount.disk <= Host.disk)
    )
    if _changed(tx, _added(statement, amount)) != 1:
        return False
    tx.add(Claim(holder_id=holder_id, host_id=host_id, cores=amount.cores, memory=amount.memory, disk=amount.disk))
    return True


def resize_claim(tx: Transaction, host_id: str, holder_id: str, wanted: Amount) -> bool:
    """Make the holder's claim on a host as large as ``wanted``; False when the host has not that much left."""
    held = tx.session.get(Claim, (holder_id, host_id))
    if held is None:
        return claim(tx, host_id, holder_id, wanted)
    more = Amount(wanted.cores - held.cores, wanted.memory - held.memory, wanted.disk - held.disk)
    fits = (
        (more.cores, Host.cores_claimed + more.cores <= Host.cores * Host.overbooking),
        (more.memory, Host.memory_claimed + more.memory <= Host.memory),
        (more.disk, Host.disk_claimed + more.disk <= Host.disk),
    )
    statement = update(Host).where(Host.id == host_id, *(fit for amount, fit in fits if amount > 0))
    if _changed(tx, _added(statement, more)) != 1:
        return False
    held.cores, held.memory, held.disk = wanted.cores, wanted.memory, wanted.disk
    return True


def release(tx: Transaction, holder_id: str, *, keep_host: str = "") -> None:
    """Give back what a machine or volume claimed, on all hosts but ``keep_host``."""
    rows = tx.session.scalars(select(Claim).where(Claim.holder_id == holder_id, Claim.host_id != keep_host)).all()
    for row in rows:
        statement = update(Host).where(Host.id == row.host_id)
        tx.session.execute(_added(statement, Amount(-row.cores, -row.memory, -row.disk)))
        tx.session.execute(delete(Claim).where(Claim.holder_id == holder_id, Claim.host_id == row.host_id))


def _added(statement: Any, amount: Amount) -> Any:
    """Raise the host's claims; the row's version stays: claims are not an edit of the host."""
    return statement.values(
        cores_claimed=Host.cores_claimed + amount.cores,
        memory_claimed=Host.memory_claimed + amount.memory,
        disk_claimed=Host.disk_claimed + amount.disk,
    ).execution_options(synchronize_session=False)


def _changed(tx: Transaction, statement: Any, **values: object) -> int:
    return cast("CursorResult[Any]", tx.session.execute(statement, values)).rowcount
