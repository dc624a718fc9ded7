"""A VM whose actions start at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.trajectory import Trajectory

if TYPE_CHECKING:
    from placement.timetable import Timetable


@dataclass(frozen=True)
class NoDelay(Constraint):
    """All actions on the VM start at 0.

    Invariant: start(a) = 0 for every action a on vm.
    """

    id: ClassVar[str] = "noDelay"
    at_start: ClassVar[str] = "Nothing can be violated at the start."
    always_continuous: ClassVar[bool] = True

    vm: int
    continuous: bool = True

    def involved(self) -> tuple[int, ...]:
        """The VM."""
        return (self.vm,)

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """An action starts later."""
        for action in path.actions.get(self.vm, ()):
            if action.start > 0:
                yield action.start, f"VM {path.initial.model.vms.ids[self.vm]} is acted on after the start"

    def order(self, timetable: "Timetable") -> None:
        """Start at 0."""
        timetable.start_at_once(self.vm)
