"""A tight relaxation for few hosts: hosts online in each pool of like hosts, and its share of each kind of like VMs.

Hosts that differ only in what is on them form a pool, VMs that differ only in where they are a kind. Room, spreads and
the other rules that a constraint states for pools (`Constraint.pool`) are kept for a pool as a whole, so that the least
cost here is below that of every placement. Numbers of hosts and of VMs that stay are whole, shares of kinds are not. A
VM that stays saves its move, but only where its own host is online and has room. Solved by branch and cut (HiGHS) in
floating point.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from placement.constraints.base import Constraint
from placement.constraints.spread import Spread
from placement.costs import Costs
from placement.draft import Draft
from placement.model import BoolArray, IntArray
from placement.problem import Problem

if TYPE_CHECKING:
    from ortools.math_opt.python import mathopt

    Term = tuple[mathopt.Variable, float]

MANY = 60_000
"""Pairs of kind and pool beyond which the relaxation is not built."""
NODES = 2_000
"""Nodes of the search tree."""
CLOSE = 1e-4
"""Relative gap at which the search ends."""
MARGIN = 1e-5
"""Taken off the bound, for the tolerances of floating point."""


@dataclass(frozen=True)
class Kind:
    """VMs with the same needs, saving when they stay, open hosts and constraints."""

    vms: tuple[int, ...]
    need: tuple[int, ...]
    saving: int
    allowed: BoolArray


@dataclass(frozen=True)
class Pooled:
    """A bound on the cost of every placement, and the hosts online in the cheapest one that the relaxation knows.

    `shares` says of sets of VMs that keep to hosts of their own how many hosts of each pool they have, `homes` on which
    some of them stay; `parts` which set of hosts each set of VMs is in that must choose one.
    """

    bound: float
    online: list[bool]
    shares: dict[frozenset[int], list[int]]
    homes: dict[frozenset[int], frozenset[int]]
    parts: list[tuple[frozenset[int], frozenset[int]]]


class Pools:
    """The relaxation of one problem; `numbers` lists the hosts of each pool, of which a share, `full`, may be used."""

    def __init__(self, problem: Problem, costs: Costs, full: float = 1.0) -> None:
        self.problem = problem
        self.costs = costs
        self._full = full
        self._unit = max(1.0, float(np.abs(costs.on).max(initial=0)) / 100)
        self._rules = [c for c in problem.constraints if type(c).pool is not Constraint.pool]
        self.kinds = self._kinds()
        self.numbers = self._like_hosts()

    def _kinds(self) -> list[Kind]:
        problem = self.problem
        rules: dict[int, tuple[tuple[int, int], ...]] = defaultdict(tuple)
        for number, rule in enumerate(self._rules):
            for part, vms in enumerate(getattr(rule, "vm_parts", (rule.involved(),))):
                for vm in vms:
                    rules[vm] += ((number, part),)
        nobody = Draft(problem, [-1] * problem.model.n_vms)
        saving = np.maximum(self.costs.move - self.costs.stay, 0)
        alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
        allowed: dict[bytes, BoolArray] = {}
        for vm in problem.running:
            hosts = nobody.permit(vm, ~problem.must_be_off)
            allowed.setdefault(hosts.tobytes(), hosts)
            figures = (rules[vm], nobody.need(vm), int(saving[vm]), int(self.costs.move[vm]))
            alike[*figures, hosts.tobytes()].append(vm)
        return [
            Kind(tuple(vms), nobody.need(vms[0]), int(saving[vms[0]]), allowed[key[-1]])  # type: ignore[index]
            for key, vms in alike.items()
        ]

    def _like_hosts(self) -> list[list[int]]:
        """Pools of hosts with the same room, power and constraints, open to the same kinds."""
        problem = self.problem
        open_to = list({kind.allowed.tobytes(): kind.allowed for kind in self.kinds}.values())
        for rule in self._rules:
            parts = (getattr(rule, "hosts", frozenset()), *getattr(rule, "host_parts", ()))
            open_to += [problem.members(part) for part in parts]
        alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for host in np.flatnonzero(~problem.must_be_off).tolist():
            marks = tuple(bool(hosts[host]) for hosts in open_to)
            room = (*problem.limit[:, host].tolist(), *problem.model.usable[:, host].tolist())
            alike[marks, room, int(self.costs.rate[host])].append(host)
        return list(alike.values())

    def solve(self, seconds: float | None = None) -> Pooled | None:
        """The bound and hosts to begin with; None where the relaxation is too large or nothing was found in time."""
        result = self._search(seconds)
        if result is None or not result.has_primal_feasible_solution():
            return None
        bound = result.termination.objective_bounds.dual_bound * self._unit
        online = [False] * self.problem.model.n_hosts
        for host, variable in self._on.items():
            online[host] = result.variable_values(variable) > 0.5
        values = result.variable_values
        shares = {vms: [round(values(one)) for one in hosts] for vms, hosts in self._tenants.items()}
        homes = {vms: frozenset(h for h, one in own.items() if values(one) > 0.5) for vms, own in self._homes.items()}
        parts = [(vms, part) for vms, part, flag in self._choices if values(flag) > 0.5]
        return Pooled(bound - MARGIN * abs(bound), online, shares, homes, parts)

    def contradictory(self, seconds: float | None = None) -> bool:
        """Whether even the relaxation has no solution: then no placement keeps the constraints."""
        result = self._search(seconds)
        return result is not None and result.termination.reason is self._math.TerminationReason.INFEASIBLE

    def _search(self, seconds: float | None) -> "mathopt.SolveResult | None":
        if len(self.kinds) * len(self.numbers) > MANY:
            return None
        from ortools.math_opt.python import mathopt  # noqa: PLC0415

        self._math = mathopt
        self._program = mathopt.Model()
        self._tenants: dict[frozenset[int], list[mathopt.Variable]] = {}
        self._homes: dict[frozenset[int], dict[int, mathopt.Variable]] = {}
        self._stays: dict[tuple[int, int], tuple[mathopt.Variable, int]] = {}
        self._choices: list[tuple[frozenset[int], frozenset[int], mathopt.Variable]] = []
        self._together: dict[int, frozenset[int]] = {}
        self.groups: dict[frozenset[frozenset[int]], None] = {}
        self._declare()
        for rule in self._rules:
            rule.pool(self)
        self._keep_room()
        limit = None if seconds is None else timedelta(seconds=max(seconds, 0.01))
        effort = mathopt.SolveParameters(time_limit=limit, relative_gap_tolerance=CLOSE, node_limit=NODES)
        return mathopt.solve(self._program, mathopt.SolverType.HIGHS, params=effort)

    def _declare(self) -> None:
        program, costs = self._program, self.costs
        must = self.problem.must_be_on
        self._on = {h: program.add_variable(lb=must[h], ub=1, is_integer=True) for pool in self.numbers for h in pool}
        self._count = [program.add_integer_variable(lb=0, ub=len(pool)) for pool in self.numbers]
        for pool, count in zip(self.numbers, self._count, strict=True):
            self.at_most(0, [(count, 1), *((self._on[h], -1) for h in pool)])
            self.at_least(0, [(count, 1), *((self._on[h], -1) for h in pool)])
        self._goal: list[Term] = [(on, float(costs.on[h])) for h, on in self._on.items()]
        self._share: dict[tuple[int, int], mathopt.Variable] = {}
        for number, kind in enumerate(self.kinds):
            self._take(number, kind)
        for number, pool in enumerate(self.numbers):
            for resource, limit in enumerate(self.problem.limit[:, pool[0]].tolist()):
                terms = self.taken(range(len(self.kinds)), number, resource)
                self.at_most(0, [*terms, (self._count[number], -limit * self._full)])
        total = self._sum(self._goal) * (1 / self._unit) + costs.constant / self._unit
        program.minimize(total)

    def _take(self, number: int, kind: Kind) -> None:
        """The shares of a kind in all pools make the whole; those that stay are part of the share of their pool."""
        costs, vms = self.costs, kind.vms
        home: dict[int, int] = defaultdict(int)
        for vm in vms:
            home[self.problem.start[vm]] += 1
        for pool, hosts in enumerate(self.numbers):
            if not kind.allowed[hosts[0]]:
                continue
            share = self._share[number, pool] = self._program.add_variable(lb=0, ub=len(vms))
            self._goal.append((share, float(costs.rate[hosts[0]] * costs.load[vms[0]] + costs.move[vms[0]])))
            stays = [
                (self._program.add_variable(lb=0, ub=home[h], is_integer=True), h)
                for h in hosts
                if kind.saving and home.get(h)
            ]
            for stay, host in stays:
                self.at_most(0, [(stay, 1), (self._on[host], -home[host])])
                self._goal.append((stay, -float(kind.saving)))
                self._stays[number, host] = stay, home[host]
            self.at_most(0, [*((stay, 1) for stay, _ in stays), (share, -1)])
        everywhere = [(share, 1.0) for (one, _), share in self._share.items() if one == number]
        self.at_least(len(vms), everywhere)

    def of(self, vms: Iterable[int]) -> list[int]:
        """The kinds of some VMs, which a constraint with a rule for pools names."""
        named = set(vms)
        return [n for n, kind in enumerate(self.kinds) if named.issuperset(kind.vms)]

    def inside(self, hosts: frozenset[int]) -> list[int]:
        """The pools within a set of hosts, which a constraint with a rule for pools names."""
        return [n for n, pool in enumerate(self.numbers) if pool[0] in hosts]

    def online(self, pool: int) -> "mathopt.Variable":
        """How many hosts of a pool are online."""
        return self._count[pool]

    def flag(self) -> "mathopt.Variable":
        """A new variable, 0 or 1."""
        return self._program.add_binary_variable()

    def choice(self, vms: Iterable[int], part: frozenset[int]) -> "mathopt.Variable":
        """A new variable, 1 where VMs may be within a set of hosts; where it is 0 they are not."""
        flag, named = self.flag(), frozenset(vms)
        self._choices.append((named, part, flag))
        for kind in self.of(named):
            terms = [term for pool in self.inside(part) for term in self.taken([kind], pool)]
            self.at_most(0, [*terms, (flag, -len(self.kinds[kind].vms))])
        return flag

    def hosts_for(self, vms: Iterable[int]) -> "list[mathopt.Variable]":
        """How many hosts of each pool have VMs of a set on them at most: enough for their needs and their spreads."""
        named = frozenset(vms)
        if named in self._tenants:
            return self._tenants[named]
        mine = set(self.of(named))
        spreads = [mine.intersection(self.of(rule.vms)) for rule in self._rules if isinstance(rule, Spread)]
        hosts = [self._program.add_integer_variable(lb=0, ub=len(pool)) for pool in self.numbers]
        for number, (pool, count) in enumerate(zip(self.numbers, hosts, strict=True)):
            self.at_most(0, [(count, 1), (self._count[number], -1)])
            for resource, limit in enumerate(self.problem.limit[:, pool[0]].tolist()):
                self.at_most(0, [*self.taken(sorted(mine), number, resource), (count, -limit * self._full)])
            for kinds in filter(None, spreads):
                self.at_most(0, [*self.taken(sorted(kinds), number), (count, -1)])
        self._tenants[named] = hosts
        self._homes[named] = self._kept(mine, hosts)
        return hosts

    def _kept(self, kinds: set[int], counts: "list[mathopt.Variable]") -> "dict[int, mathopt.Variable]":
        """Flags for hosts on which VMs of some kinds may stay: only where it is 1; there are as many as `counts`."""
        flags: dict[int, mathopt.Variable] = {}
        for (kind, host), (stay, home) in self._stays.items():
            if kind in kinds:
                flags[host] = flags[host] if host in flags else self.flag()
                self.at_most(0, [(stay, 1), (flags[host], -home)])
        for pool, count in zip(self.numbers, counts, strict=True):
            self.at_most(0, [*((flags[host], 1) for host in pool if host in flags), (count, -1)])
        return flags

    def together(self, vms: Iterable[int]) -> None:
        """A set of VMs is on one host: who else stays there leaves room for all of them."""
        named = frozenset(v for v in vms if self.problem.runs[v])
        self.at_most(1, [(count, 1) for count in self.hosts_for(named)])
        mine = self.of(named)
        if not any(kind in self._together for kind in mine):
            self._together |= dict.fromkeys(mine, named)

    def _keep_room(self) -> None:
        """Hosts have room for those that stay, and for all of a set that is together where one of it stays."""
        need = self.problem.need
        stays: dict[int, list[tuple[mathopt.Variable, int, IntArray]]] = defaultdict(list)
        for (kind, host), (stay, home) in self._stays.items():
            if kind not in self._together:
                stays[host].append((stay, home, np.array(self.kinds[kind].need)))
        for vms in sorted(set(self._together.values()), key=sorted):
            for host, flag in self._homes[vms].items():
                stays[host].append((flag, 1, need[:, sorted(vms)].sum(axis=1)))
        for host, parts in stays.items():
            for resource, limit in enumerate(self.problem.limit[:, host].tolist()):
                if sum(most * int(amount[resource]) for _, most, amount in parts) > limit:
                    self.at_most(limit, [(variable, float(amount[resource])) for variable, _, amount in parts])

    def used_by(self, kinds: Sequence[int]) -> "list[mathopt.Variable]":
        """How many hosts of each pool have VMs of some kinds on them at least; those that stay together use one."""
        used = [self._program.add_integer_variable(lb=0, ub=len(pool)) for pool in self.numbers]
        staying: dict[int, list[Term]] = defaultdict(list)
        for (kind, host), (stay, _) in self._stays.items():
            if kind in kinds:
                staying[host].append((stay, 1.0))
        for number, (pool, count) in enumerate(zip(self.numbers, used, strict=True)):
            self.at_most(0, [(count, 1), (self._count[number], -1)])
            terms = self.taken(kinds, number)
            for host in pool:
                kept = self._program.add_variable(lb=0, ub=1)
                self.at_most(0, [(kept, 1), *((stay, -1) for stay, _ in staying[host])])
                terms += [(kept, 1.0), *((stay, -1.0) for stay, _ in staying[host])]
            self.at_least(0, [*terms, (count, -1)])
        return used

    def apart(self, sets: "Iterable[Iterable[int]]") -> None:
        """Sets of VMs that share no host."""
        tenants = [frozenset(vms) for vms in sets]
        if frozenset(tenants) in self.groups:
            return
        self.groups[frozenset(tenants)] = None
        hosts = [self.hosts_for(vms) for vms in tenants]
        for number, counts in enumerate(zip(*hosts, strict=True)):
            self.at_most(0, [*((count, 1) for count in counts), (self._count[number], -1)])
        for host, on in self._on.items():
            flags = [self._homes[vms][host] for vms in tenants if host in self._homes[vms]]
            self.at_most(0, [*((flag, 1) for flag in flags), (on, -1)])

    def taken(self, kinds: Iterable[int], pool: int, resource: int | None = None) -> "list[Term]":
        """VMs of some kinds in a pool, as terms that sum up to their number, or to what they need of a resource."""
        return [
            (self._share[kind, pool], 1.0 if resource is None else float(self.kinds[kind].need[resource]))
            for kind in kinds
            if (kind, pool) in self._share
        ]

    def at_most(self, limit: float, terms: "Sequence[Term]") -> None:
        """Weighted sum of terms <= limit."""
        self._program.add_linear_constraint(self._sum(terms) <= limit)

    def at_least(self, limit: float, terms: "Sequence[Term]") -> None:
        """Weighted sum of terms >= limit."""
        self._program.add_linear_constraint(self._sum(terms) >= limit)

    def _sum(self, terms: "Iterable[Term]") -> "mathopt.LinearBase":
        return self._math.fast_sum(variable * float(weight) for variable, weight in terms)
