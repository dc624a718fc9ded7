"""Hypervisor hosts: inventory, maintenance and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from sirocco.cmdb.models import Host, Job, Machine, Provider
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction, expect_version
from sirocco.contracts import commands as c
from sirocco.contracts.errors import BUSY, INVALID, WRONG_STATE, SiroccoError, kept
from sirocco.contracts.states import HostState, Role
from sirocco.domain.query import EVERYTHING, Query
from sirocco.services import events, jobs

_MOST_OVERBOOKING = 32.0


@dataclass(frozen=True, slots=True)
class HostInventory:
    """A host as a probe found it; memory and disk in bytes, load as a share (0..1)."""

    name: str
    cores: int
    memory: int
    disk: int
    load: float
    memory_used: int
    accelerator: str
    reason: str
    cause: Mapping[str, str] = field(default_factory=dict)


def get(tx: Transaction, host_id: str) -> Host:
    """One host."""
    tx.who.need(Role.OPERATOR)
    return tx.get(Host, host_id)


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[Host]:
    """All hosts."""
    tx.who.need(Role.OPERATOR)
    return fetch(tx, Host, query)


def machines_on(tx: Transaction, host: Host) -> Sequence[Machine]:
    """The machines that a host carries."""
    return tx.session.scalars(select(Machine).where(Machine.host_id == host.id).order_by(Machine.created)).all()


def update(tx: Transaction, host_id: str, changes: dict[str, Any], version: int | None = None) -> Host:
    """Change ``description``, ``properties`` or ``overbooking`` (1.0 to 32.0 virtual cores a core)."""
    tx.who.need(Role.OPERATOR)
    host = tx.get(Host, host_id, lock=True)
    expect_version(host, version)
    overbooking = float(changes.get("overbooking", host.overbooking))
    if not 1.0 <= overbooking <= _MOST_OVERBOOKING:
        raise SiroccoError(
            INVALID, where="overbooking", why="it is between {low} and {high}", low=1, high=f"{_MOST_OVERBOOKING:g}"
        )
    host.overbooking = overbooking
    host.description = changes.get("description", host.description)
    host.properties = changes.get("properties", host.properties)
    host.updated = tx.now
    events.changed(tx, host, "update")
    return host


def drain(tx: Transaction, host_id: str) -> Job:
    """Move all machines off a host and keep new ones away: one job with a nested one for each machine."""
    tx.who.need(Role.OPERATOR)
    host = tx.get(Host, host_id, lock=True)
    if host.job_id:
        raise SiroccoError(BUSY, kind="host", name=host.name, job=host.job_id)
    if host.state not in {HostState.ONLINE, HostState.DRAINING}:
        raise SiroccoError(WRONG_STATE, kind="host", name=host.name, state=host.state, action="drain", needed="ONLINE")
    job = jobs.submit(tx, "DrainHost", c.Drain.action, host)
    events.set_state(tx, host, HostState.DRAINING, job_id=job.id)
    return job


def enable(tx: Transaction, host_id: str) -> Host:
    """Let a host take machines again."""
    tx.who.need(Role.OPERATOR)
    host = tx.get(Host, host_id, lock=True)
    if host.job_id:
        raise SiroccoError(BUSY, kind="host", name=host.name, job=host.job_id)
    if host.state == HostState.OFFLINE:
        raise SiroccoError(
            WRONG_STATE, kind="host", name=host.name, state=host.state, action="enable", needed="reachable"
        )
    events.set_state(tx, host, HostState.ONLINE)
    return host


def seen(tx: Transaction, provider: Provider, inventory: Sequence[HostInventory]) -> None:
    """Bring the records to what a probe found: new hosts appear, missing ones go OFFLINE, found ones come back."""
    known = {host.name: host for host in tx.session.scalars(select(Host).where(Host.provider_id == provider.id))}
    for facts in inventory:
        host = known.pop(facts.name, None)
        if host is None:
            host = tx.add(Host(provider_id=provider.id, name=facts.name, properties={}))
            events.changed(tx, host, "create")
        _refresh(tx, host, facts)
    for host in known.values():
        if host.state == HostState.ONLINE:
            events.set_state(tx, host, HostState.OFFLINE)


def _refresh(tx: Transaction, host: Host, facts: HostInventory) -> None:
    for fact in ("cores", "memory", "disk", "load", "memory_used", "accelerator", "reason"):
        if getattr(host, fact) != getattr(facts, fact):
            setattr(host, fact, getattr(facts, fact))
    host.cause = kept(facts.cause) if facts.cause else {}
    host.seen = tx.now
    if host.state == HostState.OFFLINE:
        events.set_state(tx, host, HostState.ONLINE)
