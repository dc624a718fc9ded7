"""Cheaper placements on hosts that stay online: single VMs move, two change places, two hosts share theirs out anew."""

from collections.abc import Callable

import numpy as np

from placement.balance import Balance
from placement.costs import Costs
from placement.draft import Draft
from placement.model import BoolArray, FloatArray
from placement.packing import exchanged
from placement.problem import Problem
from placement.repartition import Repartition

SWEEPS = 20
"""Times that all VMs are looked at."""
WIDTH = 10
"""Exchanges of a VM whose constraints are looked at."""
ROUNDS = 30
"""Times that VMs away from home are shared out anew between the hosts where they are and where they were."""
PAIRS = 6_000
"""Pairs of hosts that do so in all."""


class Exchange:
    """Lowers the cost of a legal draft; VMs go to hosts that may be online only."""

    def __init__(self, problem: Problem, draft: Draft, costs: Costs) -> None:
        self.problem = problem
        self.draft = draft
        self.costs = costs
        self._saving: FloatArray = (costs.move - costs.stay).astype(np.float64)

    def run(self, stop: Callable[[], bool] = bool) -> None:
        """Sweep over the VMs until a sweep changes nothing, then over pairs of hosts."""
        self._sweep(stop)
        evenness = Balance(self.problem, self.draft, (~self.problem.must_be_off).tolist(), self.costs, factor=0)
        shared = Repartition(evenness, np.random.default_rng(0))
        left = PAIRS
        for _ in range(ROUNDS):
            pairs = self._torn()[:left]
            left -= len(pairs)
            if not sum(shared.share_out(*pair) for pair in pairs if not stop()):
                return

    def _torn(self) -> list[tuple[int, int]]:
        """Pairs of hosts of which one has a VM of the other."""
        host, start = self.draft.host, self.problem.start
        moved = [vm for vm in self.problem.running if -1 < start[vm] != host[vm] > -1]
        return sorted({(start[vm], host[vm]) for vm in moved if not self.problem.must_be_off[start[vm]]})

    def _sweep(self, stop: Callable[[], bool]) -> None:
        for _ in range(SWEEPS):
            changed = False
            for vm in self._worthwhile():
                if stop():
                    return
                changed |= self._move(vm) or self._exchange(vm)
            if not changed:
                return

    def _worthwhile(self) -> list[int]:
        """VMs that may gain: where hosts are equally dear only those away from home, of any two that change places."""
        dear = self.costs.rate[~self.problem.must_be_off]
        if len(dear) and (dear != dear[0]).any():
            return self.problem.running
        return [vm for vm in self.problem.running if self.draft.host[vm] != self.problem.start[vm]]

    def _move(self, vm: int) -> bool:
        source = self.draft.host[vm]
        price = (self.costs.rate * self.costs.load[vm]).astype(np.float64)
        price -= self._saving[vm] * (np.arange(len(price)) == self.problem.start[vm])
        better: BoolArray = self.draft.fits(vm) & (price < price[source])
        if not better.any():
            return False
        self.draft.remove(vm)
        hosts = np.flatnonzero(self.draft.permit(vm, better))
        self.draft.put(vm, int(hosts[int(price[hosts].argmin())]) if len(hosts) else source)
        return bool(len(hosts))

    def _exchange(self, vm: int) -> bool:
        source, need = self.draft.host[vm], self.problem.need
        at = np.asarray(self.draft.host)
        change = self._change(vm, at)
        good = (at >= 0) & (at != source) & (change < 0)
        for row, free in zip(need, self.draft.free, strict=True):
            good &= (free[at] + row >= row[vm]) & (free[source] + row[vm] >= row)
        others = np.flatnonzero(good)
        best = others[np.argsort(change[others], kind="stable")[:WIDTH]]
        return any(exchanged(self.draft, [vm], [other], int(at[other])) for other in best.tolist())

    def _change(self, vm: int, at: np.ndarray) -> FloatArray:
        """(V,) what the cost changes by when a VM changes places with each other one."""
        source, start = int(at[vm]), self.problem.start_array
        rate, load = self.costs.rate, self.costs.load
        change: FloatArray = ((rate[at] - rate[source]) * (load[vm] - load)).astype(np.float64)
        change += self._saving[vm] * ((source == start[vm]) * 1.0 - (at == start[vm]))
        change += self._saving * ((at == start) * 1.0 - (source == start))
        return change
