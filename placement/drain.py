"""Energy: empty hosts one after the other into the others as long as that pays."""

from collections.abc import Callable, Sequence

import numpy as np

from placement.costs import Costs
from placement.draft import Draft
from placement.model import BoolArray, FloatArray
from placement.problem import Problem

UNEVEN = 100.0
"""Weight of what is free of one resource where another one is short, against the sum of what is free. Both are in
shares of a mean host; resources are short in proportion to what all VMs need of them.
"""


class Drain:
    """Empties hosts of a legal draft, the least efficient and least loaded first; `online` (H,) follows.

    A host is switched off only where the power saved within the pay-back time exceeds what the migrations, its
    shutdown and the dearer hosts cost. `random` perturbs the order of hosts and the choice of targets; `burden` (H,),
    what each host adds to the cost of a good placement, is the order in its stead: the heaviest first.
    """

    def __init__(  # noqa: PLR0917
        self,
        problem: Problem,
        draft: Draft,
        online: Sequence[bool],
        costs: Costs,
        random: np.random.Generator | None = None,
        burden: FloatArray | None = None,
    ) -> None:
        self.problem = problem
        self.draft = draft
        self.online: BoolArray = np.array(online, dtype=np.bool_)
        self.costs = costs
        self._inverse: FloatArray = 1.0 / np.maximum(problem.limit, 1)
        total = np.maximum(problem.need[:, problem.runs].sum(axis=1), 1)
        hosts = (total / np.maximum(problem.limit.mean(axis=1), 1)).max(initial=0)
        self._part: FloatArray = hosts / total
        self._need = [draft.need(v) for v in range(problem.model.n_vms)]
        self._random = random
        self._burden = burden
        self._free_spare = self._spare_rules()

    def _spare_rules(self) -> list[tuple[BoolArray, int, int]]:
        """(members, resource, amount) of the head-room that must remain."""
        from placement.constraints.min_spare_resources import MinSpareResources  # noqa: PLC0415

        rules = [c for c in self.problem.constraints if isinstance(c, MinSpareResources)]
        return [(self.problem.members(c.hosts), c.resource, c.amount) for c in rules]

    def run(self, stop: Callable[[], bool] = bool) -> None:
        """Empty hosts until no further one pays."""
        for host in self.order():
            if stop():
                return
            self.empty(host)

    def order(self) -> list[int]:
        """Hosts that may be switched off: dear ones first, among equals those that are cheap to empty."""
        if self._burden is not None:
            return self._heaviest_first(self._burden)
        dear = (self.costs.on + self.costs.rate * self._processor()) / np.maximum(self._processor(), 1)
        hosts = np.flatnonzero(self.online & ~self.problem.must_be_on)
        burden = np.array([sum(int(self.costs.move[v]) for v in self.draft.guests[h]) for h in hosts.tolist()])
        if self._random is not None:
            dear = dear * self._random.uniform(0.995, 1.005, len(dear))
            burden = burden * self._random.uniform(0.5, 2.0, len(burden))
        ranked: list[int] = hosts[np.lexsort((hosts, burden, -np.round(dear[hosts], -3)))].tolist()
        return ranked

    def _heaviest_first(self, burden: FloatArray) -> list[int]:
        hosts = np.flatnonzero(self.online & ~self.problem.must_be_on)
        if self._random is not None:
            burden = burden + self._random.normal(0, 0.1 * float(np.abs(burden).mean()), len(burden))
        ranked: list[int] = hosts[np.lexsort((hosts, -burden[hosts]))].tolist()
        return ranked

    def _processor(self) -> np.ndarray:
        resource = self.problem.model.processor
        return self.problem.limit[resource] if resource >= 0 else np.ones(self.problem.model.n_hosts, dtype=np.int64)

    def empty(self, host: int) -> bool:
        """Move all VMs of a host to others that are online and switch it off, if that is legal and pays."""
        draft = self.draft
        vms = sorted(draft.guests[host], key=lambda v: self._need[v], reverse=True)
        if any(v < 0 for v in vms) or not self._spare_left(host):
            return False
        gain = int(self.costs.on[host])
        self.online[host] = False
        moved: list[int] = []
        for vm in vms:
            before = self.costs.put(vm, host)
            draft.remove(vm)
            target = self.target(vm)
            if target < 0:
                draft.put(vm, host)
                break
            draft.put(vm, target)
            moved.append(vm)
            gain -= self.costs.put(vm, target) - before
            if gain <= 0:
                break
        if len(moved) == len(vms) and gain > 0:
            return True
        for vm in moved:
            draft.remove(vm)
            draft.put(vm, host)
        self.online[host] = True
        return False

    def target(self, vm: int) -> int:
        """A host for a VM among those online, the fullest and evenest; -1 if there is none."""
        room = self.online.copy()
        for free, need in zip(self.draft.free, self._need[vm], strict=True):
            room &= free >= need
        hosts = np.flatnonzero(self.draft.permit(vm, room))
        if not len(hosts):
            return -1
        left, least, most = np.zeros((3, len(hosts)))
        for row, (free, need) in enumerate(zip(self.draft.free, self._need[vm], strict=True)):
            amount = free[hosts] - need
            left += amount * self._inverse[row, hosts]
            part = amount * self._part[row]
            least, most = (np.minimum(least, part), np.maximum(most, part)) if row else (part, part)
        left += UNEVEN * (most - least)
        if self._random is not None:
            left += self._random.uniform(0, 0.01, len(left))
        left += (hosts != self.problem.start[vm]) * 1e-3
        return int(hosts[int(left.argmin())])

    def _spare_left(self, host: int) -> bool:
        """Whether the head-room asked for remains without a host."""
        for members, resource, amount in self._free_spare:
            if members[host]:
                on = members & self.online
                free = int(self.draft.free[resource][on].sum()) - int(self.problem.limit[resource][host])
                if free < amount:
                    return False
        return True
