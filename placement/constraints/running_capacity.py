"""A cap on the number of running VMs over a set of hosts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

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
class RunningCapacity(Constraint):
    """At most `amount` VMs run on the hosts together; continuous: at every instant, a moving VM on both its hosts.

    Invariant: |{v: host(v) in hosts}| <= amount.
    """

    id: ClassVar[str] = "runningCapacity"
    at_start: ClassVar[str] = "A number above the cap may only shrink until it fits."
    everywhere: ClassVar[bool] = True

    hosts: frozenset[int]
    amount: int
    continuous: bool = False

    def check(self, state: State) -> Iterator[str]:
        """Too many VMs."""
        count = sum(at in self.hosts for at in state.at)
        if count > self.amount:
            yield f"{count} VMs run on {len(self.hosts)} hosts, the cap is {self.amount}"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """Too many VMs on the way."""
        for time, count in growth_over(self.amount, path.guest_profile(self.hosts)):
            yield time, f"{count} VMs run on {len(self.hosts)} hosts, the cap is {self.amount}"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:  # noqa: ARG002
        """Outside, once the cap is reached."""
        members = draft.problem.members(self.hosts)
        if draft.count[members].sum() >= self.amount:
            allowed &= ~members

    def translate(self, cp: "Translation") -> None:
        """Count VMs on the hosts."""
        cp.at_most(
            self.amount, [cp.put(v, h) for v in cp.problem.running for h in cp.hosts_of((v,)) if h in self.hosts]
        )

    def total(self, problem: "Problem") -> Total:
        """The number of VMs."""
        return Total(problem.members(self.hosts), np.ones(problem.model.n_vms, dtype=np.int64), high=self.amount)

    def pool(self, pools: "Pools") -> None:
        """Count VMs on the hosts."""
        every = range(len(pools.kinds))
        pools.at_most(self.amount, [term for pool in pools.inside(self.hosts) for term in pools.taken(every, pool)])

    def order(self, timetable: "Timetable") -> None:
        """Keep the cap at every instant."""
        timetable.limit_guests(self.hosts, self.amount)
