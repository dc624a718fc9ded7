"""How resource vectors fit into what hosts have left.

A type with one instance on every host is one column of the table; a type with several (CPUs) is one column for each:
two CPUs with 50 % free each are not one CPU with 100 % free, so each requested instance needs a share of its own.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from placement.leases.claims import Amounts
from placement.leases.model import NodeGroup, Resources, Site

Counts = npt.NDArray[np.int64]

_MANY = 1 << 40


class Layout:
    """Which columns of the slot table stand for which resource type."""

    def __init__(self, site: Site) -> None:
        widths: dict[str, int] = {}
        for host in site.hosts:
            for name, instances in host.capacity:
                widths[name] = max(widths.get(name, 0), len(instances))
        self.largest: dict[str, int] = {}
        for name, instances in (held for host in site.hosts for held in host.capacity):
            self.largest[name] = max(self.largest.get(name, 0), sum(instances))
        self.slices: dict[str, slice] = {}
        self.columns = 0
        for name in sorted(widths):
            self.slices[name] = slice(self.columns, self.columns + widths[name])
            self.columns += widths[name]

    def row(self, capacity: Resources) -> list[int]:
        """One host's capacity as a row of the table."""
        row = [0] * self.columns
        for name, instances in capacity:
            first = self.slices[name].start
            row[first : first + len(instances)] = instances
        return row


class Shape:
    """One node's needs, laid out over the columns of a table that is `columns` wide.

    `size` sums its shares of the largest host, so that the largest nodes can be placed first.
    """

    def __init__(self, layout: Layout, group: NodeGroup, columns: int) -> None:
        self.count = group.count
        self.vector = np.zeros(columns, dtype=np.int64)
        self.spread: list[tuple[slice, list[int]]] = []
        self.missing = [name for name, _ in group.needs if name not in layout.slices]
        for name, instances in group.needs:
            where = layout.slices.get(name, slice(0, 0))
            if len(instances) == 1 and where.stop - where.start == 1:
                self.vector[where] = instances[0]
            else:
                self.spread.append((where, sorted((a for a in instances if a), reverse=True)))
        self.size = sum(sum(amounts) / (layout.largest.get(name) or 1) for name, amounts in group.needs)
        self._needed = np.flatnonzero(self.vector)

    def fitting(self, free: Amounts) -> Counts:
        """How many such nodes fit, for every row of `free` (the last dimension is the columns)."""
        found = np.full(free.shape[:-1], _MANY, dtype=np.int64)
        for column in self._needed:
            found = np.minimum(found, free[..., column] // self.vector[column])
        for where, instances in self.spread:
            found = np.minimum(found, _fitting_instances(free[..., where], instances))
        return np.maximum(found, 0)

    def claims(self, left: Amounts, counts: Counts) -> Amounts:
        """What `counts[i]` such nodes take, by column, from a host that has `left[i]` and on which they fit."""
        taken = counts[:, np.newaxis] * self.vector
        for where, instances in self.spread:
            for host, count in enumerate(counts.tolist()):
                shares = left[host, where].copy()
                for _ in range(count):
                    _take(shares, instances)
                taken[host, where] = left[host, where] - shares
        return taken


def _fitting_instances(shares: Amounts, instances: Sequence[int]) -> Counts:
    if len(instances) == 1:
        found: Counts = (np.maximum(shares, 0) // instances[0]).sum(axis=-1)
        return found
    flat = shares.reshape(-1, shares.shape[-1])
    counts = [_count_by_taking(row.copy(), instances) for row in flat]
    return np.array(counts, dtype=np.int64).reshape(shares.shape[:-1])


def _count_by_taking(shares: npt.NDArray[np.int64], instances: Sequence[int]) -> int:
    count = 0
    while _take(shares, instances):
        count += 1
    return count


def _take(shares: npt.NDArray[np.int64], instances: Sequence[int]) -> bool:
    """Take one node's instances from distinct shares if that is possible; a single instance must be known to fit.

    A single instance comes from the tightest share, so that large shares stay whole; of several, the largest comes
    from the largest share, which finds a place for all of them whenever there is one.
    """
    if len(instances) == 1:
        enough = np.flatnonzero(shares >= instances[0])
        shares[enough[shares[enough].argmin()]] -= instances[0]
        return True
    largest = np.argsort(-shares, kind="stable")[: len(instances)]
    if len(largest) < len(instances) or (shares[largest] < instances).any():
        return False
    shares[largest] -= instances
    return True
