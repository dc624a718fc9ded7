"""Even load: the sum over hosts and resources of squared load over capacity, least when all shares are equal."""

from collections.abc import Callable

import numpy as np

from placement.costs import Costs
from placement.draft import Draft
from placement.model import BoolArray, FloatArray, IntArray
from placement.problem import Problem

UNIT = 10**9
"""Balance is counted in thousand-millionths: 10^9 means every resource of every host used to the full."""
SWEEPS = 60
LEAST = 1e-4
"""What a change must save, against the rounding of floating point."""


def weights(problem: Problem, online: BoolArray) -> FloatArray:
    """(R, H) what the square of each load counts, where some hosts, (H,), are online: balance without its unit."""
    limit = np.maximum(problem.limit, 1).astype(np.float64)
    total = np.maximum(limit[:, online].sum(axis=1, keepdims=True), 1) * max(1, len(limit))
    weight: FloatArray = 1.0 / (limit * total)
    return weight


class Balance:
    """Improves a legal draft by moves and exchanges over the hosts that are online.

    The cost is `factor` times balance, plus the costs of the placement that are sums over hosts and VMs.
    """

    def __init__(self, problem: Problem, draft: Draft, online: list[bool], costs: Costs, factor: int = 1) -> None:
        self.problem = problem
        self.draft = draft
        self.online: BoolArray = np.array(online, dtype=np.bool_)
        self.costs = costs
        self.factor = factor
        self.limit: IntArray = problem.limit
        self.weight: FloatArray = weights(problem, self.online) * (UNIT * factor)

    def loads(self) -> FloatArray:
        """(R, H) what the hosts carry."""
        return (self.limit - np.array(self.draft.free).reshape(self.limit.shape)).astype(np.float64)

    @property
    def total(self) -> float:
        """Balance times its factor, before rounding."""
        return float((self.loads() ** 2 * self.weight)[:, self.online].sum())

    def cost(self) -> int:
        """Sum of squared load over capacity, each resource scaled by its total, in `UNIT`; and the other costs."""
        even = int(np.ceil(self.total / self.factor - 1e-6))
        return self.factor * even + self.costs.of(self.draft.host, self.online.tolist())

    def linear(self, vms: IntArray, hosts: IntArray | int) -> FloatArray:
        """(n,) the other costs of VMs on hosts."""
        costs = self.costs
        moved = np.where(self.problem.start_array[vms] == hosts, costs.stay[vms], costs.move[vms])
        price: FloatArray = (costs.rate[hosts] * costs.load[vms] + moved).astype(np.float64)
        return price

    def run(self, stop: Callable[[], bool] = bool, bound: int = 0) -> None:
        """Sweep over the hosts, the most loaded first, until a sweep changes nothing or a bound is reached."""
        for _ in range(SWEEPS):
            changed = False
            for host in self._order():
                if stop():
                    return
                changed |= self._relieve(int(host))
            if not changed or self.cost() <= bound:
                return

    def _order(self) -> list[int]:
        pressure = (self.loads() / np.maximum(self.limit, 1)).max(axis=0, initial=0.0)
        ranked: list[int] = np.argsort(-pressure, kind="stable").tolist()
        return [h for h in ranked if self.draft.guests[h]]

    def _relieve(self, host: int) -> bool:
        """Move or exchange VMs of a host as long as that makes the load more even."""
        changed = False
        for vm in list(self.draft.guests[host]):
            if self.draft.host[vm] == host and (self._move(vm) or self._exchange(vm)):
                changed = True
        return changed

    def _move(self, vm: int) -> bool:
        source = self.draft.host[vm]
        need = np.array(self.draft.need(vm), dtype=np.float64).reshape(-1, 1)
        load = self.loads()
        price = self.linear(np.full(len(self.online), vm), np.arange(len(self.online)))
        gain = price + (self.weight * (2 * load * need + need**2)).sum(axis=0)
        leave = price[source] + (self.weight[:, [source]] * (2 * load[:, [source]] * need - need**2)).sum()
        promising = self.online & (gain < leave - LEAST)
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
        hosts, same = at[others], np.full(len(others), vm)
        delta = need[:, others] - need[:, [vm]]
        load = self.loads()
        change = self.linear(others, source) - self.linear(others, hosts)
        change += self.linear(same, hosts) - self.linear(same, source)
        change += (self.weight[:, [source]] * (2 * load[:, [source]] * delta + delta**2)).sum(axis=0)
        change += (self.weight[:, hosts] * (-2 * load[:, hosts] * delta + delta**2)).sum(axis=0)
        best = np.argsort(change, kind="stable")[:20]
        return any(self._swap(vm, int(others[n])) for n in best[change[best] < -LEAST].tolist())

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
