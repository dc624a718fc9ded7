"""What tasks take from shared accounts and give back, and what follows for how early and how late they can be.

An account is the room of one resource on one host, or a pool. A task takes from accounts at its start and gives to
accounts at its end. Seen backwards in time the same tasks are a ledger again: what was given is taken.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from placement.draft import Draft
from placement.model import IntArray, Kind
from placement.timetable import Timetable

Entries = tuple[tuple[int, int], ...]
"""(account, amount) pairs."""


@dataclass(frozen=True)
class Ledger:
    """Tasks numbered 0..: `takes[n]` at the start, `gives[n]` at the end, and the tasks `before[n]` and `after[n]`.

    `room` is what is in the accounts at the start. Accounts that cannot be overdrawn in any order are left out.
    """

    seconds: Sequence[int]
    takes: Sequence[Entries]
    gives: Sequence[Entries]
    before: Sequence[Sequence[int]]
    after: Sequence[Sequence[int]]
    room: Sequence[int]

    @property
    def overdrawn(self) -> bool:
        """Whether there is less than nothing at the start in an account from which tasks take."""
        return any(self.room[account] < 0 for takes in self.takes for account, _ in takes)

    @property
    def entangled(self) -> int:
        """Number of tasks that others may have to wait for, or that may have to wait."""
        columns = zip(self.takes, self.gives, self.before, self.after, strict=True)
        return sum(any(column) for column in columns)

    @cached_property
    def borrowers(self) -> frozenset[int]:
        """Tasks that give back to an account from which they take."""
        pairs = zip(self.takes, self.gives, strict=True)
        return frozenset(n for n, (takes, gives) in enumerate(pairs) if dict(takes).keys() & dict(gives).keys())

    @cached_property
    def reversed(self) -> "Ledger":
        """The same tasks backwards in time."""
        room = list(self.room)
        for takes, gives in zip(self.takes, self.gives, strict=True):
            for account, amount in takes:
                room[account] -= amount
            for account, amount in gives:
                room[account] += amount
        return Ledger(self.seconds, self.gives, self.takes, self.after, self.before, room)


def room_now(table: Timetable) -> IntArray:
    """(R, H) what is free on hosts at the start; negative where a host is overloaded."""
    problem = table.problem
    room: IntArray = np.maximum(problem.model.usable, problem.limit) - Draft.load_now(problem)
    return room


def ledger_of(table: Timetable) -> Ledger:
    """The ledger of the tasks of a timetable."""
    hosts = table.problem.model.n_hosts
    room: list[int] = room_now(table).ravel().tolist() + [pool.limit - pool.used for pool in table.pools]
    takes = [_entries(task.need, task.target, hosts) for task in table.tasks]
    gives = [_entries(task.release, task.source, hosts) for task in table.tasks]
    for number, pool in enumerate(table.pools, len(room) - len(table.pools)):
        for entries, amounts in ((takes, pool.take), (gives, pool.give)):
            for task, amount in amounts.items():
                entries[task].append((number, amount))
    wanted = [0] * len(room)
    for entry in takes:
        for account, amount in entry:
            wanted[account] += amount
    after: list[list[int]] = [[] for _ in table.tasks]
    for number, before in enumerate(table.before):
        for other in before:
            after[other].append(number)

    def scarce(entries: list[tuple[int, int]]) -> Entries:
        return tuple(entry for entry in entries if wanted[entry[0]] > max(0, room[entry[0]]))

    return Ledger(
        [task.seconds for task in table.tasks],
        [scarce(entry) for entry in takes],
        [scarce(entry) for entry in gives],
        [sorted(before) for before in table.before],
        after,
        room,
    )


def _entries(amounts: Sequence[int], host: int, hosts: int) -> list[tuple[int, int]]:
    return [(resource * hosts + host, amount) for resource, amount in enumerate(amounts) if amount]


def earliest_ends(ledger: Ledger) -> list[int]:
    """Lower bound on the end of each task: it waits for what it needs, but nobody else takes any of it.

    Tasks that wait for one another in a cycle get their duration alone. Of the reversed ledger these are the times that
    must pass from the start of each task to the end of the plan.
    """
    room = list(ledger.room)
    waits = [len(before) for before in ledger.before]
    takers: dict[int, list[int]] = {}
    for number, takes in enumerate(ledger.takes):
        for account, _ in takes:
            takers.setdefault(account, []).append(number)
    ends = [-1] * len(waits)
    heap: list[tuple[int, int]] = []

    def consider(numbers: Sequence[int], now: int) -> None:
        for n in numbers:
            if ends[n] < 0 and not waits[n] and all(room[account] >= amount for account, amount in ledger.takes[n]):
                ends[n] = now + ledger.seconds[n]
                heapq.heappush(heap, (ends[n], n))

    consider(range(len(waits)), 0)
    while heap:
        now, number = heapq.heappop(heap)
        for other in ledger.after[number]:
            waits[other] -= 1
        consider(ledger.after[number], now)
        for account, amount in ledger.gives[number]:
            room[account] += amount
            consider(takers.get(account, ()), now)
    return [end if end >= 0 else seconds for end, seconds in zip(ends, ledger.seconds, strict=True)]


def least_span(table: Timetable) -> int:
    """Seconds that any plan takes that suspends nobody, detours or not; migrations must state their duration.

    A migrating VM is counted twice, and the hosts have no more than their free room for that; the migrations that share
    a pool have no more than the pool.
    """
    problem = table.problem
    stated = [t for t in table.tasks if t.kind is Kind.MIGRATE and problem.model.duration(Kind.MIGRATE, t.vm)]
    spans = [max((t.seconds for t in stated), default=0)]
    stays = problem.stays_possible
    for resource, capacity in enumerate(np.maximum(problem.model.usable, problem.limit)):
        load = np.minimum(problem.need, problem.model.vms.demand)[resource, stays].sum()
        full = np.maximum(capacity, Draft.load_now(problem)[resource])
        work = sum(min(t.need[resource], t.release[resource]) * t.seconds for t in stated)
        spans.append(-(-work // max(1, int(full.sum() - load))))
    for pool in table.pools:
        shared = [n for n, amount in pool.take.items() if pool.give.get(n) == amount and table.tasks[n] in stated]
        spans.append(-(-sum(pool.take[n] * table.tasks[n].seconds for n in shared) // max(1, pool.limit)))
    return max(spans)
