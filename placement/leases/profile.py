"""Arithmetic of the slot table: claims as flat rows, peaks over an interval, free capacity at each change point."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from placement.leases.model import FOREVER
from placement.leases.reservations import Reservation

Amounts = npt.NDArray[np.int64]
"""Amounts with one column per resource instance in the last dimension."""

Places = npt.NDArray[np.int64]


class Rows:
    """Every claim of every reservation as one row of flat arrays; a row given back is used again."""

    def __init__(self, columns: int) -> None:
        self.start = np.full(64, FOREVER, dtype=np.int64)
        self.end = np.full(64, -1, dtype=np.int64)
        self.host = np.zeros(64, dtype=np.int64)
        self.amounts = np.zeros((64, columns), dtype=np.int64)
        self.owner = [""] * 64
        self._free: list[int] = []
        self._top = 0

    def add(self, reservation: Reservation) -> list[int]:
        """Store the claims of a reservation that take anything; returns their rows."""
        claims = [claim for claim in reservation.claims if any(claim[1])]
        if not claims:
            return []
        rows = self._take(len(claims))
        self.start[rows] = reservation.start
        self.end[rows] = reservation.end
        self.host[rows] = [host for host, _ in claims]
        self.amounts[rows] = [amounts for _, amounts in claims]
        for row in rows:
            self.owner[row] = reservation.key
        return rows

    def remove(self, rows: list[int]) -> None:
        """Give rows back."""
        if rows:
            self.start[rows] = FOREVER
            self.end[rows] = -1
            self._free += rows

    def overlapping(self, start: int, end: int, without: list[int]) -> Places:
        """The rows that hold at some instant of [start, end), except those of `without`."""
        mask = (self.start[: self._top] < end) & (self.end[: self._top] > start)
        mask[without] = False
        return np.flatnonzero(mask)

    def _take(self, count: int) -> list[int]:
        keep = max(0, len(self._free) - count)
        rows, self._free = self._free[keep:], self._free[:keep]
        fresh = count - len(rows)
        while self._top + fresh > len(self.start):
            self._grow()
        rows += range(self._top, self._top + fresh)
        self._top += fresh
        return rows

    def _grow(self) -> None:
        size = len(self.start)
        self.start = np.concatenate([self.start, np.full(size, FOREVER, dtype=np.int64)])
        self.end = np.concatenate([self.end, np.full(size, -1, dtype=np.int64)])
        self.host = np.concatenate([self.host, np.zeros(size, dtype=np.int64)])
        self.amounts = np.concatenate([self.amounts, np.zeros_like(self.amounts)])
        self.owner += [""] * size


def _totals(places: Places, amounts: Amounts, size: int) -> Amounts:
    """Sum of `amounts` by place; exact, because the sums stay below 2**53."""
    columns = [np.bincount(places, amounts[:, c], size) for c in range(amounts.shape[1])]
    return np.stack(columns, axis=1).astype(np.int64)


def sum_by_host(rows: Rows, which: Places, hosts: int) -> Amounts:
    """The sum of the rows `which` on every host."""
    return _totals(rows.host[which], rows.amounts[which], hosts)


def busiest(rows: Rows, which: Places, start: int) -> Amounts:
    """The largest amount in use at any instant from `start` on, for each host that occurs in `which`, in order.

    Gains and losses of every host are summed in order of time, losses first, because intervals are half-open.
    """
    hosts = np.concatenate([rows.host[which], rows.host[which]])
    times = np.concatenate([np.maximum(rows.start[which], start), rows.end[which]])
    changes = np.concatenate([rows.amounts[which], -rows.amounts[which]])
    gains = np.repeat([1, 0], len(which))
    order = np.lexsort((gains, times, hosts))
    hosts = hosts[order]
    running = np.cumsum(changes[order], axis=0)
    first = np.flatnonzero(np.concatenate([[True], hosts[1:] != hosts[:-1]]))
    return np.maximum.reduceat(running, first, axis=0)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is free over time: `free[k, host, column]` from `times[k]` to the next of `times`, the last to `end`."""

    times: Places
    free: Amounts
    end: int

    @classmethod
    def of(cls, rows: Rows, which: Places, capacity: Amounts, interval: tuple[int, int]) -> "Profile":
        """The profile of `capacity` less the rows `which` over `interval`."""
        begin, end = interval
        starts = np.maximum(rows.start[which], begin)
        ends = rows.end[which]
        times = np.unique(np.concatenate([[begin], starts, ends[ends < end]]))
        hosts, size = capacity.shape[0], len(times) + 1
        gained = np.searchsorted(times, starts) * hosts + rows.host[which]
        lost = np.where(ends < end, np.searchsorted(times, ends), len(times)) * hosts + rows.host[which]
        places = np.concatenate([gained, lost])
        changes = np.concatenate([rows.amounts[which], -rows.amounts[which]])
        deltas = _totals(places, changes, size * hosts).reshape(size, hosts, -1)[:-1]
        return cls(times, capacity - np.cumsum(deltas, axis=0), end)

    def floor(self, start: int, end: int) -> Amounts:
        """What every host has left during the whole of [start, end), which lies within the profile."""
        lowest: Amounts = self.free[self.slice(start, end)].min(axis=0)
        return lowest

    def slice(self, start: int, end: int) -> slice:
        """The steps that touch [start, end)."""
        first = int(np.searchsorted(self.times, start, "right")) - 1
        return slice(first, max(first + 1, int(np.searchsorted(self.times, end))))

    def shrinking(self) -> Amounts:
        """For each step, what is left from the beginning of the profile through that step."""
        lowest: Amounts = np.minimum.accumulate(self.free, axis=0)
        return lowest

    @staticmethod
    def affordable(points: int, capacity: Sequence[int]) -> bool:
        """Whether a profile with so many change points is small enough to be held at once."""
        return points * capacity[0] * capacity[1] <= 4_000_000
