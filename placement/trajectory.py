"""What a plan does, seen from outside: states, and who was where from when to when.

Constraints judge states and trajectories. Nothing here knows how a plan was found.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from placement.model import Action, BoolArray, IntArray, Kind, Model, VmState

FOREVER = 1 << 60
"""End of what does not end, s."""
BEFORE = -1
"""Start of what is so before the plan starts, s: an arrival at 0 is something else."""


@dataclass(frozen=True)
class State:
    """One instant: `at[v]` is the host on which VM v runs or -1, `demand` (R, V) what it is allotted."""

    model: Model
    at: Sequence[int]
    status: Sequence[int]
    online: Sequence[bool]
    demand: IntArray

    @cached_property
    def load(self) -> IntArray:
        """(R, H) sum of the demands of the VMs running on each host."""
        return host_load(self.at, self.demand, self.model.n_hosts)

    def running(self, vms: Collection[int]) -> list[int]:
        """Those of the VMs that run."""
        return [v for v in vms if self.at[v] >= 0]


def initial_state(model: Model) -> State:
    """The state in which a plan starts."""
    vms = model.vms
    at = np.where(vms.state == VmState.RUNNING, vms.host, -1).tolist()
    return State(model, at, vms.state.tolist(), model.hosts.online.tolist(), vms.demand)


def host_load(at: Sequence[int] | IntArray, demand: IntArray, n_hosts: int) -> IntArray:
    """(R, H) demand of VMs per host; VMs at -1 are left out."""
    where = np.asarray(at, dtype=np.int64) + 1
    rows = [np.bincount(where, weights=row, minlength=n_hosts + 1)[1:] for row in demand]
    return np.array(rows, dtype=np.float64).reshape(len(demand), n_hosts).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Stay:
    """A VM consumes on a host from `start` to `end`, s, the end excluded."""

    host: int
    start: int
    end: int

    def meets(self, other: "Stay") -> bool:
        """Whether both are on the same host at some instant."""
        return self.host == other.host and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class LoadChange:
    """At `time` s the load of a host changes by `delta`, one number per resource."""

    time: int
    host: int
    delta: tuple[int, ...]


@dataclass(frozen=True)
class Trajectory:
    """A plan replayed: stays of the VMs that changed, power of the hosts that changed, all changes of load."""

    initial: State
    final: State
    actions: Mapping[int, tuple[Action, ...]]
    changed: Mapping[int, tuple[Stay, ...]]
    power: Mapping[int, tuple[tuple[int, int], ...]]
    loads: tuple[LoadChange, ...] = ()
    _visitors: dict[int, list[int]] = field(default_factory=dict, repr=False)

    def stays(self, vm: int) -> tuple[Stay, ...]:
        """Where the VM ran, in order of time; stays overlap during a migration."""
        known = self.changed.get(vm)
        if known is not None:
            return known
        host = self.initial.at[vm]
        return () if host < 0 else (Stay(host, BEFORE, FOREVER),)

    def touched(self, vms: Collection[int]) -> bool:
        """Whether a VM of the set changed host or state."""
        return any(v in self.changed for v in vms)

    def migration(self, vm: int) -> Action | None:
        """The last live migration of a VM."""
        moves = [a for a in self.actions.get(vm, ()) if a.kind is Kind.MIGRATE]
        return moves[-1] if moves else None

    def on(self, host: int) -> tuple[tuple[int, int], ...]:
        """When the host drew power: from the start of its boot to the end of its shutdown, s."""
        return self.power.get(host, ((BEFORE, FOREVER),) if self.initial.online[host] else ())

    def visitors(self, host: int) -> list[int]:
        """VMs that ran on the host at any instant."""
        if not self._visitors:
            for vm, at in enumerate(self.initial.at):
                if at >= 0:
                    self._visitors.setdefault(at, []).append(vm)
            for vm, stays in self.changed.items():
                for stay in stays:
                    guests = self._visitors.setdefault(stay.host, [])
                    if vm not in guests:
                        guests.append(vm)
        return self._visitors.get(host, [])

    def encounters(self, one: int, other: int) -> Iterator[tuple[int, int]]:
        """(time, host) of each meeting of two VMs that were not together from the start."""
        for a in self.stays(one):
            for b in self.stays(other):
                if a.meets(b) and max(a.start, b.start) > BEFORE:
                    yield max(a.start, b.start), a.host

    def load_profile(self, hosts: Collection[int], resource: int) -> list[tuple[int, int]]:
        """(time, total load of the hosts) before the plan and after each change."""
        start = int(self.initial.load[resource, sorted(hosts)].sum())
        changes = [(c.time, c.delta[resource]) for c in self.loads if c.host in hosts]
        return _accumulate(start, changes)

    def guest_profile(self, hosts: Collection[int]) -> list[tuple[int, int]]:
        """(time, number of VMs counted on the hosts) before the plan and after each change."""
        start = sum(at in hosts for at in self.initial.at)
        changes = []
        for stays in self.changed.values():
            for stay in stays:
                if stay.host in hosts:
                    changes += [(stay.start, 1)] if stay.start > BEFORE else []
                    changes += [(stay.end, -1)] if stay.end < FOREVER else []
        return _accumulate(start, changes)

    def power_profile(self, hosts: Collection[int]) -> list[tuple[int, int]]:
        """(time, number of hosts drawing power) before the plan and after each change."""
        start = sum(self.initial.online[h] for h in hosts)
        changes = []
        for host in sorted(hosts):
            for begin, end in self.power.get(host, ()):
                changes += [(begin, 1)] if begin > BEFORE else []
                changes += [(end, -1)] if end < FOREVER else []
        return _accumulate(start, changes)


def _accumulate(start: int, changes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    profile = {BEFORE: start}
    value = start
    for time, delta in sorted(changes):
        value += delta
        profile[time] = value
    return sorted(profile.items())


def growth_over(limit: int, profile: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """(time, value) where a profile is above the limit, except while it only shrinks from an excess at the start."""
    tolerated = max(limit, profile[0][1])
    for time, value in profile:
        if value > tolerated:
            yield time, value
        tolerated = max(limit, min(tolerated, value))


def member_array(hosts: Collection[int], n_hosts: int) -> BoolArray:
    """(H,) true for the hosts of a set."""
    members = np.zeros(n_hosts, dtype=np.bool_)
    members[sorted(hosts)] = True
    return members
