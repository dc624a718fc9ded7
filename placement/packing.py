"""Packing VMs on given hosts to the last unit: placements that overflow are mended by moves and exchanges.

So are those in which sums over hosts are too large or too small. Tabu search (Glover 1989): the change that lessens the
overflow most is made even where it is none, and what has just moved rests for a few steps. All changes of one
overloaded host are weighed at once.
"""

from collections.abc import Callable, Sequence

import numpy as np

from placement.draft import Draft
from placement.model import BoolArray, FloatArray, IntArray
from placement.problem import Problem

STEPS = 500
"""Changes made before giving up, more where there are many hosts."""
STEPS_PER_HOST = 3
TRIED = 60
"""Changes whose constraints are looked at in each step."""
REST = (3, 12)
"""Steps for which a VM that moved rests."""


class Packing:
    """Makes an incomplete draft complete on the hosts that may be online, `open` (O,)."""

    def __init__(self, problem: Problem, draft: Draft, random: np.random.Generator) -> None:
        self.problem = problem
        self.draft = draft
        self._random = random
        self.open: IntArray = np.flatnonzero(~problem.must_be_off)
        self._weight: FloatArray = 1.0 / np.maximum(problem.limit[:, self.open].mean(axis=1), 1)
        self._running = np.array(problem.running, dtype=np.int64)
        self._resting = np.zeros(problem.model.n_vms, dtype=np.int64)
        self._never = self._closed_to()
        hosts = max(1, len(self.open))
        self._totals = [(total, hosts / max(1.0, float(total.need.sum()))) for total in problem.totals]

    def _closed_to(self) -> BoolArray:
        """(V, H) hosts where a VM is not allowed whatever the others do."""
        nobody = Draft(self.problem, [-1] * self.problem.model.n_vms)
        closed = np.ones((self.problem.model.n_vms, self.problem.model.n_hosts), dtype=np.bool_)
        for vm in self.problem.running:
            closed[vm] = ~nobody.permit(vm, ~self.problem.must_be_off)
        return closed

    def run(self, stop: Callable[[], bool] = bool) -> bool:
        """Place what is not placed, then mend; returns whether nothing overflows any more."""
        if not all(self._squeeze(vm) for vm in self.draft.waiting()):
            return False
        least = np.inf
        for step in range(max(STEPS, STEPS_PER_HOST * len(self.open))):
            bad = self._overflow(self.open)
            now = float(bad.sum()) + self._astray()
            least = min(least, now)
            if not now:
                return True
            hosts = self._troubled(bad)
            if stop() or not len(hosts):
                return False
            self._relieve(int(self._random.choice(hosts)), step, least - now)
        return False

    def _astray(self) -> float:
        """How far sums over hosts are from what they may be, in shares of what there is per host."""
        return sum(float(weight * total.astray(np.array(total.of(self.draft.host)))) for total, weight in self._totals)

    def _troubled(self, bad: FloatArray) -> IntArray:
        """Hosts of which VMs may leave: what overflows, and what has VMs that a sum has too many or too few of."""
        trouble = bad > 0
        used = self.draft.count[self.open] > 0
        for total, _ in self._totals:
            load, inside = total.of(self.draft.host), total.members[self.open]
            trouble |= used & ((load > total.high) & inside | (load < total.low) & ~inside)
        hosts: IntArray = self.open[trouble]
        return hosts

    def _overflow(self, hosts: IntArray) -> FloatArray:
        """What the load of hosts exceeds their room by, in shares of the mean host, resources summed up."""
        over = np.array([np.maximum(-free[hosts], 0) for free in self.draft.free])
        total: FloatArray = self._weight @ over
        return total

    def _squeeze(self, vm: int) -> bool:
        """Place a VM where it overflows least."""
        hosts = np.flatnonzero(self.draft.permit(vm, ~self.problem.must_be_off))
        if not len(hosts):
            return False
        need = self.problem.need[:, [vm]]
        room = np.array([free[hosts] for free in self.draft.free])
        more = self._weight @ (np.maximum(need - room, 0) - np.maximum(-room, 0))
        self.draft.put(vm, int(hosts[int(more.argmin())]))
        return True

    def _relieve(self, host: int, step: int, enough: float) -> None:
        """Make the best change of a host; one that goes below the least overflow so far wakes VMs that rest."""
        mine = np.array(self.draft.guests[host], dtype=np.int64)
        at = np.asarray(self.draft.host)
        others = self._running[at[self._running] != host]
        empty = self.open[self.open != host]
        where = np.concatenate([at[others], empty])
        change = self._changes(host, mine, others, where)
        rests = np.concatenate([self._resting[others] > step, np.zeros(len(empty), dtype=np.bool_)])
        waits: BoolArray = (self._resting[mine] > step)[:, None] | rests
        never = self._never[mine][:, where] | np.concatenate([self._never[others, host], rests[len(others) :]])
        change = np.where(never | (waits & (change >= enough - 1e-12)), np.inf, change).ravel()
        change += self._random.uniform(0, 1e-4, len(change))
        best = np.argsort(change, kind="stable")[:TRIED]
        for n in best[np.isfinite(change[best])].tolist():
            row, column = divmod(n, len(where))
            other = [int(others[column])] if column < len(others) else []
            if exchanged(self.draft, [int(mine[row])], other, int(where[column])):
                for vm in (int(mine[row]), *other):
                    self._resting[vm] = step + int(self._random.integers(*REST))
                return

    def _changes(self, host: int, mine: IntArray, others: IntArray, where: IntArray) -> FloatArray:
        """(m, o) what the overflow changes by when one of `mine` goes to a place, and whoever is there comes back."""
        change = np.zeros((len(mine), len(where)))
        for need, free, weight in zip(self.problem.need, self.draft.free, self._weight, strict=True):
            back = np.concatenate([need[others], np.zeros(len(where) - len(others), dtype=np.int64)])
            less, here, there = need[mine][:, None] - back, int(free[host]), free[where]
            after = np.maximum(-(here + less), 0) + np.maximum(less - there, 0)
            change += weight * (after - max(-here, 0) - np.maximum(-there, 0))
        for total, share in self._totals:
            back = np.concatenate([total.need[others], np.zeros(len(where) - len(others), dtype=np.int64)])
            enters = total.members[where].astype(np.int64) - int(total.members[host])
            now = total.of(self.draft.host)
            after = total.astray(now + enters * (total.need[mine][:, None] - back))
            change += share * (after - total.astray(np.array(now)))
        return change


def exchanged(draft: Draft, vms: Sequence[int], others: Sequence[int], target: int) -> bool:
    """Bring VMs of one host to another, and others from there back, if constraints allow; room is not looked at."""
    source = draft.host[vms[0]]
    for vm in (*vms, *others):
        draft.remove(vm)
    wanted = [(vm, target) for vm in vms] + [(vm, source) for vm in others]
    for done, (vm, host) in enumerate(wanted):
        allowed = np.zeros(draft.problem.model.n_hosts, dtype=np.bool_)
        allowed[host] = True
        if not draft.permit(vm, allowed)[host]:
            for earlier, _ in wanted[:done]:
                draft.remove(earlier)
            for one in vms:
                draft.put(one, source)
            for one in others:
                draft.put(one, target)
            return False
        draft.put(vm, host)
    return True
