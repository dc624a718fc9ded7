"""The actions that a placement needs, and what constrains their order."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np

from placement.constraints.base import Constraint
from placement.model import Kind, VmState
from placement.problem import Problem


@dataclass(frozen=True, slots=True)
class Task:
    """An action without its start: takes `need` on `target` from its start, gives `release` on `source` at its end."""

    kind: Kind
    vm: int
    source: int
    target: int
    seconds: int
    need: tuple[int, ...]
    release: tuple[int, ...]
    bandwidth: int = 0
    allocation: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Pool:
    """Something of which tasks take some at their start and give some back at their end."""

    limit: int
    used: int
    take: dict[int, int] = field(default_factory=dict)
    give: dict[int, int] = field(default_factory=dict)


class Timetable:
    """Tasks numbered 0.., what must end before each may start, and shared pools.

    `hold` lists groups that end together, `latest` the end a task must keep, `at_once` the tasks that start at 0,
    `alone` those that run beside no other, `rigid` those that cannot be split into two.
    """

    def __init__(self, problem: Problem, host: Sequence[int], online: Sequence[bool]) -> None:
        self.problem = problem
        self.host = host
        self.online = online
        self.tasks: list[Task] = []
        self.before: list[set[int]] = []
        self.pools: list[Pool] = []
        self.hold: list[list[int]] = []
        self.latest: dict[int, int] = {}
        self.at_once: set[int] = set()
        self.alone: set[int] = set()
        self.rigid: set[int] = set()
        self._of_vm: dict[int, list[int]] = {}
        self._move: dict[int, int] = {}
        self._none = (0,) * len(problem.model.resources)
        self._demand: list[tuple[int, ...]] = [tuple(c) for c in problem.model.vms.demand.T.tolist()] or []
        self._need: list[tuple[int, ...]] = [tuple(c) for c in problem.need.T.tolist()] or []
        self._add_vms()
        self._add_hosts()
        self._add_network()
        for constraint in problem.constraints:
            if constraint.continuous and type(constraint).order is not Constraint.order:
                constraint.order(self)

    def add(self, task: Task) -> int:
        """Add a task and return its number."""
        number = len(self.tasks)
        self.tasks.append(task)
        self.before.append(set())
        if task.vm >= 0:
            self._of_vm.setdefault(task.vm, []).append(number)
            if task.kind is not Kind.ALLOCATE:
                self._move[task.vm] = number
        return number

    @property
    def moving(self) -> list[int]:
        """VMs that come, go or move."""
        return sorted(self._move)

    def _add_vms(self) -> None:
        problem = self.problem
        state, target = problem.model.vms.state, problem.target
        at = np.asarray(self.host, dtype=np.int64)
        differs = (at != problem.start_array) | (state != target)
        differs |= problem.runs & (problem.need != problem.model.vms.demand).any(axis=0)
        for vm in np.flatnonzero(differs).tolist():
            self._add_vm(vm, int(state[vm]), int(target[vm]))

    def _add_vm(self, vm: int, state: int, target: int) -> None:
        model, source, host = self.problem.model, self.problem.start[vm], self.host[vm]
        changes = tuple((r, n) for r, (n, d) in enumerate(zip(self._need[vm], self._demand[vm], strict=True)) if n != d)
        if target != VmState.RUNNING:
            kind = {VmState.READY: Kind.SHUTDOWN, VmState.SLEEPING: Kind.SUSPEND}.get(VmState(target), Kind.KILL)
            release = self._demand[vm] if source >= 0 else self._none
            at = int(model.vms.host[vm])
            self.add(Task(kind, vm, at, -1, model.duration(kind, vm), self._none, release))
        elif state == VmState.RUNNING and source == host:
            for resource, amount in changes:
                self._add_allocation(vm, resource, amount - self._demand[vm][resource], amount)
        elif state == VmState.RUNNING:
            seconds, bandwidth = model.migration(vm, source, host)
            task = Task(Kind.MIGRATE, vm, source, host, seconds, self._need[vm], self._demand[vm], bandwidth, changes)
            self.add(task)
        else:
            kind = Kind.RESUME if state == VmState.SLEEPING else Kind.BOOT
            at = int(model.vms.host[vm])
            self.add(Task(kind, vm, at, host, model.duration(kind, vm), self._need[vm], self._none, 0, changes))

    def _add_allocation(self, vm: int, resource: int, growth: int, amount: int) -> None:
        delta = tuple(abs(growth) if r == resource else 0 for r in range(len(self._none)))
        need, release = (delta, self._none) if growth > 0 else (self._none, delta)
        host = self.host[vm]
        seconds = self.problem.model.duration(Kind.ALLOCATE, vm)
        self.add(Task(Kind.ALLOCATE, vm, host, host, seconds, need, release, 0, ((resource, amount),)))

    def _add_hosts(self) -> None:
        hosts = self.problem.model.hosts
        changed = np.flatnonzero(hosts.online != np.asarray(self.online, dtype=np.bool_)).tolist()
        boots: dict[int, int] = {}
        stops: dict[int, int] = {}
        for host in changed:
            kind = Kind.BOOT_HOST if self.online[host] else Kind.SHUTDOWN_HOST
            seconds = int(hosts.boot[host] if self.online[host] else hosts.shutdown[host])
            number = self.add(Task(kind, -1, host, host, seconds, self._none, self._none))
            (boots if self.online[host] else stops)[host] = number
        for number, task in enumerate(self.tasks):
            if task.vm < 0:
                continue
            if task.target in boots:
                self.before[number].add(boots[task.target])
            if task.source in stops:
                self.before[stops[task.source]].add(number)

    def _add_network(self) -> None:
        model = self.problem.model
        moves = [n for n, task in enumerate(self.tasks) if task.kind is Kind.MIGRATE]
        for end in ("source", "target"):
            by_host: dict[int, list[int]] = {}
            for number in moves:
                by_host.setdefault(getattr(self.tasks[number], end), []).append(number)
            for host in sorted(by_host):
                if model.hosts.bandwidth[host] > 0:
                    self._share_bandwidth(int(model.hosts.bandwidth[host]), by_host[host])
        for host in np.flatnonzero(model.hosts.parallel).tolist():
            ends = [n for n in moves if host in (self.tasks[n].source, self.tasks[n].target)]
            self._pool(int(model.hosts.parallel[host]), 0, dict.fromkeys(ends, 1), dict.fromkeys(ends, 1))
        for link in model.links:
            for outward in (True, False):
                crossing = [n for n in moves if self._crosses(n, link.hosts, outward=outward)]
                self._share_bandwidth(link.capacity, crossing)

    def _crosses(self, number: int, hosts: Collection[int], *, outward: bool) -> bool:
        task = self.tasks[number]
        inside, outside = (task.source, task.target) if outward else (task.target, task.source)
        return inside in hosts and outside not in hosts

    def _share_bandwidth(self, capacity: int, numbers: Iterable[int]) -> None:
        taken = {n: self.tasks[n].bandwidth for n in numbers}
        self._pool(capacity, 0, taken, taken)

    def _pool(self, limit: int, used: int, take: dict[int, int], give: dict[int, int]) -> None:
        if used + sum(take.values()) > limit:
            self.pools.append(Pool(limit, used, take, give))

    def keep_apart(self, vms: Iterable[int]) -> None:
        """VMs of a set arrive on a host after the others of the set have left it."""
        for vm, peer in permutations([v for v in vms if v in self._move], 2):
            self.arrive_after_departure(vm, peer)

    def arrive_after_departure(self, vm: int, peer: int) -> None:
        """A VM arrives on a host after another one has left it."""
        arrival, departure = self._move.get(vm), self._move.get(peer)
        if arrival is None or departure is None or arrival == departure:
            return
        leaves = self.tasks[departure]
        if self.tasks[arrival].target == leaves.source >= 0 and leaves.target != leaves.source:
            self.before[arrival].add(departure)

    def follow(self, vm: int, later: int) -> None:
        """All actions on a VM start after all on another one."""
        self.rigid.update(self._of_vm.get(vm, ()), self._of_vm.get(later, ()))
        for number in self._of_vm.get(later, ()):
            self.before[number].update(self._of_vm.get(vm, ()))

    def migrate_before(self, first: int, second: int) -> None:
        """A migration starts after another one."""
        numbers = [self._migration(first), self._migration(second)]
        if numbers[0] is not None and numbers[1] is not None:
            self.before[numbers[1]].add(numbers[0])
            self.rigid.update(numbers)  # type: ignore[arg-type]

    def _migration(self, vm: int) -> int | None:
        number = self._move.get(vm)
        return number if number is not None and self.tasks[number].kind is Kind.MIGRATE else None

    def _migrations(self, vms: Iterable[int]) -> list[int]:
        return [n for n in map(self._migration, vms) if n is not None]

    def one_at_a_time(self, vms: Iterable[int]) -> None:
        """Migrations that never overlap."""
        taken = dict.fromkeys(self._migrations(vms), 1)
        self.rigid.update(taken)
        self._pool(1, 0, taken, taken)

    def end_together(self, vms: Iterable[int]) -> None:
        """Migrations that end at the same time."""
        numbers = self._migrations(vms)
        if len(numbers) > 1:
            self.hold.append(numbers)
            self.rigid.update(numbers)

    def start_at_once(self, vm: int) -> None:
        """All actions on a VM start at 0."""
        self.at_once.update(self._of_vm.get(vm, ()))
        self.rigid.update(self._of_vm.get(vm, ()))

    def end_by(self, vm: int, seconds: int) -> None:
        """The migration of a VM ends in time."""
        number = self._migration(vm)
        if number is not None:
            self.latest[number] = min(seconds, self.latest.get(number, seconds))
            self.rigid.add(number)

    def limit_load(self, hosts: Collection[int], resource: int, limit: int) -> None:
        """The load of hosts together stays within a limit."""
        take = {n: t.need[resource] for n, t in enumerate(self.tasks) if t.target in hosts and t.need[resource]}
        give = {n: t.release[resource] for n, t in enumerate(self.tasks) if t.source in hosts and t.release[resource]}
        demand = self.problem.model.vms.demand[resource]
        used = sum(int(demand[v]) for v, at in enumerate(self.problem.start) if at in hosts)
        self.rigid.update(take, give)
        self._pool(limit, used, take, give)

    def limit_guests(self, hosts: Collection[int], limit: int) -> None:
        """The number of VMs on hosts stays within a limit."""
        comes = [n for n, t in enumerate(self.tasks) if t.target in hosts and t.vm >= 0 and t.kind is not Kind.ALLOCATE]
        goes = [n for n, t in enumerate(self.tasks) if t.source in hosts and t.kind in LEAVING]
        used = sum(at in hosts for at in self.problem.start)
        self.rigid.update(comes, goes)
        self._pool(
            limit, used, dict.fromkeys(comes, 1), {n: 1 for n in goes if self.problem.start[self.tasks[n].vm] >= 0}
        )

    def limit_power(self, hosts: Collection[int], limit: int) -> None:
        """The number of hosts drawing power stays within a limit."""
        boots = [n for n, t in enumerate(self.tasks) if t.kind is Kind.BOOT_HOST and t.target in hosts]
        stops = [n for n, t in enumerate(self.tasks) if t.kind is Kind.SHUTDOWN_HOST and t.target in hosts]
        used = int(self.problem.model.hosts.online[sorted(hosts)].sum())
        self._pool(limit, used, dict.fromkeys(boots, 1), dict.fromkeys(stops, 1))

    def detour(self, number: int, host: int) -> int:
        """Send a waiting migration by way of another host: the task now ends there, a new one goes on to the target."""
        task, model = self.tasks[number], self.problem.model
        seconds, bandwidth = model.migration(task.vm, task.source, host)
        first = replace(task, target=host, seconds=seconds, bandwidth=bandwidth, need=task.release, allocation=())
        seconds, bandwidth = model.migration(task.vm, host, task.target)
        return self._split(number, first, replace(task, source=host, seconds=seconds, bandwidth=bandwidth))

    def suspend(self, number: int) -> int:
        """Replace a waiting migration by a suspension where the VM is and a resumption on the target."""
        task, model = self.tasks[number], self.problem.model
        seconds = model.duration(Kind.SUSPEND, task.vm)
        first = replace(
            task, kind=Kind.SUSPEND, target=-1, seconds=seconds, need=self._none, bandwidth=0, allocation=()
        )
        seconds = model.duration(Kind.RESUME, task.vm)
        second = replace(task, kind=Kind.RESUME, seconds=seconds, release=self._none, bandwidth=0)
        return self._split(number, first, second)

    def _split(self, number: int, first: Task, second: Task) -> int:
        self.tasks[number] = first
        later = self.add(second)
        self.before[later] = self.before[number] | {number}
        self.before[number] = set()
        for pool in self.pools:
            if pool.take.pop(number, None) is not None:
                pool.give.pop(number, None)
                self.alone |= {number, later}
        return later

    def copy(self) -> "Timetable":
        """An independent timetable with the same tasks."""
        twin = Timetable.__new__(Timetable)
        twin.__dict__.update(self.__dict__)
        twin.tasks = self.tasks.copy()
        twin.before = [b.copy() for b in self.before]
        twin.pools = [Pool(p.limit, p.used, p.take.copy(), p.give.copy()) for p in self.pools]
        twin._of_vm = {v: n.copy() for v, n in self._of_vm.items()}  # noqa: SLF001
        twin._move = self._move.copy()  # noqa: SLF001
        twin.alone = self.alone.copy()
        return twin


LEAVING = (Kind.MIGRATE, Kind.SHUTDOWN, Kind.SUSPEND, Kind.KILL)
"""Kinds of action that end a stay."""
