"""A host that is online at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.trajectory import BEFORE, FOREVER, State, Trajectory

if TYPE_CHECKING:
    from placement.problem import Wishes


@dataclass(frozen=True)
class Online(Constraint):
    """The host is online at the end; continuous: where it starts so, it never goes offline.

    Invariant: online(host).
    """

    id: ClassVar[str] = "online"
    at_start: ClassVar[str] = "A host that is offline at the start boots when the plan wants it."

    host: int
    continuous: bool = False

    def check(self, state: State) -> Iterator[str]:
        """The host is offline."""
        if not state.online[self.host]:
            yield f"host {state.model.hosts.ids[self.host]} is offline"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """The host changes on the way."""
        spells = path.on(self.host)
        if path.initial.online[self.host] and (len(spells) != 1 or spells[0] != (BEFORE, FOREVER)):
            yield spells[0][1], f"host {path.initial.model.hosts.ids[self.host]} does not stay online"

    def prepare(self, wishes: "Wishes") -> None:
        """Fix the final state of the host."""
        wishes.set_power(self.host, online=True)
