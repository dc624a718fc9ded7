"""Starts of the tasks of a timetable."""

from dataclasses import dataclass

from placement.model import Action, Plan, action_order
from placement.problem import Problem
from placement.timetable import Timetable


@dataclass(frozen=True)
class Schedule:
    """A timetable and the start of each of its tasks, s; tasks beyond those `asked` for belong to detours."""

    table: Timetable
    starts: list[int]
    asked: int

    @property
    def ends(self) -> list[int]:
        """End of each task, s."""
        return [start + task.seconds for start, task in zip(self.starts, self.table.tasks, strict=True)]

    @property
    def makespan(self) -> int:
        """End of the last task, s."""
        return max(self.ends)

    @property
    def detours(self) -> int:
        """How many VMs move twice."""
        return len(self.starts) - self.asked

    @property
    def rank(self) -> tuple[bool, int, int]:
        """The better of two schedules has the lower rank.

        Without detours first; a detour more must shorten the plan by more than its share; then the sum of ends counts.
        """
        return self.detours > 0, self.makespan * len(self.starts), sum(self.ends)

    def plan(self, problem: Problem) -> Plan:
        """The plan that starts its tasks so."""
        actions = [
            Action(t.kind, t.vm, t.source, t.target, start, start + t.seconds, t.bandwidth, t.allocation)
            for t, start in zip(self.table.tasks, self.starts, strict=True)
        ]
        return Plan(problem.model, tuple(sorted(actions, key=action_order)))
