"""Good prices for a Lagrangian bound: cutting planes with a level, and branching on numbers of hosts online.

Each evaluation bounds the relaxation from above by a plane (Kelley 1960). The next prices are the nearest to the best
ones so far for which the planes promise a share of what could still be gained (the level method of Lemarechal,
Nemirovskii and Nesterov 1995); the share is less after each step that gained nothing. The search begins with mixtures
of a few prices: those few numbers are found at once, and hundreds of prices near them are not. Planes stay valid
whatever is asked of the numbers of hosts online, so every branch begins with what the others learnt.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol

import numpy as np
from ortools.linear_solver import pywraplp

from placement.model import FloatArray, IntArray

SHARE = 0.6
"""Of what the planes promise above the best bound, how much the next prices must promise at first."""
LESS, MORE = 0.6, 1.5
"""The share is so many times what it was after a step that gained nothing, and after one that gained enough."""
GAINED = 0.1
"""Share of what was promised that is enough."""
FARTHEST = 4.0
"""Largest price, as a multiple of the largest first one."""
ENOUGH = 1e-7
"""Relative rise of the bound that is no longer worth an evaluation."""
LITTLE = 0.02
"""Share of the gap that is no longer worth one either."""
TINY = 4e-4
"""Share of the gap below which a step is not worth one."""
BRANCH_ROUNDS = 40
"""Evaluations in each branch."""
WHOLE = 1e-4
"""How far from a whole number a number of hosts may be without being branched on."""

Range = tuple[int, int]
"""How many hosts of a group are online at least and at most."""


@dataclass(frozen=True)
class Value:
    """What prices give: `total`, a lower bound; how the relaxed solution behind it looks.

    `used` (K,) is how often it places each kind of VM (of mixtures of prices: what those are worth at each of them),
    `online` (G,) how many hosts of each group it has online, `net` (H,) what each host adds to the total when it is
    online: negative where that pays.
    """

    total: float
    used: IntArray | FloatArray
    online: IntArray
    net: FloatArray


class Relaxation(Protocol):
    """A problem in which the rule that every VM is somewhere is priced; any prices (K,) give a lower bound."""

    @property
    def count(self) -> IntArray | FloatArray:
        """(K,) VMs of each kind."""

    @property
    def ranges(self) -> Sequence[Range]:
        """For each group of hosts, how many are online at least and at most."""

    @property
    def dearest(self) -> float:
        """What a host costs that is online, at most."""

    def first_prices(self) -> Sequence[FloatArray]:
        """Prices (K,) to begin with."""

    def evaluate(self, prices: FloatArray, discounts: Sequence[float] = ()) -> Value:
        """The bound that prices (K,) give where each host of a group costs its discount (G,) less to be online."""


class Mixtures:
    """A relaxation whose prices are mixtures of some prices `parts` (B, K): weights (B,) in the unit of `dearest`."""

    def __init__(self, relaxed: Relaxation, parts: Sequence[FloatArray]) -> None:
        self._relaxed = relaxed
        self.ranges = relaxed.ranges
        self.dearest = max(1.0, relaxed.dearest)
        self._parts: FloatArray = np.array(parts) / self.dearest

    @property
    def count(self) -> FloatArray:
        """(B,) what VMs are worth at each of the prices."""
        worth: FloatArray = self._parts @ self._relaxed.count
        return worth

    def first_prices(self) -> list[FloatArray]:
        """Each of the prices alone."""
        return list(np.eye(len(self._parts)) * self.dearest)

    def mixed(self, weights: FloatArray) -> FloatArray:
        """(K,) prices of a mixture."""
        prices: FloatArray = weights @ self._parts
        return prices

    def evaluate(self, prices: FloatArray, discounts: Sequence[float] = ()) -> Value:
        """The bound that a mixture gives."""
        value = self._relaxed.evaluate(self.mixed(prices), discounts)
        return replace(value, used=self._parts @ value.used)


@dataclass(frozen=True)
class Reached:
    """A bound for some ranges and the point that gives it; `total` is the part that does not depend on the ranges.

    `net` (H,) is what each host adds when online, `online` (G,) how many are in the relaxed solution, on average.
    """

    bound: float
    total: float
    prices: FloatArray
    discounts: FloatArray
    net: FloatArray
    online: FloatArray


@dataclass(frozen=True)
class Variable:
    """A variable of the linear program: its value is `below` and `above` a point, give or take the distance."""

    value: pywraplp.Variable
    below: pywraplp.Constraint
    above: pywraplp.Constraint


class Ascent:
    """The search for prices (K,) and discounts (G,); no bound is wanted above `target`, the cost of a placement.

    In the linear program all costs are in the unit of the dearest host: it is solved in floating point.
    """

    def __init__(self, relaxed: Relaxation, target: float) -> None:
        self.relaxed = relaxed
        self.target = target
        self._lp = pywraplp.Solver.CreateSolver("GLOP")
        self._first = relaxed.first_prices()
        self._dear = max(1.0, relaxed.dearest)
        scale = np.maximum(np.max(self._first, axis=0) / self._dear, 1e-6)
        free = self._lp.infinity()
        self._top = self._lp.NumVar(-free, free, "")
        self._distance = self._lp.NumVar(0, free, "")
        self._gain = self._lp.RowConstraint(-free, free, "")
        self._prices = [self._variable(step) for step in scale.tolist()]
        self._plus, self._minus = ([self._variable(1.0) for _ in relaxed.ranges] for _ in range(2))
        self._online: list[IntArray] = []
        self._planes: list[pywraplp.Constraint] = []

    def _variable(self, scale: float) -> Variable:
        """A variable and the rows that keep it within `scale` times the distance of some point."""
        free = self._lp.infinity()
        value = self._lp.NumVar(0, FARTHEST * scale, "")
        rows = []
        for sign in (1.0, -1.0):
            row = self._lp.RowConstraint(-free, free, "")
            row.SetCoefficient(value, sign)
            row.SetCoefficient(self._distance, -scale)
            rows.append(row)
        return Variable(value, rows[0], rows[1])

    @property
    def evaluations(self) -> int:
        """How often the relaxation was evaluated."""
        return len(self._planes)

    def root(self, rounds: int, stop: Callable[[], bool] = bool) -> Reached:
        """The bound whatever the numbers of hosts online: from the best mixture of the first prices upwards."""
        mixtures = Mixtures(self.relaxed, self._first)
        outline = Ascent(mixtures, self.target)
        best = outline.climb(self.relaxed.ranges, outline.first(), rounds, stop)
        return self.climb(self.relaxed.ranges, self._at(mixtures.mixed(best.prices)), rounds, stop)

    def first(self) -> Reached:
        """The best of the first prices."""
        return max((self._at(prices) for prices in self._first), key=lambda one: one.bound)

    def _at(self, prices: FloatArray) -> Reached:
        return self._evaluate(prices, np.zeros(len(self.relaxed.ranges)), self.relaxed.ranges)

    def climb(self, ranges: Sequence[Range], start: Reached, rounds: int, stop: Callable[[], bool] = bool) -> Reached:
        """The best bound after some rounds, with numbers of hosts online within the ranges."""
        best, online, share = start, start.online, SHARE
        self._aim(ranges)
        for _ in range(rounds):
            if best.bound >= self.target or stop() or not self._promise():
                break
            hope, online = self._lp.Objective().Value() * self._dear - best.bound, self._mean_online()
            step = share * min(hope, self._gap(best))
            if not self._worthwhile(best, hope, step) or not self._approach(best, best.bound + step):
                break
            prices, plus, minus = (self._solution(side) for side in (self._prices, self._plus, self._minus))
            found = self._evaluate(np.maximum(prices, 0), plus - minus, ranges)
            if found.bound > best.bound + GAINED * step:
                share = min(SHARE, MORE * share)
            elif found.bound <= best.bound:
                share *= LESS
            best = max(best, found, key=lambda one: one.bound)
        return replace(best, online=online)

    def _gap(self, best: Reached) -> float:
        """What is still to be gained, where the target is not out of all proportion."""
        return min(self.target - best.bound, max(abs(best.bound), self._dear))

    def _worthwhile(self, best: Reached, hope: float, step: float) -> bool:
        gap = self._gap(best)
        return hope >= max(ENOUGH * abs(best.bound), LITTLE * gap) and step >= TINY * gap

    def _solution(self, variables: Sequence[Variable]) -> FloatArray:
        return np.array([one.value.solution_value() for one in variables]) * self._dear

    def within(self, here: Reached, ranges: Sequence[Range]) -> Reached:
        """What a point gives for other ranges."""
        return replace(here, bound=here.total + _given_back(here.discounts, ranges))

    def _aim(self, ranges: Sequence[Range]) -> None:
        """What is below all planes, plus what discounts give back; groups whose range is not narrowed need none."""
        self._gain.SetCoefficient(self._top, 1.0)
        for free, (low, high), plus, minus in zip(self.relaxed.ranges, ranges, self._plus, self._minus, strict=True):
            for one, amount in ((plus, low), (minus, -high)):
                self._gain.SetCoefficient(one.value, float(amount))
                one.value.SetUb(0.0 if free == (low, high) else FARTHEST)

    def _promise(self) -> bool:
        """Find the most that the planes allow, at any distance."""
        goal, free = self._lp.Objective(), self._lp.infinity()
        goal.Clear()
        self._gain.SetBounds(-free, self.target / self._dear)
        for one in (*self._prices, *self._plus, *self._minus):
            one.below.SetBounds(-free, free)
            one.above.SetBounds(-free, free)
            goal.SetCoefficient(one.value, self._gain.GetCoefficient(one.value))
        goal.SetCoefficient(self._top, 1.0)
        goal.SetMaximization()
        return bool(self._lp.Solve() == pywraplp.Solver.OPTIMAL)

    def _approach(self, best: Reached, level: float) -> bool:
        """Find the nearest point to the best one that promises a level."""
        goal, free = self._lp.Objective(), self._lp.infinity()
        goal.Clear()
        goal.SetCoefficient(self._distance, 1.0)
        goal.SetMinimization()
        self._gain.SetBounds(level / self._dear, free)
        signed = (best.prices, np.maximum(best.discounts, 0), np.maximum(-best.discounts, 0))
        centre = np.concatenate(signed) / self._dear
        for one, value in zip((*self._prices, *self._plus, *self._minus), centre.tolist(), strict=True):
            one.below.SetBounds(-free, value)
            one.above.SetBounds(-free, -value)
        return bool(self._lp.Solve() == pywraplp.Solver.OPTIMAL)

    def _evaluate(self, prices: FloatArray, discounts: FloatArray, ranges: Sequence[Range]) -> Reached:
        """One more plane."""
        value = self.relaxed.evaluate(prices, discounts.tolist())
        slope = (self.relaxed.count - value.used).astype(np.float64)
        level = value.total - float(slope @ prices) + float(value.online @ discounts)
        plane = self._lp.RowConstraint(-self._lp.infinity(), level / self._dear, "")
        plane.SetCoefficient(self._top, 1.0)
        for variable, amount in zip(self._prices, slope.tolist(), strict=True):
            plane.SetCoefficient(variable.value, -amount)
        for plus, minus, amount in zip(self._plus, self._minus, value.online.tolist(), strict=True):
            plane.SetCoefficient(plus.value, float(amount))
            plane.SetCoefficient(minus.value, -float(amount))
        self._planes.append(plane)
        self._online.append(value.online)
        bound = value.total + _given_back(discounts, ranges)
        return Reached(bound, value.total, prices, discounts, value.net, value.online.astype(np.float64))

    def _mean_online(self) -> FloatArray:
        """(G,) hosts online, averaged over the planes by their weight in the solution of the linear program."""
        weight = np.array([abs(plane.dual_value()) for plane in self._planes])
        mean: FloatArray = weight @ np.array(self._online) / max(float(weight.sum()), 1e-12)
        return mean


def _given_back(discounts: FloatArray, ranges: Sequence[Range]) -> float:
    """The least that discounts on hosts online amount to."""
    pairs = zip(ranges, discounts.tolist(), strict=True)
    return float(sum(low * max(d, 0.0) + high * min(d, 0.0) for (low, high), d in pairs))


def branch(ascent: Ascent, root: Reached, goal: float, effort: int, stop: Callable[[], bool] = bool) -> Reached:
    """A bound that also knows that hosts are online as a whole: best-first search on how many of each group are.

    The point returned is that of the lowest branch.

    Branches at or above `goal` are closed; after `effort` evaluations no more are opened.
    """
    number = count()
    queue = [(root.bound, next(number), ascent.relaxed.ranges, root)]
    last = ascent.evaluations + effort
    while True:
        bound, _, ranges, here = queue[0]
        loose = [n for n, (low, high) in enumerate(ranges) if low < high]
        distance = np.abs(here.online - np.round(here.online))
        whole = not loose or distance[loose].max() < WHOLE
        if bound >= goal or whole or ascent.evaluations >= last or stop():
            return replace(here, bound=bound)
        heapq.heappop(queue)
        split = max(loose, key=lambda n: distance[n])
        low, high = ranges[split]
        middle = min(max(low, int(here.online[split])), high - 1)
        for part in ((low, middle), (middle + 1, high)):
            inner = [*ranges[:split], part, *ranges[split + 1 :]]
            reached = ascent.climb(inner, ascent.within(here, inner), BRANCH_ROUNDS, stop)
            heapq.heappush(queue, (max(bound, reached.bound), next(number), inner, reached))
