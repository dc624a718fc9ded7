"""From a placement to a plan: an order of actions that is legal at every instant, as short as can be found."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from placement.draft import Draft
from placement.errors import PlanningError
from placement.model import Action, Plan, action_order
from placement.problem import Problem
from placement.simulation import Simulation
from placement.timetable import Timetable

RESTARTS = 30
"""Passes with priorities learnt from the pass before, fewer where there are many tasks."""
WORK = 40_000
"""Tasks scheduled in all passes together, roughly."""
MANY_DETOURS = 20
"""More detours in a pass mean that room is scarce: order then hardly matters, and passes are slow."""
EXACT_TASKS = 1500
"""More tasks are not given to CP-SAT."""


@dataclass(frozen=True)
class Planned:
    """A plan, with lower bounds on its makespan and on the sum of its end times, s."""

    plan: Plan
    makespan_bound: int
    ends_bound: int


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
        return Planned(Plan(problem.model, ()), 0, 0)
    earliest = earliest_ends(table)
    makespan_bound, ends_bound = max(earliest), sum(earliest)
    best = _learn(table, seed, stop, makespan_bound, ends_bound)
    if exact and best.makespan > makespan_bound and len(table.tasks) <= EXACT_TASKS and not stop():
        from placement.exact_schedule import shorten  # noqa: PLC0415

        best, makespan_bound = shorten(best, makespan_bound, seed)
    return Planned(best.plan(problem), makespan_bound, ends_bound)


@dataclass(frozen=True)
class Schedule:
    """Starts of the tasks of a timetable."""

    table: Timetable
    starts: list[int]

    @property
    def ends(self) -> list[int]:
        """End of each task, s."""
        return [start + task.seconds for start, task in zip(self.starts, self.table.tasks, strict=True)]

    @property
    def makespan(self) -> int:
        """End of the last task, s."""
        return max(self.ends)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Fewer tasks (detours) first, then the earlier last end, then the smaller sum of ends."""
        return len(self.starts), self.makespan, sum(self.ends)

    def plan(self, problem: Problem) -> Plan:
        """The plan that starts its tasks so."""
        actions = [
            Action(t.kind, t.vm, t.source, t.target, start, start + t.seconds, t.bandwidth, t.allocation)
            for t, start in zip(self.table.tasks, self.starts, strict=True)
        ]
        return Plan(problem.model, tuple(sorted(actions, key=action_order)))


def _learn(table: Timetable, seed: int, stop: Callable[[], bool], makespan_bound: int, ends_bound: int) -> Schedule:
    """Passes in which tasks that others had to wait for come earlier each time."""
    random = np.random.default_rng(seed)
    preference = np.array(initial_tails(table), dtype=np.float64)
    best: Schedule | None = None
    failure: PlanningError | None = None
    for attempt in range(max(2, min(RESTARTS, WORK // len(table.tasks)))):
        try:
            current = run_once(table, preference)
        except PlanningError as error:
            failure = error
            preference = preference + random.uniform(0, preference.max() + 1, len(preference))
            continue
        if best is None or current.rank < best.rank:
            best = current
        done = best.makespan == makespan_bound and len(best.starts) == len(table.tasks)
        if len(current.starts) - len(table.tasks) > MANY_DETOURS:
            break
        if (done and (attempt or sum(best.ends) == ends_bound)) or stop():
            break
        tails = learnt_tails(current)[: len(preference)]
        noise = random.uniform(0, 1, len(preference)) if attempt % 3 == 2 else 0
        preference = np.maximum(tails, 0.7 * preference) + noise
    if best is None:
        raise failure or PlanningError("no order of actions was found")
    return best


def run_once(table: Timetable, preference: Sequence[float] | np.ndarray) -> Schedule:
    """One pass of list scheduling."""
    own = table.copy()
    return Schedule(own, Simulation(own, list(preference)).run())


def _room(table: Timetable) -> list[list[int]]:
    limit = np.maximum(table.problem.model.usable, table.problem.limit)
    rows: list[list[int]] = (limit - Draft.load_now(table.problem)).tolist()
    return rows


def initial_tails(table: Timetable) -> list[float]:
    """For each task, seconds until everything that waits for its departure could be finished at the soonest."""
    free = _room(table)
    into: dict[int, list[int]] = {}
    for number, task in enumerate(table.tasks):
        if any(n > f[task.target] for f, n in zip(free, task.need, strict=True) if n):
            into.setdefault(task.target, []).append(number)
    tails = [float(task.seconds) for task in table.tasks]
    followers = [into.get(task.source, []) if any(task.release) else [] for task in table.tasks]
    for number, before in enumerate(table.before):
        for other in before:
            followers[other] = [*followers[other], number]
    for _ in range(4):
        tails = [
            table.tasks[n].seconds + max((tails[f] for f in after if f != n), default=0.0)
            for n, after in enumerate(followers)
        ]
    return tails


def learnt_tails(schedule: Schedule) -> np.ndarray:
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


def earliest_ends(table: Timetable) -> list[int]:
    """Lower bound on the end of each task: arrivals wait for departures, but take nothing from one another.

    Tasks that wait for one another in a cycle get the duration alone.
    """
    free = _room(table)
    waits = [len(before) for before in table.before]
    after: list[list[int]] = [[] for _ in table.tasks]
    for number, before in enumerate(table.before):
        for other in before:
            after[other].append(number)
    into: dict[int, list[int]] = {}
    for number, task in enumerate(table.tasks):
        into.setdefault(task.target, []).append(number)
    ends = [-1] * len(table.tasks)
    heap: list[tuple[int, int]] = []

    def consider(numbers: Sequence[int], now: int) -> None:
        for n in numbers:
            task = table.tasks[n]
            if (
                ends[n] < 0
                and not waits[n]
                and all(f[task.target] >= k for f, k in zip(free, task.need, strict=True) if k)
            ):
                ends[n] = now + task.seconds
                heapq.heappush(heap, (ends[n], n))

    consider(range(len(table.tasks)), 0)
    while heap:
        now, number = heapq.heappop(heap)
        task = table.tasks[number]
        if any(task.release):
            for row, amount in zip(free, task.release, strict=True):
                row[task.source] += amount
        for other in after[number]:
            waits[other] -= 1
        consider([*after[number], *into.get(task.source, [])], now)
    return [end if end >= 0 else task.seconds for end, task in zip(ends, table.tasks, strict=True)]
