"""Balance: a placement with even loads and a bound, from moves, from pairs of hosts shared out anew and from prices."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from placement.ascent import Ascent, Reached
from placement.balance import Balance
from placement.balance_bound import BalanceBound, even_shares
from placement.costs import costs_of
from placement.draft import Draft
from placement.found import Found, satisfied
from placement.instance import Term
from placement.problem import Problem
from placement.repartition import Repartition

NEAR = 2e-4
"""Relative gap at which the search ends."""
WIDE = 7e-4
"""Relative gap above which placements that cost a little more are gone through."""
FIRST_ROUNDS = 10
"""Cutting planes of the bound before pairs of hosts are looked at."""
ROUNDS = 250
"""And after that."""
EFFORT = 120_000_000
"""Cells of knapsack tables looked at for the bound in all."""


@dataclass
class BalanceSearch:
    """One search on the hosts that are online; `bounding` keeps the time spent on bounds."""

    problem: Problem
    seed: int
    stop: Callable[[], bool]
    bounding: Callable[[], AbstractContextManager[None]]

    def run(self, found: Found) -> Found:
        """The most even placement found from a legal one, and a bound for all on the same hosts."""
        draft = Draft(self.problem, found.placed)
        none = costs_of(self.problem, Term.MIGRATED_MEMORY) * 0
        self.balance = Balance(self.problem, draft, found.online, none)
        self.bound, self.proof = rounded_up(even_shares(self.problem, self.balance.online)), "even shares"
        if self.problem.moves:
            self.balance.run(self.stop, self.bound)
        relaxed = BalanceBound(self.problem, self.balance.online)
        rounds = min(ROUNDS, EFFORT // max(1, relaxed.effort))
        priced = self._priced(relaxed) if rounds >= FIRST_ROUNDS and not self._near() else None
        shares = Repartition(self.balance, np.random.default_rng(self.seed))
        if self.problem.moves and not self._near():
            shares.run(self.stop, self._near)
        if priced is not None and not self._near():
            self._climb(*priced, rounds)
        if self.problem.moves and not self._near(WIDE):
            shares.loosen(self.stop)
        legal = satisfied(self.problem, draft, found.online)
        return Found(draft.host if legal else found.placed, found.online, self.bound, self.proof)

    def _near(self, gap: float = NEAR) -> bool:
        cost = self.balance.cost()
        return self.stop() or cost - self.bound <= gap * cost

    def _priced(self, relaxed: BalanceBound) -> tuple[Ascent, Reached]:
        ascent = Ascent(relaxed, float(self.balance.cost()))
        with self.bounding():
            reached = ascent.root(FIRST_ROUNDS, self.stop)
        self._raise_to(reached.bound)
        return ascent, reached

    def _climb(self, ascent: Ascent, reached: Reached, rounds: int) -> None:
        ascent.target = self.balance.cost() * (1 - NEAR)
        with self.bounding():
            self._raise_to(ascent.climb([], reached, rounds, self._near).bound)

    def _raise_to(self, bound: float) -> None:
        if rounded_up(bound) > self.bound:
            self.bound, self.proof = rounded_up(bound), "Lagrangian relaxation"


def rounded_up(value: float) -> int:
    """The least balance that a placement can have at or above a bound, but for the rounding of floating point."""
    return int(np.ceil(value * (1 - 1e-11) - 1e-3))
