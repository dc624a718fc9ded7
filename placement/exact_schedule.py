"""Shorter makespans by CP-SAT, and proofs that none is shorter, for plans in which no VM moves twice."""

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING

from placement.justify import early
from placement.ledger import Ledger
from placement.schedule import Schedule
from placement.timetable import Timetable

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

EFFORT = 0.02
"""Deterministic effort for one makespan, in CP-SAT's units; those that are found take a tenth of it."""
TRIES = 12
"""Makespans tried at most."""
DOUBTS = 2
"""Makespans that are neither found nor refuted before giving up."""


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
        """The best schedule found, the one given included, and a lower bound on the makespan, at least `low`.

        Makespans are tried from the bound up in growing steps; of those below one that was found again from the bound.
        """
        if self.ledger.overdrawn:
            return best, low
        step = gcd(*self.ledger.seconds)
        low = at = -(-low // step) * step
        stride, doubts = 1, 0
        for _ in range(TRIES):
            top = 2 * best.makespan if best.detours else best.makespan - step
            if at > top or doubts == DOUBTS or self.stop():
                break
            span = min(at + (stride - 1) * step, top)
            found, refuted = self._within(span)
            if found is not None:
                best, stride = min(best, found, key=lambda schedule: schedule.rank), 1
                continue
            at, stride, doubts = span + step, 2 * stride, doubts + (not refuted)
            low = low if doubts else at
        return best, low

    def _within(self, span: int) -> tuple[Schedule | None, bool]:
        """A schedule that keeps a makespan, or whether there is none."""
        from ortools.sat.python import cp_model  # noqa: PLC0415

        model = cp_model.CpModel()
        starts = []
        for head, tail, seconds in zip(self.heads, self.tails, self.ledger.seconds, strict=True):
            if head - seconds > span - tail:
                return None, True
            starts.append(model.new_int_var(head - seconds, span - tail, ""))
        self._order(model, starts)
        self._accounts(model, starts, span)
        solver = cp_model.CpSolver()
        solver.parameters.max_deterministic_time = EFFORT
        solver.parameters.random_seed = self.seed
        solver.parameters.num_workers = 1
        solver.parameters.cp_model_presolve = False
        solver.parameters.symmetry_level = 0
        solver.parameters.linearization_level = 0
        solver.parameters.use_strong_propagation_in_disjunctive = True
        status = solver.solve(model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, status == cp_model.INFEASIBLE
        values = [solver.value(start) for start in starts]
        if not self.table.hold:
            values = early(self.ledger, values)
        return Schedule(self.table, values, len(values)), False

    def _order(self, model: "cp_model.CpModel", starts: "list[cp_model.IntVar]") -> None:
        ends = [start + seconds for start, seconds in zip(starts, self.ledger.seconds, strict=True)]
        for number, before in enumerate(self.ledger.before):
            for other in before:
                model.add(ends[other] <= starts[number])
        for first, *others in self.table.hold:
            for number in others:
                model.add(ends[first] == ends[number])
        for number, latest in sorted(self.table.latest.items()):
            model.add(ends[number] <= latest)
        for number in sorted(self.table.at_once):
            model.add(starts[number] == 0)

    def _accounts(self, model: "cp_model.CpModel", starts: "list[cp_model.IntVar]", span: int) -> None:
        """A cumulative for each account: who takes counts from its start, who gives until its end."""
        intervals: dict[int, list[cp_model.IntervalVar]] = {}
        amounts: dict[int, list[int]] = {}
        room = dict(enumerate(self.ledger.room))

        def use(account: int, amount: int, interval: "cp_model.IntervalVar") -> None:
            intervals.setdefault(account, []).append(interval)
            amounts.setdefault(account, []).append(amount)

        for number, start in enumerate(starts):
            seconds, gives = self.ledger.seconds[number], dict(self.ledger.gives[number])
            for account, amount in self.ledger.takes[number]:
                if gives.get(account) == amount:
                    use(account, gives.pop(account), model.new_fixed_size_interval_var(start, seconds, ""))
                else:
                    use(account, amount, model.new_interval_var(start, span + 1 - start, span + 1, ""))
            for account, amount in gives.items():
                room[account] += amount
                use(account, amount, model.new_interval_var(0, start + seconds, start + seconds, ""))
        for account, users in intervals.items():
            model.add_cumulative(users, amounts[account], room[account])
