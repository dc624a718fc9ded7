"""Migrations that never overlap."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import Kind
from placement.trajectory import Trajectory

if TYPE_CHECKING:
    from placement.timetable import Timetable


@dataclass(frozen=True)
class Serialize(Constraint):
    """No two migrations of VMs of the set run at the same time.

    Invariant: for two migrations a, b: end(a) <= start(b) or end(b) <= start(a).
    """

    id: ClassVar[str] = "serialize"
    at_start: ClassVar[str] = "Nothing can be violated at the start."
    always_continuous: ClassVar[bool] = True

    vms: tuple[int, ...]
    continuous: bool = True

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return self.vms

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """Two migrations overlap."""
        moves = [a for vm in self.vms for a in path.actions.get(vm, ()) if a.kind is Kind.MIGRATE]
        busy, ids = 0, path.initial.model.vms.ids
        for move in sorted(moves, key=lambda a: (a.start, a.end, a.vm)):
            if move.start < busy:
                yield move.start, f"the migration of VM {ids[move.vm]} overlaps another one of the set"
            busy = max(busy, move.end)

    def order(self, timetable: "Timetable") -> None:
        """One at a time."""
        timetable.one_at_a_time(self.vms)
