"""An instance made ready for the search: wanted states, limits and who is bound by what."""

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import numpy as np

from placement.constraints.base import Constraint, Total
from placement.instance import Instance
from placement.model import BoolArray, IntArray, Model, VmState
from placement.trajectory import host_load, member_array

REACHABLE = {
    VmState.READY: {VmState.READY, VmState.RUNNING, VmState.KILLED},
    VmState.RUNNING: {VmState.READY, VmState.RUNNING, VmState.SLEEPING, VmState.KILLED},
    VmState.SLEEPING: {VmState.RUNNING, VmState.SLEEPING, VmState.KILLED},
    VmState.KILLED: {VmState.KILLED},
}
"""The states that one action can lead to."""


class Wishes:
    """What constraints want of single hosts and VMs; contradictions are collected in `conflicts`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.state: dict[int, VmState] = {}
        self.power: dict[int, bool] = {}
        self.need = model.vms.want.copy()
        self.limits: dict[tuple[int, int], int] = {}
        self.conflicts: list[str] = []

    def set_state(self, vm: int, state: VmState) -> None:
        """Want a VM in a state."""
        if self.state.setdefault(vm, state) is not state:
            names = f"{self.state[vm].name.lower()} and {state.name.lower()}"
            self.conflicts.append(f"VM {self.model.vms.ids[vm]} is asked to be both {names}")
        now = VmState(int(self.model.vms.state[vm]))
        if state not in REACHABLE[now]:
            self.conflicts.append(
                f"VM {self.model.vms.ids[vm]} is {now.name.lower()} and cannot become {state.name.lower()}"
            )

    def set_power(self, host: int, *, online: bool) -> None:
        """Want a host online or offline."""
        if self.power.setdefault(host, online) is not online:
            self.conflicts.append(f"host {self.model.hosts.ids[host]} is asked to be both online and offline")

    def raise_demand(self, vm: int, resource: int, amount: int) -> None:
        """Want at least an amount for a VM."""
        self.need[resource, vm] = max(int(self.need[resource, vm]), amount)

    def set_limit(self, host: int, resource: int, limit: int) -> None:
        """Want a limit instead of the model's usable capacity; the least of several counts."""
        self.limits[resource, host] = min(limit, self.limits.get((resource, host), limit))


class Problem:
    """What the search works on.

    `start[v]` is the host on which VM v runs now or -1, `runs` (V,) whether it runs at the end, `need` (R, V) what it
    takes then, `limit` (R, H) what hosts can give, `movable` (V,) the VMs whose final host is to be chosen.
    """

    def __init__(self, instance: Instance, *, moves: bool = True) -> None:
        model = instance.model
        self.model = model
        self.constraints = instance.constraints
        wishes = Wishes(model)
        for constraint in self.constraints:
            constraint.prepare(wishes)
        self.conflicts = wishes.conflicts
        self.start: list[int] = np.where(model.vms.state == VmState.RUNNING, model.vms.host, -1).tolist()
        self.target = model.vms.state.copy()
        for vm, state in wishes.state.items():
            self.target[vm] = state
        self.runs: BoolArray = self.target == VmState.RUNNING
        self.running: list[int] = np.flatnonzero(self.runs).tolist()
        self.need: IntArray = np.where(self.runs, wishes.need, model.vms.demand)
        self.limit: IntArray = model.usable.copy()
        for (resource, host), limit in wishes.limits.items():
            self.limit[resource, host] = limit
        self.must_be_on = member_array([h for h, on in wishes.power.items() if on], model.n_hosts)
        self.must_be_off = member_array([h for h, on in wishes.power.items() if not on], model.n_hosts)
        self._keep_sleepers()
        self.moves = moves
        self._index()
        self._members: dict[int, tuple[frozenset[int], BoolArray]] = {}

    def _keep_sleepers(self) -> None:
        """A VM sleeps where it is: its host stays online."""
        for vm in np.flatnonzero(self.target == VmState.SLEEPING):
            host = int(self.model.vms.host[vm])
            if host >= 0:
                self.must_be_on[host] = True
                if self.must_be_off[host]:
                    ids = self.model
                    self.conflicts.append(
                        f"VM {ids.vms.ids[vm]} sleeps on host {ids.hosts.ids[host]}, which is to go offline"
                    )

    def _index(self) -> None:
        self.by_vm: list[list[Constraint]] = [[] for _ in range(self.model.n_vms)]
        self.everywhere: list[Constraint] = []
        for constraint in self.constraints:
            if type(constraint).mask is Constraint.mask:
                continue
            if constraint.everywhere:
                self.everywhere.append(constraint)
            else:
                for vm in constraint.involved():
                    self.by_vm[vm].append(constraint)

    @cached_property
    def start_array(self) -> IntArray:
        """(V,) host on which each VM runs at the start, or -1."""
        return np.array(self.start, dtype=np.int64)

    @cached_property
    def stays_possible(self) -> BoolArray:
        """(V,) VMs that run now and at the end."""
        return self.runs & (self.start_array >= 0)

    @cached_property
    def room_before_departures(self) -> IntArray:
        """(R, H) what is free at the start, counting for each VM the larger of what it has and what it will take."""
        taken = np.maximum(self.need, self.model.vms.demand)
        return self.limit - host_load(self.start_array, taken, self.model.n_hosts)

    def without(self, hosts: BoolArray) -> "Problem":
        """The same problem where some more hosts, (H,), are offline at the end."""
        smaller = copy(self)
        smaller.must_be_off = self.must_be_off | hosts
        return smaller

    @property
    def on_anyway(self) -> BoolArray:
        """(H,) hosts that are online at the end where nothing else decides about them."""
        on: BoolArray = (self.model.hosts.online | self.must_be_on) & ~self.must_be_off
        return on

    @property
    def totals(self) -> list[Total]:
        """What constraints ask of sums over hosts."""
        return [total for rule in self.constraints if (total := rule.total(self)) is not None]

    def members(self, hosts: frozenset[int]) -> BoolArray:
        """(H,) true for the hosts of a set; computed once for each set object."""
        known = self._members.get(id(hosts))
        if known is None:
            known = self._members[id(hosts)] = (hosts, member_array(hosts, self.model.n_hosts))
        return known[1]

    def constraints_of(self, vm: int) -> Sequence[Constraint]:
        """Constraints whose mask concerns a VM."""
        return [*self.by_vm[vm], *self.everywhere] if self.everywhere else self.by_vm[vm]
