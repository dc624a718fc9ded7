"""VMs together on one host."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from placement.constraints.base import Constraint, Fault
from placement.model import BoolArray
from placement.trajectory import State, Trajectory, member_array

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.pools import Pools


@dataclass(frozen=True)
class Gather(Constraint):
    """All running VMs of the set are on one host; continuous: if they start together, none moves.

    Invariant: for all a, b in vms, host(a) = host(b).
    """

    id: ClassVar[str] = "gather"
    at_start: ClassVar[str] = "VMs apart at the start come together by the end, in any order."

    vms: tuple[int, ...]
    continuous: bool = False

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return self.vms

    def check(self, state: State) -> Iterator[str]:
        """More than one host in use."""
        homes = {state.at[v] for v in state.running(self.vms)}
        if len(homes) > 1:
            names = ", ".join(str(state.model.hosts.ids[h]) for h in sorted(homes))
            yield f"VMs that belong together are on hosts {names}"

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:
        """A VM of a set that was together goes elsewhere."""
        home = common_host(self.vms, path.initial.at)
        if home < 0:
            return
        model = path.initial.model
        for vm in self.vms:
            for stay in path.stays(vm):
                if stay.host != home:
                    yield stay.start, f"VM {model.vms.ids[vm]} leaves its peers on host {model.hosts.ids[home]}"

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Only where the peers are."""
        homes = {draft.host[v] for v in self.vms if v != vm and draft.host[v] >= 0}
        home = common_host(self.vms, draft.problem.start) if self.continuous else -1
        for host in homes | ({home} if home >= 0 else set()):
            allowed &= member_array((host,), len(allowed))

    def translate(self, cp: "Translation") -> None:
        """Neighbours in the set choose alike."""
        running = [v for v in self.vms if cp.problem.runs[v]]
        for a, b in pairwise(running):
            for host in cp.hosts_of(running):
                cp.equal(cp.put(a, host), cp.put(b, host))

    def pool(self, pools: "Pools") -> None:
        """One host for all."""
        pools.together(self.vms)


def common_host(vms: tuple[int, ...], at: Sequence[int]) -> int:
    """The host on which all running VMs of a set are, -1 where there is none."""
    homes = {int(at[v]) for v in vms if at[v] >= 0}
    return homes.pop() if len(homes) == 1 else -1
