"""VMs on pairwise distinct hosts."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import State, Trajectory

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.pools import Pools
    from placement.timetable import Timetable


@dataclass(frozen=True)
class Spread(Constraint):
    """Running VMs of the set are on pairwise distinct hosts; continuous: none arrives while a peer is still there.

    Invariant: for all a != b in vms, host(a) != host(b).
    """

    id: ClassVar[str] = "spread"
    at_start: ClassVar[str] = "VMs together at the start may part at any time; no others may meet on the way."

    vms: tuple[int, ...]
    continuous: bool = False

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return self.vms

    def check(self, state: State) -> Iterator[str]:
        """Two running VMs of the set on one host."""
        first: dict[int, int] = {}
        for vm in state.running(self.vms):
            host = state.at[vm]
            if host in first:
                ids = state.model.vms.ids
                yield f"VMs {ids[first[host]]} and {ids[vm]} share host {state.model.hosts.ids[host]}"
            first[host] = vm

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """Two VMs of the set that meet on the way."""
        if not path.touched(self.vms):
            return
        for a, b in combinations(self.vms, 2):
            for time, host in path.encounters(a, b):
                model = path.initial.model
                yield time, f"VMs {model.vms.ids[a]} and {model.vms.ids[b]} meet on host {model.hosts.ids[host]}"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Not where a peer is."""
        for peer in self.vms:
            if peer != vm and draft.host[peer] >= 0:
                allowed[draft.host[peer]] = False

    def translate(self, cp: "Translation") -> None:
        """At most one of the set on each host."""
        for host in cp.hosts_of(self.vms):
            cp.at_most(1, [cp.put(v, host) for v in self.vms])

    def pool(self, pools: "Pools") -> None:
        """No more of the set than hosts online."""
        kinds = pools.of(self.vms)
        for pool in range(len(pools.numbers)):
            pools.at_most(0, [*pools.taken(kinds, pool), (pools.online(pool), -1)])

    def order(self, timetable: "Timetable") -> None:
        """Arrive after the peers have left."""
        timetable.keep_apart(self.vms)
