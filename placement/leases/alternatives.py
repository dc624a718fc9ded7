"""Refusals that help: who blocks, where and when, and up to five requests that would be accepted at once."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import islice

import numpy as np

from placement.leases.answers import Alternative, Blocker, Change
from placement.leases.book import Book
from placement.leases.intake import plan_at_once, quote
from placement.leases.lease import Lease
from placement.leases.model import FOREVER, Kind, NodeGroup, Request
from placement.leases.reservations import Reservation
from placement.leases.search import Search
from placement.leases.states import LeaseState

_MOST_BLOCKERS = 20
Attempt = Callable[[Request, int], Alternative | None]
"""Tries a request at a time and takes everything back; gives the alternative it would be."""


def blockers(book: Book, request: Request, now: int) -> tuple[Blocker, ...]:
    """The leases that hold what the request needs, on hosts where a node of it does not fit during its time."""
    start, end = wanted_interval(request, now)
    end = min(end + book.settings.overheads.shutdown, FOREVER)
    ask = book.ask(request)
    free = book.table.floor(start, end)[ask.hosts]
    fitting = np.min([shape.fitting(free) for shape in ask.shapes], axis=0)
    short = set(ask.hosts[fitting == 0].tolist()) or set(ask.hosts.tolist())
    found = (_blocker(book, reservation, short) for reservation in book.table.overlapping(start, end))
    return tuple(islice((blocker for blocker in found if blocker is not None), _MOST_BLOCKERS))


def _blocker(book: Book, reservation: Reservation, short: AbstractSet[int]) -> Blocker | None:
    taken = tuple(host for host, _ in reservation.claims if host in short)
    if not taken or reservation.lease not in book.leases:
        return None
    return Blocker(reservation.lease, book.site.names(taken), reservation.start, reservation.end)


def wanted_interval(request: Request, now: int) -> tuple[int, int]:
    """The time in which the request would have needed its nodes."""
    start = max(now, request.start or now)
    if request.deadline is not None:
        return start, max(request.deadline, start + 1)
    return start, FOREVER if request.duration is None else start + request.duration


def alternatives(book: Book, request: Request, now: int, attempt: Attempt) -> tuple[Alternative, ...]:
    """At most one alternative of each kind; every one has been tried and would be accepted."""
    found = []
    for change, makers in _MAKERS:
        for candidate in makers(book, request, now):
            offered = attempt(candidate, now)
            if offered is not None:
                found.append(replace(offered, change=change))
                break
    return tuple(found)


def _later(book: Book, request: Request, now: int) -> Iterator[Request]:
    """The same, as soon as it can be had; a window is made just long enough."""
    lease = Lease(replace(request, kind=Kind.FLEXIBLE), 0, now, LeaseState.PENDING)
    start, _ = wanted_interval(request, now)
    draft = Search(book, lease, now).soonest(start, future=True)
    if draft is None:
        return
    if request.deadline is not None and draft.end > request.deadline:
        yield replace(request, deadline=draft.end)
    elif request.deadline is None and draft.start > start:
        yield replace(request, kind=Kind.ADVANCE, start=draft.start)


def _shorter(book: Book, request: Request, now: int) -> Iterator[Request]:
    """The same, ending when the first of the nodes would be needed by somebody else."""
    start, end = wanted_interval(request, now)
    ask, table = book.ask(request), book.table
    until = min(table.fitting_until(start, end, ask.hosts, shape.fitting, shape.count) for shape in ask.shapes)
    length = until - start - book.settings.overheads.shutdown
    if until < end and 0 < length < (request.duration or FOREVER):
        yield replace(request, duration=length)


def _smaller(book: Book, request: Request, now: int) -> Iterator[Request]:
    """The same with as many nodes as there are; with several groups, shares of each."""
    start, end = wanted_interval(request, now)
    if request.deadline is not None:
        end = min(end, start + (request.duration or 1))
    free = book.table.floor(start, end)[book.ask(request).hosts]
    counts = [int(shape.fitting(free).sum()) for shape in book.ask(request).shapes]
    share = min(min(count / group.count, 1.0) for count, group in zip(counts, request.groups, strict=True))
    for part in (share, share * 3 / 4, share / 2, share / 4):
        groups = tuple(NodeGroup(int(group.count * part + 1e-9), group.needs) for group in request.groups)
        left = tuple(group for group in groups if group.count)
        if left and left != request.groups:
            yield replace(request, groups=left)


def _elsewhere(book: Book, request: Request, now: int) -> Iterator[Request]:
    """The same in another cloud, each alone, then in any."""
    del now
    if not request.clouds:
        return
    for cloud in dict.fromkeys(host.cloud for host in book.site.hosts):
        if cloud not in request.clouds:
            yield replace(request, clouds=(cloud,))
    yield replace(request, clouds=())


def _dearer(book: Book, request: Request, now: int) -> Iterator[Request]:
    """The same at the price it has."""
    if request.highest_rate is None or request.duration is None:
        return
    with book.journal.trial():
        lease = book.put(Lease(request, 0, now, LeaseState.PENDING))
        waits = request.kind is Kind.BEST_EFFORT
        planned = lease if waits else plan_at_once(book, lease, now)
        price = quote(book, planned, now) if planned is not None else None
    if price is not None:
        rate = price * 3600 / (request.nodes * request.duration)
        yield replace(request, highest_rate=rate * (1 + 1e-9))


_MAKERS: tuple[tuple[Change, Callable[[Book, Request, int], Iterator[Request]]], ...] = (
    (Change.LATER, _later),
    (Change.SHORTER, _shorter),
    (Change.SMALLER, _smaller),
    (Change.ELSEWHERE, _elsewhere),
    (Change.DEARER, _dearer),
)
