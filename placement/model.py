"""Hosts, VMs, groups and links as immutable arrays.

Shapes: H hosts, V VMs, R resources. Hosts and VMs are numbered 0.. in the order of their ids. Every quantity is an
integer: memory in MB, bandwidth in MB/s, power in mW, durations in s, money and carbon per kWh; resources are in the
unit of the caller.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from placement.errors import InputError

Id = int | str
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

LARGEST = 1 << 40
"""Largest amount accepted anywhere: sums over a million elements still fit in 64 bits."""


class VmState(IntEnum):
    """What a VM is doing; READY is prepared but not started, KILLED is gone."""

    READY = 0
    RUNNING = 1
    SLEEPING = 2
    KILLED = 3


class Kind(StrEnum):
    """The kinds of action, by their name in plans."""

    BOOT_HOST = "bootNode"
    SHUTDOWN_HOST = "shutdownNode"
    BOOT = "bootVM"
    SHUTDOWN = "shutdownVM"
    MIGRATE = "migrateVM"
    SUSPEND = "suspendVM"
    RESUME = "resumeVM"
    KILL = "killVM"
    ALLOCATE = "allocate"


VM_KINDS = (Kind.BOOT, Kind.SHUTDOWN, Kind.MIGRATE, Kind.SUSPEND, Kind.RESUME, Kind.KILL, Kind.ALLOCATE)
"""Kinds of action with a duration of their own on each VM, in the order of `Vms.seconds`."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts: `capacity`, `reserve` and `ratio` are (R, H), the rest (H,).

    `ratio` is the overbooking ratio, `reserve` the head-room kept free. `bandwidth` 0 means unlimited, `parallel` 0
    means any number of migrations at once.
    """

    ids: tuple[Id, ...]
    capacity: IntArray
    ratio: FloatArray
    reserve: IntArray
    online: BoolArray
    idle_power: IntArray
    max_power: IntArray
    boot: IntArray
    shutdown: IntArray
    bandwidth: IntArray
    parallel: IntArray
    site: IntArray


@dataclass(frozen=True, slots=True)
class Vms:
    """VMs: `demand` and `want` are (R, V), `seconds` is (len(VM_KINDS), V), the rest (V,).

    `host` is -1 where the VM is on none. A migration time of 0 in `seconds` means: compute it from memory, dirty
    pages and bandwidth. Hot pages: `hot_size` MB written again every `hot_seconds`; `cold_rate` MB/s for the others.
    """

    ids: tuple[Id, ...]
    demand: IntArray
    want: IntArray
    state: IntArray
    host: IntArray
    memory: IntArray
    hot_size: IntArray
    hot_seconds: IntArray
    cold_rate: FloatArray
    seconds: IntArray


@dataclass(frozen=True, slots=True)
class Link:
    """The way between some hosts and all others, full duplex: capacity in MB/s in each direction."""

    name: str
    hosts: frozenset[int]
    capacity: int


@dataclass(frozen=True, slots=True)
class Site:
    """Where hosts stand: price in micro-units of money per kWh, carbon in g of CO2 per kWh."""

    name: str
    price: int
    carbon: int


@dataclass(frozen=True)
class Model:
    """A state of the infrastructure and what is known about it."""

    resources: tuple[str, ...]
    hosts: Hosts
    vms: Vms
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    sites: tuple[Site, ...] = (Site("default", 0, 0),)

    def __post_init__(self) -> None:
        check_model(self)
        for part in (self.hosts, self.vms):
            for name in part.__slots__:
                value = getattr(part, name)
                if isinstance(value, np.ndarray):
                    value.setflags(write=False)

    @property
    def n_hosts(self) -> int:
        """Number of hosts, H."""
        return len(self.hosts.ids)

    @property
    def n_vms(self) -> int:
        """Number of VMs, V."""
        return len(self.vms.ids)

    @cached_property
    def usable(self) -> IntArray:
        """(R, H) what VMs may use: floor(capacity x ratio) - reserve, never below 0."""
        virtual = np.floor(self.hosts.capacity * self.hosts.ratio + 1e-9).astype(np.int64)
        usable: IntArray = np.maximum(virtual - self.hosts.reserve, 0)
        return usable

    @cached_property
    def processor(self) -> int:
        """The resource that draws power: the first named like a processor, else the last; -1 if none."""
        named = [r for r, name in enumerate(self.resources) if any(w in name.lower() for w in ("cpu", "core", "ecu"))]
        return named[0] if named else len(self.resources) - 1

    @cached_property
    def watts_per_unit(self) -> FloatArray:
        """(H,) mW drawn by one unit of the processor resource: (max - idle) / capacity."""
        if self.processor < 0:
            return np.zeros(self.n_hosts)
        capacity = self.hosts.capacity[self.processor]
        spread = (self.hosts.max_power - self.hosts.idle_power).astype(float)
        slope: FloatArray = np.divide(spread, capacity, out=np.zeros(self.n_hosts), where=capacity > 0)
        return slope

    @cached_property
    def host_number(self) -> dict[Id, int]:
        """Number of the host with an id."""
        return {i: n for n, i in enumerate(self.hosts.ids)}

    @cached_property
    def vm_number(self) -> dict[Id, int]:
        """Number of the VM with an id."""
        return {i: n for n, i in enumerate(self.vms.ids)}

    def duration(self, kind: Kind, vm: int) -> int:
        """Seconds of an action on a VM, migrations without a time of their own excepted (see `migration`)."""
        return int(self.vms.seconds[VM_KINDS.index(kind), vm])

    def migration(self, vm: int, source: int, target: int) -> tuple[int, int]:
        """Seconds and bandwidth (MB/s, 0 where no network is described) of a live migration."""
        bandwidth = self.share(source, target)
        stated = self.duration(Kind.MIGRATE, vm)
        if stated > 0:
            return stated, bandwidth
        if bandwidth == 0:
            return 1, 0
        return self.copy_seconds(vm, bandwidth), bandwidth

    def share(self, source: int, target: int) -> int:
        """MB/s given to one migration: the narrowest of both ends (divided by their parallel limit) and the links."""
        narrow = [
            int(self.hosts.bandwidth[h]) // max(1, int(self.hosts.parallel[h]))
            for h in (source, target)
            if self.hosts.bandwidth[h] > 0
        ]
        narrow += [link.capacity for link in self.links if (source in link.hosts) != (target in link.hosts)]
        return max(1, min(narrow)) if narrow else 0

    def copy_seconds(self, vm: int, bandwidth: int) -> int:
        """Seconds of a pre-copy migration at a bandwidth in MB/s."""
        vms = self.vms
        return precopy_seconds(
            int(vms.memory[vm]), bandwidth, int(vms.hot_size[vm]), int(vms.hot_seconds[vm]), float(vms.cold_rate[vm])
        )


def precopy_seconds(memory: int, bandwidth: int, hot_size: int, hot_seconds: int, cold_rate: float) -> int:
    """Seconds of a pre-copy live migration, at least 1; memory in MB, rates in MB/s.

    Source: Kherbache, Madelaine and Hermenier, "Scheduling live-migrations for fast, adaptable and energy-efficient
    relocation operations" (UCC 2015). Pages dirtied faster than the link make the copy stop after three rounds.
    """
    once = memory / bandwidth
    hot_rate = hot_size / hot_seconds if hot_seconds else 0.0
    if hot_rate >= bandwidth or cold_rate >= bandwidth:
        return max(1, math.ceil(3 * once))
    if once > hot_seconds:
        cold = (hot_size + (once - hot_seconds) * cold_rate) / (bandwidth - cold_rate)
        total = once + cold + hot_size / bandwidth * hot_rate / (bandwidth - hot_rate)
    else:
        total = once + hot_rate * once / (bandwidth - hot_rate)
    return max(1, round(total))


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a plan, from `start` to `end` in s; -1 stands for no VM or no host.

    `source` and `target` are hosts: of a host action both are that host, of an allocation too. `allocation` gives
    (resource, amount) pairs that the VM has from the action on.
    """

    kind: Kind
    vm: int
    source: int
    target: int
    start: int
    end: int
    bandwidth: int = 0
    allocation: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions that lead from the origin to another state; sorted by start, end, kind, VM and host."""

    origin: Model
    actions: tuple[Action, ...]

    @property
    def makespan(self) -> int:
        """End of the last action, s."""
        return max((a.end for a in self.actions), default=0)

    @property
    def sum_of_ends(self) -> int:
        """Sum of the end times of all actions, s (BtrPlace's MTTR)."""
        return sum(a.end for a in self.actions)

    @property
    def migrations(self) -> int:
        """Number of live migrations."""
        return sum(a.kind is Kind.MIGRATE for a in self.actions)

    @property
    def migrated_memory(self) -> int:
        """MB moved by live migrations."""
        moved = [a.vm for a in self.actions if a.kind is Kind.MIGRATE]
        return int(self.origin.vms.memory[moved].sum())


def action_order(action: Action) -> tuple[int, int, str, int, int]:
    """The order of actions in a plan."""
    return (action.start, action.end, action.kind.value, action.vm, action.target)


def check_model(model: Model) -> None:
    """Raise InputError where shapes, ranges or references do not fit."""
    _check_shapes(model)
    hosts, vms = model.hosts, model.vms
    for what, part in (("host", hosts), ("VM", vms)):
        if len(set(part.ids)) != len(part.ids):
            seen: set[Id] = set()
            twice = next(i for i in part.ids if i in seen or seen.add(i))  # type: ignore[func-returns-value]
            raise InputError(f"{what} {twice!r} is described twice; ids must be unique")
        for name in part.__slots__:
            _check_range(what, name, part.ids, getattr(part, name))
    placed = vms.host >= 0
    needs = (vms.state == VmState.RUNNING) | (vms.state == VmState.SLEEPING)
    _refuse(needs & ~placed, vms.ids, "VM {} is running or sleeping on no host")
    _refuse(placed & ~needs, vms.ids, "VM {} has a host but is neither running nor sleeping")
    _refuse(placed & ~np.append(hosts.online, True)[vms.host], vms.ids, "VM {} is on an offline host")
    for kind, seconds in zip(VM_KINDS, vms.seconds, strict=True):
        if kind is not Kind.MIGRATE:
            _refuse(seconds < 1, vms.ids, "VM {}: " + f"{kind} must take at least 1 s")
    _refuse((hosts.boot < 1) | (hosts.shutdown < 1), hosts.ids, "host {}: boot and shutdown must take at least 1 s")
    _refuse(hosts.max_power < hosts.idle_power, hosts.ids, "host {}: maximum power is below idle power")


def _check_shapes(model: Model) -> None:
    resources, hosts, vms = len(model.resources), model.n_hosts, model.n_vms
    if len(set(model.resources)) != resources:
        raise InputError("a resource is described twice; resource names must be unique")
    for part, count in ((model.hosts, hosts), (model.vms, vms)):
        for name in part.__slots__:
            value = getattr(part, name)
            rows = {"capacity": resources, "ratio": resources, "reserve": resources, "demand": resources}
            rows |= {"want": resources, "seconds": len(VM_KINDS)}
            shape = (rows[name], count) if name in rows else (count,)
            if isinstance(value, np.ndarray) and value.shape != shape:
                raise InputError(f"{name} has shape {value.shape}, expected {shape}")
    if vms and (model.vms.host.min() < -1 or model.vms.host.max() >= hosts):
        raise InputError(f"a VM's host number is outside 0..{hosts - 1}")
    if hosts and (model.hosts.site.min() < 0 or model.hosts.site.max() >= len(model.sites)):
        raise InputError(f"a host's site number is outside 0..{len(model.sites) - 1}")


def _check_range(what: str, name: str, ids: tuple[Id, ...], values: object) -> None:
    if not isinstance(values, np.ndarray) or values.dtype == np.bool_ or not values.size:
        return
    least = -1 if name == "host" else 0
    wrong = ~((values >= least) & (values <= LARGEST))
    if wrong.any():
        column = int(np.argwhere(wrong)[0][-1])
        raise InputError(f"{what} {ids[column]!r}: {name} must be a number from 0 to {LARGEST}")


def _refuse(wrong: BoolArray, ids: tuple[Id, ...], text: str) -> None:
    if wrong.any():
        raise InputError(text.format(repr(ids[int(wrong.argmax())])))
