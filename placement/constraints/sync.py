"""Migrations that end together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.trajectory import Trajectory

if TYPE_CHECKING:
    from placement.timetable import Timetable


@dataclass(frozen=True)
class Sync(Constraint):
    """The migrations of the VMs of the set (pre-copy) end at the same instant.

    Invariant: end(a) = end(b) for two migrations a, b.
    """

    id: ClassVar[str] = "sync"
    at_start: ClassVar[str] = "Nothing can be violated at the start."
    always_continuous: ClassVar[bool] = True

    vms: tuple[int, ...]
    continuous: bool = True

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return self.vms

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """A migration ends before the last one."""
        moves = [move for move in map(path.migration, self.vms) if move is not None]
        last = max((move.end for move in moves), default=0)
        for move in moves:
            if move.end != last:
                yield (
                    move.end,
                    f"the migration of VM {path.initial.model.vms.ids[move.vm]} ends at {move.end}, not {last} s",
                )

    def order(self, timetable: "Timetable") -> None:
        """End together."""
        timetable.end_together(self.vms)
