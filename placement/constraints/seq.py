"""VMs whose actions follow one another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.trajectory import Trajectory

if TYPE_CHECKING:
    from placement.timetable import Timetable


@dataclass(frozen=True)
class Seq(Constraint):
    """All actions of a VM end before those of the next VM of the list begin.

    Invariant: for i < j, max end(vms[i]) <= min start(vms[j]).
    """

    id: ClassVar[str] = "seq"
    at_start: ClassVar[str] = "Nothing can be violated at the start."
    always_continuous: ClassVar[bool] = True

    vms: tuple[int, ...]
    continuous: bool = True

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return self.vms

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """An action begins too early."""
        ended, last = 0, self.vms[0]
        for vm in self.vms:
            actions = path.actions.get(vm, ())
            early = min((a.start for a in actions), default=ended)
            if early < ended:
                ids = path.initial.model.vms.ids
                yield early, f"VM {ids[vm]} is acted on before VM {ids[last]} is finished"
            if actions and max(a.end for a in actions) > ended:
                ended, last = max(a.end for a in actions), vm

    def order(self, timetable: "Timetable") -> None:
        """One after the other."""
        for position, vm in enumerate(self.vms):
            for later in self.vms[position + 1 :]:
                timetable.follow(vm, later)
