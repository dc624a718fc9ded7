"""Free capacity of online hosts of at most some amount."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Total
from placement.trajectory import State

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.pools import Pools
    from placement.problem import Problem


@dataclass(frozen=True)
class MaxSpareResources(Constraint):
    """The online hosts of the set have at most `amount` of the resource free together.

    Invariant: sum over online hosts of (usable capacity - load) <= amount.
    """

    id: ClassVar[str] = "maxSpareResources"
    at_start: ClassVar[str] = "Binds the final state only; hosts are emptied and shut down to reach it."
    everywhere: ClassVar[bool] = False

    hosts: frozenset[int]
    resource: int
    amount: int

    def check(self, state: State) -> Iterator[str]:
        """Too much is free."""
        usable, load = state.model.usable[self.resource], state.load[self.resource]
        free = sum(int(usable[h] - load[h]) for h in self.hosts if state.online[h])
        if free > self.amount:
            name = state.model.resources[self.resource]
            yield f"{free} of {name} are free on {len(self.hosts)} hosts, at most {self.amount} are asked for"

    def translate(self, cp: "Translation") -> None:
        """Usable capacity of online hosts less the load."""
        usable, need = cp.problem.model.usable[self.resource], cp.problem.need[self.resource]
        terms = [(cp.on(h), int(usable[h])) for h in sorted(self.hosts)]
        terms += [
            (cp.put(v, h), -int(need[v])) for v in cp.problem.running for h in cp.hosts_of((v,)) if h in self.hosts
        ]
        cp.at_most(self.amount, [literal for literal, _ in terms], [weight for _, weight in terms])

    def total(self, problem: "Problem") -> Total:
        """The load, which leaves little."""
        members = problem.members(self.hosts)
        usable = int(problem.model.usable[self.resource, members & problem.on_anyway].sum())
        return Total(members, problem.need[self.resource], low=usable - self.amount)

    def pool(self, pools: "Pools") -> None:
        """Usable capacity of online hosts less the load."""
        terms = []
        for pool in pools.inside(self.hosts):
            usable = pools.problem.model.usable[self.resource, pools.numbers[pool][0]]
            used = pools.taken(range(len(pools.kinds)), pool, self.resource)
            terms += [(pools.online(pool), float(usable)), *((share, -need) for share, need in used)]
        pools.at_most(self.amount, terms)
