"""What the pretend hosts can hold: claimed when an operation begins, free again when what held it is gone."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from sirocco.connectors.fake.objects import Step, invalid
from sirocco.connectors.fake.settings import Host
from sirocco.connectors.ports import ConnectorError, Fault, HostFacts


@dataclass(frozen=True, slots=True)
class Size:
    """A share of a host: cores, memory and disk in bytes."""

    cores: int = 0
    memory: int = 0
    disk: int = 0


def keep_hosts(db: sqlite3.Connection, wanted: Iterable[Host], default: Iterable[Host]) -> None:
    """Add or resize the hosts that are wanted; the default ones where the cloud would have none."""
    hosts = list(wanted)
    if not hosts and db.execute("SELECT 1 FROM host").fetchone() is None:
        hosts = list(default)
    db.executemany(
        "INSERT INTO host (name, cores, memory, disk) VALUES (?, ?, ?, ?) ON CONFLICT (name)"
        " DO UPDATE SET cores = excluded.cores, memory = excluded.memory, disk = excluded.disk",
        [(host.name, host.cores, host.memory, host.disk) for host in hosts],
    )


def _settle(db: sqlite3.Connection, now: float) -> None:
    due = db.execute("DELETE FROM release WHERE at <= ? RETURNING host, cores, memory, disk", (now,)).fetchall()
    for host, *size in due:
        _add(db, host, Size(*size), -1)


def _add(db: sqlite3.Connection, host: str, size: Size, sign: int) -> None:
    db.execute(
        "UPDATE host SET used_cores = used_cores + ?, used_memory = used_memory + ?, used_disk = used_disk + ?"
        " WHERE name = ?",
        (sign * size.cores, sign * size.memory, sign * size.disk, host),
    )


def claim(step: Step, host: str, size: Size) -> str:
    """Take a share of a host, of the emptiest that fits if none is named; CAPACITY when there is none."""
    _settle(step.db, step.now)
    if host and step.db.execute("SELECT 1 FROM host WHERE name = ?", (host,)).fetchone() is None:
        raise invalid(why="there is no host {host}", host=host)
    row = step.db.execute(
        "SELECT name FROM host WHERE (:host = '' OR name = :host) AND used_cores + :cores <= cores"
        " AND used_memory + :memory <= memory AND used_disk + :disk <= disk"
        " ORDER BY CAST(used_memory AS REAL) / memory, CAST(used_disk AS REAL) / disk, name LIMIT 1",
        {"host": host, "cores": size.cores, "memory": size.memory, "disk": size.disk},
    ).fetchone()
    if row is None:
        why = (
            "host {host} has no room for {cores} cores, {memory} bytes of memory and {disk} of disk"
            if host
            else "no host has room for {cores} cores, {memory} bytes of memory and {disk} of disk"
        )
        sizes = {"cores": size.cores, "memory": size.memory, "disk": size.disk}
        raise ConnectorError(Fault.CAPACITY, "NoRoom", why=why, host=host, **sizes)
    _add(step.db, row[0], size, 1)
    return str(row[0])


def release(step: Step, host: str, size: Size) -> None:
    """Give a share back when the step is ready."""
    step.db.execute(
        "INSERT INTO release (at, token, host, cores, memory, disk) VALUES (?, ?, ?, ?, ?, ?)",
        (step.ready, step.token, host, size.cores, size.memory, size.disk),
    )


def release_instead(db: sqlite3.Connection, token: str, host: str, at: float) -> None:
    """Give back what a move claimed on its destination, and keep what it would have given back."""
    db.execute("UPDATE release SET host = ?, at = ? WHERE token = ?", (host, at, token))


def host_facts(db: sqlite3.Connection, now: float) -> tuple[HostFacts, ...]:
    """The hosts by name, with what comes free by now counted as free."""
    why = "no guest runs: this provider only plays a cloud"
    rows = db.execute(
        "SELECT name, cores, memory, disk,"
        " used_cores - COALESCE((SELECT SUM(cores) FROM release WHERE host = name AND at <= :now), 0),"
        " used_memory - COALESCE((SELECT SUM(memory) FROM release WHERE host = name AND at <= :now), 0)"
        " FROM host ORDER BY name",
        {"now": now},
    )
    return tuple(
        HostFacts(name, cores, memory, disk, used / cores, used_memory, "fake", why)
        for name, cores, memory, disk, used, used_memory in rows
    )
