"""A cap on what VMs use of a resource over a set of hosts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault, Total
from placement.model import BoolArray
from placement.trajectory import State, Trajectory, growth_over

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.pools import Pools
    from placement.problem import Problem
    from placement.timetable import Timetable


@dataclass(frozen=True)
class ResourceCapacity(Constraint):
    """VMs use at most `amount` of a resource over the hosts together; continuous: at every instant.

    Invariant: sum of demand(v, resource) over the VMs on hosts <= amount.
    """

    id: ClassVar[str] = "resourceCapacity"
    at_start: ClassVar[str] = "A use above the cap may only shrink until it fits."
    everywhere: ClassVar[bool] = True

    hosts: frozenset[int]
    resource: int
    amount: int
    continuous: bool = False

    def check(self, state: State) -> Iterator[str]:
        """The use exceeds the cap."""
        load = int(state.load[self.resource, sorted(self.hosts)].sum())
        if load > self.amount:
            name = state.model.resources[self.resource]
            yield f"{len(self.hosts)} hosts carry {load} of {name}, the cap is {self.amount}"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """The use exceeds the cap on the way."""
        for time, load in growth_over(self.amount, path.load_profile(self.hosts, self.resource)):
            yield time, f"{len(self.hosts)} hosts carry {load}, the cap is {self.amount}"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Outside, once the cap would be passed."""
        members = draft.problem.members(self.hosts)
        used = int(draft.problem.limit[self.resource][members].sum() - draft.free[self.resource][members].sum())
        if used + draft.problem.need[self.resource, vm] > self.amount:
            allowed &= ~members

    def translate(self, cp: "Translation") -> None:
        """Sum over VMs and hosts."""
        need = cp.problem.need[self.resource]
        terms = [(cp.put(v, h), int(need[v])) for v in cp.problem.running for h in cp.hosts_of((v,)) if h in self.hosts]
        cp.at_most(self.amount, [literal for literal, _ in terms], [weight for _, weight in terms])

    def total(self, problem: "Problem") -> Total:
        """The use of the resource."""
        return Total(problem.members(self.hosts), problem.need[self.resource], high=self.amount)

    def pool(self, pools: "Pools") -> None:
        """Sum over the pools within the hosts."""
        every, inside = range(len(pools.kinds)), pools.inside(self.hosts)
        pools.at_most(self.amount, [term for pool in inside for term in pools.taken(every, pool, self.resource)])

    def order(self, timetable: "Timetable") -> None:
        """Keep the cap at every instant."""
        timetable.limit_load(self.hosts, self.resource, self.amount)
