"""One migration before another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.trajectory import Trajectory

if TYPE_CHECKING:
    from placement.timetable import Timetable


@dataclass(frozen=True)
class Precedence(Constraint):
    """Where both VMs migrate, the first migration ends before the second starts.

    Invariant: end(migration of before) <= start(migration of after).
    """

    id: ClassVar[str] = "precedence"
    at_start: ClassVar[str] = "Nothing can be violated at the start."
    always_continuous: ClassVar[bool] = True

    before: int
    after: int
    continuous: bool = True

    def involved(self) -> tuple[int, ...]:
        """Both VMs."""
        return (self.before, self.after)

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """The second migration starts too early."""
        first, second = path.migration(self.before), path.migration(self.after)
        if first is not None and second is not None and second.start < first.end:
            ids = path.initial.model.vms.ids
            yield second.start, f"VM {ids[self.after]} migrates before VM {ids[self.before]} has arrived"

    def order(self, timetable: "Timetable") -> None:
        """One after the other."""
        timetable.migrate_before(self.before, self.after)
