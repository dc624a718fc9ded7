"""Which hosts are for whom: rules on sets of VMs made into rules on single VMs, as pools of like hosts suggest.

Where sets of VMs want to be alone, apart, together or within one of several sets of hosts, a placement that begins with
the wrong hosts cannot be mended by moves. Here every set is given its hosts first; what is left is a simpler problem of
which every placement is one of the problem asked.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from placement.constraints.among import Among
from placement.constraints.fence import Fence
from placement.constraints.gather import Gather
from placement.constraints.lonely import Lonely
from placement.constraints.split import Split
from placement.constraints.split_among import SplitAmong
from placement.costs import Costs
from placement.instance import Instance
from placement.pools import Pooled, Pools
from placement.problem import Problem

GIVEN = (Lonely, Split, Gather, SplitAmong)
"""Rules that make roles worth while."""
FULL = (0.8, 0.9, 0.97, 1.0)
"""Shares of the room of hosts that are counted on, one after the other."""


def simpler(problem: Problem, costs: Costs, left: float | None = None) -> Iterator[Problem]:
    """Problems in which each set of VMs has its hosts, roomy ones first; none where no rule asks for that."""
    if not any(isinstance(rule, GIVEN) for rule in problem.constraints):
        return
    for full in FULL:
        pools = Pools(problem, costs * 0, full)
        pooled = pools.solve(left)
        if pooled is not None:
            yield Roles(problem, pools, pooled).problem()


class Roles:
    """The hosts of each VM, `open`, narrowed by one rule after the other."""

    def __init__(self, problem: Problem, pools: Pools, pooled: Pooled) -> None:
        self._asked = problem
        self._pools = pools
        self._shares = pooled.shares
        everywhere = frozenset(np.flatnonzero(~problem.must_be_off).tolist())
        self._open = dict.fromkeys(problem.running, everywhere)
        self._load = np.zeros(problem.limit.shape)
        for group in pools.groups:
            self._divide(sorted(group, key=sorted))
        for vms, part in pooled.parts:
            self._narrow(vms, part)
        for rule in problem.constraints:
            if isinstance(rule, Gather):
                self._bring_together([v for v in rule.vms if problem.runs[v]])

    def problem(self) -> Problem:
        """The simpler problem."""
        done = (*GIVEN, Among)
        kept = [rule for rule in self._asked.constraints if rule.continuous or not isinstance(rule, done)]
        fences = [Fence(vm, hosts) for vm, hosts in self._open.items()]
        return Problem(Instance(self._asked.model, (*kept, *fences)), moves=self._asked.moves)

    def _narrow(self, vms: frozenset[int], hosts: frozenset[int]) -> None:
        known: dict[frozenset[int], frozenset[int]] = {}
        for vm in vms:
            if vm in self._open:
                before = self._open[vm]
                self._open[vm] = known.setdefault(before, before & hosts)

    def _divide(self, tenants: list[frozenset[int]]) -> None:
        """Give each of some sets its hosts in every pool, those where most of its VMs are."""
        start = self._asked.start
        homes = [Counter(start[v] for v in vms) for vms in tenants]
        given: list[set[int]] = [set() for _ in tenants]
        for number, pool in enumerate(self._pools.numbers):
            quota = [self._shares[vms][number] for vms in tenants]
            wishes = sorted((-count[h], h, n) for n, count in enumerate(homes) for h in pool)
            free = set(pool)
            for _, host, tenant in wishes:
                if host in free and quota[tenant]:
                    quota[tenant] -= 1
                    free.remove(host)
                    given[tenant].add(host)
            for _, host, tenant in wishes:
                if host in free and self._shares[tenants[tenant]][number]:
                    free.remove(host)
                    given[tenant].add(host)
        for vms, hosts in zip(tenants, given, strict=True):
            self._narrow(vms, frozenset(hosts))

    def _bring_together(self, vms: list[int]) -> None:
        """Choose one host for all: the one with the most room left by others that were brought together."""
        hosts = sorted(frozenset.intersection(*(self._open[v] for v in vms))) if vms else []
        need = self._asked.need[:, vms].sum(axis=1)[:, None]
        hosts = [h for h in hosts if (self._load[:, [h]] + need <= self._asked.limit[:, [h]]).all()]
        if not hosts:
            return
        there = Counter(self._asked.start[v] for v in vms)
        limit = np.maximum(self._asked.limit, 1)
        used = ((self._load + need) / limit).max(axis=0)
        best = min(hosts, key=lambda h: (used[h], -there[h], h))
        self._load[:, [best]] += need
        self._narrow(frozenset(vms), frozenset((best,)))
