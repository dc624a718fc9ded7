"""From a placement to a plan: an order of actions that is legal at every instant, as short as can be found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from placement.errors import PlanningError
from placement.justify import justified
from placement.ledger import earliest_ends, least_span, ledger_of
from placement.model import FloatArray, Plan
from placement.problem import Problem
from placement.schedule import Schedule
from placement.simulation import Simulation
from placement.timetable import Timetable

PASSES = 4
"""Passes in all, fewer where there are many tasks."""
RETRIES = 30
"""Passes at random where none finds a legal order, for instance because of deadlines."""
WORK = 40_000
"""Tasks scheduled in all passes together, roughly."""
FEW_PASSES = 2
"""Passes before CP-SAT is asked where the first one needs detours."""
EXACT_TASKS = 4000
"""Tasks that depend on others beyond which CP-SAT is not asked; fewer where a plan has detours and is far off."""


@dataclass(frozen=True)
class Planned:
    """A plan, with a lower bound on its makespan, s: of all plans in which no VM moves twice, or none is suspended."""

    plan: Plan
    makespan_bound: int


def make_plan(
    problem: Problem,
    host: Sequence[int],
    online: Sequence[bool],
    *,
    seed: int = 0,
    stop: Callable[[], bool] = bool,
    exact: bool = True,
) -> Planned:
    """Order the actions that lead to a placement; PlanningError where no legal order was found.

    `stop` is asked between passes whether to be content with what there is.
    """
    table = Timetable(problem, host, online)
    if not table.tasks:
        return Planned(Plan(problem.model, ()), 0)
    ledger = ledger_of(table)
    heads, tails = earliest_ends(ledger), earliest_ends(ledger.reversed)
    anyhow = least_span(table)
    bound = max(
        anyhow, *(head + tail - seconds for head, tail, seconds in zip(heads, tails, ledger.seconds, strict=True))
    )
    search = _Search(table, tails, seed, stop)
    best = search.run(1, bound)
    best = search.run(FEW_PASSES, bound) if best.detours else best
    hopeful = ledger.entangled * (best.makespan if best.detours else bound) <= EXACT_TASKS * bound
    if exact and hopeful and (best.makespan > bound or best.detours) and not stop():
        from placement.exact_schedule import ExactSchedule  # noqa: PLC0415

        best, bound = ExactSchedule(table, ledger, heads, tails, seed, stop).shorten(best, bound)
    elif not best.detours:
        best = search.run(min(PASSES, WORK // len(table.tasks)), bound)
    return Planned(best.plan(problem), anyhow if best.detours else bound)


class _Search:
    """Passes of list scheduling in which tasks that others had to wait for come earlier each time."""

    def __init__(self, table: Timetable, tails: list[int], seed: int, stop: Callable[[], bool]) -> None:
        self.table, self.stop = table, stop
        self._random = np.random.default_rng(seed)
        self._preference = np.array(tails, dtype=np.float64)
        self._passes = 0
        self.best: Schedule | None = None

    def run(self, passes: int, bound: int) -> Schedule:
        """The best schedule after so many passes in all, more where they fail; PlanningError where all do."""
        failure = PlanningError("no order of actions was found")
        while self._passes < (passes if self.best else RETRIES) and not self._content(bound):
            self._passes += 1
            try:
                self._pass(bound)
            except PlanningError as error:
                failure = error
                self._preference += self._random.uniform(0, self._preference.max() + 1, len(self._preference))
        if self.best is None:
            raise failure
        return self.best

    def _content(self, bound: int) -> bool:
        """Whether another pass is not worth its time: no slack is left."""
        if self.best is None:
            return False
        return (self.best.makespan <= bound and not self.best.detours) or self.stop()

    def _pass(self, bound: int) -> None:
        own = self.table.copy()
        listed = Schedule(own, Simulation(own, self._preference.tolist()).run(), len(self.table.tasks))
        found = justified(listed, bound, self.stop)
        if self.best is None or found.rank < self.best.rank:
            self.best = found
        tails = learnt_tails(listed)[: len(self._preference)]
        noise = self._random.uniform(0, 1, len(tails)) if self._passes % 3 == 0 else 0
        self._preference = np.maximum(tails, 0.7 * self._preference) + noise


def learnt_tails(schedule: Schedule) -> FloatArray:
    """For each task, seconds from its start to the end of the last one that its end let start in a schedule."""
    tasks, starts, ends = schedule.table.tasks, schedule.starts, schedule.ends
    begun: dict[tuple[int, int], float] = {}
    tails = np.zeros(len(tasks))
    for number in sorted(range(len(tasks)), key=lambda n: (-starts[n], -ends[n], n)):
        task = tasks[number]
        tails[number] = task.seconds + begun.get((task.source, ends[number]), 0.0)
        key = (task.target, starts[number])
        begun[key] = max(begun.get(key, 0.0), float(tails[number]))
    return tails
