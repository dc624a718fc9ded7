"""A VM that is running at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint
from placement.model import VmState
from placement.trajectory import State

if TYPE_CHECKING:
    from placement.problem import Wishes


@dataclass(frozen=True)
class Running(Constraint):
    """The VM runs at the end.

    Invariant: state(vm) = running.
    """

    id: ClassVar[str] = "running"
    at_start: ClassVar[str] = "Binds the final state only. It is booted or resumed."

    vm: int

    def involved(self) -> tuple[int, ...]:
        """The VM."""
        return (self.vm,)

    def check(self, state: State) -> Iterator[str]:
        """The VM is in another state."""
        status = VmState(state.status[self.vm])
        if status is not VmState.RUNNING:
            yield f"VM {state.model.vms.ids[self.vm]} is {status.name.lower()}, not running"

    def prepare(self, wishes: "Wishes") -> None:
        """Fix the final state of the VM."""
        wishes.set_state(self.vm, VmState.RUNNING)
