"""Sets of VMs, each inside a host set of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from placement.constraints.among import part_in_use
from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import State, Trajectory

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.pools import Pools


@dataclass(frozen=True)
class SplitAmong(Constraint):
    """Each VM set is inside one host set, distinct host sets for distinct VM sets; continuous: none swaps.

    Invariant: an injection f of VM sets into host sets with host(v) in f(S) for all v in S.
    """

    id: ClassVar[str] = "splitAmong"
    at_start: ClassVar[str] = "A VM set that starts inside no single host set may choose any free one by the end."

    vm_parts: tuple[tuple[int, ...], ...]
    host_parts: tuple[frozenset[int], ...]
    continuous: bool = False

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return tuple(v for part in self.vm_parts for v in part)

    def check(self, state: State) -> Iterator[str]:
        """A VM set outside, or two VM sets inside one host set."""
        taken: dict[int, int] = {}
        for number, vms in enumerate(self.vm_parts):
            if not state.running(vms):
                continue
            part = part_in_use(vms, self.host_parts, state.at)
            if part is None:
                yield f"VM set {number} is not within one of the allowed host sets"
            elif taken.setdefault(self.host_parts.index(part), number) != number:
                yield f"VM sets {taken[self.host_parts.index(part)]} and {number} are in the same host set"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """A VM leaves the host set of its VM set."""
        model = path.initial.model
        for vms in self.vm_parts:
            part = part_in_use(vms, self.host_parts, path.initial.at)
            if part is None:
                continue
            for vm in vms:
                for stay in path.stays(vm):
                    if stay.host not in part:
                        yield stay.start, f"VM {model.vms.ids[vm]} leaves its set for host {model.hosts.ids[stay.host]}"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Only host sets that hold all placed peers and no VM of another set."""
        own = next(vms for vms in self.vm_parts if vm in vms)
        homes = {draft.host[v] for v in own if v != vm and draft.host[v] >= 0}
        others = {draft.host[v] for vms in self.vm_parts if vms is not own for v in vms}
        kept = part_in_use(own, self.host_parts, draft.problem.start) if self.continuous else None
        parts = self.host_parts if kept is None else (kept,)
        fitting = [draft.problem.members(p) for p in parts if homes <= p and not others & p]
        allowed &= np.logical_or.reduce(fitting)

    def translate(self, cp: "Translation") -> None:
        """Choose a host set for each VM set; where one is kept, `mask` has left no other."""
        chosen = [[cp.flag() for _ in self.host_parts] for _ in self.vm_parts]
        for column in zip(*chosen, strict=True):
            cp.at_most(1, list(column))
        for vms, flags in zip(self.vm_parts, chosen, strict=True):
            if any(cp.problem.runs[v] for v in vms):
                cp.exactly(1, flags)
            for vm in vms:
                for host in cp.hosts_of((vm,)):
                    inside = [-f for part, f in zip(self.host_parts, flags, strict=True) if host in part]
                    cp.at_most(0, [cp.put(vm, host), *inside])

    def pool(self, pools: "Pools") -> None:
        """Choose a set of hosts for each set of VMs; where one is kept, `mask` has left no other."""
        chosen = [[pools.choice(vms, part) for part in self.host_parts] for vms in self.vm_parts]
        for flags in (*chosen, *zip(*chosen, strict=True)):
            pools.at_most(1, [(flag, 1) for flag in flags])
