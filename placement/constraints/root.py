"""A VM that may not move."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import State, Trajectory, initial_state, member_array

if TYPE_CHECKING:
    from placement.draft import Draft


@dataclass(frozen=True)
class Root(Constraint):
    """A VM that runs and goes on running stays on its host, at every instant.

    Invariant: host(vm) does not change.
    """

    id: ClassVar[str] = "root"
    at_start: ClassVar[str] = "Nothing can be violated at the start."
    always_continuous: ClassVar[bool] = True

    vm: int
    continuous: bool = True

    def involved(self) -> tuple[int, ...]:
        """The VM."""
        return (self.vm,)

    def check(self, state: State) -> Iterator[str]:
        """The VM runs elsewhere."""
        before, after = initial_state(state.model).at[self.vm], state.at[self.vm]
        if before >= 0 and after >= 0 and before != after:
            hosts = state.model.hosts.ids
            yield f"VM {state.model.vms.ids[self.vm]} moved from host {hosts[before]} to {hosts[after]}"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """The VM is away for a while."""
        before = path.initial.at[self.vm]
        if before < 0 or path.final.at[self.vm] < 0:
            return
        for stay in path.stays(self.vm):
            if stay.host != before:
                yield stay.start, f"VM {path.initial.model.vms.ids[self.vm]} leaves its host"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Only where it is."""
        if draft.problem.start[vm] >= 0:
            allowed &= member_array((draft.problem.start[vm],), len(allowed))
