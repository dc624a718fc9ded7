"""What a placement costs: integer coefficients, so that bounds and gaps are exact."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from placement.instance import UNLIKE, Objective, Term
from placement.model import VM_KINDS, IntArray, Kind, Model
from placement.problem import Problem

MIGRATION_ENERGY = 146
"""Micro-Wh to migrate 1 MB: 0.146 Wh/GB, the figure used throughout the benches."""
LEVELS = 8
"""Weights of slow migrations that are told apart."""


@dataclass(frozen=True)
class Costs:
    """Cost = constant + sum over online hosts of `on` + sum over VMs of (rate of its host x load + `move` or `stay`).

    `on` (H,) counts a host that is online at the end, less what it costs to switch it off where it is online now;
    `rate` (H,) is per unit of the processor resource; `move` and `stay` (V,) count VMs that run now and go elsewhere or
    stay; VMs that start cost `move`. All integer.
    """

    problem: Problem
    on: IntArray
    rate: IntArray
    move: IntArray
    stay: IntArray
    constant: int = 0

    @cached_property
    def load(self) -> IntArray:
        """(V,) what each VM takes of the processor resource at the end."""
        if self.problem.model.processor < 0:
            return np.zeros(self.problem.model.n_vms, dtype=np.int64)
        load: IntArray = self.problem.need[self.problem.model.processor]
        return load

    def put(self, vm: int, host: int) -> int:
        """Cost of a VM on a host."""
        moved = self.move if self.problem.start[vm] != host else self.stay
        return int(self.rate[host] * self.load[vm] + moved[vm])

    def of(self, host: Sequence[int], online: Sequence[bool]) -> int:
        """Cost of a placement: host of each VM (-1 for none), which hosts are online."""
        at = np.asarray(host, dtype=np.int64)
        placed = at >= 0
        where = at[placed]
        moved = np.where(at == self.problem.start_array, self.stay, self.move)[placed]
        total = self.constant + int((self.rate[where] * self.load[placed] + moved).sum())
        return total + int(self.on[np.asarray(online, dtype=np.bool_)].sum())

    def __add__(self, other: "Costs") -> "Costs":
        return Costs(
            self.problem,
            self.on + other.on,
            self.rate + other.rate,
            self.move + other.move,
            self.stay + other.stay,
            self.constant + other.constant,
        )

    def __mul__(self, factor: int) -> "Costs":
        return Costs(
            self.problem,
            self.on * factor,
            self.rate * factor,
            self.move * factor,
            self.stay * factor,
            self.constant * factor,
        )

    @cached_property
    def step(self) -> int:
        """The costs of all placements differ from the constant by a multiple of this."""
        parts = np.concatenate([self.on, self.move, self.stay, np.outer(np.unique(self.rate), self.load).ravel()])
        return max(1, int(np.gcd.reduce(parts)))

    @property
    def most(self) -> int:
        """No placement costs more than this above the constant."""
        dearest = int(self.rate.max(initial=0)) * int(self.load.sum())
        return dearest + int(np.maximum(self.move, self.stay).sum()) + int(np.maximum(self.on, 0).sum())


def costs_of(problem: Problem, term: Term, payback: int = 3600) -> Costs:
    """Coefficients of one term; those of makespan weigh slow migrations, balance is steered by migrated memory."""
    if term is Term.SUM_OF_ENDS:
        return _durations(problem)
    if term in (Term.ENERGY, Term.COST, Term.CO2):
        return _energy(problem, term, payback)
    zeros = np.zeros(problem.model.n_hosts, dtype=np.int64)
    none = np.zeros(problem.model.n_vms, dtype=np.int64)
    move = _slowness(problem.model) if term is Term.MAKESPAN else problem.model.vms.memory
    return Costs(problem, zeros, zeros, np.where(problem.stays_possible, move, 0), none)


def _slowness(model: Model) -> IntArray:
    """(V,) weights of migrations: one of the slowest counts more than several that are faster."""
    levels, rank = np.unique(least_migration(model), return_inverse=True)
    weights: IntArray = 4 ** (rank.reshape(-1) * LEVELS // len(levels))
    return weights


def least_slowest(problem: Problem, objective: Objective, bound: int) -> int:
    """Seconds that the slowest migration takes at least, where no placement costs less than a bound.

    What is cheaper than the bound can be reached with faster migrations alone; what is not needs a slower one. The
    first term of the objective is makespan.
    """
    rest = replace(objective, terms=objective.terms[1:]) if objective.terms[1:] else None
    least = bound - combined(problem, objective).constant
    if rest is not None:
        least //= combined(problem, rest).most + 1
    movable = np.flatnonzero(problem.stays_possible)
    seconds, weight = least_migration(problem.model)[movable], _slowness(problem.model)[movable]
    order = np.argsort(seconds, kind="stable")
    enough = np.flatnonzero(np.cumsum(weight[order]) >= least)
    return int(seconds[order[enough[0]]]) if least > 0 and len(enough) else 0


def combined(problem: Problem, objective: Objective) -> Costs:
    """One set of coefficients for an objective: a weighted sum, or weights that keep the lexicographic order.

    Balance and makespan are left out of a weighted sum.
    """
    if objective.weights:
        total = costs_of(problem, Term.MIGRATED_MEMORY) * 0
        for term, weight in zip(objective.terms, objective.weights, strict=True):
            if term not in UNLIKE:
                total = total + costs_of(problem, term, objective.payback) * weight
        return total
    parts = [costs_of(problem, term, objective.payback) for term in objective.terms]
    total = parts[-1]
    for part in reversed(parts[:-1]):
        total = part * (total.most + 1) + total
    return total


def _durations(problem: Problem) -> Costs:
    """Durations of the actions that a placement needs: the sum of end times when nothing waits."""
    model = problem.model
    seconds = dict(zip(VM_KINDS, model.vms.seconds, strict=True))
    start = np.where(model.vms.state == 2, seconds[Kind.RESUME], seconds[Kind.BOOT])
    change = (problem.need != model.vms.demand).sum(axis=0)
    move = np.where(problem.stays_possible, least_migration(model), start)
    zeros = np.zeros(model.n_hosts, dtype=np.int64)
    on = np.where(model.hosts.online, -model.hosts.shutdown, model.hosts.boot)
    constant = int(model.hosts.shutdown[model.hosts.online].sum()) + _fixed_durations(problem)
    return Costs(problem, on, zeros, np.where(problem.runs, move, 0), change * seconds[Kind.ALLOCATE], constant)


def _fixed_durations(problem: Problem) -> int:
    model, total = problem.model, 0
    for vm in np.flatnonzero(problem.target != model.vms.state):
        kind = ENDING.get(int(problem.target[vm]))
        total += model.duration(kind, int(vm)) if kind is not None else 0
    return total


ENDING = {0: Kind.SHUTDOWN, 2: Kind.SUSPEND, 3: Kind.KILL}
"""The action that leads a VM to a state other than running."""


def least_migration(model: Model) -> IntArray:
    """(V,) seconds that a migration takes at least, whatever the hosts."""
    stated = model.vms.seconds[VM_KINDS.index(Kind.MIGRATE)]
    if (stated > 0).all() or not model.hosts.bandwidth.any():
        least: IntArray = np.maximum(stated, 1)
        return least
    fastest = int(model.hosts.bandwidth.argmax())
    computed = [
        model.migration(v, fastest, fastest)[0] if stated[v] == 0 else int(stated[v]) for v in range(model.n_vms)
    ]
    return np.array(computed, dtype=np.int64)


def _energy(problem: Problem, term: Term, payback: int) -> Costs:
    """Energy over the pay-back time in micro-Wh, times price or carbon of the site for the other two."""
    model, hosts = problem.model, problem.model.hosts
    factor = np.ones(model.n_hosts, dtype=np.int64)
    if term is not Term.ENERGY:
        per_site = [site.price if term is Term.COST else site.carbon for site in model.sites]
        factor = np.array(per_site, dtype=np.int64)[hosts.site]
    idle = hosts.idle_power * payback * 1000 // 3600
    boot, shutdown = (hosts.idle_power * seconds * 1000 // 3600 for seconds in (hosts.boot, hosts.shutdown))
    on = factor * np.where(hosts.online, idle - shutdown, idle + boot)
    rate = factor * np.rint(model.watts_per_unit * payback * 1000 / 3600).astype(np.int64)
    memory = np.where(problem.stays_possible, model.vms.memory, 0)
    move = memory * MIGRATION_ENERGY * int(factor.min(initial=1))
    constant = int((factor * shutdown)[hosts.online].sum())
    return Costs(problem, on, rate, move, np.zeros(model.n_vms, dtype=np.int64), constant)
