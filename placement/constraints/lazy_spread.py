"""VMs that may stay together but never newly meet."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import State, Trajectory, initial_state

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.timetable import Timetable


@dataclass(frozen=True)
class LazySpread(Constraint):
    """Running VMs of the set may be together only where they were together at the start; at every instant.

    Invariant: for all a != b in vms, host(a) = host(b) implies host(a), host(b) unchanged since the start.
    """

    id: ClassVar[str] = "lazySpread"
    at_start: ClassVar[str] = "VMs together at the start may stay together, without end."
    always_continuous: ClassVar[bool] = True

    vms: tuple[int, ...]
    continuous: bool = True

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return self.vms

    def check(self, state: State) -> Iterator[str]:
        """Two running VMs that are together and were not."""
        before = initial_state(state.model).at if len(set(map(state.at.__getitem__, self.vms))) < len(self.vms) else ()
        for a, b in combinations(state.running(self.vms), 2):
            host = state.at[a]
            if host == state.at[b] and (before[a], before[b]) != (host, host):
                ids = state.model.vms.ids
                yield f"VMs {ids[a]} and {ids[b]} newly share host {state.model.hosts.ids[host]}"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """Two VMs of the set that meet on the way."""
        if not path.touched(self.vms):
            return
        for a, b in combinations(self.vms, 2):
            for time, host in path.encounters(a, b):
                model = path.initial.model
                yield time, f"VMs {model.vms.ids[a]} and {model.vms.ids[b]} meet on host {model.hosts.ids[host]}"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Not where a peer is, unless both started there."""
        start = draft.problem.start
        for peer in self.vms:
            host = draft.host[peer]
            if peer != vm and host >= 0 and not start[vm] == start[peer] == host:
                allowed[host] = False

    def translate(self, cp: "Translation") -> None:
        """No pair on a host unless both started there."""
        start = cp.problem.start
        for host in cp.hosts_of(self.vms):
            for a, b in combinations(self.vms, 2):
                if not start[a] == start[b] == host:
                    cp.at_most(1, [cp.put(a, host), cp.put(b, host)])

    def order(self, timetable: "Timetable") -> None:
        """Arrive after the peers have left."""
        timetable.keep_apart(self.vms)
