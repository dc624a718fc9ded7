"""Which hosts are for whom: rules on sets of VMs made into rules on single VMs, as pools of like hosts suggest.

Where sets of VMs want to be alone, apart, together, on many hosts or within one of several sets of hosts, or where some
hosts are to go offline, a placement that begins with the wrong hosts cannot be mended by moves. Here every set is given
its hosts first; what is left is a simpler problem of which every placement is one of the problem asked.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from placement.constraints.among import Among
from placement.constraints.fence import Fence
from placement.constraints.gather import Gather
from placement.constraints.lonely import Lonely
from placement.constraints.max_online import MaxOnline
from placement.constraints.max_spare_resources import MaxSpareResources
from placement.constraints.mostly_spread import MostlySpread
from placement.constraints.offline import Offline
from placement.constraints.split import Split
from placement.constraints.split_among import SplitAmong
from placement.costs import Costs
from placement.draft import Draft
from placement.instance import Instance
from placement.pools import Pooled, Pools
from placement.problem import Problem

POWER = (MaxOnline, MaxSpareResources)
"""Rules for which hosts may have to go offline."""
GIVEN = (Lonely, Split, Gather, SplitAmong, MostlySpread, *POWER)
"""Rules that make roles worth while."""
FULL = (0.8, 0.9, 0.97, 1.0)
"""Shares of the room of hosts that are counted on, one after the other."""


def simpler(problem: Problem, costs: Costs, left: float | None = None) -> Iterator[Problem]:
    """Problems in which each set of VMs has its hosts, roomy ones first; none where no rule asks for that."""
    if not any(isinstance(rule, GIVEN) for rule in problem.constraints):
        return
    powered = any(isinstance(rule, POWER) for rule in problem.constraints)
    for full in FULL:
        pools = Pools(problem, costs, full)
        pooled = pools.solve(left)
        if pooled is not None:
            offline = [not on for on in pooled.online] if powered else [False] * len(pooled.online)
            yield Roles(problem.without(np.array(offline)), pools, pooled).problem()


class Roles:
    """The hosts of each VM, `open`, narrowed by one rule after the other."""

    def __init__(self, problem: Problem, pools: Pools, pooled: Pooled) -> None:
        self._asked = problem
        self._pools = pools
        self._pooled = pooled
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
        for rule in problem.constraints:
            if isinstance(rule, MostlySpread):
                self._spread_out([v for v in rule.vms if problem.runs[v]], rule.amount)

    def problem(self) -> Problem:
        """The simpler problem."""
        done = (*GIVEN, Among)
        kept = [rule for rule in self._asked.constraints if rule.continuous or not isinstance(rule, done)]
        fences = [Fence(vm, hosts) for vm, hosts in self._open.items()]
        closed = [Offline(host) for host in np.flatnonzero(self._asked.must_be_off).tolist()]
        return Problem(Instance(self._asked.model, (*kept, *fences, *closed)), moves=self._asked.moves)

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
        given = [set(self._pooled.homes[vms]) for vms in tenants]
        for number, pool in enumerate(self._pools.numbers):
            shares = [self._pooled.shares[vms][number] for vms in tenants]
            quota = [share - len(own.intersection(pool)) for share, own in zip(shares, given, strict=True)]
            free = {host for host in pool if not self._asked.must_be_off[host]}.difference(*given)
            wishes = sorted((-count[h], h, n) for n, count in enumerate(homes) for h in free)
            for _, host, tenant in wishes:
                if host in free and quota[tenant]:
                    quota[tenant] -= 1
                    free.remove(host)
                    given[tenant].add(host)
            for _, host, tenant in wishes:
                if host in free and shares[tenant]:
                    free.remove(host)
                    given[tenant].add(host)
        for vms, hosts in zip(tenants, given, strict=True):
            self._narrow(vms, frozenset(hosts))

    def _bring_together(self, vms: list[int]) -> None:
        """Choose one host for all: one where pools have some of them stay, then the one with the most room left.

        Others that were brought together have taken theirs.
        """
        hosts = sorted(frozenset.intersection(*(self._open[v] for v in vms))) if vms else []
        home = self._pooled.homes.get(frozenset(vms), frozenset())
        need = self._asked.need[:, vms].sum(axis=1)[:, None]
        hosts = [h for h in hosts if (self._load[:, [h]] + need <= self._asked.limit[:, [h]]).all()]
        if not hosts:
            return
        there = Counter(self._asked.start[v] for v in vms)
        limit = np.maximum(self._asked.limit, 1)
        used = ((self._load + need) / limit).max(axis=0)
        best = min(hosts, key=lambda h: (h not in home, used[h], -there[h], h))
        self._load[:, [best]] += need
        self._narrow(frozenset(vms), frozenset((best,)))

    def _spread_out(self, vms: list[int], amount: int) -> None:
        """Choose a host of its own for as many VMs as are to be on distinct ones, so that little memory is moved."""
        from ortools.graph.python import min_cost_flow  # noqa: PLC0415

        problem, flow = self._asked, min_cost_flow.SimpleMinCostFlow()
        nobody = Draft(problem, [-1] * problem.model.n_vms)
        source, sink = problem.model.n_hosts, problem.model.n_hosts + 1
        arcs: dict[int, tuple[int, int]] = {}
        for number, vm in enumerate(vms, start=sink + 1):
            flow.add_arc_with_capacity_and_unit_cost(source, number, 1, 0)
            fits = (self._load + problem.need[:, [vm]] <= problem.limit).all(axis=0)
            allowed = nobody.permit(vm, problem.members(self._open[vm]) & fits)
            for host in np.flatnonzero(allowed).tolist():
                price = 0 if problem.start[vm] == host else int(problem.model.vms.memory[vm])
                arcs[flow.add_arc_with_capacity_and_unit_cost(number, host, 1, price)] = (vm, host)
        for host in range(problem.model.n_hosts):
            flow.add_arc_with_capacity_and_unit_cost(host, sink, 1, 0)
        flow.set_node_supply(source, min(amount, len(vms)))
        flow.set_node_supply(sink, -min(amount, len(vms)))
        if flow.solve() != flow.OPTIMAL:
            return
        for arc, (vm, host) in arcs.items():
            if flow.flow(arc):
                self._load[:, host] += problem.need[:, vm]
                self._narrow(frozenset((vm,)), frozenset((host,)))
