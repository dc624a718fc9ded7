"""A VM whose migration ends in time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.trajectory import Trajectory

if TYPE_CHECKING:
    from placement.timetable import Timetable


@dataclass(frozen=True)
class Deadline(Constraint):
    """A migration of the VM ends at `seconds` after the start of the plan at the latest.

    Invariant: end(migration of vm) <= seconds.
    """

    id: ClassVar[str] = "deadline"
    at_start: ClassVar[str] = "Nothing can be violated at the start."
    always_continuous: ClassVar[bool] = True

    vm: int
    seconds: int
    continuous: bool = True

    def involved(self) -> tuple[int, ...]:
        """The VM."""
        return (self.vm,)

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """The migration ends too late."""
        move = path.migration(self.vm)
        if move is not None and move.end > self.seconds:
            yield move.end, f"the migration of VM {path.initial.model.vms.ids[self.vm]} ends after {self.seconds} s"

    def order(self, timetable: "Timetable") -> None:
        """End in time."""
        timetable.end_by(self.vm, self.seconds)
