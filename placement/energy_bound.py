"""A proven lower bound on energy: Lagrangian relaxation with a price per kind of VM and a knapsack per host.

Every VM must be somewhere: that rule is priced. What remains is, for each host, the cheapest load given the prices:
off, or on with some of its own VMs kept and others brought in. The best load for arrivals comes from one knapsack table
per kind of host; the kept VMs are all subsets of those on the host. Any prices give a valid bound; cutting planes look
for good ones. Source: Gilmore and Gomory (1961) for pricing patterns; Kelley (1960) for the planes. Constraints between
VMs are left out, which keeps the bound valid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from placement.costs import Costs
from placement.model import BoolArray, FloatArray, IntArray
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


@dataclass
class Host:
    """Hosts with the same table: numbers, and per number of kept VMs the kinds and grid sizes of those."""

    numbers: IntArray
    shape: tuple[int, int]
    rate: int


class EnergyBound:
    """Prices and bounds for one problem; costs in the unit of `costs`."""

    def __init__(self, problem: Problem, costs: Costs, hosts: IntArray | None = None) -> None:
        self.problem = problem
        self.costs = costs
        self.axes = self._two_tightest()
        self.scale = self._scale()
        running = np.array(problem.running, dtype=np.int64)
        self.kinds = self._kinds(running)
        self._kind_of = np.full(problem.model.n_vms, -1, dtype=np.int64)
        self._kind_of[running] = self.kinds.of
        usable = np.flatnonzero(~problem.must_be_off) if hosts is None else hosts
        self._groups = self._group_hosts(usable)
        self._tables = [self._kept_tables(group) for group in self._groups]

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

    def _group_hosts(self, usable: IntArray) -> list[Host]:
        size = self._on_grid(self.problem.limit)
        keys: dict[tuple[int, int, int], list[int]] = {}
        for host in usable.tolist():
            keys.setdefault((int(size[host, 0]), int(size[host, 1]), int(self.costs.rate[host])), []).append(host)
        return [Host(np.array(hosts), (key[0], key[1]), key[2]) for key, hosts in sorted(keys.items())]

    def _kept_tables(self, group: Host) -> list[tuple[IntArray, IntArray, IntArray, BoolArray, IntArray]]:
        """Per number n of kept VMs: hosts, (h, n) kinds, (h, 2^n) cells they leave, whether they fit, refunds."""
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

    def _subset_table(
        self, group: Host, rows: list[tuple[int, list[int], int]]
    ) -> tuple[IntArray, IntArray, IntArray, BoolArray, IntArray]:
        kinds = self._kind_of[np.array([vms for _, vms, _ in rows], dtype=np.int64).reshape(len(rows), -1)]
        left = [np.full((len(rows), 1), room) for room in group.shape]
        for n in range(kinds.shape[1]):
            size = self.kinds.grid[kinds[:, n]]
            left = [np.concatenate([have, have - size[:, [axis]]], axis=1) for axis, have in enumerate(left)]
        fits = (left[0] >= 0) & (left[1] >= 0)
        cell = np.where(fits, left[0] * (group.shape[1] + 1) + left[1], 0)
        hosts = np.array([host for host, _, _ in rows], dtype=np.int64)
        return hosts, kinds, cell, fits, np.array([refund for _, _, refund in rows], dtype=np.int64)

    def first_prices(self) -> FloatArray:
        """(K,) cost of each kind on the most efficient host when that is full: the continuous relaxation."""
        size = self._on_grid(self.problem.limit).astype(np.float64)
        usable = ~self.problem.must_be_off & (size > 0).any(axis=1)
        axis = int(
            np.argmax(
                (self.kinds.grid * self.kinds.count[:, None]).sum(axis=0) / np.maximum(size[usable].sum(axis=0), 1)
            )
        )
        idle = float((self.costs.on[usable] / np.maximum(size[usable, axis], 1)).min())
        rate = float(self.costs.rate[usable].min())
        prices: FloatArray = idle * self.kinds.grid[:, axis] + rate * self.kinds.load
        return prices

    def evaluate(self, prices: FloatArray) -> tuple[float, IntArray]:
        """The bound that prices give (an exact value of the relaxation), and how often each kind is used in it."""
        total = float(prices @ self.kinds.count) + self.costs.constant + self._stay_cost()
        used = np.zeros(len(prices), dtype=np.int64)
        for group, tables in zip(self._groups, self._tables, strict=True):
            best, choice = self._arrivals(group, prices)
            cells = np.zeros(best.size, dtype=np.int64)
            for hosts, kinds, cell, fits, refund in tables:
                total += self._price_hosts(group, prices, best.ravel(), (hosts, kinds, cell, fits, refund), used, cells)
            self._count_arrivals(group, choice.ravel(), cells, used)
        return total, used

    def _stay_cost(self) -> float:
        return float(self.costs.stay[self.problem.stays_possible].sum())

    def _price_hosts(  # noqa: PLR0917
        self,
        group: Host,
        prices: FloatArray,
        best: FloatArray,
        table: tuple[IntArray, IntArray, IntArray, BoolArray, IntArray],
        used: IntArray,
        cells: IntArray,
    ) -> float:
        hosts, kinds, cell, fits, refund = table
        gain = (prices - group.rate * self.kinds.load)[kinds]
        value = np.zeros((len(hosts), 1))
        for n in range(kinds.shape[1]):
            value = np.concatenate([value, value + gain[:, [n]]], axis=1)
        value = np.where(fits, value + best[cell], -np.inf)
        chosen = value.argmax(axis=1)
        rows = np.arange(len(hosts))
        net = self.costs.on[hosts] - refund - value[rows, chosen]
        on = self.problem.must_be_on[hosts] | (net < 0)
        np.add.at(cells, cell[rows, chosen][on], 1)
        kept = (chosen[:, None] >> np.arange(kinds.shape[1])) & 1
        np.add.at(used, kinds[on], kept[on])
        return float(net[on].sum())

    def _arrivals(self, group: Host, prices: FloatArray) -> tuple[FloatArray, IntArray]:
        """Best value of VMs brought in for each room, and the kind added last (-1 for none): unbounded knapsack."""
        rows, columns = group.shape
        best = np.zeros((rows + 1, columns + 1))
        choice = np.full((rows + 1, columns + 1), -1, dtype=np.int64)
        gain = prices - group.rate * self.kinds.load - self.kinds.move
        for kind in np.flatnonzero(gain > 0).tolist():
            a, b = self.kinds.grid[kind].tolist()
            if (a or b) and a <= rows and b <= columns:
                _add_item(best, choice, kind, a, b, float(gain[kind]))
        return best, choice

    def _count_arrivals(self, group: Host, choice: IntArray, cells: IntArray, used: IntArray) -> None:
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

    def climb(self, target: float, rounds: int, stop: Callable[[], bool] = bool) -> tuple[float, FloatArray]:
        """The best bound and its prices after some rounds; `target` is a known cost, which no bound exceeds.

        Cutting planes: each evaluation bounds the relaxation from above by a plane; the best prices within a box around
        the best ones so far are tried next, and the box grows or shrinks with the success (Marsten, Hogan and
        Blankenship 1975).
        """
        from ortools.linear_solver import pywraplp  # noqa: PLC0415

        prices = self.first_prices()
        best, used = self.evaluate(prices)
        best_prices, radius = prices, 0.05
        planes = pywraplp.Solver.CreateSolver("GLOP")
        top = planes.NumVar(-planes.infinity(), target, "")
        variables = [planes.NumVar(0, planes.infinity(), "") for _ in prices]
        planes.Maximize(top)
        self._add_plane(planes, top, variables, prices, best, used)
        for _ in range(rounds):
            for variable, price in zip(variables, best_prices.tolist(), strict=True):
                variable.SetBounds(max(0.0, price * (1 - radius)), price * (1 + radius))
            if planes.Solve() != pywraplp.Solver.OPTIMAL or top.solution_value() - best < 1e-6 * abs(best) or stop():
                break
            promise = top.solution_value()
            prices = np.maximum([v.solution_value() for v in variables], 0)
            value, used = self.evaluate(prices)
            self._add_plane(planes, top, variables, prices, value, used)
            if value > best:
                radius = radius * 1.5 if value - best > 0.3 * (promise - best) else radius
                best, best_prices = value, prices
            else:
                radius *= 0.7
        return best, best_prices

    def _add_plane(  # noqa: PLR0917
        self, planes: Any, top: Any, variables: list[Any], prices: FloatArray, value: float, used: IntArray
    ) -> None:
        slope = (self.kinds.count - used).astype(np.float64)
        plane = planes.RowConstraint(-planes.infinity(), float(value - slope @ prices), "")
        plane.SetCoefficient(top, 1.0)
        for variable, amount in zip(variables, slope.tolist(), strict=True):
            plane.SetCoefficient(variable, -amount)


def _add_item(best: FloatArray, choice: IntArray, kind: int, a: int, b: int, gain: float) -> None:  # noqa: PLR0917
    """Let an item be used any number of times, in place; the table is walked along the axis with fewer steps."""
    if a == 0 or (b and best.shape[1] / b < best.shape[0] / a):
        best, choice, a, b = best.T, choice.T, b, a
    stop = best.shape[1] - b
    for low in range(a, best.shape[0], a):
        high = min(low + a, best.shape[0])
        better = best[low - a : high - a, :stop] + gain
        here = best[low:high, b:]
        wins = better > here
        np.copyto(here, better, where=wins)
        choice[low:high, b:][wins] = kind
