"""A VM that is sleeping at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint
from placement.model import VmState
from placement.trajectory import State

if TYPE_CHECKING:
    from placement.problem import Wishes


@dataclass(frozen=True)
class Sleeping(Constraint):
    """The VM is suspended at the end.

    Invariant: state(vm) = sleeping.
    """

    id: ClassVar[str] = "sleeping"
    at_start: ClassVar[str] = "Binds the final state only. It is suspended."

    vm: int

    def involved(self) -> tuple[int, ...]:
        """The VM."""
        return (self.vm,)

    def check(self, state: State) -> Iterator[str]:
        """The VM is in another state."""
        status = VmState(state.status[self.vm])
        if status is not VmState.SLEEPING:
            yield f"VM {state.model.vms.ids[self.vm]} is {status.name.lower()}, not sleeping"

    def prepare(self, wishes: "Wishes") -> None:
        """Fix the final state of the VM."""
        wishes.set_state(self.vm, VmState.SLEEPING)
