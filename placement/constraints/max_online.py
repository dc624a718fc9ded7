"""A cap on the number of hosts online."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import State, Trajectory, growth_over

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.pools import Pools
    from placement.timetable import Timetable


@dataclass(frozen=True)
class MaxOnline(Constraint):
    """At most `amount` of the hosts are online; continuous: a host counts from the start of its boot to the end of its
    shutdown.

    Invariant: |{h in hosts: online(h)}| <= amount.
    """  # noqa: D205

    id: ClassVar[str] = "maxOnline"
    at_start: ClassVar[str] = "A number above the cap may only shrink until it fits."
    everywhere: ClassVar[bool] = True

    hosts: frozenset[int]
    amount: int
    continuous: bool = False

    def check(self, state: State) -> Iterator[str]:
        """Too many hosts online."""
        count = sum(state.online[h] for h in self.hosts)
        if count > self.amount:
            yield f"{count} of {len(self.hosts)} hosts are online, the cap is {self.amount}"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """Too many hosts drawing power on the way."""
        for time, count in growth_over(self.amount, path.power_profile(self.hosts)):
            yield time, f"{count} of {len(self.hosts)} hosts are online, the cap is {self.amount}"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:  # noqa: ARG002
        """Not on a host that would have to boot, once the cap is reached."""
        members = draft.problem.members(self.hosts)
        busy = members & ((draft.count > 0) | draft.problem.must_be_on)
        if busy.sum() >= self.amount:
            allowed &= ~members | busy

    def translate(self, cp: "Translation") -> None:
        """Count hosts online."""
        cp.at_most(self.amount, [cp.on(h) for h in sorted(self.hosts)])

    def pool(self, pools: "Pools") -> None:
        """Count hosts online."""
        pools.at_most(self.amount, [(pools.online(pool), 1) for pool in pools.inside(self.hosts)])

    def order(self, timetable: "Timetable") -> None:
        """Keep the cap at every instant."""
        timetable.limit_power(self.hosts, self.amount)
