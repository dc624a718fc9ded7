"""Shorter makespans by CP-SAT, and proofs that none is shorter, for plans in which no VM moves twice."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from placement.justify import early, shaken
from placement.ledger import Entries, Ledger
from placement.schedule import Schedule
from placement.timetable import Timetable

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    Moment = int | cp_model.LinearExpr

EFFORT = 0.01
"""Deterministic effort for one makespan, in CP-SAT's units; those that are found take a tenth of it."""
LESS = 0.005
"""The same where a plan without detours is known: there is another way to shorten it."""
TRIES = 12
"""Makespans tried at most."""
DOUBTS = 2
"""Makespans that are neither found nor refuted before giving up."""
NEAR = 1200
"""Tasks that may start at other times than in the best schedule known, all at once."""
STRIDES = 4
"""Strides in which the best makespan is first brought down to the bound."""
MISSES = 3
"""Neighbourhoods that are searched in vain before giving up."""


@dataclass(frozen=True)
class ExactSchedule:
    """Looks for schedules of the tasks of a timetable, none of which is a detour, that keep a makespan.

    `heads` are least times from the start of the plan to the end of each task, `tails` from the start of each task to
    the end of the plan, s. `stop` is asked between makespans whether to be content.
    """

    table: Timetable
    ledger: Ledger
    heads: list[int]
    tails: list[int]
    seed: int
    stop: Callable[[], bool]

    def shorten(self, best: Schedule, low: int) -> tuple[Schedule, int]:
        """The best schedule found, the one given included, and a lower bound on the makespan, at least `low`."""
        if self.ledger.overdrawn:
            return best, low
        if best.detours:
            best = self._straightened(best)
        best, low = self._from_below(best, -(-low // self._step) * self._step)
        return best if best.detours else self._from_above(best, low), low

    def _from_below(self, best: Schedule, low: int) -> tuple[Schedule, int]:
        """Makespans are tried from the bound up in growing steps, until one is found or too many are doubtful."""
        at, stride, doubts = low, 1, 0
        most, effort = (DOUBTS, EFFORT) if best.detours else (1, LESS)
        for _ in range(TRIES):
            top = 2 * best.makespan if best.detours else best.makespan - self._step
            if at > top or doubts == most or self.stop():
                break
            span = min(at + (stride - 1) * self._step, top)
            found, refuted = self._within(span, best, range(len(self.heads)), effort)
            if found is not None:
                return min(best, found, key=lambda schedule: schedule.rank), low
            at, stride, doubts = span + self._step, 2 * stride, doubts + (not refuted)
            low = low if doubts else at
        return best, low

    def _straightened(self, best: Schedule) -> Schedule:
        """Without detours, where other starts of the tasks that they replaced and of some around them allow it."""
        bent = [number for number in range(best.asked) if best.table.tasks[number] != self.table.tasks[number]]
        for near in (NEAR, NEAR // 2, NEAR // 4):
            found, refuted = self._within(best.makespan, best, self._around(bent, near), EFFORT)
            if found is not None or refuted:
                return found or best
        return best

    def _from_above(self, best: Schedule, low: int) -> Schedule:
        """Shorter step by step, by other starts of some tasks, of more where that is refuted.

        A schedule without shorter neighbours is shaken.
        """
        random = np.random.default_rng(self.seed)
        near, misses, stride = NEAR, 0, max(1, (best.makespan - low) // (STRIDES * self._step))
        while best.makespan > low and misses < MISSES and not self.stop():
            span = max(low, best.makespan - stride * self._step)
            found, refuted = self._within(span, best, self._near(best, span, near), EFFORT)
            if found is not None:
                best, near = found, NEAR
                continue
            misses += 1
            near = near * 3 // 2 if refuted else near * 4 // 5
            if stride > 1:
                stride //= 2
            elif self.table.hold or self.table.latest or self.table.at_once:
                break
            else:
                best = replace(best, starts=shaken(self.ledger, best.starts, random))
        return best

    def _near(self, best: Schedule, span: int, most: int) -> set[int]:
        """The tasks that are in the way of a makespan, and those around them."""
        after = early(self.ledger.reversed, [-end for end in best.ends])
        return self._around((number for number, end in enumerate(best.ends) if end + after[number] > span), most)

    def _around(self, tasks: Iterable[int], most: int) -> set[int]:
        """Tasks, those with which they share accounts, and so on until they are many."""
        queue = list(tasks)
        found = set(queue)
        for number in queue:
            if len(found) >= most:
                break
            for account in sorted(self._accounts_of[number]):
                fresh = self._users[account] - found
                found |= fresh
                queue += sorted(fresh)
        return found

    @cached_property
    def _accounts_of(self) -> list[set[int]]:
        """The accounts from which each task takes or to which it gives."""
        columns = zip(self.ledger.takes, self.ledger.gives, strict=True)
        return [{account for account, _ in (*takes, *gives)} for takes, gives in columns]

    @cached_property
    def _users(self) -> dict[int, set[int]]:
        """The tasks that take from each account or give to it."""
        users: dict[int, set[int]] = {}
        for number, accounts in enumerate(self._accounts_of):
            for account in accounts:
                users.setdefault(account, set()).add(number)
        return users

    @cached_property
    def _step(self) -> int:
        """What divides every duration, s: tasks that start as early as they may start at multiples of it."""
        return gcd(*self.ledger.seconds)

    @cached_property
    def _length(self) -> list[int]:
        """Duration of each task in steps."""
        return [seconds // self._step for seconds in self.ledger.seconds]

    def _within(self, span: int, best: Schedule, free: Collection[int], effort: float) -> tuple[Schedule | None, bool]:
        """A schedule that keeps a makespan, s, or whether there is none, by other starts of `free` tasks only."""
        from ortools.sat.python import cp_model  # noqa: PLC0415

        model, steps = cp_model.CpModel(), span // self._step
        starts: list[Moment] = [start // self._step for start in best.starts[: best.asked]]
        for number in sorted(free):
            first = self.heads[number] // self._step - self._length[number]
            last = steps - self.tails[number] // self._step
            if first > last:
                return None, True
            starts[number] = variable = model.new_int_var(first, last, "")
            if not best.detours:
                model.add_hint(variable, min(max(best.starts[number] // self._step, first), last))
        self._order(model, starts)
        self._accounts(model, starts, steps)
        status, solver = self._solved(model, effort)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, status == cp_model.INFEASIBLE
        values = [solver.value(start) * self._step for start in starts]
        if not self.table.hold:
            values = early(self.ledger, values)
        return Schedule(self.table, values, len(values)), False

    def _solved(self, model: "cp_model.CpModel", effort: float) -> "tuple[cp_model.CpSolverStatus, cp_model.CpSolver]":
        from ortools.sat.python import cp_model  # noqa: PLC0415

        solver = cp_model.CpSolver()
        solver.parameters.max_deterministic_time = effort
        solver.parameters.random_seed = self.seed
        solver.parameters.num_workers = 1
        solver.parameters.cp_model_presolve = False
        solver.parameters.symmetry_level = 0
        solver.parameters.linearization_level = 0
        solver.parameters.use_strong_propagation_in_disjunctive = True
        return solver.solve(model), solver

    def _order(self, model: "cp_model.CpModel", starts: "list[Moment]") -> None:
        ends = [start + length for start, length in zip(starts, self._length, strict=True)]
        for number, before in enumerate(self.ledger.before):
            for other in before:
                model.add(ends[other] <= starts[number])
        for first, *others in self.table.hold:
            for number in others:
                model.add(ends[first] == ends[number])
        for number, latest in sorted(self.table.latest.items()):
            model.add(ends[number] <= latest // self._step)
        for number in sorted(self.table.at_once):
            model.add(starts[number] == 0)

    @cached_property
    def _uses(self) -> list[tuple[Entries, Entries, Entries]]:
        """What each task borrows from accounts, takes for good and gives for good."""
        uses = []
        for takes, gives in zip(self.ledger.takes, self.ledger.gives, strict=True):
            borrowed = set(takes).intersection(gives)
            uses.append((tuple(sorted(borrowed)), _others(takes, borrowed), _others(gives, borrowed)))
        return uses

    def _accounts(self, model: "cp_model.CpModel", starts: "list[Moment]", steps: int) -> None:
        """A cumulative for each account that is used at a time still open: who takes counts from its start on.

        Who gives counts until its end, who only borrows in between.
        """
        moving = [n for n, start in enumerate(starts) if not isinstance(start, int)]
        undecided = {account for n in moving for account in self._accounts_of[n]}
        intervals: dict[int, list[cp_model.IntervalVar]] = {account: [] for account in sorted(undecided)}
        amounts: dict[int, list[int]] = {account: [] for account in intervals}
        room = dict(enumerate(self.ledger.room))

        def use(entries: Entries, start: "Moment", size: "Moment", end: "Moment") -> None:
            pending = [entry for entry in entries if entry[0] in undecided]
            if pending:
                interval = model.new_interval_var(start, size, end, "")
                for account, amount in pending:
                    intervals[account].append(interval)
                    amounts[account].append(amount)

        for number in sorted(set().union(*(self._users[account] for account in undecided))):
            start, length = starts[number], self._length[number]
            end = start + length
            borrowed, taken, given = self._uses[number]
            use(borrowed, start, length, end)
            use(taken, start, steps + 1 - start, steps + 1)
            use(given, 0, end, end)
            for account, amount in given:
                room[account] += amount
        for account, users in intervals.items():
            model.add_cumulative(users, amounts[account], room[account])


def _others(entries: Entries, known: set[tuple[int, int]]) -> Entries:
    return tuple(entry for entry in entries if entry not in known)
