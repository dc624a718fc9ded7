"""Schedules made shorter by pushing all tasks towards the end and then towards the beginning, again and again.

Source: Li and Willis, "An iterative scheduling technique for resource-constrained project scheduling" (EJOR 56, 1992);
Valls, Ballestin and Quintanilla, "Justification and RCPSP: a technique that pays" (EJOR 165, 2005).
"""

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from placement.ledger import Entries, Ledger, ledger_of
from placement.schedule import Schedule
from placement.trajectory import FOREVER

ROUNDS = 12
"""Times forth and back at most."""
PATIENCE = 3
"""Times in a row that may gain nothing."""


def justified(schedule: Schedule, bound: int, stop: Callable[[], bool] = bool) -> Schedule:
    """A schedule of the same tasks that is at most as long; the same one where nothing was gained.

    No plan is shorter than `bound`, s. `stop` is asked after each time forth and back whether to be content.
    """
    table = schedule.table
    ledger = ledger_of(table)
    if table.hold or table.alone or ledger.overdrawn or _sheltered_by_rules(schedule):
        return schedule
    random = np.random.default_rng(0)
    found, idle = replace(schedule, starts=early(ledger, schedule.starts)), 0
    for _ in range(ROUNDS):
        span = found.makespan
        if span <= bound or idle == PATIENCE or stop():
            break
        found = replace(found, starts=shaken(ledger, found.starts, random))
        idle = idle + 1 if found.makespan == span else 0
    return min(schedule, found, key=lambda s: s.rank) if _keeps_times(found) else schedule


def _sheltered_by_rules(schedule: Schedule) -> bool:
    """Whether a VM on a detour was given a shelter that continuous constraints allow at one time and not at another."""
    table = schedule.table
    away = {task.vm for task in table.tasks[schedule.asked :]}
    return any(rule.continuous for vm in away for rule in table.problem.constraints_of(vm))


def _keeps_times(schedule: Schedule) -> bool:
    ends, latest = schedule.ends, schedule.table.latest
    return all(ends[n] <= latest[n] for n in latest) and not any(schedule.starts[n] for n in schedule.table.at_once)


def shaken(ledger: Ledger, starts: Sequence[int], random: np.random.Generator) -> list[int]:
    """Starts of another schedule that is no longer: pushed forth and back, tasks at the same time in any order."""
    noise = random.uniform(0, 0.5, len(starts)).tolist()
    ends = [-start - seconds + odd for start, seconds, odd in zip(starts, ledger.seconds, noise, strict=True)]
    late = early(ledger.reversed, ends)
    return early(ledger, [odd - end - s for end, s, odd in zip(late, ledger.seconds, noise, strict=True)])


def early(ledger: Ledger, starts: Sequence[float]) -> list[int]:
    """Each task, in the order of the starts of a legal schedule, as early as those before it let it; never later."""
    accounts = [Account(room) for room in ledger.room]
    ends = [0] * len(starts)
    for number in sorted(range(len(starts)), key=starts.__getitem__):
        takes, gives, seconds = ledger.takes[number], ledger.gives[number], ledger.seconds[number]
        start = 0
        for other in ledger.before[number]:
            start = max(start, ends[other])
        if number in ledger.borrowers:
            start = _fitting(accounts, takes, dict(gives), seconds, start)
        else:
            for account, amount in takes:
                start = max(start, accounts[account].since(amount))
        for account, amount in takes:
            accounts[account].change(start, -amount)
        ends[number] = end = start + seconds
        for account, amount in gives:
            accounts[account].change(end, amount)
    return [end - seconds for end, seconds in zip(ends, ledger.seconds, strict=True)]


def _fitting(accounts: "Sequence[Account]", takes: Entries, back: dict[int, int], seconds: int, start: int) -> int:
    """The earliest instant from `start` on at which all accounts can give what a task takes and partly gives back."""
    while True:
        earlier = start
        for account, amount in takes:
            start = accounts[account].earliest(start, seconds, amount, back.get(account, 0))
        if start == earlier:
            return start


class Account:
    """What is in an account once all its `changes`, (time, amount) in order of time, are over."""

    __slots__ = ("changes", "last")

    def __init__(self, room: int) -> None:
        self.changes: list[tuple[int, int]] = []
        self.last = room

    def change(self, time: int, amount: int) -> None:
        """From a time on there is so much more."""
        insort(self.changes, (time, amount))
        self.last += amount

    def since(self, amount: int, until: int = FOREVER) -> int:
        """The first instant from which an amount is there until some other instant."""
        room, since = self.last, -1
        for time, change in reversed(self.changes):
            if room < amount and time != since and time < until:
                return since
            room -= change
            since = time
        return since if room < amount else 0

    def earliest(self, start: int, seconds: int, amount: int, back: int) -> int:
        """The first instant from `start` on from which an amount is there for good, less `back` after some seconds."""
        start = max(start, self.since(amount - back) - (seconds if back else 0))
        while back and (later := self.since(amount, start + seconds)) > start:
            start = later
        return start
