"""Image pre-staging: when a lease's image can be on which host, and the transfers that bring it there.

One transfer at a time uses the repository's link. Transfers for fixed starts are placed as late as possible, others
in the first gap; a transfer that has not begun takes further leases of the same image along (multicast only).
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from placement.leases.book import Book
from placement.leases.lease import Lease
from placement.leases.model import FOREVER
from placement.leases.reservations import Action, Reservation
from placement.leases.settings import Images
from placement.leases.transfers import CachedImage, Transfer, first_gap, last_gap

REPOSITORY = ""
"""The owner of transfers in the slot table; no lease can have this id."""

_NEW = ""


def needs_image(book: Book, lease: Lease) -> bool:
    """Whether the lease's image takes time to be put in place; a suspended lease has it where its state is."""
    image = lease.request.image
    if lease.saved is not None:
        return False
    return book.link is not None and image is not None and book.settings.overheads.copy(image.size) > 0


def hosts_ready(book: Book, lease: Lease, now: int, start: int | None) -> npt.NDArray[np.int64]:
    """For every host the earliest time at which the lease's image can be there.

    With a fixed `start` that is `start` wherever the image can be in time, else `FOREVER`.
    """
    size = book.table.hosts
    if not needs_image(book, lease):
        return np.full(size, now if start is None else start, dtype=np.int64)
    arrival = _arrival(book, lease, now, start)
    ready = np.full(size, FOREVER if arrival is None else arrival, dtype=np.int64)
    ready[list(_holders(book, lease))] = now if start is None else start
    return ready


def deliver(
    book: Book, lease: Lease, nodes: Iterable[int], start: int, now: int, *, fixed: bool
) -> tuple[bool, str | None]:
    """Plan what brings the image to `nodes` by `start`: whether that works, and the transfer to wait for, if any."""
    if not needs_image(book, lease):
        return True, None
    held = _holders(book, lease)
    missing = frozenset(nodes) - held
    _pin(book, lease, frozenset(nodes) & held)
    if not missing:
        return True, None
    joined = _joinable(book, lease, start)
    if joined is not None:
        transfer = book.transfers[joined]
        leases, hosts = (*transfer.leases, lease.id), transfer.hosts | missing
        book.transfers.put(joined, replace(transfer, leases=leases, hosts=hosts))
        return True, joined
    length = _length(book, lease, len(missing))
    begins = _latest(book, now, start, length) if fixed else {_NEW: first_gap(_busy(book), now, length)}
    if begins is None or begins[_NEW] + length > start:
        return False, None
    _rearrange(book, {name: begin for name, begin in begins.items() if name != _NEW})
    return True, _plan_transfer(book, lease, begins[_NEW], length, missing)


def leave(book: Book, lease: Lease) -> None:
    """The lease needs its planned transfer and its kept images no more."""
    name = lease.plan.transfer if lease.plan else None
    transfer = book.transfers.get(name) if name else None
    if name and transfer:
        left = tuple(other for other in transfer.leases if other != lease.id)
        if left or book.table.begun(name):
            book.transfers.put(name, replace(transfer, leases=left))
        else:
            book.transfers.drop(name)
            book.table.release(name)
    if lease.request.image is not None:
        _unpin(book, lease, lease.request.image.name)


def arrived(book: Book, name: str, now: int) -> Transfer:
    """A transfer has ended: its leases have the image where it went, and the hosts keep it if they reuse images."""
    transfer = book.transfers.drop(name)
    for waiting in transfer.leases:
        lease = book.leases[waiting]
        book.put(lease, copied=lease.copied | transfer.hosts)
    if book.settings.images is Images.REUSE:
        for host in sorted(transfer.hosts):
            _keep(book, transfer, host, now)
    return transfer


def _length(book: Book, lease: Lease, receivers: int) -> int:
    image = lease.request.image
    once = book.settings.overheads.copy(image.size if image else 0)
    return once if book.settings.multicast else once * receivers


def _busy(book: Book) -> list[tuple[int, int]]:
    return [(r.start, r.end) for r in book.table.of_lease(REPOSITORY)]


def _holders(book: Book, lease: Lease) -> frozenset[int]:
    """The hosts that have the image already."""
    image = lease.request.image
    if book.settings.images is not Images.REUSE or image is None:
        return lease.copied
    return lease.copied | {host for host, name in book.cache if name == image.name}


