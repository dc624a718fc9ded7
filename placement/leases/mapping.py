"""Nodes onto hosts: largest nodes first, hosts in the order given, each host filled before the next is tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, permutations

import numpy as np
import numpy.typing as npt

from placement.leases.profile import Amounts
from placement.leases.reservations import Claim
from placement.leases.shapes import Shape

_ORDERS_TRIED = 6


@dataclass(frozen=True, slots=True)
class Mapping:
    """`nodes[i]` is the host of node i (nodes counted through the groups); `claims` is what each host gives."""

    nodes: tuple[int, ...]
    claims: tuple[Claim, ...]


def place(shapes: Sequence[Shape], free: Amounts, order: npt.NDArray[np.int64]) -> Mapping | None:
    """Place every node of every group on the hosts listed in `order`, or None if that does not work.

    With several groups the largest nodes go first; should that fail, other orders of the groups are tried.
    """
    if len(shapes) == 1:
        return _place_in_order(shapes, free, order, [0])
    if any(int(shape.fitting(free[order]).sum()) < shape.count for shape in shapes):
        return None
    by_size = sorted(range(len(shapes)), key=lambda g: -shapes[g].size)
    for groups in islice(permutations(by_size), _ORDERS_TRIED):
        found = _place_in_order(shapes, free, order, groups)
        if found is not None:
            return found
    return None


def _place_in_order(
    shapes: Sequence[Shape], free: Amounts, order: npt.NDArray[np.int64], groups: Sequence[int]
) -> Mapping | None:
    left = free if len(groups) == 1 else free.copy()
    nodes: list[list[int]] = [[] for _ in shapes]
    taken: dict[int, list[int]] = {}
    for g in groups:
        shape = shapes[g]
        fitting = shape.fitting(left[order])
        filled = np.cumsum(fitting)
        if not len(filled) or filled[-1] < shape.count:
            return None
        last = int(np.searchsorted(filled, shape.count))
        fitting[last] -= filled[last] - shape.count
        for place_ in np.flatnonzero(fitting[: last + 1]):
            host, count = int(order[place_]), int(fitting[place_])
            claim = shape.claims(left[host], count)
            nodes[g] += [host] * count
            taken[host] = [a + b for a, b in zip(taken[host], claim, strict=True)] if host in taken else claim
            if left is not free:
                left[host] -= claim
    return _mapping(nodes, taken)


def place_again(shapes: Sequence[Shape], free: Amounts, nodes: Sequence[int]) -> Mapping | None:
    """Place every node on the host it had before, or None if one of them does not fit there any more."""
    left = {host: free[host].copy() for host in set(nodes)}
    taken: dict[int, list[int]] = {host: [0] * free.shape[1] for host in left}
    first = 0
    for shape in shapes:
        for host in nodes[first : first + shape.count]:
            if not int(shape.fitting(left[host])):
                return None
            claim = shape.claims(left[host], 1)
            left[host] -= claim
            taken[host] = [a + b for a, b in zip(taken[host], claim, strict=True)]
        first += shape.count
    return _mapping([list(nodes)], taken)


def place_around(
    shapes: Sequence[Shape], free: Amounts, nodes: Sequence[int], order: npt.NDArray[np.int64]
) -> Mapping | None:
    """Keep every node on its host where it fits, and place the others one by one on the hosts in `order`."""
    left = free.copy()
    taken: dict[int, list[int]] = {}
    placed = []
    of_node = [shape for shape in shapes for _ in range(shape.count)]
    keeps = [bool(shape.fitting(left[host])) for shape, host in zip(of_node, nodes, strict=True)]
    for node in sorted(range(len(nodes)), key=lambda node: not keeps[node]):
        shape = of_node[node]
        choice = [nodes[node]] if keeps[node] else [int(host) for host in order if shape.fitting(left[host])]
        if not choice or not shape.fitting(left[choice[0]]):
            return None
        host = choice[0]
        claim = shape.claims(left[host], 1)
        left[host] -= claim
        taken[host] = [a + b for a, b in zip(taken[host], claim, strict=True)] if host in taken else claim
        placed.append((node, host))
    return _mapping([[host for _, host in sorted(placed)]], taken)


def _mapping(nodes: Sequence[Sequence[int]], taken: dict[int, list[int]]) -> Mapping:
    claims = tuple((host, tuple(taken[host])) for host in sorted(taken))
    return Mapping(tuple(host for group in nodes for host in group), claims)
