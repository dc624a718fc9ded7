"""The placement problem as a CP-SAT model: exact where it is small enough."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from placement.costs import Costs
from placement.draft import Draft
from placement.problem import Problem

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    Literal = Any

ROUND = 8
"""Sub-solvers that take turns in one thread: deterministic, and more than one strategy."""

TINY = 300
"""Variables up to which one strategy alone is faster."""


@dataclass(frozen=True)
class Solved:
    """Outcome of a CP-SAT run: `host` (V) if a placement was found, `bound` on its cost, whether none exists."""

    host: list[int] | None
    online: list[bool]
    bound: int
    optimal: bool
    infeasible: bool


class Translation:
    """Variables and constraints for some free VMs; the other VMs stay where `draft` has them."""

    def __init__(self, draft: Draft, free: Sequence[int], *, fixed_online: Iterable[int] = ()) -> None:
        from ortools.sat.python import cp_model  # noqa: PLC0415

        self._cp = cp_model
        self.problem: Problem = draft.problem
        self.model = cp_model.CpModel()
        self.draft = draft.copy()
        for vm in free:
            if self.draft.host[vm] >= 0:
                self.draft.remove(vm)
        self.free = sorted(free)
        self._always_on = set(fixed_online)
        self.domains: dict[int, list[int]] = {}
        self.variables: dict[tuple[int, int], cp_model.IntVar] = {}
        self._on: dict[int, Literal] = {}
        self._declare()

    def _declare(self) -> None:
        for vm in self.free:
            hosts = np.flatnonzero(self.draft.candidates(vm)).tolist()
            self.domains[vm] = hosts
            for host in hosts:
                self.variables[vm, host] = self.model.new_bool_var("")
            self.model.add_exactly_one([self.variables[vm, host] for host in hosts])
        problem = self.problem
        fixed = self.draft.count > 0
        if (fixed & problem.must_be_off).any() or any((row[fixed] < 0).any() for row in self.draft.free):
            self.model.add_bool_or([])
        by_host: dict[int, list[int]] = {}
        for vm, host in self.variables:
            by_host.setdefault(host, []).append(vm)
        for host in sorted(by_host):
            self._capacity(host, by_host[host])
        for constraint in problem.constraints:
            constraint.translate(self)

    def _capacity(self, host: int, vms: list[int]) -> None:
        literals = [self.variables[vm, host] for vm in vms]
        on = self.on(host)
        if not isinstance(on, int):
            for literal in literals:
                self.model.add_implication(literal, on)
        for resource, free in enumerate(self.draft.free):
            need = [self.draft.need(vm)[resource] for vm in vms]
            room = int(free[host])
            if sum(need) > room:
                self.model.add(self._cp.LinearExpr.weighted_sum(literals, need) <= room)

    def put(self, vm: int, host: int) -> "Literal":
        """1 where a VM is on a host at the end: a variable or a constant."""
        if vm in self.domains:
            return self.variables.get((vm, host), 0)
        return int(self.draft.host[vm] == host)

    def on(self, host: int) -> "Literal":
        """1 where a host is online at the end: a variable or a constant."""
        if host not in self._on:
            problem = self.problem
            if problem.must_be_off[host]:
                self._on[host] = 0
            elif problem.must_be_on[host] or self.draft.guests[host] or host in self._always_on:
                self._on[host] = 1
            else:
                self._on[host] = self.model.new_bool_var("")
        return self._on[host]

    def hosts_of(self, vms: Iterable[int]) -> list[int]:
        """Hosts where one of the VMs may be."""
        hosts: set[int] = set()
        for vm in vms:
            hosts.update(self.domains[vm] if vm in self.domains else [self.draft.host[vm]])
        return sorted(hosts - {-1})

    def flag(self) -> "cp_model.IntVar":
        """A new variable, 0 or 1."""
        return self.model.new_bool_var("")

    def at_most(self, limit: int, terms: "Sequence[Literal]", weights: Sequence[int] | None = None) -> None:
        """Weighted sum of terms <= limit."""
        self._bounded(-(1 << 55), limit, terms, weights)

    def at_least(self, limit: int, terms: "Sequence[Literal]", weights: Sequence[int] | None = None) -> None:
        """Weighted sum of terms >= limit."""
        self._bounded(limit, 1 << 55, terms, weights)

    def exactly(self, number: int, terms: "Sequence[Literal]") -> None:
        """Sum of terms = number."""
        self._bounded(number, number, terms, None)

    def equal(self, one: "Literal", other: "Literal") -> None:
        """Both are the same."""
        self._bounded(0, 0, [one, other], [1, -1])

    def _bounded(self, low: int, high: int, terms: "Sequence[Literal]", weights: Sequence[int] | None) -> None:
        factors = weights if weights is not None else [1] * len(terms)
        constant = sum(t * w for t, w in zip(terms, factors, strict=True) if isinstance(t, int))
        pairs = [(t, w) for t, w in zip(terms, factors, strict=True) if not isinstance(t, int)]
        low, high = low - constant, high - constant
        if not pairs:
            if not low <= 0 <= high:
                self.model.add_bool_or([])
            return
        total = self._cp.LinearExpr.weighted_sum([t for t, _ in pairs], [w for _, w in pairs])
        self.model.add_linear_constraint(total, low, high)

    def minimize(self, costs: Costs) -> None:
        """Minimise a linear cost."""
        self._terms: list[tuple[Any, int]] = []
        for (vm, host), variable in self.variables.items():
            self._terms.append((variable, costs.put(vm, host)))
        fixed = [v for v in self.problem.running if v not in self.domains and self.draft.host[v] >= 0]
        self.offset = costs.constant + sum(costs.put(v, self.draft.host[v]) for v in fixed)
        for host in range(self.problem.model.n_hosts):
            if costs.on[host] == 0:
                continue
            on = self.on(host)
            if isinstance(on, int):
                self.offset += on * int(costs.on[host])
            else:
                self._terms.append((on, int(costs.on[host])))
        self._terms = [(t, w) for t, w in self._terms if w]
        self.model.minimize(self.total())

    def limit_cost(self, ceiling: int) -> None:
        """Only placements that cost no more; to be called after `minimize`."""
        self.model.add(self.total() <= ceiling - self.offset)

    def total(self) -> "cp_model.LinearExpr":
        """The cost without its constant part."""
        return self._cp.LinearExpr.weighted_sum([t for t, _ in self._terms], [w for _, w in self._terms])

    def forbid(self, host: Sequence[int]) -> None:
        """Exclude one placement."""
        chosen = [self.variables[vm, at] for (vm, at) in self.variables if host[vm] == at]
        self.model.add_bool_or([literal.negated() for literal in chosen])

    def hint(self, host: Mapping[int, int] | Sequence[int]) -> None:
        """Start from a placement."""
        for (vm, at), variable in self.variables.items():
            self.model.add_hint(variable, host[vm] == at)

    def solve(self, effort: float, seed: int = 0, seconds: float | None = None) -> Solved:
        """Search with a deterministic effort, and at most so many seconds where given."""
        solver = self._cp.CpSolver()
        solver.parameters.max_deterministic_time = effort
        solver.parameters.random_seed = seed
        if len(self.variables) > TINY:
            solver.parameters.num_workers = ROUND
            solver.parameters.interleave_search = True
        else:
            solver.parameters.num_workers = 1
        if seconds is not None:
            solver.parameters.max_time_in_seconds = max(seconds, 0.01)
        status = solver.solve(self.model)
        found = status in (self._cp.OPTIMAL, self._cp.FEASIBLE)
        offset = getattr(self, "offset", 0)
        bound = round(solver.best_objective_bound) + offset if status != self._cp.MODEL_INVALID else 0
        infeasible = status == self._cp.INFEASIBLE
        if not found:
            return Solved(None, [], bound, optimal=False, infeasible=infeasible)
        host = self.draft.host.copy()
        for (vm, at), variable in self.variables.items():
            if solver.boolean_value(variable):
                host[vm] = at
        return Solved(host, self._online(host, solver), bound, optimal=status == self._cp.OPTIMAL, infeasible=False)

    def _online(self, host: list[int], solver: "cp_model.CpSolver") -> list[bool]:
        used = set(host)
        online = []
        for number in range(self.problem.model.n_hosts):
            on = self._on.get(number)
            known = None if on is None else bool(on) if isinstance(on, int) else solver.boolean_value(on)
            online.append(default_power(self.problem, number, used=number in used) if known is None else known)
        return online


def default_power(problem: Problem, host: int, *, used: bool) -> bool:
    """Whether a host that nothing decides about is online at the end: as now, or as asked, or because it is used."""
    if problem.must_be_off[host]:
        return False
    return bool(used or problem.must_be_on[host] or problem.model.hosts.online[host])
