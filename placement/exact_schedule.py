"""The shortest makespan by CP-SAT, for plans without detours."""

from typing import TYPE_CHECKING

import numpy as np

from placement.draft import Draft
from placement.planner import Schedule
from placement.timetable import Timetable

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

EFFORT = 0.0005
"""Deterministic effort per task, in CP-SAT's units."""
SMALL = 100
"""Tasks up to which one strategy alone is used."""


def shorten(best: Schedule, bound: int, seed: int) -> tuple[Schedule, int]:
    """A schedule that is at most as long, and a bound on the makespan that is at least as good, s."""
    table = best.table
    if any(task.source != table.problem.start[task.vm] for task in table.tasks if task.vm >= 0 and any(task.release)):
        return best, bound
    from ortools.sat.python import cp_model  # noqa: PLC0415

    model = cp_model.CpModel()
    horizon = best.makespan
    starts = [model.new_int_var(0, horizon - task.seconds, "") for task in table.tasks]
    span = model.new_int_var(bound, horizon, "")
    for start, task in zip(starts, table.tasks, strict=True):
        model.add(start + task.seconds <= span)
    _order(model, table, starts)
    _capacities(model, table, starts, horizon)
    _pools(model, table, starts, horizon)
    for start, value in zip(starts, best.starts, strict=True):
        model.add_hint(start, value)
    model.add_hint(span, horizon)
    model.minimize(span)
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = EFFORT * max(SMALL, len(starts))
    solver.parameters.random_seed = seed
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return best, bound
    found = Schedule(table, [solver.value(start) for start in starts])
    return min(best, found, key=lambda s: s.rank), max(bound, round(solver.best_objective_bound))


def _order(model: "cp_model.CpModel", table: Timetable, starts: "list[cp_model.IntVar]") -> None:
    for number, before in enumerate(table.before):
        for other in sorted(before):
            model.add(starts[other] + table.tasks[other].seconds <= starts[number])
    for group in table.hold:
        for number in group[1:]:
            first = group[0]
            model.add(starts[first] + table.tasks[first].seconds == starts[number] + table.tasks[number].seconds)
    for number, latest in sorted(table.latest.items()):
        model.add(starts[number] + table.tasks[number].seconds <= latest)
    for number in sorted(table.at_once):
        model.add(starts[number] == 0)


def _capacities(model: "cp_model.CpModel", table: Timetable, starts: "list[cp_model.IntVar]", horizon: int) -> None:
    """A cumulative on each host that arrivals could fill: who leaves counts until its end, who comes from its start."""
    limit = np.maximum(table.problem.model.usable, table.problem.limit)
    room = limit - Draft.load_now(table.problem)
    into: dict[int, list[int]] = {}
    out: dict[int, list[int]] = {}
    for number, task in enumerate(table.tasks):
        if any(task.need):
            into.setdefault(task.target, []).append(number)
        if any(task.release):
            out.setdefault(task.source, []).append(number)
    for host in sorted(into):
        for resource in range(len(room)):
            arrivals = [(n, table.tasks[n].need[resource]) for n in into[host] if table.tasks[n].need[resource]]
            if sum(need for _, need in arrivals) <= room[resource, host]:
                continue
            leavers = [
                (n, table.tasks[n].release[resource]) for n in out.get(host, []) if table.tasks[n].release[resource]
            ]
            space = int(room[resource, host]) + sum(gain for _, gain in leavers)
            _profile(model, table, starts, horizon, arrivals, leavers, space)


def _pools(model: "cp_model.CpModel", table: Timetable, starts: "list[cp_model.IntVar]", horizon: int) -> None:
    for pool in table.pools:
        both = [(n, t) for n, t in sorted(pool.take.items()) if pool.give.get(n) == t]
        arrivals = [(n, t) for n, t in sorted(pool.take.items()) if n not in pool.give]
        leavers = [(n, g) for n, g in sorted(pool.give.items()) if n not in pool.take]
        space = pool.limit - pool.used + sum(gain for _, gain in leavers)
        intervals = [model.new_fixed_size_interval_var(starts[n], table.tasks[n].seconds, "") for n, _ in both]
        _profile(model, table, starts, horizon, arrivals, leavers, space, intervals, [t for _, t in both])


def _profile(  # noqa: PLR0917
    model: "cp_model.CpModel",
    table: Timetable,
    starts: "list[cp_model.IntVar]",
    horizon: int,
    arrivals: list[tuple[int, int]],
    leavers: list[tuple[int, int]],
    space: int,
    intervals: "list[cp_model.IntervalVar] | None" = None,
    demands: list[int] | None = None,
) -> None:
    intervals, demands = list(intervals or []), list(demands or [])
    for number, need in arrivals:
        intervals.append(model.new_interval_var(starts[number], horizon + 1 - starts[number], horizon + 1, ""))
        demands.append(need)
    for number, gain in leavers:
        end = starts[number] + table.tasks[number].seconds
        intervals.append(model.new_interval_var(0, end, end, ""))
        demands.append(gain)
    model.add_cumulative(intervals, demands, max(space, 0))
