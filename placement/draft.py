"""A placement in the making."""

from collections.abc import Iterable

import numpy as np

from placement.model import BoolArray, IntArray
from placement.problem import Problem
from placement.trajectory import host_load


class Draft:
    """Final hosts of VMs, changed in place: `host[v]` (-1 not placed), `guests[h]`, `count` (H,), `free[r]` (H,).

    `at_once[r]` (H,) is what is free before anybody has left: arrivals that fit there need not wait.
    """

    def __init__(self, problem: Problem, host: Iterable[int]) -> None:
        self.problem = problem
        self.host = list(host)
        n_hosts = problem.model.n_hosts
        self.guests: list[list[int]] = [[] for _ in range(n_hosts)]
        for vm, at in enumerate(self.host):
            if at >= 0:
                self.guests[at].append(vm)
        self.count: IntArray = np.array([len(g) for g in self.guests], dtype=np.int64)
        load = host_load(self.host, problem.need, n_hosts)
        self.free: list[IntArray] = [np.ascontiguousarray(row) for row in problem.limit - load]
        self._need: list[tuple[int, ...]] = [tuple(column) for column in problem.need.T.tolist()]
        self.at_once: list[IntArray] = [row.copy() for row in problem.room_before_departures]
        for vm, at in enumerate(self.host):
            if at >= 0 and at != problem.start[vm]:
                self._reserve(vm, at, 1)

    @staticmethod
    def load_now(problem: Problem) -> IntArray:
        """(R, H) what running VMs use at the start."""
        return host_load(problem.start, problem.model.vms.demand, problem.model.n_hosts)

    def need(self, vm: int) -> tuple[int, ...]:
        """What a VM takes at the end, one number per resource."""
        return self._need[vm]

    def put(self, vm: int, host: int) -> None:
        """Place a VM that is not placed."""
        self.host[vm] = host
        self.guests[host].append(vm)
        self.count[host] += 1
        for free, need in zip(self.free, self._need[vm], strict=True):
            free[host] -= need
        if host != self.problem.start[vm]:
            self._reserve(vm, host, 1)

    def _reserve(self, vm: int, host: int, sign: int) -> None:
        for room, need in zip(self.at_once, self._need[vm], strict=True):
            room[host] -= sign * need

    def remove(self, vm: int) -> int:
        """Take a placed VM away and return the host it was on."""
        host = self.host[vm]
        self.host[vm] = -1
        self.guests[host].remove(vm)
        self.count[host] -= 1
        for free, need in zip(self.free, self._need[vm], strict=True):
            free[host] += need
        if host != self.problem.start[vm]:
            self._reserve(vm, host, -1)
        return host

    def fits(self, vm: int) -> BoolArray:
        """(H,) hosts with room for a VM."""
        room = ~self.problem.must_be_off
        for free, need in zip(self.free, self._need[vm], strict=True):
            room &= free >= need
        return room

    def permit(self, vm: int, allowed: BoolArray) -> BoolArray:
        """Clear in `allowed` what constraints forbid for a VM, and return it."""
        for constraint in self.problem.constraints_of(vm):
            constraint.mask(vm, self, allowed)
        return allowed

    def candidates(self, vm: int) -> BoolArray:
        """(H,) hosts where a VM has room and is allowed."""
        return self.permit(vm, self.fits(vm))

    def waiting(self) -> list[int]:
        """VMs that are to run and are not placed."""
        return [v for v in self.problem.running if self.host[v] < 0]

    def copy(self) -> "Draft":
        """An independent draft of the same placement."""
        twin = Draft.__new__(Draft)
        twin.problem = self.problem
        twin.host = self.host.copy()
        twin.guests = [g.copy() for g in self.guests]
        twin.count = self.count.copy()
        twin.free = [f.copy() for f in self.free]
        twin.at_once = [row.copy() for row in self.at_once]
        twin._need = self._need  # noqa: SLF001
        return twin
