"""BtrPlace's network view (a tree of switches) as bandwidths of hosts and links between groups of hosts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from placement.errors import InputError
from placement.formats.document import entry, whole
from placement.model import Id, IntArray, Link, Model

MBIT_PER_MB = 9
"""Mbit/s of a link per MB/s of payload, as BtrPlace counts."""
UNLIMITED = 1 << 30
"""Capacity written for a host without a limit, Mbit/s; from here up, a bandwidth is none."""

Node = tuple[str, int]


def read_network(views: Sequence[Mapping[str, Any]], hosts: Sequence[Id]) -> tuple[IntArray, tuple[Link, ...]]:
    """(H,) bandwidth of hosts in MB/s and the links between switches; InputError where it is not a tree."""
    bandwidth = np.zeros(len(hosts), dtype=np.int64)
    if not views:
        return bandwidth, ()
    if len(views) > 1:
        raise InputError("model.views: there are several networks")
    number = {h: n for n, h in enumerate(hosts)}
    for n, switch in enumerate(entry(views[0], "switches", "model.views.net", list)):
        if (
            isinstance(switch, dict)
            and whole(switch.get("capacity", -1), f"model.views.net.switches[{n}].capacity", -1) > 0
        ):
            raise InputError(f"model.views.net.switches[{n}]: a switch with a capacity of its own is not supported")
    links: list[tuple[Node, Node, int, str]] = []
    for n, link in enumerate(entry(views[0], "links", "model.views.net", list)):
        where = f"model.views.net.links[{n}]"
        end = entry(link, "physicalElement", where, dict)
        capacity = whole(link.get("capacity"), f"{where}.capacity", 1)
        other = (entry(end, "type", where, str), whole(end.get("id"), f"{where}.physicalElement.id"))
        links.append(
            (("switch", whole(link.get("switch"), f"{where}.switch")), other, capacity, f"link {link.get('id', n)}")
        )
        if other[0] == "node":
            if other[1] not in number or bandwidth[number[other[1]]]:
                raise InputError(f"{where}: node {other[1]} is unknown or has two links")
            bandwidth[number[other[1]]] = max(1, capacity // MBIT_PER_MB)
        elif other[0] != "switch":
            raise InputError(f"{where}: {other[0]!r} is neither a node nor a switch")
    found = []
    for n, (_, other, capacity, name) in enumerate(links):
        if other[0] == "switch":
            behind = _behind(links, n)
            found.append(Link(name, frozenset(number[h] for h in behind), max(1, capacity // MBIT_PER_MB)))
    bandwidth[bandwidth >= UNLIMITED // MBIT_PER_MB] = 0
    return bandwidth, tuple(found)


def _behind(links: Sequence[tuple[Node, Node, int, str]], cut: int) -> set[Id]:
    """Ids of the hosts on the far side of a link between switches."""
    near: dict[Node, set[Node]] = {}
    for n, (one, other, _, _) in enumerate(links):
        if n != cut:
            near.setdefault(one, set()).add(other)
            near.setdefault(other, set()).add(one)
    reached, todo = {links[cut][1]}, [links[cut][1]]
    while todo:
        for other in near.get(todo.pop(), set()) - reached:
            reached.add(other)
            todo.append(other)
    if links[cut][0] in reached:
        raise InputError("model.views.net: the switches do not form a tree, which is all that is supported")
    return {number for kind, number in reached if kind == "node"}


def write_network(model: Model) -> list[dict[str, Any]]:
    """The network view of a model, none where it has no network; InputError where links overlap."""
    hosts = model.hosts
    if not hosts.bandwidth.any() and not model.links:
        return []
    inside: dict[int, int] = {}
    for number, link in enumerate(model.links):
        for host in sorted(link.hosts):
            if inside.setdefault(host, number + 1) != number + 1:
                raise InputError("links that share hosts cannot be written as a BtrPlace network")
    switches = [{"id": n, "capacity": -1} for n in range(len(model.links) + 1)]
    links = [
        {
            "id": n,
            "capacity": link.capacity * MBIT_PER_MB,
            "switch": 0,
            "physicalElement": {"type": "switch", "id": n + 1},
        }
        for n, link in enumerate(model.links)
    ]
    for host, i in enumerate(hosts.ids):
        capacity = int(hosts.bandwidth[host]) * MBIT_PER_MB or UNLIMITED
        end = {"type": "node", "id": i}
        links.append({"id": len(links), "capacity": capacity, "switch": inside.get(host, 0), "physicalElement": end})
    return [{"id": "net", "switches": switches, "links": links, "routing": {"type": "default"}}]
