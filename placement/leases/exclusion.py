"""Suspensions and resumptions of different leases that share a disk, or one file system, go one after another.

Only if `Overheads.between_leases` is set; within a lease they always do (`Overheads.suspend`).
"""

from placement.leases.book import Book
from placement.leases.lease import Lease
from placement.leases.overheads import Exclusion
from placement.leases.reservations import Action
from placement.leases.transfers import last_gap

Nodes = tuple[int, ...]


def may_resume(book: Book, lease: Lease, nodes: Nodes, start: int, end: int) -> bool:
    """Whether nobody else suspends or resumes during [start, end) where the state of `lease` on `nodes` is read."""
    return not _busy(book, lease, nodes, start, end)


def last_suspension(book: Book, lease: Lease, nodes: Nodes, seconds: int, interval: tuple[int, int]) -> int | None:
    """When, as late as possible, suspending `lease` on `nodes` has to begin to be over within `interval`.

    That ends exactly at the end of the interval unless somebody else suspends or resumes there then; None if there
    is no time for it.
    """
    busy = _busy(book, lease, nodes, *interval) if seconds else []
    return last_gap(busy, *interval, seconds)


def _busy(book: Book, lease: Lease, nodes: Nodes, start: int, end: int) -> list[tuple[int, int]]:
    overheads = book.settings.overheads
    if not overheads.between_leases or end <= start:
        return []
    everywhere, hosts = overheads.exclusion is Exclusion.GLOBAL, set(nodes)
    found = (
        (r.start, r.end)
        for r in book.table.overlapping(start, end)
        if r.action in {Action.SUSPEND, Action.RESUME} and r.lease != lease.id
        if everywhere or any(host in hosts for host, _ in r.claims)
    )
    return sorted(found, key=lambda interval: interval[1])
