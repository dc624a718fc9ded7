"""VMs within one of several sets of hosts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import State, Trajectory

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.pools import Pools


@dataclass(frozen=True)
class Among(Constraint):
    """All running VMs of the set are within one of the disjoint host sets; continuous: the one in use is kept.

    Invariant: there is a part P with host(v) in P for all v in vms.
    """

    id: ClassVar[str] = "among"
    at_start: ClassVar[str] = "VMs in several parts or outside all may be brought into any one part by the end."

    vms: tuple[int, ...]
    host_parts: tuple[frozenset[int], ...]
    continuous: bool = False

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return self.vms

    def check(self, state: State) -> Iterator[str]:
        """No part holds all."""
        homes = {state.at[v] for v in state.running(self.vms)}
        if homes and not any(homes <= part for part in self.host_parts):
            names = ", ".join(str(state.model.hosts.ids[h]) for h in sorted(homes))
            yield f"hosts {names} are not within one of the allowed sets"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """A VM leaves the part in use."""
        part = part_in_use(self.vms, self.host_parts, path.initial.at) if path.touched(self.vms) else None
        if part is None:
            return
        model = path.initial.model
        for vm in self.vms:
            for stay in path.stays(vm):
                if stay.host not in part:
                    yield (
                        stay.start,
                        f"VM {model.vms.ids[vm]} leaves the set in use for host {model.hosts.ids[stay.host]}",
                    )

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Only parts that hold all placed peers, or the part in use at the start."""
        homes = {draft.host[v] for v in self.vms if v != vm and draft.host[v] >= 0}
        kept = part_in_use(self.vms, self.host_parts, draft.problem.start) if self.continuous else None
        parts = self.host_parts if kept is None else (kept,)
        fitting = [draft.problem.members(part) for part in parts if homes <= part]
        allowed &= np.logical_or.reduce(fitting)

    def translate(self, cp: "Translation") -> None:
        """Choose one part; where one is kept, `mask` has left no other."""
        chosen = [(part, cp.flag()) for part in self.host_parts]
        cp.exactly(1, [flag for _, flag in chosen])
        for vm in self.vms:
            for host in cp.hosts_of((vm,)):
                cp.at_most(0, [cp.put(vm, host), *(-flag for part, flag in chosen if host in part)])

    def pool(self, pools: "Pools") -> None:
        """Choose one part; where one is kept, `mask` has left no other."""
        pools.at_most(1, [(pools.choice(self.vms, part), 1) for part in self.host_parts])


def part_in_use(vms: tuple[int, ...], parts: tuple[frozenset[int], ...], at: Sequence[int]) -> frozenset[int] | None:
    """The part that holds all running VMs of a set, none where they are spread or none runs."""
    homes = {int(at[v]) for v in vms if at[v] >= 0}
    return next((part for part in parts if homes <= part), None) if homes else None