def _joinable(book: Book, lease: Lease, start: int) -> str | None:
    if not book.settings.multicast or lease.request.image is None:
        return None
    for name, transfer in sorted(book.transfers.items(), key=lambda item: item[1].start):
        if transfer.image == lease.request.image.name and transfer.end <= start and not book.table.begun(name):
            return name
    return None


def _arrival(book: Book, lease: Lease, now: int, start: int | None) -> int | None:
    joined = _joinable(book, lease, FOREVER if start is None else start)
    length = _length(book, lease, lease.request.nodes)
    if start is not None:
        possible = joined is not None or _latest(book, now, start, length) is not None
        return start if possible else None
    fresh = first_gap(_busy(book), now, length) + length
    return fresh if joined is None else min(fresh, book.transfers[joined].end)


def _latest(book: Book, now: int, start: int, length: int) -> dict[str, int] | None:
    """When a new transfer begins so that it ends by `start`, as late as possible; None if it cannot.

    If there is no gap, transfers that have not begun are placed anew, the latest deadline first and each as late as
    possible (earliest deadline first, read backwards); a transfer's deadline is its present end, so none gets later.
    """
    begin = last_gap(_busy(book), now, start, length)
    if begin is not None:
        return {_NEW: begin}
    begun = {name for name in book.transfers if book.table.begun(name)}
    waiting = [(t.end, t.end - t.start, name) for name, t in book.transfers.items() if name not in begun]
    placed = [(book.transfers[name].start, book.transfers[name].end) for name in begun]
    found: dict[str, int] = {}
    for end, seconds, name in sorted([*waiting, (start, length, _NEW)], reverse=True):
        begin = last_gap(sorted(placed), now, end, seconds)
        if begin is None:
            return None
        placed.append((begin, begin + seconds))
        found[name] = begin
    return found


def _rearrange(book: Book, begins: dict[str, int]) -> None:
    """Move planned transfers to other times."""
    moved = [(name, book.table.release(name), begins[name]) for name in begins]
    for name, before, begin in moved:
        end = begin + before.end - before.start
        book.table.reserve(replace(before, start=begin, end=end))
        book.transfers.put(name, replace(book.transfers[name], start=begin, end=end))


def _plan_transfer(book: Book, lease: Lease, begin: int, length: int, hosts: frozenset[int]) -> str:
    image = lease.request.image
    name = f"{lease.id}#{lease.plans}:transfer"
    if image is None or book.link is None:
        raise AssertionError("only leases that need an image have a transfer")
    claim = (book.link, (0,) * book.layout.columns + (1,))
    book.table.reserve(Reservation(name, REPOSITORY, Action.TRANSFER, begin, begin + length, (claim,)))
    book.transfers.put(name, Transfer(image.name, image.size, begin, begin + length, (lease.id,), hosts))
    return name


def _pin(book: Book, lease: Lease, hosts: frozenset[int]) -> None:
    for host in hosts:
        place = (host, lease.request.image.name if lease.request.image else "")
        if place in book.cache:
            kept = book.cache[place]
            book.cache.put(place, replace(kept, leases=kept.leases | {lease.id}))


def _unpin(book: Book, lease: Lease, image: str) -> None:
    for host in set(lease.plan.nodes if lease.plan else ()) | lease.copied:
        kept = book.cache.get((host, image))
        if kept is not None:
            book.cache.put((host, image), replace(kept, leases=kept.leases - {lease.id}))


def _keep(book: Book, transfer: Transfer, host: int, now: int) -> None:
    """Keep an image on a host, dropping those longest unused that no lease needs, if there is room then."""
    mine = {place: kept for place, kept in book.cache.items() if place[0] == host}
    limit = book.settings.cache
    if limit is not None:
        room = limit - transfer.size - sum(kept.size for kept in mine.values())
        for place in sorted((p for p, kept in mine.items() if not kept.leases), key=lambda p: (mine[p].used, p)):
            if room >= 0:
                break
            room += book.cache.drop(place).size
        if room < 0:
            return
    users = frozenset(name for name in transfer.leases if _uses(book.leases[name], host))
    book.cache.put((host, transfer.image), CachedImage(transfer.size, now, users))


def _uses(lease: Lease, host: int) -> bool:
    return lease.plan is not None and host in lease.plan.nodes
