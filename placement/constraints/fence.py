"""A VM inside a set of hosts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import BEFORE, State, Trajectory

if TYPE_CHECKING:
    from placement.draft import Draft


@dataclass(frozen=True)
class Fence(Constraint):
    """A running VM is hosted within the set; continuous: it never arrives outside.

    Invariant: host(vm) in hosts.
    """

    id: ClassVar[str] = "fence"
    at_start: ClassVar[str] = "A VM that starts outside stays where it is until it moves inside."

    vm: int
    hosts: frozenset[int]
    continuous: bool = False

    def involved(self) -> tuple[int, ...]:
        """The VM."""
        return (self.vm,)

    def check(self, state: State) -> Iterator[str]:
        """The VM is outside."""
        host = state.at[self.vm]
        if host >= 0 and host not in self.hosts:
            yield f"VM {state.model.vms.ids[self.vm]} is on host {state.model.hosts.ids[host]}, outside its fence"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """The VM arrives outside."""
        model = path.initial.model
        for stay in path.stays(self.vm):
            if stay.host not in self.hosts and stay.start > BEFORE:
                yield (
                    stay.start,
                    f"VM {model.vms.ids[self.vm]} arrives on host {model.hosts.ids[stay.host]}, outside its fence",
                )

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:  # noqa: ARG002
        """Only inside."""
        allowed &= draft.problem.members(self.hosts)
