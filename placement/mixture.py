"""Weighted sums with balance or makespan, which no weights per host and VM can stand for.

The terms are bounded apart: the weighted sum of their bounds is below every plan. The search begins with placements
that are good for the other terms, evens their loads at the true weighted cost, and leaves it to plans which is best.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from placement.balance import Balance
from placement.balance_bound import even_shares
from placement.balance_search import rounded_up
from placement.costs import Costs, costs_of, least_slowest
from placement.draft import Draft
from placement.found import Found, satisfied
from placement.instance import Objective, Term
from placement.model import Plan
from placement.problem import Problem
from placement.repair import Repair
from placement.repartition import Repartition


@dataclass(frozen=True)
class Mixture:
    """A weighted sum of one problem; `costs` are those of the terms that are sums over hosts and VMs, weighted."""

    problem: Problem
    objective: Objective
    costs: Costs
    seed: int
    stop: Callable[[], bool]

    def cost(self, found: Found) -> int:
        """What a placement costs, without the time that its plan takes."""
        factor = self.objective.weight(Term.BALANCE)
        if not factor:
            return self.costs.of(found.placed, found.online)
        return Balance(self.problem, Draft(self.problem, found.placed), found.online, self.costs, factor).cost()

    def full_cost(self, found: Found, plan: Plan) -> int:
        """What a plan costs, its migrations beyond the first of each VM left out."""
        return self.cost(found) + self.objective.weight(Term.MAKESPAN) * plan.makespan

    def bound(self, linear: int, forced: int) -> int:
        """The terms bounded apart: `linear` of the sums over hosts and VMs, `forced` s of actions that must happen."""
        bound = linear
        if self.objective.weight(Term.BALANCE):
            even = rounded_up(even_shares(self.problem, ~self.problem.must_be_off))
            bound += self.objective.weight(Term.BALANCE) * even
        if self.objective.weight(Term.MAKESPAN):
            least = Repair(self.problem, self._slowness(), self.seed).least()
            slowest = least_slowest(self.problem, Objective((Term.MAKESPAN,)), least)
            bound += self.objective.weight(Term.MAKESPAN) * max(slowest, forced)
        return bound

    def _slowness(self) -> Costs:
        return costs_of(self.problem, Term.MAKESPAN)

    def candidates(self, found: Found) -> list[Found]:
        """Placements to make plans for, the cheapest first; `found` is good for the other terms."""
        starts = [found]
        for costs in self._aims():
            one = Repair(self.problem, costs, self.seed, self.stop).quick_start()
            starts += [one] if one.host is not None else []
        every = [*starts, *(self._evened(one) for one in starts)] if self._evens() else starts
        unlike = {(tuple(one.placed), tuple(one.online)): one for one in every}
        return sorted(unlike.values(), key=self.cost)

    def _aims(self) -> list[Costs]:
        """As few moves as possible, and those fast."""
        aims = [costs_of(self.problem, Term.MIGRATED_MEMORY)]
        if self.objective.weight(Term.MAKESPAN):
            aims.append(self._slowness() * (self.costs.most + 1) + self.costs)
        return aims

    def _evens(self) -> bool:
        return bool(self.objective.weight(Term.BALANCE)) and self.problem.moves

    def _evened(self, found: Found) -> Found:
        """A placement on the same hosts with a lower weighted sum, or the same."""
        draft = Draft(self.problem, found.placed)
        balance = Balance(self.problem, draft, found.online, self.costs, self.objective.weight(Term.BALANCE))
        balance.run(self.stop)
        Repartition(balance, np.random.default_rng(self.seed)).run(self.stop)
        return replace(found, host=draft.host) if satisfied(self.problem, draft, found.online) else found
