"""A proven lower bound on energy: Lagrangian relaxation with a price per kind of VM and a knapsack per host.

Every VM must be somewhere: that rule is priced. What remains is, for each host, the cheapest load given the prices:
off, or on with some of its own VMs kept and others brought in. The best load for arrivals comes from one knapsack table
per kind of host; the kept VMs are all subsets of those on the host. Any prices give a valid bound; `ascent` looks for
good ones. Source: Gilmore and Gomory (1961) for pricing patterns. Constraints between VMs are left out, which keeps the
bound valid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placement.ascent import Value
from placement.costs import Costs
from placement.knapsack import filled
from placement.model import FloatArray, IntArray
from placement.problem import Problem

KEPT = 11
"""VMs of a host whose subsets are all tried; the others may be charged a move they do not make, which is given back."""
CELLS = 14_000
"""Cells of a knapsack table; finer sizes are rounded down (VMs) so that the bound stays valid."""


@dataclass(frozen=True)
class Kinds:
    """VMs with equal needs and moving cost: `of` (V',) kind of each running VM, sizes (K, 2) on the grid."""

    of: IntArray
    count: IntArray
    grid: IntArray
    load: IntArray
    move: IntArray


@dataclass(frozen=True)
class Group:
    """Hosts that differ only in what is on them: numbers, room on the grid, cost of a unit of load."""

    numbers: IntArray
    shape: tuple[int, int]
    rate: int


@dataclass(frozen=True)
class Kept:
    """Hosts (h,) with the same number n of VMs that may be kept: their kinds (h, n); for each subset (h, 2^n) the cell
    of the room it leaves, one beyond the last where it does not fit; and (h,) what is given back for VMs beyond the n.
    """  # noqa: D205

    hosts: IntArray
    kinds: IntArray
    cell: IntArray
    refund: IntArray


class EnergyBound:
    """The relaxation of one problem; costs in the unit of `costs`. K kinds of VM, G groups of like hosts."""

    def __init__(self, problem: Problem, costs: Costs) -> None:
        self.problem = problem
        self.costs = costs
        self.axes = self._two_tightest()
        self.scale = self._scale()
        running = np.array(problem.running, dtype=np.int64)
        self.kinds = self._kinds(running)
        self._kind_of = np.full(problem.model.n_vms, -1, dtype=np.int64)
        self._kind_of[running] = self.kinds.of
        self._groups = self._group_hosts(np.flatnonzero(~problem.must_be_off))
        self._tables = [self._kept_tables(group) for group in self._groups]
        cheapest = min((group.rate for group in self._groups), default=0)
        self._alone = np.where(self.kinds.grid.any(axis=1), np.inf, cheapest * self.kinds.load + self.kinds.move)

    def _two_tightest(self) -> list[int]:
        """The two resources of which most is used; the others are left out."""
        limit = np.maximum(self.problem.limit.sum(axis=1), 1)
        use = self.problem.need[:, self.problem.runs].sum(axis=1) / limit
        return sorted(np.argsort(-use, kind="stable")[:2].tolist())

    def _scale(self) -> list[int]:
        scale = []
        for axis in self.axes:
            values = np.concatenate([self.problem.need[axis, self.problem.runs], self.problem.limit[axis]])
            scale.append(max(1, int(np.gcd.reduce(values)) if len(values) else 1))
        largest = [int(self.problem.limit[a].max(initial=1)) for a in self.axes]
        while np.prod([1 + m // s for m, s in zip(largest, scale, strict=True)]) > CELLS:
            wide = int(np.argmax([m / s for m, s in zip(largest, scale, strict=True)]))
            scale[wide] = scale[wide] * 5 // 4 + 1
        return scale

    def _on_grid(self, amounts: IntArray) -> IntArray:
        """(n, 2) sizes in cells, rounded down; a second axis of zeros where there is one resource only."""
        rows = [amounts[a] // s for a, s in zip(self.axes, self.scale, strict=True)]
        while len(rows) < 2:
            rows.append(np.zeros(amounts.shape[1], dtype=np.int64))
        return np.stack(rows, axis=1)

    def _kinds(self, running: IntArray) -> Kinds:
        grid = self._on_grid(self.problem.need[:, running])
        load, move = self.costs.load[running], np.maximum(self.costs.move - self.costs.stay, 0)[running]
        keys = np.column_stack([grid, load, move])
        unique, of, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        return Kinds(of.reshape(-1), count, unique[:, :2], unique[:, 2], unique[:, 3])

    def _group_hosts(self, usable: IntArray) -> list[Group]:
        size = self._on_grid(self.problem.limit)
        keys: dict[tuple[int, int, int], list[int]] = {}
        for host in usable.tolist():
            keys.setdefault((int(size[host, 0]), int(size[host, 1]), int(self.costs.rate[host])), []).append(host)
        return [Group(np.array(hosts), (key[0], key[1]), key[2]) for key, hosts in sorted(keys.items())]

    def _kept_tables(self, group: Group) -> list[Kept]:
        """One table for each number of VMs that may be kept."""
        problem = self.problem
        guests: dict[int, list[int]] = {h: [] for h in group.numbers.tolist()}
        stays = np.flatnonzero(problem.stays_possible)
        for vm, host in zip(stays.tolist(), problem.start_array[stays].tolist(), strict=True):
            if host in guests:
                guests[host].append(vm)
        by_size: dict[int, list[tuple[int, list[int], int]]] = {}
        move = np.maximum(self.costs.move - self.costs.stay, 0)
        for host, vms in guests.items():
            ranked = sorted((v for v in vms if move[v] > 0), key=lambda v: (-int(move[v]), v))
            refund = int(sum(move[v] for v in ranked[KEPT:]))
            by_size.setdefault(len(ranked[:KEPT]), []).append((host, ranked[:KEPT], refund))
        return [self._subset_table(group, rows) for _, rows in sorted(by_size.items())]

    def _subset_table(self, group: Group, rows: list[tuple[int, list[int], int]]) -> Kept:
        kinds = self._kind_of[np.array([vms for _, vms, _ in rows], dtype=np.int64).reshape(len(rows), -1)]
        left = [np.full((len(rows), 1), room) for room in group.shape]
        for n in range(kinds.shape[1]):
            size = self.kinds.grid[kinds[:, n]]
            left = [np.concatenate([have, have - size[:, [axis]]], axis=1) for axis, have in enumerate(left)]
        fits = (left[0] >= 0) & (left[1] >= 0)
        width = group.shape[1] + 1
        cell = np.where(fits, left[0] * width + left[1], (group.shape[0] + 1) * width)
        hosts = np.array([host for host, _, _ in rows], dtype=np.int64)
        return Kept(hosts, kinds, cell, np.array([refund for _, _, refund in rows], dtype=np.int64))

    @property
    def count(self) -> IntArray:
        """(K,) VMs of each kind."""
        return self.kinds.count

    @property
    def dearest(self) -> float:
        """What a host costs that is online, at most."""
        return float(self.costs.on.max(initial=0))

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """For each group of hosts, how many are online at least and at most."""
        on = self.problem.must_be_on
        return [(int(on[group.numbers].sum()), len(group.numbers)) for group in self._groups]

    def first_prices(self) -> list[FloatArray]:
        """Prices (K,) to begin with: what a VM draws on the most efficient host, and a share of what that host draws
        when idle, by either resource or both.
        """  # noqa: D205
        size = self._on_grid(self.problem.limit).astype(np.float64)
        usable = ~self.problem.must_be_off & (size > 0).any(axis=1)
        draws = float(self.costs.rate[usable].min(initial=1 << 40)) * self.kinds.load
        dearest = float(np.abs(self.costs.on).max(initial=0))
        idle = (self.costs.on[usable, None] / np.maximum(size[usable], 1)).min(axis=0, initial=dearest)
        shares = [idle * mix for mix in ((1, 0), (0, 1), (0.5, 0.5))]
        return [draws + part * (self.kinds.grid @ share) for share in shares for part in (0.25, 0.5, 0.75, 1)]

    def evaluate(self, prices: FloatArray, discounts: Sequence[float] = ()) -> Value:
        """The bound that prices (K,) give where each host of a group costs its discount (G,) less to be online.

        A VM that takes less than a step of the table could be brought in without end: its price is at most its cost.
        """
        capped, prices = prices > self._alone, np.minimum(prices, self._alone)
        total = float(prices @ self.kinds.count) + self.costs.constant + self._stay_cost()
        used = np.zeros(len(prices), dtype=np.int64)
        net = np.zeros(self.problem.model.n_hosts)
        online = np.zeros(len(self._groups), dtype=np.int64)
        for number, (group, tables) in enumerate(zip(self._groups, self._tables, strict=True)):
            best, choice = self._arrivals(group, prices)
            cells = np.zeros(best.size, dtype=np.int64)
            room = np.append(best, -np.inf)
            discount = discounts[number] if len(discounts) else 0.0
            for table in tables:
                net[table.hosts] = -discount
                online[number] += self._price_hosts(group, prices, room, table, net, used, cells)
            self._count_arrivals(group, choice.ravel(), cells, used)
            pays = net[group.numbers] < 0
            total += float(net[group.numbers[pays | self.problem.must_be_on[group.numbers]]].sum())
        used[capped] = self.kinds.count[capped]
        return Value(total, used, online, net)

    def _stay_cost(self) -> float:
        return float(self.costs.stay[self.problem.stays_possible].sum())

    def _price_hosts(  # noqa: PLR0917
        self,
        group: Group,
        prices: FloatArray,
        best: FloatArray,
        table: Kept,
        net: FloatArray,
        used: IntArray,
        cells: IntArray,
    ) -> int:
        """Add to `net` what the cheapest load of each host costs, count it where online; returns how many are."""
        kinds, hosts = table.kinds, table.hosts
        gain = (prices - group.rate * self.kinds.load)[kinds]
        value = best.take(table.cell) + _sums(gain)
        chosen = value.argmax(axis=1)
        rows = np.arange(len(hosts))
        net[hosts] += self.costs.on[hosts] - table.refund - value[rows, chosen]
        on = self.problem.must_be_on[hosts] | (net[hosts] < 0)
        np.add.at(cells, table.cell[rows, chosen][on], 1)
        kept = (chosen[:, None] >> np.arange(kinds.shape[1])) & 1
        np.add.at(used, kinds[on], kept[on])
        return int(on.sum())

    def _arrivals(self, group: Group, prices: FloatArray) -> tuple[FloatArray, IntArray]:
        """Best value of VMs brought in for each room, and the kind added last (-1 for none): unbounded knapsack."""
        gain = prices - group.rate * self.kinds.load - self.kinds.move
        kinds = np.flatnonzero((gain > 0) & self.kinds.grid.any(axis=1))
        room = np.zeros((group.shape[0] + 1, group.shape[1] + 1))
        best, choice = filled(room, self.kinds.grid[kinds], gain[kinds])
        return best, np.append(kinds, -1)[choice]

    def _count_arrivals(self, group: Group, choice: IntArray, cells: IntArray, used: IntArray) -> None:
        """Follow the choices back from each cell in use, all at once."""
        width = group.shape[1] + 1
        step = self.kinds.grid[:, 0] * width + self.kinds.grid[:, 1]
        where = np.flatnonzero(cells)
        times = cells[where]
        while len(where):
            kind = choice[where]
            where, times, kind = where[kind >= 0], times[kind >= 0], kind[kind >= 0]
            np.add.at(used, kind, times)
            where = where - step[kind]


def _sums(gain: FloatArray) -> FloatArray:
    """(h, 2^n) sums of all subsets of each row of (h, n), numbered by the bits of the columns that are in them."""
    total = np.zeros((len(gain), 1 << gain.shape[1]))
    for n in range(gain.shape[1]):
        np.add(total[:, : 1 << n], gain[:, [n]], out=total[:, 1 << n : 2 << n])
    return total
