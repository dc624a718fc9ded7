"""A host that is offline at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.trajectory import State, Trajectory

if TYPE_CHECKING:
    from placement.problem import Wishes


@dataclass(frozen=True)
class Offline(Constraint):
    """The host is offline at the end; continuous: where it starts so, it never boots.

    Invariant: not online(host).
    """

    id: ClassVar[str] = "offline"
    at_start: ClassVar[str] = "A host that is online at the start is emptied and shut down when the plan wants it."

    host: int
    continuous: bool = False

    def check(self, state: State) -> Iterator[str]:
        """The host is online."""
        if state.online[self.host]:
            yield f"host {state.model.hosts.ids[self.host]} is online"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """The host changes on the way."""
        if not path.initial.online[self.host] and path.on(self.host):
            yield path.on(self.host)[0][0], f"host {path.initial.model.hosts.ids[self.host]} does not stay offline"

    def prepare(self, wishes: "Wishes") -> None:
        """Fix the final state of the host."""
        wishes.set_power(self.host, online=False)
