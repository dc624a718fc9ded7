"""Event-driven list scheduling: start what fits, wait for the next end, break deadlocks by detours."""

import heapq
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import add, le, sub

import numpy as np

from placement.draft import Draft
from placement.errors import PlanningError
from placement.ledger import room_now
from placement.model import FloatArray, IntArray, Kind
from placement.timetable import Timetable

CANDIDATES = 16
"""Waiting tasks for which a shelter is sought in one deadlock."""
MANY = 20
"""Tasks that one departure lets start are counted up to here."""


class Simulation:
    """One pass over a timetable in a given order of preference; afterwards `starts[n]` is the start of task n, s.

    A deadlock is broken by sending the cheapest waiting VM whose departure lets another one in by way of a third host,
    or by suspending it. PlanningError where nothing helps.
    """

    def __init__(self, timetable: Timetable, preference: Sequence[float]) -> None:
        self.table = timetable
        self.preference = list(preference)
        self.now = 0
        self.starts = [-1] * len(timetable.tasks)
        self._running: list[tuple[int, int]] = []
        self._lonely = False
        self._final: Draft | None = None
        self._steady = np.asarray(timetable.online, dtype=np.bool_) & timetable.problem.model.hosts.online
        self.free = [array("q", row) for row in room_now(timetable).tolist()]
        self._rows: list[IntArray] = [np.frombuffer(row, dtype=np.int64) for row in self.free]
        self.used = [pool.used for pool in timetable.pools]
        self._waits = [0] * len(timetable.tasks)
        self._after: list[list[int]] = [[] for _ in timetable.tasks]
        self._to: dict[int, set[int]] = {}
        self._pools_of: dict[int, list[int]] = {}
        leavers = [n for n in range(len(timetable.tasks)) if self._may_detour(n)]
        self._leavers = dict.fromkeys(sorted(leavers, key=lambda n: (-self.preference[n], n)))
        self._version = [0] * len(self._steady)
        self._known: dict[int, tuple[int, dict[int, int]]] = {}
        self._group = {n: g for g, members in enumerate(timetable.hold) for n in members}
        for number in range(len(timetable.tasks)):
            self._enlist(number)
        for number, pool in enumerate(timetable.pools):
            for task in pool.take.keys() | pool.give.keys():
                self._pools_of.setdefault(task, []).append(number)

    def _enlist(self, number: int) -> None:
        self._waits[number] = sum(self.starts[other] < 0 for other in self.table.before[number])
        for other in self.table.before[number]:
            self._after[other].append(number)
        target = self.table.tasks[number].target
        self._to.setdefault(target, set()).add(number)
        self._version[target] += 1

    def run(self) -> list[int]:
        """Start every task; returns the starts."""
        self._try(range(len(self.table.tasks)))
        if any(self.starts[n] != 0 for n in self.table.at_once):
            raise PlanningError("an action that must not be delayed has to wait")
        while True:
            while self._running:
                self._advance()
            if -1 not in self.starts:
                return self.starts
            self._unlock()

    def _advance(self) -> None:
        """Go to the next end and start what it lets start."""
        self.now = self._running[0][0]
        retry: set[int] = set()
        while self._running and self._running[0][0] == self.now:
            number = heapq.heappop(self._running)[1]
            retry |= self._finish(number)
        self._try(retry)

    def _finish(self, number: int) -> set[int]:
        task = self.table.tasks[number]
        retry: set[int] = set()
        if any(task.release):
            for free, amount in zip(self.free, task.release, strict=True):
                free[task.source] += amount
            self._version[task.source] += 1
            retry |= self._to.get(task.source, set())
        for pool in self._pools_of.get(number, ()):
            self.used[pool] -= self.table.pools[pool].give.get(number, 0)
            retry |= self.table.pools[pool].take.keys()
        for other in self._after[number]:
            self._waits[other] -= 1
            self._version[self.table.tasks[other].target] += 1
            retry.add(other)
        if self._lonely or not self._running:
            self._lonely = False
            retry |= {n for n, start in enumerate(self.starts) if start < 0} if self.table.alone else set()
        return retry

    def _try(self, numbers: Iterable[int]) -> None:
        """Start those of the tasks that may start, the preferred first."""
        waiting = [n for n in numbers if self.starts[n] < 0 and self._waits[n] == 0]
        waiting.sort(key=lambda n: (-self.preference[n], n))
        for number in waiting:
            if self.starts[number] < 0:
                self._start(number)

    def _start(self, number: int) -> None:
        members = self.table.hold[self._group[number]] if number in self._group else [number]
        if self._lonely or (number in self.table.alone and self._running):
            return
        begun: list[int] = []
        for member in members:
            if self._waits[member] or not self._fits(member):
                break
            self._take(member, 1)
            begun.append(member)
        if len(begun) < len(members):
            for member in begun:
                self._take(member, -1)
            return
        longest = max(self.table.tasks[n].seconds for n in members)
        for member in members:
            self._begin(member, self.now + longest)

    def _begin(self, number: int, end: int) -> None:
        self.starts[number] = end - self.table.tasks[number].seconds
        if number in self.table.latest and end > self.table.latest[number]:
            vm = self.table.problem.model.vms.ids[self.table.tasks[number].vm]
            raise PlanningError(f"the migration of VM {vm} cannot end within {self.table.latest[number]} s")
        self._lonely = number in self.table.alone
        heapq.heappush(self._running, (end, number))
        self._leavers.pop(number, None)
        self._to.get(self.table.tasks[number].target, set()).discard(number)

    def _fits(self, number: int) -> bool:
        task = self.table.tasks[number]
        for free, need in zip(self.free, task.need, strict=True):
            if need and free[task.target] < need:
                return False
        for pool in self._pools_of.get(number, ()):
            take = self.table.pools[pool].take.get(number, 0)
            if take and self.used[pool] + take > self.table.pools[pool].limit:
                return False
        return True

    def _take(self, number: int, sign: int) -> None:
        task = self.table.tasks[number]
        if task.target >= 0:
            for free, need in zip(self.free, task.need, strict=True):
                free[task.target] -= sign * need
            self._version[task.target] += 1
        for pool in self._pools_of.get(number, ()):
            self.used[pool] += sign * self.table.pools[pool].take.get(number, 0)

    def _unlock(self) -> None:
        """Nothing runs and nothing can start: move somebody out of the way."""
        tasks, memory = self.table.tasks, self.table.problem.model.vms.memory
        first = list(islice(self._leavers, CANDIDATES))
        helpful = list(islice(filter(self._helps, self._leavers), CANDIDATES))
        helpful.sort(key=lambda n: (-self._followers(n), int(memory[tasks[n].vm]), n))
        if self._detour(helpful or first):
            return
        for number in helpful:
            if self.table.online[tasks[number].source]:
                self._follow_up(number, self.table.suspend(number))
                return
        if helpful and self._detour(first):
            return
        waiting = [n for n, start in enumerate(self.starts) if start < 0]
        names = ", ".join(str(self.table.problem.model.vms.ids[tasks[n].vm]) for n in waiting[:5] if tasks[n].vm >= 0)
        raise PlanningError(f"{len(waiting)} actions block one another for good, among them those on VMs {names}")

    def _detour(self, ranked: list[int]) -> bool:
        """Send the first of the tasks that finds a shelter on a detour; whether there was one."""
        vms = [self.table.tasks[n].vm for n in ranked]
        bound = any(rule.continuous for vm in vms for rule in self.table.problem.constraints_of(vm))
        draft = self._present() if bound else None
        for number in ranked:
            host = self._shelter(number, draft)
            if host >= 0:
                self._follow_up(number, self.table.detour(number, host))
                return True
        return False

    def _followers(self, number: int) -> int:
        """How many tasks a departure lets start, counted anew only after a change on one of the hosts that matter."""
        count, hosts = self._known.get(number, (0, {}))
        if not hosts or any(self._version[host] != version for host, version in hosts.items()):
            count, seen = self._counted(number)
            self._known[number] = count, {host: self._version[host] for host in seen}
        return count

    def _counted(self, number: int) -> tuple[int, Iterable[int]]:
        """How many tasks a departure lets start one after the other, and the hosts on which that depends.

        At most MANY are counted; twice as many where they make room for the VM itself on its target, so that its
        shelter is soon free again.
        """
        tasks, leaver = self.table.tasks, self.table.tasks[number]
        room: dict[int, list[int]] = {}
        todo, begun = [leaver.source], {number}
        self._move(room, leaver.source, leaver.release, add)
        while todo and len(begun) <= MANY:
            host = todo.pop()
            for other in sorted(self._to.get(host, ())):
                task = tasks[other]
                if other in begun or self._waits[other] or not all(map(le, task.need, room[host])):
                    continue
                begun.add(other)
                self._move(room, host, task.need, sub)
                if task.source != host and task.source >= 0:
                    self._move(room, task.source, task.release, add)
                    todo.append(task.source)
        self._move(room, leaver.target, leaver.need, sub)
        return len(begun) * (2 if min(room[leaver.target]) >= 0 else 1), room

    def _move(
        self, room: dict[int, list[int]], host: int, amounts: Iterable[int], change: Callable[[int, int], int]
    ) -> None:
        """Change a copy of the free room of a host."""
        now = room.get(host) or [row[host] for row in self.free]
        room[host] = list(map(change, now, amounts))

    def _may_detour(self, number: int) -> bool:
        return self.table.tasks[number].kind is Kind.MIGRATE and number not in self.table.rigid

    def _helps(self, number: int) -> bool:
        """Whether the departure lets a waiting task in."""
        task, tasks = self.table.tasks[number], self.table.tasks
        room = [free[task.source] + gain for free, gain in zip(self.free, task.release, strict=True)]
        for other in self._to.get(task.source, ()):
            if other == number:
                continue
            if all(map(le, tasks[other].need, room)):
                return True
        return False

    def _present(self) -> Draft:
        """Where VMs are now, in the shape that constraints restrict."""
        problem = self.table.problem
        host = list(problem.start)
        for number, task in enumerate(self.table.tasks):
            if self.starts[number] >= 0 and task.vm >= 0 and task.kind is not Kind.ALLOCATE:
                host[task.vm] = task.target
        return Draft(problem, host)

    def _shelter(self, number: int, draft: Draft | None) -> int:
        """The fullest host with room where a VM may stay for a while, -1 if there is none."""
        task, problem = self.table.tasks[number], self.table.problem
        allowed = self._steady.copy()
        allowed[[task.source, task.target]] = False
        for row, need in zip(self._rows, task.release, strict=True):
            allowed &= row >= need
        rules = [rule for rule in problem.constraints_of(task.vm) if rule.continuous] if allowed.any() else []
        if rules and draft is not None:
            final = self._final = self._final or Draft(problem, self.table.host)
            for view in (draft, final):
                back = view.remove(task.vm)
                for rule in rules:
                    rule.mask(task.vm, view, allowed)
                view.put(task.vm, back)
        if not allowed.any():
            return -1
        return int(np.where(allowed, self._shares(), np.inf).argmin())

    def _shares(self) -> FloatArray:
        """(H,) free room of hosts, as the sum of its shares of the largest host's capacity."""
        largest = self.table.problem.model.usable.max(axis=1, initial=1)
        shares: FloatArray = sum(
            (row / most for row, most in zip(self._rows, largest, strict=True)), np.zeros(len(self._steady))
        )
        return shares

    def _follow_up(self, number: int, later: int) -> None:
        """Register a second leg and start the first one."""
        self.starts.append(-1)
        self.preference.append(self.preference[number])
        self._waits.append(0)
        self._after.append([])
        self._pools_of.pop(number, None)
        self._to[self.table.tasks[later].target].discard(number)
        self._waits[number] = 0
        self._enlist(later)
        self._try([number])
