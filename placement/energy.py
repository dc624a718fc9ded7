"""Energy: a cheap placement and a bound, from emptying hosts, from prices and from pools of like hosts."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np

from placement.costs import Costs
from placement.draft import Draft
from placement.drain import Drain
from placement.energy_bound import EnergyBound
from placement.exchange import Exchange
from placement.found import Found, satisfied
from placement.greedy import Greedy
from placement.model import FloatArray
from placement.packing import Packing
from placement.pools import Pools
from placement.problem import Problem

ROUNDS = 120
"""Cutting planes of the energy bound."""
FEW_HOSTS = 200
"""Up to so many hosts they are emptied in many orders, and pooled."""
ORDERS = 30
"""Orders tried then, before and after the bound is known."""
BRANCHING = 400
"""Evaluations of the energy bound then spent on numbers of hosts online."""
CLOSED = 1e-6
"""Relative gap at which a branch is closed."""
PACKINGS = 16
"""Placements tried on the hosts that the pools suggest."""
NEAR = 5e-4
"""Relative gap at which no more are tried at first."""
ENOUGH = 1e-3
"""Relative gap at which no more are tried after half of them, nor hosts emptied one by one."""


@dataclass
class Energy:
    """One search; `bounding` keeps the time spent on bounds, `left` is how many s there are, None for any number."""

    problem: Problem
    costs: Costs
    seed: int
    stop: Callable[[], bool]
    left: Callable[[], float | None]
    bounding: Callable[[], AbstractContextManager[None]]

    def run(self, found: Found, bound: float, proof: str) -> Found:
        """The cheapest placement found from a legal one, and the best bound; a bound known already may be given."""
        self.start = self.best = found
        self.bound, self.proof = bound, proof
        if self._few:
            self._pool()
        if self._gap() > ENOUGH:
            self._empty()
        best = self._cost_of(self.best)
        return replace(self.best, bound=min(self._rounded_up(self.bound), best), proof=self.proof)

    @property
    def _few(self) -> bool:
        return self.problem.model.n_hosts <= FEW_HOSTS

    def _cost_of(self, found: Found) -> int:
        return self.costs.of(found.placed, found.online)

    def _gap(self) -> float:
        cost = self._cost_of(self.best)
        return (cost - self.bound) / max(1, abs(cost))

    def _keep(self, found: Found | None) -> None:
        if found is not None:
            self.best = min(self.best, found, key=self._cost_of)

    def _raise_to(self, bound: float, proof: str) -> None:
        if bound > self.bound:
            self.bound, self.proof = bound, proof

    def _rounded_up(self, value: float) -> int:
        """The least cost that a placement can have at or above a bound, but for the rounding of floating point."""
        lowest = int(np.floor(value - 1e-9 * abs(value))) - self.costs.constant
        return self.costs.constant + -(-lowest // self.costs.step) * self.costs.step

    def _pool(self) -> None:
        """Bound by pools of like hosts, and pack the VMs on the hosts that they suggest."""
        with self.bounding():
            pooled = Pools(self.problem, self.costs).solve(self.left())
        if pooled is None:
            return
        self._raise_to(pooled.bound, "pools of like hosts")
        random = np.random.default_rng(self.seed)
        for attempt in range(PACKINGS):
            if self.stop() or self._gap() <= (NEAR if attempt < PACKINGS // 2 else ENOUGH):
                return
            self._keep(self._packed(pooled.online, random))

    def _packed(self, online: list[bool], random: np.random.Generator) -> Found | None:
        """A placement on some hosts: what is on them stays, the rest comes, all is exchanged until it is cheap."""
        problem = self.problem.without(~np.array(online))
        draft = Draft(problem, [at if at >= 0 and online[at] else -1 for at in self.start.placed])
        greedy = Greedy(problem, draft, self.costs, random.uniform(0.8, 1.25, problem.model.n_vms))
        for vm in greedy.place_all(draft.waiting()):
            greedy.push(vm, depth=1)
        if not Packing(problem, draft, random).run(self.stop):
            return None
        Exchange(problem, draft, self.costs).run(self.stop)
        return Found(draft.host, online, 0, "") if satisfied(self.problem, draft, online) else None

    def _empty(self) -> None:
        """Empty hosts, bound what that could save, and empty them again in the order that the bound suggests."""
        from placement.ascent import Ascent, branch  # noqa: PLC0415

        self._keep(self._emptied(None))
        if self._gap() <= 0:
            return
        ascent = Ascent(EnergyBound(self.problem, self.costs), float(self._cost_of(self.best)))
        with self.bounding():
            reached = ascent.root(ROUNDS, self.stop)
        self._keep(self._emptied(reached.net))
        if self._few and reached.bound > self.bound:
            goal = self._cost_of(self.best) * (1 - CLOSED)
            with self.bounding():
                reached = branch(ascent, reached, goal, BRANCHING, self.stop)
            self._keep(self._emptied(reached.net))
        self._raise_to(reached.bound, "Lagrangian relaxation")

    def _emptied(self, burden: FloatArray | None) -> Found:
        """The cheapest outcome of emptying hosts: in one order, on few hosts in many."""
        random = np.random.default_rng(self.seed)
        outcomes: list[Found] = []
        for attempt in range(ORDERS if self._few else 1):
            draft = Draft(self.problem, self.start.placed)
            drain = Drain(self.problem, draft, self.start.online, self.costs, random if attempt else None, burden)
            drain.run(self.stop)
            outcomes.append(Found(draft.host, drain.online.tolist(), 0, ""))
            if self.stop():
                break
        return min(outcomes, key=self._cost_of)
