"""Schedules made shorter by pushing all tasks towards the end and then towards the beginning, again and again.

Source: Li and Willis, "An iterative scheduling technique for resource-constrained project scheduling" (EJOR 56, 1992);
Valls, Ballestin and Quintanilla, "Justification and RCPSP: a technique that pays" (EJOR 165, 2005).
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
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
    accounts = [Account(room) for room in ledger.room]
    ends = [0] * len(starts)
    for number in sorted(range(len(starts)), key=starts.__getitem__):
        takes, gives, seconds = ledger.takes[number], ledger.gives[number], ledger.seconds[number]
        start = max([ends[other] for other in ledger.before[number]], default=0)
        if number in ledger.borrowers:
            start = _fitting(accounts, takes, dict(gives), seconds, start)
        else:
            start = max([start, *[accounts[account].since(amount) for account, amount in takes]])
        for account, amount in takes:
            accounts[account].change(start, -amount)
        ends[number] = start + seconds
        for account, amount in gives:
            accounts[account].change(start + seconds, amount)
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
    """What is in an account from each of the `times` on."""

    __slots__ = ("room", "times")

    def __init__(self, room: int) -> None:
        self.times = [0]
        self.room = [room]

    def change(self, time: int, amount: int) -> None:
        """From a time on there is so much more."""
        times, room = self.times, self.room
        position = len(times)
        while times[position - 1] > time:
            position -= 1
        if times[position - 1] == time:
            position -= 1
        else:
            times.insert(position, time)
            room.insert(position, room[position - 1])
        for later in range(position, len(room)):
            room[later] += amount

    def since(self, amount: int) -> int:
        """The first instant from which an amount is there for good."""
        room = self.room
        position = len(room)
        while position and room[position - 1] >= amount:
            position -= 1
        return self.times[position]

    def earliest(self, start: int, seconds: int, amount: int, back: int) -> int:
        """The first instant from `start` on from which an amount is there for good, less `back` after some seconds."""
        start = max(start, self.since(amount - back) - (seconds if back else 0))
        while back:
            position = bisect_left(self.times, start + seconds)
            while position and self.room[position - 1] >= amount:
                position -= 1
            if self.times[position] <= start:
                break
            start = self.times[position]
        return start
