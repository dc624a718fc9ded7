"""Nodes onto hosts: largest nodes first, hosts in the order given, each host filled before the next is tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, permutations

import numpy as np

from placement.leases.claims import Amounts, Places
from placement.leases.reservations import Claim
from placement.leases.shapes import Shape

_ORDERS_TRIED = 6


@dataclass(frozen=True, slots=True)
class Mapping:
    """`nodes[i]` is the host of node i (nodes counted through the groups); `claims` is what each host gives."""

    nodes: tuple[int, ...]
    claims: tuple[Claim, ...]


def fits(shapes: Sequence[Shape], free: Amounts, order: Places) -> bool:
    """Whether `place` would find a place for every node."""
    if any(int(shape.fitting(free[order]).sum()) < shape.count for shape in shapes):
        return False
    return len(shapes) == 1 or place(shapes, free, order) is not None


def place(shapes: Sequence[Shape], free: Amounts, order: Places) -> Mapping | None:
    """Place every node of every group on the hosts listed in `order`, or None if that does not work.

    With several groups the largest nodes go first; should that fail, other orders of the groups are tried.
    """
    by_size = sorted(range(len(shapes)), key=lambda g: -shapes[g].size)
    for groups in islice(permutations(by_size), _ORDERS_TRIED):
        found = _place_in_order(shapes, free, order, groups)
        if found is not None:
            return found
    return None


def _place_in_order(shapes: Sequence[Shape], free: Amounts, order: Places, groups: Sequence[int]) -> Mapping | None:
    nodes: list[list[int]] = [[] for _ in shapes]
    taken = np.zeros_like(free)
    for g in groups:
        shape = shapes[g]
        left = (free - taken).take(order, axis=0)
        fitting = shape.fitting(left)
        filled = np.cumsum(fitting)
        if not len(filled) or filled[-1] < shape.count:
            return None
        last = int(np.searchsorted(filled, shape.count))
        fitting[last] -= filled[last] - shape.count
        used = np.flatnonzero(fitting[: last + 1])
        nodes[g] = np.repeat(order[used], fitting[used]).tolist()
        taken[order[used]] += shape.claims(left.take(used, axis=0), fitting[used])
    return _mapping([host for group in nodes for host in group], taken)


def place_again(shapes: Sequence[Shape], free: Amounts, nodes: Sequence[int]) -> Mapping | None:
    """Place every node on the host it had before, or None if one of them does not fit there any more."""
    return place_around(shapes, free, nodes, np.array([], dtype=np.int64))


def place_around(shapes: Sequence[Shape], free: Amounts, nodes: Sequence[int], order: Places) -> Mapping | None:
    """Keep every node on its host where it fits, and place the others one by one on the hosts in `order`."""
    taken = np.zeros_like(free)
    placed = list(nodes)
    of_node = [shape for shape in shapes for _ in range(shape.count)]
    strays = []
    for node, shape in enumerate(of_node):
        if not _put(shape, free, taken, nodes[node]):
            strays.append(node)
    for node in strays:
        shape = of_node[node]
        host = next((int(host) for host in order if _put(shape, free, taken, int(host))), None)
        if host is None:
            return None
        placed[node] = host
    return _mapping(placed, taken)


def _put(shape: Shape, free: Amounts, taken: Amounts, host: int) -> bool:
    """Take one node's needs from a host if it fits there."""
    left = (free[host] - taken[host])[np.newaxis]
    fitting = np.minimum(shape.fitting(left), 1)
    taken[host] += shape.claims(left, fitting)[0]
    return bool(fitting[0])


def _mapping(nodes: Sequence[int], taken: Amounts) -> Mapping:
    hosts = sorted(set(nodes))
    claims = map(tuple, taken.take(hosts, axis=0).tolist())
    return Mapping(tuple(nodes), tuple(zip(hosts, claims, strict=True)))
