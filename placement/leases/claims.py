"""The claims of all reservations in flat arrays, so that questions about all hosts at once cost few operations."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Amounts = npt.NDArray[np.int64]
"""Amounts with one column per resource instance in the last dimension."""

Places = npt.NDArray[np.int64]

_NEVER = -1


@dataclass(frozen=True, slots=True)
class Taken:
    """Claims as rows: `amounts[i]` of host `host[i]` are taken during [start[i], end[i])."""

    start: Places
    end: Places
    host: Places
    amounts: Amounts

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Taken":
        """The chosen rows."""
        rows = np.flatnonzero(chosen)
        return Taken(self.start[rows], self.end[rows], self.host[rows], self.amounts.take(rows, axis=0))


class Claims:
    """Start and end of every reservation by a number given out for it, and its claims as adjacent rows."""

    def __init__(self, columns: int) -> None:
        self._start = np.full(16, _NEVER, dtype=np.int64)
        self._end = np.full(16, _NEVER, dtype=np.int64)
        self._first = np.zeros(16, dtype=np.int64)
        self._count = np.zeros(16, dtype=np.int64)
        self._free = list(range(16))
        self._host = np.zeros(64, dtype=np.int64)
        self._amounts = np.zeros((64, columns), dtype=np.int64)
        self._top = 0

    def add(self, start: int, end: int, hosts: Places, amounts: Amounts) -> int:
        """Store the claims of one reservation; returns its number."""
        if not self._free:
            self._more_numbers()
        number, first = self._free.pop(), self._room_for(len(hosts))
        self._start[number], self._end[number] = start, end
        self._first[number], self._count[number] = first, len(hosts)
        self._host[first : self._top] = hosts
        self._amounts[first : self._top] = amounts
        return number

    def remove(self, number: int) -> None:
        """Give a number back; its rows are free at once if they are the last, as after a trial, else with time."""
        if self._first[number] + self._count[number] == self._top:
            self._top = int(self._first[number])
        self._start[number] = self._end[number] = _NEVER
        self._count[number] = 0
        self._free.append(number)

    def holding(self, start: int, end: int) -> Places:
        """The numbers of the reservations that hold at some instant of [start, end)."""
        return np.flatnonzero((self._start < end) & (self._end > start))

    def taken(self, numbers: Places) -> Taken:
        """What these reservations take."""
        counts = self._count[numbers]
        rows = self._rows(numbers)
        start, end = np.repeat(self._start[numbers], counts), np.repeat(self._end[numbers], counts)
        return Taken(start, end, self._host[rows], self._amounts.take(rows, axis=0))

    def _rows(self, numbers: Places) -> Places:
        counts = self._count[numbers]
        ends = np.cumsum(counts)
        rows: Places = np.repeat(self._first[numbers] - ends + counts, counts) + np.arange(counts.sum())
        return rows

    def _more_numbers(self) -> None:
        size = len(self._start)
        self._free += range(size, 2 * size)
        self._start = np.concatenate([self._start, np.full(size, _NEVER)])
        self._end = np.concatenate([self._end, np.full(size, _NEVER)])
        self._first = np.concatenate([self._first, np.zeros(size, dtype=np.int64)])
        self._count = np.concatenate([self._count, np.zeros(size, dtype=np.int64)])

    def _room_for(self, count: int) -> int:
        if self._top + count > len(self._host):
            self._close_gaps(count)
        first, self._top = self._top, self._top + count
        return first

    def _close_gaps(self, count: int) -> None:
        """Move all rows in use together, with room for as many again."""
        numbers = np.flatnonzero(self._count)
        rows, counts = self._rows(numbers), self._count[numbers]
        self._first[numbers] = np.cumsum(counts) - counts
        self._top = len(rows)
        room = np.zeros(self._top + count, dtype=np.int64)
        self._host = np.concatenate([self._host[rows], room])
        self._amounts = np.concatenate([self._amounts[rows], np.zeros((len(room), self._amounts.shape[1]), np.int64)])
