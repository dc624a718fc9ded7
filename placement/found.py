"""What a search has found: a placement, a bound, and whether rules that masks cannot enforce are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from placement.draft import Draft
from placement.errors import PlanningError
from placement.problem import Problem
from placement.trajectory import State


@dataclass(frozen=True)
class Found:
    """A placement (absent where none was found), a lower bound on its cost, and what proved it.

    `missing` lists VMs without a host in the best incomplete placement; `infeasible` is a proof that none exists.
    """

    host: list[int] | None
    online: list[bool]
    bound: int
    proof: str
    missing: tuple[int, ...] = ()
    infeasible: bool = False

    @property
    def placed(self) -> list[int]:
        """The placement, where it is known that there is one."""
        if self.host is None:
            raise PlanningError("no placement was found")
        return self.host


def satisfied(problem: Problem, draft: Draft, online: Sequence[bool]) -> bool:
    """Whether a placement keeps the rules that masks cannot enforce too."""
    state = State(problem.model, draft.host, problem.target.tolist(), online, problem.need)
    return all(next(c.check(state), None) is None for c in problem.constraints)
