"""Proven lower bounds on balance: even shares, and a price per kind of VM with a knapsack per host.

*Even shares* (Cauchy and Schwarz): no placement has less than all hosts used alike. Where hosts differ, VMs come in
sizes that make this out of reach. The *relaxation* prices the rule that every VM is somewhere; what remains is, for
each kind of host, the load, made of whole VMs, of which the square less the prices is least. Constraints between VMs
are left out.
"""

from collections.abc import Sequence

import numpy as np

from placement.ascent import Value
from placement.balance import UNIT, weights
from placement.knapsack import filled
from placement.model import BoolArray, FloatArray, IntArray
from placement.problem import Problem

CELLS = 20_000
"""Cells of a knapsack table; finer sizes are rounded down so that the bound stays valid."""
FIRST = (0.98, 1.0, 1.01, 1.02, 1.03, 1.05)
"""First prices, as multiples of what a VM adds where all shares are even."""


def even_shares(problem: Problem, online: BoolArray, resources: Sequence[int] | None = None) -> float:
    """Balance of even shares on the hosts, (H,), in `UNIT`; sharper where all hosts are alike and loads are multiples.

    `resources` names those that count, all where it is not given.
    """
    total, weight = 0.0, weights(problem, online)[:, online]
    for row in range(len(problem.limit)) if resources is None else resources:
        need, limit = problem.need[row, problem.runs], problem.limit[row, online]
        load = int(need.sum())
        if not load or not limit.any():
            continue
        even = load**2 / float((1.0 / weight[row]).sum())
        if (limit == limit[0]).all():
            unit = max(1, int(np.gcd.reduce(need)))
            low, more = divmod(load // unit, len(limit))
            even = float(weight[row, 0]) * unit**2 * (more * (low + 1) ** 2 + (len(limit) - more) * low**2)
        total += even
    return total * UNIT


class BalanceBound:
    """The relaxation of one problem on some hosts; K kinds of VM by their needs of the two resources most used."""

    def __init__(self, problem: Problem, online: BoolArray) -> None:
        resources = range(len(problem.limit))
        room = np.maximum(problem.limit[:, online].sum(axis=1), 1)
        use = problem.need[:, problem.runs].sum(axis=1) / room
        self._axes = sorted(resources, key=lambda r: -use[r])[:2]
        self._rest = even_shares(problem, online, [r for r in resources if r not in self._axes])
        self._sizes, self.count = np.unique(problem.need[self._axes][:, problem.runs].T, axis=0, return_counts=True)
        self._weight = weights(problem, online) * UNIT
        self._limit = problem.limit
        self._unit = self._units(problem.limit[self._axes][:, online])
        self._grid = self._on_grid(self._sizes)
        self._even = 2 * UNIT / max(1, len(problem.limit)) * (self._sizes * (use / room)[self._axes]).T
        self._groups = self._like_hosts(np.flatnonzero(online))
        self.ranges: list[tuple[int, int]] = []
        self.dearest = 0.0

    def _units(self, limit: IntArray) -> list[int]:
        """Amount of each resource in one step of the table: exact, unless there would be too many."""
        units = [max(1, int(np.gcd.reduce(column))) for column in self._sizes.T]
        largest = limit.max(axis=1, initial=1)
        while np.prod([1 + m // u for m, u in zip(largest, units, strict=True)]) > CELLS:
            wide = int(np.argmax(largest / units))
            units[wide] = units[wide] * 5 // 4 + 1
        return units

    def _on_grid(self, sizes: IntArray) -> IntArray:
        """(K, 2) sizes in steps, rounded down; a second axis of zeros where there is one resource only."""
        grid = np.zeros((len(sizes), 2), dtype=np.int64)
        grid[:, : sizes.shape[1]] = sizes // self._unit
        return grid

    def _like_hosts(self, hosts: IntArray) -> list[tuple[int, int]]:
        """(one host, how many) for hosts with the same capacity."""
        _, first, count = np.unique(self._limit[:, hosts], axis=1, return_index=True, return_counts=True)
        return list(zip(hosts[first].tolist(), count.tolist(), strict=True))

    @property
    def effort(self) -> int:
        """Cells looked at in one evaluation."""
        return len(self._sizes) * sum(self._square(host).size for host, _ in self._groups)

    def first_prices(self) -> list[FloatArray]:
        """Prices (K,) to begin with: what a VM adds where all shares are even, in all resources and in each alone.

        Each comes with a little more and a little less.
        """
        return [part * factor for part in (self._even.sum(axis=0), *self._even) for factor in FIRST]

    def _square(self, host: int) -> FloatArray:
        """(rows, columns) what each load costs on a host."""
        parts = []
        for axis, unit in zip(self._axes, self._unit, strict=True):
            steps = np.arange(self._limit[axis, host] // unit + 1) * float(unit)
            parts.append(self._weight[axis, host] * steps**2)
        table: FloatArray = parts[0][:, None] + (parts[1] if len(parts) > 1 else np.zeros(1))
        return table

    def evaluate(self, prices: FloatArray, discounts: Sequence[float] = ()) -> Value:  # noqa: ARG002
        """The bound that prices (K,) give; VMs that take less than a step cost nothing, nor do hosts to be online."""
        sized: BoolArray = self._grid.sum(axis=1) > 0
        total = float(prices[sized] @ self.count[sized]) + self._rest
        used = np.where(sized, 0, self.count)
        for host, times in self._groups:
            cost = self._square(host)
            empty = np.full(cost.shape, -np.inf)
            empty[0, 0] = 0
            best, choice = filled(empty, self._grid[sized], prices[sized])
            cell = int((cost - best).argmin())
            total += times * float((cost - best).ravel()[cell])
            self._count(np.append(np.flatnonzero(sized), -1)[choice.ravel()], cell, cost.shape[1], used, times)
        return Value(total, used, np.zeros(0, dtype=np.int64), np.zeros(0))

    def _count(self, choice: IntArray, cell: int, width: int, used: IntArray, times: int) -> None:
        """Follow the choices back from the best cell."""
        while choice[cell] >= 0:
            kind = int(choice[cell])
            used[kind] += times
            cell -= int(self._grid[kind, 0]) * width + int(self._grid[kind, 1])
