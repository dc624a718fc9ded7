"""What happened, for people and for live streams."""

from typing import Any

from sqlalchemy import func, select

from sirocco.cmdb.models import Event, Record
from sirocco.cmdb.transaction import Transaction, word


def record(
    tx: Transaction,
    resource: Record,
    kind: str,
    content: dict[str, Any],
    *,
    job_id: str | None = None,
    failed: bool = False,
) -> None:
    """Note an event of ``kind`` (``state``, ``alarm``, ``model``, ``access``; DSP0263 2.0.0, 5.17.13)."""
    tx.session.add(
        Event(
            tenant_id=getattr(resource, "tenant_id", None),
            user_id=tx.who.user_id,
            resource_kind=word(type(resource)),
            resource_id=resource.id,
            resource_name=resource.name,
            job_id=job_id,
            type=kind,
            content=content,
            outcome="Failure" if failed else "Success",
            severity="high" if failed else "low",
            timestamp=tx.now,
        )
    )


def changed(tx: Transaction, resource: Record, change: str, *, job_id: str | None = None) -> None:
    """Note that a record was created, updated or deleted."""
    record(tx, resource, "model", {"change": change}, job_id=job_id)


def set_state(tx: Transaction, resource: Any, state: str, *, job_id: str | None = None) -> None:
    """Bring a resource to a state and note the change; the same state again is no event."""
    previous, resource.state = resource.state, state
    if previous != state:
        content = {"state": str(state), "previous": str(previous or "")}
        record(tx, resource, "state", content, job_id=job_id, failed=state == "ERROR")


def of_resource(tx: Transaction, resource: Record, *, first: int = 1, last: int = 100) -> list[Event]:
    """A resource's events, latest first, cut by position."""
    rows = (
        tx.visible(Event)
        .where(Event.resource_kind == word(type(resource)), Event.resource_id == resource.id)
        .order_by(Event.id.desc())
    )
    return list(tx.session.scalars(rows.offset(first - 1).limit(last - first + 1)))


def count_of_resource(tx: Transaction, resource: Record) -> int:
    """How many events a resource has."""
    rows = tx.visible(Event).where(Event.resource_kind == word(type(resource)), Event.resource_id == resource.id)
    return tx.session.scalar(select(func.count()).select_from(rows.subquery())) or 0


def recent(tx: Transaction, *, limit: int = 20) -> list[Event]:
    """The latest events that the principal may see."""
    return list(tx.session.scalars(tx.visible(Event).order_by(Event.id.desc()).limit(limit)))


def since(tx: Transaction, last: int, *, limit: int = 500) -> list[Event]:
    """Events after the one with id ``last``, oldest first: what a live stream sends next."""
    return list(tx.session.scalars(tx.visible(Event).where(Event.id > last).order_by(Event.id).limit(limit)))


def newest(tx: Transaction) -> int:
    """The id of the latest event, 0 when there is none."""
    return tx.session.scalar(select(func.max(Event.id))) or 0
