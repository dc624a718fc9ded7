"""Two hosts at a time: the best of all ways to share out their VMs, for placements that moves and exchanges leave.

All subsets of the VMs on both hosts are weighed at once; where there are too many VMs, of some of them. Pairs come
in the order of what an even share between them could save at most.
"""

import math
from collections.abc import Callable

import numpy as np

from placement.balance import Balance
from placement.model import BoolArray, FloatArray, IntArray

TOGETHER = 12
"""VMs of two hosts that are shared out at once."""
TRIED = 12
"""Ways to share them out whose constraints are looked at."""
HOSTS = 200
"""Hosts, the least even ones, that are paired in one sweep."""
PAIRS = 24_000
"""Pairs looked at in all."""
LOOSE = 3e-5
"""Share of the cost that sharing out a random pair may cost more at first."""
COOLING = 0.6
"""What that is multiplied with from level to level."""
LEVELS = 8
DRAWN = 500
"""Pairs drawn at each level, at most."""
EACH = 10
"""Times that a pair is drawn at a level on average, at most: among few hosts there are few pairs to try."""
LEAST = 1e-9
"""Share of the cost that a change must save."""
SUBSETS: BoolArray = ((np.arange(1 << TOGETHER)[:, None] >> np.arange(TOGETHER)) & 1).astype(np.bool_)
"""(2^n, n) all subsets of n VMs as rows; those of fewer are its first rows and columns."""


class Repartition:
    """Improves the draft of a balance."""

    def __init__(self, balance: Balance, random: np.random.Generator) -> None:
        self.balance = balance
        self.draft = balance.draft
        self._random = random
        self._left = PAIRS
        self._changed = np.zeros(len(balance.online), dtype=np.int64)
        """(H,) sweep in which each host changed last."""

    def run(self, stop: Callable[[], bool] = bool, content: Callable[[], bool] = bool) -> None:
        """Sweep over pairs of hosts until nothing changes, or the caller is content."""
        sweep = 0
        while self._left > 0 and not content():
            sweep += 1
            changes = 0
            for one, other in self._pairs(sweep):
                if stop() or self._left <= 0:
                    return
                self._left -= 1
                if self.share_out(one, other):
                    self._changed[[one, other]] = sweep + 1
                    changes += 1
            if not changes:
                return

    def _pairs(self, sweep: int) -> list[tuple[int, int]]:
        """Pairs of which a host has changed since the sweep before, what could save most first."""
        balance = self.balance
        online, load, weight = balance.online, balance.loads(), balance.weight
        share = load[:, online].sum(axis=1) / np.maximum(balance.limit[:, online].sum(axis=1), 1)
        uneven = (weight * (load - share[:, None] * balance.limit) ** 2).sum(axis=0)
        hosts = np.flatnonzero(online)
        hosts = hosts[np.argsort(-uneven[hosts], kind="stable")[:HOSTS]]
        gain = np.zeros((len(hosts), len(hosts)))
        for amount, factor in zip(load[:, hosts], weight[:, hosts], strict=True):
            own = factor * amount**2
            room = 1 / factor
            gain += own[:, None] + own - (amount[:, None] + amount) ** 2 / (room[:, None] + room)
        fresh = np.ones(len(hosts), dtype=np.bool_) if sweep == 1 else self._changed[hosts] >= sweep
        rows, columns = np.nonzero(np.triu(fresh[:, None] | fresh, 1))
        order = np.argsort(-gain[rows, columns], kind="stable")
        return list(zip(hosts[rows[order]].tolist(), hosts[columns[order]].tolist(), strict=True))

    def loosen(self, stop: Callable[[], bool] = bool) -> None:
        """Share out random pairs so that it costs a little more at most, less and less; then in the cheapest way.

        Threshold accepting (Dueck and Scheuer 1990). The cheaper of the placements before and after is kept.
        """
        before, cost = list(self.draft.host), self.balance.cost()
        hosts = np.flatnonzero(self.balance.online)
        patience = LOOSE * max(1.0, self.balance.total)
        drawn = min(DRAWN, EACH * math.comb(len(hosts), 2))
        for _ in range(LEVELS):
            for _ in range(drawn):
                if stop():
                    break
                one, other = self._random.choice(hosts, 2, replace=False).tolist()
                self.share_out(one, other, patience)
            patience *= COOLING
        self._left = max(self._left, PAIRS)
        self.run(stop)
        if self.balance.cost() > cost:
            for vm in [vm for vm, host in enumerate(before) if self.draft.host[vm] != host]:
                self.draft.remove(vm)
            for vm, host in enumerate(before):
                if self.draft.host[vm] != host:
                    self.draft.put(vm, host)

    def share_out(self, one: int, other: int, patience: float = 0) -> bool:
        """Share out the VMs of two hosts in the cheapest way that constraints allow; whether that changed anything.

        With patience it is any of the ways that cost that much more at most.
        """
        vms = self._some([*self.draft.guests[one], *self.draft.guests[other]])
        if not vms:
            return False
        subsets = SUBSETS[: 1 << len(vms), : len(vms)]
        change = self._changes(np.array(vms, dtype=np.int64), subsets, one, other)
        best = np.argpartition(change, min(TRIED, len(change) - 1))[:TRIED]
        best = best[np.argsort(change[best], kind="stable")]
        good = best[change[best] < (patience or -LEAST * max(1.0, self.balance.total))]
        if patience:
            good = self._random.permutation(good)[:1]
        return any(
            self._settle(vms, [one if there else other for there in subsets[row].tolist()]) for row in good.tolist()
        )

    def _some(self, vms: list[int]) -> list[int]:
        if len(vms) <= TOGETHER:
            return vms
        return sorted(self._random.choice(vms, TOGETHER, replace=False).tolist())

    def _changes(self, vms: IntArray, subsets: BoolArray, one: int, other: int) -> FloatArray:
        """(2^n,) what the cost changes by when a subset of the VMs is on one host and the rest on the other."""
        balance, draft = self.balance, self.draft
        here = np.array([draft.host[v] == one for v in vms])
        change = subsets @ (balance.linear(vms, one) - balance.linear(vms, other))
        change -= change[int(here @ (1 << np.arange(len(vms))))]
        inside = subsets.astype(np.float64)
        for resource, row in enumerate(balance.problem.need[:, vms].astype(np.float64)):
            more = inside @ row - row[here].sum()
            free = draft.free[resource]
            load = balance.limit[resource] - free
            for host, amount in ((one, more), (other, -more)):
                change += balance.weight[resource, host] * amount * (2 * float(load[host]) + amount)
                change[amount > free[host]] = np.inf
        return change

    def _settle(self, vms: list[int], hosts: list[int]) -> bool:
        """Bring VMs to their new hosts where constraints allow it."""
        draft = self.draft
        before = [draft.remove(vm) for vm in vms]
        for done, (vm, host) in enumerate(zip(vms, hosts, strict=True)):
            if not draft.candidates(vm)[host]:
                for earlier in vms[:done]:
                    draft.remove(earlier)
                for back, home in zip(vms, before, strict=True):
                    draft.put(back, home)
                return False
            draft.put(vm, host)
        return True
