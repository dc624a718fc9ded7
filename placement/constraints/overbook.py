"""A host that promises more of a resource than it has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import Model
from placement.trajectory import State, Trajectory, growth_over

if TYPE_CHECKING:
    from placement.problem import Wishes
    from placement.timetable import Timetable


@dataclass(frozen=True)
class Overbook(Constraint):
    """The virtual capacity of a host is floor(physical x ratio); continuous: at every instant.

    Invariant: sum of demand(v, resource) over the host <= floor(capacity x ratio) - reserve.
    """

    id: ClassVar[str] = "overbook"
    at_start: ClassVar[str] = "A load above the virtual capacity may only shrink until it fits."

    host: int
    resource: int
    ratio: float
    continuous: bool = False

    def limit(self, model: Model) -> int:
        """Virtual capacity less the reserve, in units of the resource."""
        physical, reserve = (
            model.hosts.capacity[self.resource, self.host],
            model.hosts.reserve[self.resource, self.host],
        )
        return max(0, int(physical * self.ratio + 1e-9) - int(reserve))

    def check(self, state: State) -> Iterator[str]:
        """The load exceeds the virtual capacity."""
        load, limit = int(state.load[self.resource, self.host]), self.limit(state.model)
        if load > limit:
            name = state.model.resources[self.resource]
            yield f"host {state.model.hosts.ids[self.host]} carries {load} of {name}, its virtual capacity is {limit}"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """The load exceeds the virtual capacity on the way."""
        model = path.initial.model
        for time, load in growth_over(self.limit(model), path.load_profile({self.host}, self.resource)):
            yield time, f"host {model.hosts.ids[self.host]} carries {load}, its virtual capacity is {self.limit(model)}"

    def prepare(self, wishes: "Wishes") -> None:
        """Replace the capacity of the host."""
        wishes.set_limit(self.host, self.resource, self.limit(wishes.model))

    def order(self, timetable: "Timetable") -> None:
        """Keep the virtual capacity at every instant."""
        limit = self.limit(timetable.problem.model)
        timetable.limit_load({self.host}, self.resource, limit)
