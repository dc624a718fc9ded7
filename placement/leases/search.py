"""When and where a lease can run: exactly at a time, as soon as possible, or in part before it has to give way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from placement.leases.book import Book
from placement.leases.claims import Amounts
from placement.leases.exclusion import last_suspension, may_resume
from placement.leases.images import hosts_ready
from placement.leases.lease import Lease
from placement.leases.mapping import Mapping, place, place_again
from placement.leases.model import FOREVER, Kind
from placement.leases.settings import Migration, Suspension

_FIRST_BATCH = 32
_LARGEST_BATCH = 256


@dataclass(frozen=True, slots=True)
class Draft:
    """A run that fits but is not reserved yet; times as in `Plan`."""

    mapping: Mapping
    begin: int
    start: int
    end: int
    after: int
    suspends: bool = False
    future: bool = False
    fixed: bool = False
    victims: tuple[str, ...] = ()


def may_suspend(book: Book, lease: Lease) -> bool:
    """Whether suspending this lease is possible at all: by the settings, its nodes and its kind."""
    mode = book.settings.suspension
    return mode is Suspension.ALL or (mode is Suspension.SERIAL and lease.request.nodes == 1)


def may_be_interrupted(book: Book, lease: Lease) -> bool:
    """Whether a run may be planned that has to give way: preemptible best effort, and suspension is possible."""
    request = lease.request
    return request.kind is Kind.BEST_EFFORT and request.preemptible and may_suspend(book, lease)


def threshold(book: Book, suspend: int, resume: int) -> int:
    """The least time on the hosts, in seconds, for which a run that will be interrupted is worth starting."""
    if book.settings.threshold is not None:
        return book.settings.threshold
    safe = suspend + resume
    return safe + round(book.settings.threshold_factor * safe)


class Search:
    """One lease looking for hosts, from `now` on, with the table as it is."""

    def __init__(self, book: Book, lease: Lease, now: int, *, whole: bool = True, exact: int | None = None) -> None:
        self._book = book
        self._lease = lease
        self._whole = whole
        self._shapes = book.ask(lease.request).shapes
        self._memory = lease.request.memory()
        self._hosts = book.ask(lease.request).hosts
        self._ready: npt.NDArray[np.int64] | None = None
        self._anywhere = now
        if lease.saved is not None:
            self._anywhere = self._may_move_from(now)
        else:
            self._ready = hosts_ready(book, lease, now, exact)
        self._resume = self._resume_on(lease.saved) if lease.saved else 0

    @property
    def need(self) -> int:
        """Seconds on the hosts for the whole run with its overheads, as far as known before hosts are chosen."""
        return min(self._resume + self._lease.remaining + self._book.settings.overheads.shutdown, FOREVER)

    def soonest(self, earliest: int, *, future: bool, before: int = FOREVER) -> Draft | None:
        """The first time from `earliest` on, but less than `before`, at which the lease can have its hosts.

        First the times at which hosts are ready, then, with `future`, the times at which capacity comes back; what
        is found only then counts as a future reservation.
        """
        first = [time for time in self._ready_times(earliest) if time < before]
        for time in first:
            draft = self.at(time)
            if draft is not None:
                return draft
        return self._later(first[0], before) if future and first else None

    def at(self, time: int, victims: Sequence[str] = ()) -> Draft | None:
        """The lease with its hosts from `time` on, if need be with `victims` out of the way."""
        until = min(time + self.need, FOREVER)
        mapping = self._map(self._book.table.floor(time, until, victims), time)
        if mapping is not None:
            return self._complete(mapping, time, victims)
        return None if self._whole else self._interrupted(time, until)

    def _complete(self, mapping: Mapping, time: int, victims: Sequence[str]) -> Draft | None:
        resume = self._resume_on(mapping.nodes)
        if resume > self._resume:
            self._resume = resume
            return self.at(time, victims)
        start = time + resume
        if not may_resume(self._book, self._lease, mapping.nodes, time, start):
            return None
        end = min(start + self._lease.remaining, FOREVER)
        after = min(end + self._book.settings.overheads.shutdown, FOREVER)
        return Draft(mapping, time, start, end, after, victims=tuple(victims))

    def _interrupted(self, time: int, until: int) -> Draft | None:
        """The longest run from `time` on that is suspended just before somebody else needs its hosts."""
        profile = self._book.table.profile(time, until)
        left = profile.shrinking()
        mapping = self._map(left[0], time)
        if mapping is None:
            return None
        fits, short = 0, len(left) - 1
        while short - fits > 1:
            middle = (fits + short) // 2
            found = self._map(left[middle], time)
            if found is None:
                short = middle
            else:
                fits, mapping = middle, found
        return self._cut(mapping, time, int(profile.times[short])) if short else None

    def _cut(self, mapping: Mapping, time: int, until: int) -> Draft | None:
        suspend = self._book.settings.overheads.suspend(self._memory, mapping.nodes)
        resume = self._resume_on(mapping.nodes)
        start = time + resume
        end = last_suspension(self._book, self._lease, mapping.nodes, suspend, (start, until))
        if end is None or not may_resume(self._book, self._lease, mapping.nodes, time, start):
            return None
        if end + suspend - time < threshold(self._book, suspend, resume) or not 0 < end - start < self._lease.remaining:
            return None
        return Draft(mapping, time, start, end, end + suspend, suspends=True)

    def _map(self, floor: Amounts, time: int) -> Mapping | None:
        if self._lease.saved is not None:
            again = place_again(self._shapes, floor, self._lease.saved)
            if again is not None or time < self._anywhere:
                return again
        return place(self._shapes, floor, self._order(time))

    def _order(self, time: int) -> npt.NDArray[np.int64]:
        """Hosts that are ready at `time`: those ready first, then by score, then in the site's order."""
        hosts = self._hosts
        scores = self._book.policies.hosts.scores(self._book.table, time, min(time + self.need, FOREVER))
        if self._ready is None:
            own = np.isin(hosts, self._lease.saved or ())
            ready = np.where(own, 0, 1)
        else:
            hosts = hosts[self._ready[hosts] <= time]
            ready = self._ready[hosts]
        if scores is not None:
            return hosts[np.lexsort((-scores[hosts], ready))]
        return hosts[np.argsort(ready, kind="stable")]

    def _ready_times(self, earliest: int) -> list[int]:
        if self._ready is None:
            return sorted({earliest, max(earliest, self._anywhere)} - {FOREVER})
        times = np.unique(np.maximum(self._ready[self._hosts], earliest))
        return [int(time) for time in times if time < FOREVER]

    def _may_move_from(self, now: int) -> int:
        if self._book.settings.migration is Migration.NO:
            return FOREVER
        return now + self.moving_takes()

    def moving_takes(self) -> int:
        """Seconds after which a suspended lease may resume anywhere, if all its nodes had to move."""
        if self._book.settings.migration is Migration.NO_TRANSFER:
            return 0
        return self._book.settings.overheads.migrate_at_most(self._memory, self._lease.request.image)

    def _resume_on(self, nodes: Sequence[int]) -> int:
        if self._lease.saved is None:
            return 0
        return self._book.settings.overheads.resume(self._memory, nodes)

    def _later(self, after: int, before: int) -> Draft | None:
        """Try the times at which a reservation ends, in order, in growing batches."""
        times, size = self._book.table.end_times(after, before), _FIRST_BATCH
        while batch := list(islice(times, size)):
            for time in self._promising(batch):
                draft = self.at(time)
                if draft is not None:
                    return replace(draft, future=True)
            size = min(2 * size, _LARGEST_BATCH)
        return None

    def _promising(self, times: Sequence[int]) -> Iterator[int]:
        """Those of `times` from which on enough nodes of every group fit, each group by itself."""
        length = self.need if self._whole else 1
        enough = np.ones(len(times), dtype=bool)
        for shape in self._shapes:
            enough &= self._book.table.fitting_over(times, length, self._hosts, shape.fitting) >= shape.count
        return (time for time, good in zip(times, enough, strict=True) if good)
