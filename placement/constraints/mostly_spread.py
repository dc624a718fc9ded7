"""VMs on at least n distinct hosts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint
from placement.model import BoolArray
from placement.trajectory import State

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.pools import Pools


@dataclass(frozen=True)
class MostlySpread(Constraint):
    """The running VMs of the set use at least `amount` distinct hosts, or one each where fewer run.

    Invariant: |{host(v)}| >= min(amount, number of running VMs of the set).
    """

    id: ClassVar[str] = "mostlySpread"
    at_start: ClassVar[str] = "Binds the final state only; the start does not matter."

    vms: tuple[int, ...]
    amount: int

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return self.vms

    def check(self, state: State) -> Iterator[str]:
        """Too few hosts in use."""
        running = state.running(self.vms)
        used = len({state.at[v] for v in running})
        if used < min(self.amount, len(running)):
            yield f"{len(running)} VMs use {used} hosts, at least {min(self.amount, len(running))} are asked for"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Not on a host in use, once every VM left must open a new one."""
        runs = draft.problem.runs
        used = sorted({draft.host[p] for p in self.vms if p != vm and draft.host[p] >= 0})
        waiting = sum(1 for p in self.vms if p != vm and draft.host[p] < 0 and runs[p])
        if len(used) + waiting < min(self.amount, sum(bool(runs[p]) for p in self.vms)):
            allowed[used] = False

    def translate(self, cp: "Translation") -> None:
        """Count the hosts in use."""
        running = [v for v in self.vms if cp.problem.runs[v]]
        used = []
        for host in cp.hosts_of(running):
            flag = cp.flag()
            cp.at_least(0, [*(cp.put(v, host) for v in running), -flag])
            used.append(flag)
        cp.at_least(min(self.amount, len(running)), used)

    def pool(self, pools: "Pools") -> None:
        """Hosts in use, no more than there are VMs of the set on them."""
        kinds, running = pools.of(self.vms), [v for v in self.vms if pools.problem.runs[v]]
        used = pools.used_by(kinds)
        pools.at_least(min(self.amount, len(running)), [(count, 1) for count in used])
