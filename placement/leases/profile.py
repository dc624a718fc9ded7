"""Arithmetic of the slot table: what is in use over time, peaks, windows, free capacity at each change point."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from placement.leases.claims import Amounts, Places, Taken
from placement.leases.model import FOREVER

_TIME = FOREVER.bit_length()
"""Host and time are packed into one number, the time in this many bits; no time is larger than `FOREVER`."""

_TIMES = (1 << _TIME) - 1


def _totals(places: Places, amounts: Amounts, size: int) -> Amounts:
    """Sum of `amounts` by place; exact, because the sums stay below 2**53."""
    columns = [np.bincount(places, amounts[:, c], size) for c in range(amounts.shape[1])]
    return np.stack(columns, axis=1).astype(np.int64)


def sum_by_host(taken: Taken, hosts: int) -> Amounts:
    """All that is taken on every host."""
    return _totals(taken.host, taken.amounts, hosts)


@dataclass(frozen=True, slots=True)
class History:
    """What is in use on each host over time: one entry for each host and instant at which that changes.

    Entries are sorted by host, then by time, which `key` packs into one number; `used[i]` is in use from then until
    the next entry of that host. Every host has an entry at the beginning.
    """

    key: Places
    used: Amounts

    @classmethod
    def of(cls, taken: Taken, hosts: Places, start: int) -> "History":
        """What of `taken` is in use from `start` on, on `hosts` (sorted)."""
        places = np.full(int(max(hosts.max(initial=0), taken.host.max(initial=0))) + 1, -1)
        places[hosts] = np.arange(len(hosts))
        taken = taken.only(places[taken.host] >= 0)
        place = places[taken.host] << _TIME
        first = (np.arange(len(hosts)) << _TIME) + start
        key = np.concatenate([first, place + np.maximum(taken.start, start), place + taken.end])
        idle = np.zeros((len(hosts), taken.amounts.shape[1]), dtype=np.int64)
        order = key.argsort()
        key = key[order]
        used = np.concatenate([idle, taken.amounts, -taken.amounts]).take(order, axis=0).cumsum(axis=0)
        last = np.flatnonzero(_changes(key[::-1])[::-1])
        return cls(key[last], used.take(last, axis=0))

    @property
    def place(self) -> Places:
        """For each entry the position of its host among the hosts looked at."""
        return self.key >> _TIME

    def busiest(self) -> Amounts:
        """The largest amount in use at any instant, for each host."""
        return np.maximum.reduceat(self.used, np.flatnonzero(_changes(self.place)), axis=0)


def _changes(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """For each of `values` whether it is the first or differs from the one before."""
    found = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return found


def least_over_windows(history: History, values: Places, starts: Places, length: int) -> Places:
    """For each of `starts` (sorted, s), the sum over hosts of the least of `values` during [start, start + length).

    `values` has one number from 0 on for each entry of `history`, which begins at the first of `starts`. The least
    value on a host changes only where an entry leaves the window or comes into it, so that the cost grows with the
    number of entries, not with hosts times starts.
    """
    if not len(values):
        return np.zeros(len(starts), dtype=np.int64)
    key, values = _for_windows(history.key, values, length)
    time = key & _TIMES
    leaves, comes = time <= starts[-1], (time >= starts[0] + length) & (time < starts[-1] + length)
    changes = np.sort(np.concatenate([key[leaves], key[comes] - (length - 1)]))
    time = changes & _TIMES
    first = np.searchsorted(key, changes, "right") - 1
    last = np.searchsorted(key, changes - time + np.minimum(time + length, FOREVER))
    windows = np.stack([first, last], axis=1).ravel()
    least = np.minimum.reduceat(np.append(values, 0), windows)[::2]
    gains = np.where(_changes(changes >> _TIME), least, np.diff(least, prepend=0))
    sums: Places = np.bincount(np.searchsorted(starts, time), gains, len(starts)).cumsum().astype(np.int64)
    return sums


def _for_windows(key: Places, values: Places, length: int) -> tuple[Places, Places]:
    """The entries that matter to windows: no stretch above 0 that is too short for one, nothing that stays equal."""
    place, time = key >> _TIME, key & _TIMES
    edges = np.flatnonzero(_changes(place) | _changes(values > 0))
    following = np.append(edges[1:], 0)
    ends = np.where(place[following] == place[edges], time[following], FOREVER)
    ends[-1:] = FOREVER
    short = ends < np.minimum(time[edges] + length, FOREVER)
    values = np.where(np.repeat(short, np.diff(np.append(edges, len(values)))), 0, values)
    changing = _changes(place) | _changes(values)
    return key[changing], values[changing]


def least_so_far(history: History, values: Places, enough: int) -> int:
    """When the sum over hosts of the least of `values` so far first is below `enough` (s); `FOREVER` if never."""
    opens = _changes(history.place)
    below = history.place * (int(values.max(initial=0)) + 1)
    least = np.minimum.accumulate(values - below) + below
    losses = np.where(opens, 0, np.diff(least, prepend=0))
    time = history.key & _TIMES
    order = time.argsort(kind="stable")
    short = np.flatnonzero(values[opens].sum() + losses[order].cumsum() < enough)
    return int(time[order[short[0]]]) if len(short) else FOREVER


@dataclass(frozen=True, slots=True)
class Profile:
    """What is free over time: `free[k, host, column]` from `times[k]` to the next of `times`, the last to the end."""

    times: Places
    free: Amounts

    @classmethod
    def of(cls, taken: Taken, capacity: Amounts, interval: tuple[int, int]) -> "Profile":
        """The profile of `capacity` less what is taken over `interval`."""
        begin, end = interval
        starts, ends = np.maximum(taken.start, begin), taken.end
        times = np.unique(np.concatenate([[begin], starts, ends[ends < end]]))
        hosts, size = capacity.shape[0], len(times) + 1
        gained = np.searchsorted(times, starts) * hosts + taken.host
        lost = np.where(ends < end, np.searchsorted(times, ends), len(times)) * hosts + taken.host
        changes = np.concatenate([taken.amounts, -taken.amounts])
        deltas = _totals(np.concatenate([gained, lost]), changes, size * hosts).reshape(size, hosts, -1)[:-1]
        return cls(times, capacity - np.cumsum(deltas, axis=0))

    def shrinking(self) -> Amounts:
        """For each step, what is left from the beginning of the profile through that step."""
        lowest: Amounts = np.minimum.accumulate(self.free, axis=0)
        return lowest
