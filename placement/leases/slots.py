"""The slot table: which resources of which host are reserved from when to when, and what is left at any time.

Intervals are half-open: a reservation [a, b) gives its resources back at b. The reservations are kept sorted by
start and by end; their claims on hosts lie in flat arrays, so that questions about all hosts at once cost a few
vector operations. After a trial that is not kept the table equals the one before.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np

from placement.leases.claims import Amounts, Claims, Places, Taken
from placement.leases.errors import LeaseError, OverCapacityError, TokenReusedError
from placement.leases.journal import Journal, Ledger, Trial
from placement.leases.model import FOREVER
from placement.leases.profile import History, Profile, least_over_windows, least_so_far, sum_by_host
from placement.leases.reservations import Claim, Reservation

Fitting = Callable[[Amounts], Places]
"""How many nodes fit into each row of what is left."""


@dataclass(slots=True)
class _Entry:
    reservation: Reservation
    hosts: Places
    amounts: Amounts
    number: int = -1
    begun: bool = False


class SlotTable:
    """Reservations over `capacity`, an array of one row per host and one column per resource instance."""

    def __init__(self, capacity: Amounts, journal: Journal | None = None) -> None:
        self.capacity = np.array(capacity, dtype=np.int64)
        self.hosts, self.columns = self.capacity.shape
        self.version = 0
        self._journal = journal if journal is not None else Journal()
        self._entries: dict[str, _Entry] = {}
        self._by_start: list[tuple[int, str]] = []
        self._by_end: list[tuple[int, str]] = []
        self._waiting: list[tuple[int, str]] = []
        self._by_lease: dict[str, set[str]] = {}
        self._tokens: Ledger[str, tuple[Reservation, ...]] = Ledger(self._journal)
        self._claims = Claims(self.columns)
        self._asked: tuple[int, int, int, tuple[str, ...]] | None = None
        self._left = self.capacity
        self._numbered: dict[int, str] = {}

    def what_if(self) -> AbstractContextManager[Trial]:
        """A trial: what is reserved and released inside is taken back unless the trial is kept."""
        return self._journal.trial()

    def reserve(self, reservation: Reservation) -> None:
        """Add a reservation.

        Raises:
            LeaseError: its key is taken, it ends before it begins, or it names a host that does not exist.
            OverCapacityError: a host has not enough left at some instant of it.
        """
        if reservation.key in self._entries:
            raise LeaseError(f"reservation {reservation.key} exists already; release it first or choose another key")
        if not 0 <= reservation.start < reservation.end <= FOREVER:
            raise LeaseError(f"reservation {reservation.key}: [{reservation.start}, {reservation.end}) is no interval")
        hosts, amounts = self._arrays(reservation)
        self._check_room(reservation, hosts, amounts)
        self._insert(_Entry(reservation, hosts, amounts))
        self._journal.note(lambda: self._remove(reservation.key))

    def release(self, key: str) -> Reservation:
        """Take a reservation out and return it; its resources are free again for its whole interval."""
        if key not in self._entries:
            raise LeaseError(f"there is no reservation {key} in the table")
        entry = self._remove(key)
        self._journal.note(lambda: self._insert(entry))
        return entry.reservation

    def amend(self, key: str, *, end: int | None = None, claims: tuple[Claim, ...] | None = None) -> Reservation:
        """Let a reservation end at another time or claim something else; whether it has begun stays as it is.

        Raises:
            OverCapacityError: a host has not enough left for it then; nothing is changed.
        """
        with self.what_if() as trial:
            begun = self._entries[key].begun
            before = self.release(key)
            changed = replace(
                before, end=before.end if end is None else end, claims=before.claims if claims is None else claims
            )
            self.reserve(changed)
            if begun:
                self.begin(key)
            trial.keep()
        return changed

    def commit(self, token: str, reservations: Iterable[Reservation]) -> tuple[Reservation, ...]:
        """Add all `reservations` or none, once: the same token again changes nothing and returns what it stands for.

        Raises:
            TokenReusedError: the token already stands for other reservations.
            OverCapacityError: they do not all fit.
        """
        wanted = tuple(reservations)
        if token in self._tokens:
            if self._tokens[token] != wanted:
                raise TokenReusedError(f"token {token} already stands for other reservations; use a new one")
            return wanted
        with self.what_if() as trial:
            for reservation in wanted:
                self.reserve(reservation)
            self._tokens.put(token, wanted)
            trial.keep()
        return wanted

    def tokens(self) -> dict[str, tuple[Reservation, ...]]:
        """What every commit token stands for."""
        return dict(self._tokens)

    def restore_tokens(self, tokens: dict[str, tuple[Reservation, ...]]) -> None:
        """Take over the commit tokens of a saved table."""
        self._tokens.update(tokens)

    def set_capacity(self, host: int, amounts: Sequence[int]) -> None:
        """Change what a host offers from now on (all zero: it failed); reservations on it are the caller's concern."""
        before = self.capacity[host].copy()
        self.capacity[host] = amounts
        self.version += 1
        self._journal.note(lambda: self.set_capacity(host, before.tolist()))

    def begin(self, key: str) -> None:
        """Mark a reservation as begun; it no longer waits for its start."""
        entry = self._entries[key]
        waiting = (entry.reservation.start, key)
        entry.begun = True
        del self._waiting[bisect_left(self._waiting, waiting)]
        self._journal.note(lambda: self._unbegin(entry))

    def begun(self, key: str) -> bool:
        """Whether the reservation has been marked as begun."""
        return self._entries[key].begun

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SlotTable) and self._contents() == other._contents()

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __getitem__(self, key: str) -> Reservation:
        return self._entries[key].reservation

    def __iter__(self) -> Iterator[Reservation]:
        """All reservations by start, then by key."""
        return (self[key] for _, key in self._by_start)

    def of_lease(self, lease: str) -> list[Reservation]:
        """The reservations of one lease by start."""
        return sorted((self[key] for key in self._by_lease.get(lease, ())), key=lambda r: (r.start, r.end, r.key))

    def at(self, time: int) -> list[Reservation]:
        """The reservations that hold at `time`, by start."""
        return self.overlapping(time, time + 1)

    def overlapping(self, start: int, end: int) -> list[Reservation]:
        """The reservations that hold at some instant of [start, end), by start."""
        found = (self[self._numbered[number]] for number in self._claims.holding(start, end).tolist())
        return sorted(found, key=lambda r: (r.start, r.key))

    def starting(self, start: int, end: int = FOREVER) -> list[Reservation]:
        """The reservations that start in [start, end), by start."""
        return [self[key] for _, key in _between(self._by_start, start, end)]

    def ending(self, start: int, end: int = FOREVER) -> list[Reservation]:
        """The reservations that end in [start, end), by end."""
        return [self[key] for _, key in _between(self._by_end, start, end)]

    def end_times(self, after: int, until: int = FOREVER) -> Iterator[int]:
        """The distinct times in (after, until) at which a reservation ends, in order; no change may come between."""
        last = after
        for place in range(bisect_left(self._by_end, (after + 1, "")), len(self._by_end)):
            time = self._by_end[place][0]
            if time >= until:
                return
            if time > last:
                last = time
                yield time

    def change_points(self, after: int, until: int = FOREVER, hosts: Iterable[int] | None = None) -> list[int]:
        """The distinct times in (after, until) at which a reservation (on one of `hosts`) starts or ends, in order."""
        wanted = None if hosts is None else set(hosts)
        changing = [(r.start, r) for r in self.starting(after + 1, until)]
        changing += [(r.end, r) for r in self.ending(after + 1, until)]
        return sorted({time for time, r in changing if wanted is None or any(host in wanted for host, _ in r.claims)})

    def next_start(self) -> tuple[int, str] | None:
        """Time and key of the first reservation that has not been marked as begun."""
        return self._waiting[0] if self._waiting else None

    def next_end(self) -> tuple[int, str] | None:
        """Time and key of the reservation that ends first."""
        return self._by_end[0] if self._by_end else None

    def free_at(self, time: int) -> Amounts:
        """What every host has left at `time`."""
        return self.floor(time, time + 1)

    def floor(self, start: int, end: int, without: Iterable[str] = ()) -> Amounts:
        """What every host has left during the whole of [start, end), if the leases `without` were not there.

        The last answer is kept, because what was found to fit is reserved next.
        """
        question = (self.version, start, end, tuple(without))
        if self._asked != question:
            self._left = self.capacity - self._peak(self._taken(start, end, question[3]), start)
            self._left.flags.writeable = False
            self._asked = question
        return self._left

    def fitting_over(self, starts: Sequence[int], length: int, hosts: Places, fitting: Fitting) -> Places:
        """For each of `starts` (sorted, s), how many nodes fit on `hosts` (sorted) during [start, start + length).

        The sum is exact for needs of single instances; for several, which may be free on different instances at
        different times, it is the most there can be.
        """
        taken = self._taken(starts[0], min(starts[-1] + length, FOREVER))
        history, values = self._room(taken, starts[0], hosts, fitting)
        return least_over_windows(history, values, np.asarray(starts), length)

    def fitting_until(self, start: int, end: int, hosts: Places, fitting: Fitting, count: int) -> int:
        """Until when `count` nodes fit from `start` on, `FOREVER` if beyond `end`; exact as `fitting_over` is."""
        history, values = self._room(self._taken(start, end), start, hosts, fitting)
        return least_so_far(history, values, count) if len(hosts) else start

    def _room(self, taken: Taken, start: int, hosts: Places, fitting: Fitting) -> tuple[History, Places]:
        """How many nodes fit on each host over time."""
        history = History.of(taken, hosts, start)
        return history, fitting(self.capacity.take(hosts[history.place], axis=0) - history.used)

    def profile(self, start: int, end: int, without: Iterable[str] = ()) -> Profile:
        """What every host has left at each change point of [start, end), if the leases `without` were not there."""
        return Profile.of(self._taken(start, end, without), self.capacity, (start, end))

    def _taken(self, start: int, end: int, without: Iterable[str] = ()) -> Taken:
        numbers = self._claims.holding(start, end)
        others = [self._entries[key].number for lease in without for key in self._by_lease.get(lease, ())]
        return self._claims.taken(numbers[~np.isin(numbers, others)] if others else numbers)

    def _peak(self, taken: Taken, start: int) -> Amounts:
        """The most that is taken on every host at any instant from `start` on; only some hosts see changes."""
        from_start = taken.start <= start
        if from_start.all():
            return sum_by_host(taken, self.hosts)
        used = sum_by_host(taken.only(from_start), self.hosts)
        changing = np.zeros(self.hosts, dtype=bool)
        changing[taken.host[~from_start]] = True
        hosts = np.flatnonzero(changing)
        used[hosts] = History.of(taken, hosts, start).busiest()
        return used

    def unchanged_until(self, time: int) -> Places:
        """For every host, how long what is free at `time` stays as it is (seconds; `FOREVER` if for good)."""
        found = np.full(self.hosts, FOREVER, dtype=np.int64)
        taken = self._taken(time, FOREVER)
        np.minimum.at(found, taken.host, np.where(taken.start > time, taken.start, taken.end))
        return found

    def is_full(self, column: int, time: int) -> bool:
        """Whether no host has anything left of one resource at `time`."""
        return bool((self.free_at(time)[:, column] <= 0).all())

    def overbooked(self) -> list[tuple[int, int, int]]:
        """Sanity check: every (time, host, column) where more is reserved than there is; empty when all is well."""
        if not self._by_start:
            return []
        profile = self.profile(self._by_start[0][0], FOREVER)
        return [(int(profile.times[k]), int(h), int(c)) for k, h, c in np.argwhere(profile.free < 0)]

    def _contents(self) -> tuple[object, ...]:
        entries = [(self[key], self._entries[key].begun) for _, key in self._by_start]
        return (self.capacity.tolist(), entries, self._by_end, self._waiting, dict(self._tokens))

    def _unbegin(self, entry: _Entry) -> None:
        entry.begun = False
        insort(self._waiting, (entry.reservation.start, entry.reservation.key))

    def _check_room(self, reservation: Reservation, hosts: Places, amounts: Amounts) -> None:
        if amounts.min(initial=0) < 0:
            raise LeaseError(f"reservation {reservation.key}: give amounts from 0 on")
        if hosts.min(initial=0) < 0 or hosts.max(initial=0) >= self.hosts or np.bincount(hosts).max(initial=0) > 1:
            raise LeaseError(f"reservation {reservation.key} names a host twice or one that does not exist")
        left = self.floor(reservation.start, reservation.end).take(hosts, axis=0)
        short = (amounts > np.maximum(left, 0)).any(axis=1)
        if short.any():
            host = int(hosts[short.argmax()])
            raise OverCapacityError(f"reservation {reservation.key}: host {host} has not enough left at some instant")

    def _arrays(self, reservation: Reservation) -> tuple[Places, Amounts]:
        """The claims of a reservation that take anything."""
        hosts = np.array([host for host, _ in reservation.claims], dtype=np.int64)
        if set(map(len, (amounts for _, amounts in reservation.claims))) - {self.columns}:
            raise LeaseError(f"reservation {reservation.key}: give {self.columns} amounts for each host")
        amounts = np.array([amounts for _, amounts in reservation.claims], dtype=np.int64).reshape(-1, self.columns)
        some = amounts.any(axis=1)
        return hosts[some], amounts.compress(some, axis=0)

    def _insert(self, entry: _Entry) -> None:
        r = entry.reservation
        entry.number = self._claims.add(r.start, r.end, entry.hosts, entry.amounts)
        self._numbered[entry.number] = r.key
        self._entries[r.key] = entry
        insort(self._by_start, (r.start, r.key))
        insort(self._by_end, (r.end, r.key))
        if not entry.begun:
            insort(self._waiting, (r.start, r.key))
        self._by_lease.setdefault(r.lease, set()).add(r.key)
        self.version += 1

    def _remove(self, key: str) -> _Entry:
        entry = self._entries.pop(key)
        r = entry.reservation
        self._claims.remove(entry.number)
        del self._numbered[entry.number]
        del self._by_start[bisect_left(self._by_start, (r.start, key))]
        del self._by_end[bisect_left(self._by_end, (r.end, key))]
        if not entry.begun:
            del self._waiting[bisect_left(self._waiting, (r.start, key))]
        self._by_lease[r.lease].discard(key)
        if not self._by_lease[r.lease]:
            del self._by_lease[r.lease]
        self.version += 1
        return entry


def _between(ordered: list[tuple[int, str]], start: int, end: int) -> list[tuple[int, str]]:
    return ordered[bisect_left(ordered, (start, "")) : bisect_left(ordered, (end, ""))]
