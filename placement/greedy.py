"""Placing VMs one by one: worst fit, and chains that push others aside."""

from collections.abc import Iterable

import numpy as np

from placement.constraints.spread import Spread
from placement.costs import Costs
from placement.draft import Draft
from placement.model import BoolArray, FloatArray
from placement.problem import Problem

CHAIN_WIDTH = 40
"""VMs tried in the place of which another could go."""
CHAIN_DEPTH = 3
TRIES = 10_000
"""Places of other VMs that are tried in all."""


class Greedy:
    """Places VMs on a draft so that as little as possible moves and nothing needs to wait.

    Hosts that are offline are booted only where the others do not do. `noise` (V,) perturbs the order of placing.
    """

    def __init__(self, problem: Problem, draft: Draft, costs: Costs, noise: FloatArray | None = None) -> None:
        self.problem = problem
        self.draft = draft
        self.costs = costs
        limit = np.maximum(problem.limit, 1).astype(np.float64)
        self._inverse: FloatArray = 1.0 / limit
        self._open: BoolArray = (problem.model.hosts.online | problem.must_be_on) & ~problem.must_be_off
        self.sizes: FloatArray = self._sizes()
        self._tries = TRIES
        self.rank: FloatArray = self.sizes if noise is None else self.sizes * noise

    def _sizes(self) -> FloatArray:
        """(V,) largest share that a VM takes of the mean room of a host: what is scarce counts most."""
        if not self.draft.free or not self.problem.model.n_hosts:
            return np.zeros(self.problem.model.n_vms)
        mean = np.array([[max(1.0, float(np.maximum(row, 0).mean()))] for row in self.draft.free])
        shares: FloatArray = (self.problem.need / mean).max(axis=0)
        return shares

    def place_all(self, vms: Iterable[int]) -> list[int]:
        """Place VMs, the largest first; returns those for which there was no host."""
        order = sorted(vms, key=lambda v: (-self.rank[v], v))
        return [v for v in order if not self.place(v)]

    def place(self, vm: int) -> bool:
        """Place a VM on the host that stays the roomiest, without waiting if possible."""
        host = self.choose(vm, self.draft.candidates(vm))
        if host >= 0:
            self.draft.put(vm, host)
        return host >= 0

    def choose(self, vm: int, allowed: BoolArray) -> int:
        """The best of the allowed hosts, -1 where there is none."""
        if not allowed.any():
            return -1
        start = self.problem.start[vm]
        if start >= 0 and allowed[start]:
            return start
        online = allowed & self._open
        at_once = online.copy()
        for room, need in zip(self.draft.at_once, self.draft.need(vm), strict=True):
            at_once &= room >= need
        for constraint in self.problem.by_vm[vm]:
            if constraint.continuous and isinstance(constraint, Spread):
                at_once[[self.problem.start[v] for v in constraint.vms if v != vm and self.problem.start[v] >= 0]] = (
                    False
                )
        for choice in (at_once, online, allowed):
            if choice.any():
                return self._roomiest(vm, choice)
        return -1

    def _roomiest(self, vm: int, choice: BoolArray) -> int:
        hosts = np.flatnonzero(choice)
        if not self.draft.free:
            return int(hosts[0])
        left = np.full(len(hosts), np.inf)
        for row, (free, need) in enumerate(zip(self.draft.free, self.draft.need(vm), strict=True)):
            left = np.minimum(left, (free[hosts] - need) * self._inverse[row, hosts])
        return int(hosts[int(left.argmax())])

    def push(self, vm: int, depth: int = CHAIN_DEPTH) -> bool:
        """Place a VM in the place of another one, which goes elsewhere; chains of at most `depth` VMs."""
        for other in (*self._victims(vm)[:CHAIN_WIDTH], *self._peers(vm)):
            if self._tries <= 0:
                return False
            self._tries -= 1
            host = self.draft.remove(other)
            if not self.draft.candidates(vm)[host]:
                self.draft.put(other, host)
                continue
            self.draft.put(vm, host)
            if self._settle(other, host) or (depth > 1 and self.push(other, depth - 1)):
                return True
            self.draft.remove(vm)
            self.draft.put(other, host)
        return False

    def _settle(self, vm: int, left: int) -> bool:
        allowed = self.draft.candidates(vm)
        allowed[left] = False
        host = self.choose(vm, allowed)
        if host >= 0:
            self.draft.put(vm, host)
        return host >= 0

    def _victims(self, vm: int) -> list[int]:
        """Placed VMs without which a VM would have room, the cheapest to move first, small ones before large ones."""
        allowed = self.draft.permit(vm, ~self.problem.must_be_off)
        at = np.asarray(self.draft.host)
        placed = np.flatnonzero((at >= 0) & self.problem.runs)
        hosts = at[placed]
        useful = allowed[hosts]
        for row, (free, need) in enumerate(zip(self.draft.free, self.draft.need(vm), strict=True)):
            useful &= free[hosts] + self.problem.need[row, placed] >= need
        chosen = placed[useful]
        if not self.problem.moves:
            chosen = chosen[self.problem.start_array[chosen] < 0]
        moved = at[chosen] != self.problem.start_array[chosen]
        price = np.where(moved, 0, self.costs.move[chosen] - self.costs.stay[chosen])
        victims: list[int] = chosen[np.lexsort((chosen, self.sizes[chosen], price))].tolist()
        return victims

    def _peers(self, vm: int) -> list[int]:
        """Placed VMs that may not share a host with a VM: it could be where one of them is."""
        rules = [rule for rule in self.problem.by_vm[vm] if isinstance(rule, Spread)]
        fixed = () if self.problem.moves else np.flatnonzero(self.problem.start_array >= 0)
        return [v for rule in rules for v in rule.vms if v != vm and self.draft.host[v] >= 0 and v not in fixed]

    def send_home(self) -> None:
        """Move back VMs that were only pushed aside, at most displacing others that had to move anyway."""
        at = np.asarray(self.draft.host)
        away = np.flatnonzero((at >= 0) & self.problem.stays_possible & (at != self.problem.start_array))
        price = self.costs.move[away] - self.costs.stay[away]
        for vm in away[np.lexsort((away, -price))].tolist():
            self._go_home(vm)

    def _go_home(self, vm: int) -> None:
        draft, home = self.draft, self.problem.start[vm]
        back = draft.remove(vm)
        if draft.candidates(vm)[home]:
            draft.put(vm, home)
            return
        for guest in list(draft.guests[home]):
            if self.problem.start[guest] == home:
                continue
            draft.remove(guest)
            if draft.candidates(vm)[home]:
                draft.put(vm, home)
                if self._settle(guest, home):
                    return
                draft.remove(vm)
            draft.put(guest, home)
        draft.put(vm, back)
