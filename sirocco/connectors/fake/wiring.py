"""How objects hang together: what a machine needs, and the addresses it has been given."""

import sqlite3
from ipaddress import ip_network

from sirocco.connectors.fake.objects import Step, conflict
from sirocco.connectors.ports import ConnectorError, Fault

_ALIVE = "(ends IS NULL OR ends > ?)"


def link(step: Step, user: str, used: str, role: str) -> None:
    """From now on ``user`` needs ``used`` (an image, network or volume)."""
    step.db.execute("INSERT INTO link (user, used, role) VALUES (?, ?, ?)", (user, used, role))


def unlink(step: Step, user: str, role: str | None = None) -> None:
    """When the step is ready the user needs it no more; without a role: nothing at all."""
    step.db.execute(
        f"UPDATE link SET ends = ? WHERE user = ? AND (? IS NULL OR role = ?) AND {_ALIVE}",  # noqa: S608
        (step.ready, user, role, role, step.now),
    )


def refuse_if_used(step: Step, used: str) -> None:
    """CONFLICT while something needs this object."""
    row = step.db.execute(
        f"SELECT user FROM link WHERE used = ? AND {_ALIVE}",  # noqa: S608
        (used, step.now),
    ).fetchone()
    if row:
        raise conflict("InUse", why="{used} is in use by {user}", used=used, user=row[0])


def give_address(step: Step, network: str, cidr: str, machine: str, mac: str) -> str:
    """An address of the network that nobody has; CAPACITY when there is none, CONFLICT for a MAC seen before."""
    db, now = step.db, step.now
    db.execute("DELETE FROM address WHERE network = ? AND ends <= ?", (network, now))
    if db.execute("SELECT 1 FROM address WHERE network = ? AND mac = ?", (network, mac)).fetchone():
        raise conflict(
            "MacTaken",
            why="network {network} has an interface with the MAC address {mac} already",
            network=network,
            mac=mac,
        )
    number = _free_number(db, network, ip_network(cidr).num_addresses - 2)
    if number is None:
        raise ConnectorError(Fault.CAPACITY, "NoAddress", why="no address is left in {cidr}", cidr=cidr)
    db.execute(
        "INSERT INTO address (network, number, mac, machine) VALUES (?, ?, ?, ?)", (network, number, mac, machine)
    )
    return str(ip_network(cidr)[number])


def _free_number(db: sqlite3.Connection, network: str, last: int) -> int | None:
    """The number after the highest in use, or the lowest gap; 1 is the gateway's."""
    highest = db.execute("SELECT MAX(number) FROM address WHERE network = ?", (network,)).fetchone()[0] or 1
    if highest < last:
        return int(highest) + 1
    row = db.execute(
        "SELECT MIN(free) FROM (SELECT 2 AS free UNION ALL SELECT number + 1 FROM address WHERE network = :network)"
        " WHERE free <= :last AND free NOT IN (SELECT number FROM address WHERE network = :network)",
        {"network": network, "last": last},
    ).fetchone()
    return None if row[0] is None else int(row[0])


def take_addresses(step: Step, machine: str, mac: str | None = None) -> None:
    """When the step is ready, the machine's addresses (or that of one interface) may be given to others."""
    step.db.execute(
        f"UPDATE address SET ends = ? WHERE machine = ? AND (? IS NULL OR mac = ?) AND {_ALIVE}",  # noqa: S608
        (step.ready, machine, mac, mac, step.now),
    )
