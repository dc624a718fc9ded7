"""Sets of VMs that share no host."""

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
class Split(Constraint):
    """No host runs VMs of two parts; VMs of one part may share. Continuous: at every instant.

    Invariant: for parts P != Q, a in P, b in Q: host(a) != host(b).
    """

    id: ClassVar[str] = "split"
    at_start: ClassVar[str] = "VMs together at the start may part at any time; no others may meet on the way."

    vm_parts: tuple[tuple[int, ...], ...]
    continuous: bool = False

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return tuple(v for part in self.vm_parts for v in part)

    def _pairs(self) -> Iterator[tuple[int, int]]:
        for one, other in combinations(self.vm_parts, 2):
            for a in one:
                for b in other:
                    yield a, b

    def check(self, state: State) -> Iterator[str]:
        """A host used by two parts."""
        user: dict[int, int] = {}
        for number, part in enumerate(self.vm_parts):
            for vm in state.running(part):
                host = state.at[vm]
                if user.setdefault(host, number) != number:
                    model = state.model
                    yield f"VM {model.vms.ids[vm]} shares host {model.hosts.ids[host]} with a VM of another part"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """VMs of two parts that meet on the way."""
        if not path.touched(self.involved()):
            return
        model = path.initial.model
        for a, b in self._pairs():
            for time, host in path.encounters(a, b):
                yield time, f"VMs {model.vms.ids[a]} and {model.vms.ids[b]} meet on host {model.hosts.ids[host]}"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Not where another part is."""
        for part in self.vm_parts:
            if vm not in part:
                allowed[[draft.host[v] for v in part if draft.host[v] >= 0]] = False

    def translate(self, cp: "Translation") -> None:
        """Each host is for one part at most."""
        for host in cp.hosts_of(self.involved()):
            flags = []
            for part in self.vm_parts:
                flag = cp.flag()
                for vm in part:
                    cp.at_most(0, [cp.put(vm, host), -flag])
                flags.append(flag)
            cp.at_most(1, flags)

    def pool(self, pools: "Pools") -> None:
        """Hosts for each part."""
        pools.apart(self.vm_parts)

    def order(self, timetable: "Timetable") -> None:
        """Arrive after VMs of other parts have left."""
        for a, b in self._pairs():
            timetable.arrive_after_departure(a, b)
            timetable.arrive_after_departure(b, a)
