"""VMs that share their hosts only among themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import State, Trajectory, member_array

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.pools import Pools
    from placement.timetable import Timetable


@dataclass(frozen=True)
class Lonely(Constraint):
    """No host runs both a VM of the set and another one; continuous: at every instant.

    Invariant: for all a in vms and b not in vms, host(a) != host(b).
    """

    id: ClassVar[str] = "lonely"
    at_start: ClassVar[str] = "Strangers together at the start may part at any time; no others may meet on the way."
    everywhere: ClassVar[bool] = True

    vms: tuple[int, ...]
    continuous: bool = False

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return self.vms

    def check(self, state: State) -> Iterator[str]:
        """A stranger on a host of the set."""
        mine = set(self.vms)
        homes = {state.at[v] for v in state.running(self.vms)}
        for vm, host in enumerate(state.at):
            if host in homes and vm not in mine:
                model = state.model
                yield f"VM {model.vms.ids[vm]} shares host {model.hosts.ids[host]} with VMs that want to be alone"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """A stranger met on the way."""
        model, mine = path.initial.model, set(self.vms)
        for vm in self.vms:
            for host in sorted({stay.host for stay in path.stays(vm)}):
                for other in path.visitors(host):
                    if other in mine:
                        continue
                    for time, where in path.encounters(vm, other):
                        if where == host:
                            yield (
                                time,
                                f"VMs {model.vms.ids[vm]} and {model.vms.ids[other]} meet on {model.hosts.ids[host]}",
                            )

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Members only where no stranger is, strangers only where no member is."""
        homes = [draft.host[v] for v in self.vms if v != vm and draft.host[v] >= 0]
        if vm not in self.vms:
            allowed[homes] = False
            return
        strangers = draft.count.copy()
        for host in homes:
            strangers[host] -= 1
        allowed &= strangers == 0

    def translate(self, cp: "Translation") -> None:
        """A host is for the set or for the others."""
        mine = set(self.vms)
        for host in cp.hosts_of(self.vms):
            ours = cp.flag()
            for vm in cp.problem.running:
                literal = cp.put(vm, host)
                cp.at_most(0, [literal, -ours]) if vm in mine else cp.at_most(1, [literal, ours])

    def pool(self, pools: "Pools") -> None:
        """Hosts for each set that wants to be alone, and hosts for all others."""
        alone: list[tuple[int, ...]] = []
        for vms in (self.vms, *(c.vms for c in pools.problem.constraints if isinstance(c, Lonely))):
            if not any(set(vms).intersection(other) for other in alone):
                alone.append(vms)
        taken = set().union(*alone)
        pools.apart([*alone, [v for v in pools.problem.running if v not in taken]])

    def order(self, timetable: "Timetable") -> None:
        """Arrive after the strangers have left."""
        mine = set(self.vms)
        members = member_array(mine, len(timetable.problem.runs))
        for vm in timetable.moving:
            for other in timetable.moving:
                if members[vm] != members[other]:
                    timetable.arrive_after_departure(vm, other)
