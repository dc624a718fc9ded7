"""Leases with a deadline: they may be moved as long as every accepted deadline still holds."""

from placement.leases.arrange import back_state, commit, requeue, unplan, within_deadline
from placement.leases.book import Book
from placement.leases.exact import plan_exactly
from placement.leases.lease import Lease
from placement.leases.model import FOREVER, Kind

_TIGHT = 2


def plan_by_deadline(book: Book, lease: Lease, now: int) -> Lease | None:
    """Plan a lease within its deadline; None if that would break a promise already made.

    A tight lease (slack of 2 or less) is first tried exactly at its earliest start, others first wherever they fit;
    if neither works, leases with deadlines that have not begun are planned anew together with this one, and at last
    also queued leases that hold a reservation and may be preempted.
    """
    earliest = earliest_start(lease, now)
    duration = lease.request.duration or 1
    tight = (lease.request.deadline or FOREVER) - earliest <= _TIGHT * duration
    if earliest + lease.remaining > (lease.request.deadline or FOREVER):
        return None
    ways = (_exactly, _anywhere) if tight else (_anywhere, _exactly)
    for way in ways:
        planned = way(book, lease, earliest, now)
        if planned is not None:
            return planned
    return _all_anew(book, lease, now, queued=False) or _all_anew(book, lease, now, queued=True)


def earliest_start(lease: Lease, now: int) -> int:
    """The first second at which a deadline or flexible lease may start, seen from `now`."""
    return max(now, lease.request.start or 0)


def urgency(lease: Lease, now: int) -> float:
    """Time to the deadline over the time still to run; the smaller the more urgent."""
    deadline = lease.request.deadline
    return float("inf") if deadline is None else (deadline - earliest_start(lease, now)) / lease.remaining


def _exactly(book: Book, lease: Lease, earliest: int, now: int) -> Lease | None:
    return plan_exactly(book, lease, earliest, now)


def _anywhere(book: Book, lease: Lease, earliest: int, now: int) -> Lease | None:
    draft = within_deadline(book, lease, earliest, now)
    return commit(book, lease, draft, now) if draft is not None else None


def _all_anew(book: Book, lease: Lease, now: int, *, queued: bool) -> Lease | None:
    """Take out what has not begun and plan it anew with the new lease, the most urgent first; all must be met."""
    others = _not_begun(book, earliest_start(lease, now), queued=queued)
    if not others:
        return None
    with book.journal.trial() as trial:
        for other in others:
            if other.request.kind is Kind.DEADLINE:
                unplan(book, other, back_state(other))
            else:
                requeue(book, other, now)
        movable = [lease, *(other for other in others if other.request.kind is Kind.DEADLINE)]
        for name in [found.id for found in sorted(movable, key=lambda found: (urgency(found, now), found.number))]:
            found = book.leases[name]
            if _anywhere(book, found, earliest_start(found, now), now) is None:
                return None
        trial.keep()
    return book.leases[lease.id]


def _not_begun(book: Book, earliest: int, *, queued: bool) -> list[Lease]:
    found = (book.leases[name] for name in book.movable)
    return [
        lease
        for lease in found
        if lease.plan is not None
        and lease.plan.begin >= earliest
        and (lease.request.kind is Kind.DEADLINE or (queued and lease.request.preemptible))
    ]
