"""A VM with at least some amount of a resource."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint
from placement.trajectory import State

if TYPE_CHECKING:
    from placement.problem import Wishes


@dataclass(frozen=True)
class Preserve(Constraint):
    """A running VM is allotted at least `amount` of the resource at the end; the largest of several counts.

    Invariant: demand(vm, resource) >= amount.
    """

    id: ClassVar[str] = "preserve"
    at_start: ClassVar[str] = "Binds the final state only; an allocation action raises what is too low."

    vm: int
    resource: int
    amount: int

    def involved(self) -> tuple[int, ...]:
        """The VM."""
        return (self.vm,)

    def check(self, state: State) -> Iterator[str]:
        """Too little is allotted."""
        if state.at[self.vm] >= 0 and state.demand[self.resource, self.vm] < self.amount:
            has, name = state.demand[self.resource, self.vm], state.model.resources[self.resource]
            yield f"VM {state.model.vms.ids[self.vm]} has {has} of {name}, {self.amount} are asked for"

    def prepare(self, wishes: "Wishes") -> None:
        """Raise the wanted amount."""
        wishes.raise_demand(self.vm, self.resource, self.amount)
