"""Even load: the sum over hosts and resources of squared load over capacity, least when all shares are equal."""

from collections.abc import Callable

import numpy as np

from placement.draft import Draft
from placement.model import BoolArray, FloatArray
from placement.problem import Problem

UNIT = 10**9
"""Balance is counted in thousand-millionths: 10^9 means every resource of every host used to the full."""
SWEEPS = 60


class Balance:
    """Improves a legal draft by moves and exchanges over the hosts that are online."""

    def __init__(self, problem: Problem, draft: Draft, online: list[bool]) -> None:
        self.problem = problem
        self.draft = draft
        self.online: BoolArray = np.array(online, dtype=np.bool_)
        limit = np.maximum(problem.limit, 1).astype(np.float64)
        total = np.maximum(limit[:, self.online].sum(axis=1, keepdims=True), 1) * max(1, len(limit))
        self._weight: FloatArray = 1.0 / (limit * total)
        self._limit = problem.limit

    def cost(self) -> int:
        """Sum of squared load over capacity, each resource scaled by its total, in `UNIT`."""
        load = self._limit - np.array(self.draft.free).reshape(self._limit.shape)
        value = (load.astype(np.float64) ** 2 * self._weight)[:, self.online].sum()
        return int(np.ceil(value * UNIT - 1e-6))

    def bound(self) -> int:
        """No placement is more even: by Cauchy and Schwarz, sharpened where loads are multiples of some unit."""
        total = 0.0
        running = self.problem.runs
        for row in range(len(self._limit)):
            load = int(self.problem.need[row, running].sum())
            limit = self._limit[row, self.online]
            weight = self._weight[row, self.online]
            if not load or not len(limit) or not limit.any():
                continue
            even = load**2 / float((1.0 / weight).sum())
            if (limit == limit[0]).all():
                unit = max(1, int(np.gcd.reduce(self.problem.need[row, running])))
                units, hosts = load // unit, len(limit)
                low, more = divmod(units, hosts)
                even = float(weight[0]) * unit**2 * (more * (low + 1) ** 2 + (hosts - more) * low**2)
            total += even
        return int(np.ceil(total * UNIT - 1e-4))

    def run(self, stop: Callable[[], bool] = bool) -> None:
        """Sweep over the hosts, the most loaded first, until a sweep changes nothing."""
        for _ in range(SWEEPS):
            changed = False
            for host in self._order():
                if stop():
                    return
                changed |= self._relieve(int(host))
            if not changed or self.cost() <= self.bound():
                return

    def _order(self) -> list[int]:
        load = self._limit - np.array(self.draft.free).reshape(self._limit.shape)
        pressure = (load / np.maximum(self._limit, 1)).max(axis=0, initial=0.0)
        ranked: list[int] = np.argsort(-pressure, kind="stable").tolist()
        return [h for h in ranked if self.draft.guests[h]]

    def _relieve(self, host: int) -> bool:
        """Move or exchange VMs of a host as long as that makes the load more even."""
        changed = False
        for vm in list(self.draft.guests[host]):
            if self.draft.host[vm] == host and (self._move(vm) or self._exchange(vm)):
                changed = True
        return changed

    def _loads(self) -> FloatArray:
        return (self._limit - np.array(self.draft.free).reshape(self._limit.shape)).astype(np.float64)

    def _move(self, vm: int) -> bool:
        source = self.draft.host[vm]
        need = np.array(self.draft.need(vm), dtype=np.float64).reshape(-1, 1)
        load = self._loads()
        gain = (self._weight * (2 * load * need + need**2)).sum(axis=0)
        leave = (self._weight[:, [source]] * (2 * load[:, [source]] * need - need**2)).sum()
        promising = self.online & (gain < leave - 1e-13)
        promising[source] = False
        for row, amount in zip(self.draft.free, self.draft.need(vm), strict=True):
            promising &= row >= amount
        if not promising.any():
            return False
        self.draft.remove(vm)
        hosts = np.flatnonzero(self.draft.permit(vm, promising))
        self.draft.put(vm, int(hosts[int(gain[hosts].argmin())]) if len(hosts) else source)
        return bool(len(hosts))

    def _exchange(self, vm: int) -> bool:
        """Exchange with the VM elsewhere that evens the load most, among the twenty most promising."""
        source, need = self.draft.host[vm], self.problem.need.astype(np.float64)
        at = np.asarray(self.draft.host)
        others = np.flatnonzero((at >= 0) & (at != source))
        others = others[self.online[at[others]]]
        hosts = at[others]
        delta = need[:, others] - need[:, [vm]]
        load = self._loads()
        here = (self._weight[:, [source]] * (2 * load[:, [source]] * delta + delta**2)).sum(axis=0)
        there = (self._weight[:, hosts] * (-2 * load[:, hosts] * delta + delta**2)).sum(axis=0)
        change = here + there
        best = np.argsort(change, kind="stable")[:20]
        return any(self._swap(vm, int(others[n])) for n in best[change[best] < -1e-13].tolist())

    def _swap(self, vm: int, other: int) -> bool:
        draft = self.draft
        one, two = draft.remove(vm), draft.remove(other)
        if draft.candidates(vm)[two]:
            draft.put(vm, two)
            if draft.candidates(other)[one]:
                draft.put(other, one)
                return True
            draft.remove(vm)
        draft.put(vm, one)
        draft.put(other, two)
        return False
