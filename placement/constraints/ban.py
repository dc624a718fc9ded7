"""A VM outside a set of hosts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import BEFORE, State, Trajectory

if TYPE_CHECKING:
    from placement.draft import Draft


@dataclass(frozen=True)
class Ban(Constraint):
    """A running VM is not hosted in the set; continuous: it never arrives there.

    Invariant: host(vm) not in hosts.
    """

    id: ClassVar[str] = "ban"
    at_start: ClassVar[str] = "A VM that starts on a banned host stays there until it moves out."

    vm: int
    hosts: frozenset[int]
    continuous: bool = False

    def involved(self) -> tuple[int, ...]:
        """The VM."""
        return (self.vm,)

    def check(self, state: State) -> Iterator[str]:
        """The VM is on a banned host."""
        host = state.at[self.vm]
        if host in self.hosts:
            yield f"VM {state.model.vms.ids[self.vm]} is on host {state.model.hosts.ids[host]}, which is banned for it"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """The VM arrives on a banned host."""
        model = path.initial.model
        for stay in path.stays(self.vm):
            if stay.host in self.hosts and stay.start > BEFORE:
                yield (
                    stay.start,
                    f"VM {model.vms.ids[self.vm]} arrives on host {model.hosts.ids[stay.host]}, banned for it",
                )

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:  # noqa: ARG002
        """Only outside."""
        allowed &= ~draft.problem.members(self.hosts)
