"""Schedules made shorter by pushing all tasks towards the end and then towards the beginning, again and again.

Source: Li and Willis, "An iterative scheduling technique for resource-constrained project scheduling" (EJOR 56, 1992);
Valls, Ballestin and Quintanilla, "Justification and RCPSP: a technique that pays" (EJOR 165, 2005).
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace

from placement.ledger import Entries, Ledger, ledger_of
from placement.schedule import Schedule

ROUNDS = 14
"""Times forth and back at most."""


def justified(schedule: Schedule, stop: Callable[[], bool] = bool) -> Schedule:
    """A schedule of the same tasks that is at most as long; the same one where nothing was gained.

    `stop` is asked after each time forth and back whether to be content.
    """
    table = schedule.table
    forward = ledger_of(table)
    if table.hold or table.alone or forward.overdrawn or _sheltered_by_rules(schedule):
        return schedule
    backward = forward.reversed()
    starts, span = early(forward, schedule.starts), 0
    for _ in range(ROUNDS):
        ends = [start + seconds for start, seconds in zip(starts, forward.seconds, strict=True)]
        if max(ends) == span or stop():
            break
        span = max(ends)
        late = early(backward, [-end for end in ends])
        starts = early(forward, [-start - seconds for start, seconds in zip(late, forward.seconds, strict=True)])
    found = replace(schedule, starts=starts)
    return min(schedule, found, key=lambda s: s.rank) if _keeps_times(found) else schedule


def _sheltered_by_rules(schedule: Schedule) -> bool:
    """Whether a VM on a detour was given a shelter that continuous constraints allow at one time and not at another."""
    table = schedule.table
    away = {task.vm for task in table.tasks[schedule.asked :]}
    return any(rule.continuous for vm in away for rule in table.problem.constraints_of(vm))


def _keeps_times(schedule: Schedule) -> bool:
    ends, latest = schedule.ends, schedule.table.latest
    return all(ends[n] <= latest[n] for n in latest) and not any(schedule.starts[n] for n in schedule.table.at_once)


def early(ledger: Ledger, starts: list[int]) -> list[int]:
    """Each task, in the order of the starts of a legal schedule, as early as those before it let it; never later."""
    accounts: dict[int, Account] = {}
    found = [0] * len(starts)
    for number in sorted(range(len(starts)), key=lambda n: (starts[n], n)):
        seconds = ledger.seconds[number]
        start = max((found[b] + ledger.seconds[b] for b in ledger.before[number]), default=0)
        takes, gives = ledger.takes[number], ledger.gives[number]
        for account, _ in (*takes, *gives):
            if account not in accounts:
                accounts[account] = Account(ledger.room[account])
        start = _fitting(accounts, takes, dict(gives), seconds, start)
        for account, amount in takes:
            accounts[account].change(start, -amount)
        for account, amount in gives:
            accounts[account].change(start + seconds, amount)
        found[number] = start
    return found


def _fitting(accounts: "dict[int, Account]", takes: Entries, back: dict[int, int], seconds: int, start: int) -> int:
    """The earliest instant from `start` on at which all accounts can give what a task takes."""
    while True:
        earlier = start
        for account, amount in takes:
            start = accounts[account].earliest(start, seconds, amount, back.get(account, 0))
        if start == earlier or len(takes) == 1:
            return start


class Account:
    """What is in an account from each of the `times` on."""

    def __init__(self, room: int) -> None:
        self.times = [0]
        self.room = [room]

    def change(self, time: int, amount: int) -> None:
        """From a time on there is so much more."""
        position = bisect_left(self.times, time)
        if position == len(self.times) or self.times[position] != time:
            self.times.insert(position, time)
            self.room.insert(position, self.room[position - 1])
        for later in range(position, len(self.room)):
            self.room[later] += amount

    def earliest(self, start: int, seconds: int, amount: int, back: int) -> int:
        """The first instant from `start` on from which an amount is there for good, less `back` after some seconds."""
        since = self._since(len(self.times), amount - back)
        if not back:
            return max(start, since)
        start = max(start, since - seconds)
        while True:
            blocked = self._since(bisect_left(self.times, start + seconds), amount)
            if blocked <= start:
                return start
            start = blocked

    def _since(self, position: int, amount: int) -> int:
        """Since when, before the position, an amount has been there without a break."""
        while position and self.room[position - 1] >= amount:
            position -= 1
        return self.times[position]
