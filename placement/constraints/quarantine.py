"""A host that nobody enters or leaves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import BEFORE, State, Trajectory, initial_state, member_array

if TYPE_CHECKING:
    from placement.draft import Draft


@dataclass(frozen=True)
class Quarantine(Constraint):
    """VMs on the host stay there as long as they run, and no other enters, at every instant.

    Invariant: for every running VM, host(v) = host or host before = host implies that host(v) does not change.
    """

    id: ClassVar[str] = "quarantine"
    at_start: ClassVar[str] = "Nothing can be violated at the start."
    always_continuous: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True

    host: int
    continuous: bool = True

    def check(self, state: State) -> Iterator[str]:
        """A VM went in or out."""
        name = state.model.hosts.ids[self.host]
        for vm, (before, after) in enumerate(zip(initial_state(state.model).at, state.at, strict=True)):
            if after == self.host != before:
                yield f"VM {state.model.vms.ids[vm]} entered host {name}"
            elif before == self.host != after >= 0:
                yield f"VM {state.model.vms.ids[vm]} left host {name}"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """A VM went in or out on the way."""
        model = path.initial.model
        for vm in sorted(path.changed):
            before = path.initial.at[vm]
            for stay in path.stays(vm):
                if stay.host == self.host and stay.start > BEFORE:
                    yield stay.start, f"VM {model.vms.ids[vm]} enters host {model.hosts.ids[self.host]}"
                if before == self.host != stay.host:
                    yield stay.start, f"VM {model.vms.ids[vm]} leaves host {model.hosts.ids[self.host]}"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Inside for its VMs, outside for all others."""
        if draft.problem.start[vm] == self.host:
            allowed &= member_array((self.host,), len(allowed))
        else:
            allowed[self.host] = False
