"""The scheduler's state as plain data and back: whoever loads it goes on exactly where it was saved."""

from typing import Any

from placement.leases.book import Book
from placement.leases.errors import LeaseError
from placement.leases.lease import Event, Lease
from placement.leases.model import Site
from placement.leases.plain import from_plain, to_plain
from placement.leases.policies import Policies
from placement.leases.reservations import Reservation
from placement.leases.settings import Settings
from placement.leases.transfers import CachedImage, Transfer

_VERSION = 1


def save_book(book: Book) -> dict[str, object]:
    """Site, settings, leases, reservations, images, failed hosts, commit tokens and events not yet taken."""
    table = book.table
    leases = sorted(book.leases.values(), key=lambda lease: (lease.number, lease.id))
    return {
        "version": _VERSION,
        "site": to_plain(book.site),
        "settings": to_plain(book.settings),
        "leases": [to_plain(lease) for lease in leases],
        "reservations": [[to_plain(reservation), table.begun(reservation.key)] for reservation in table],
        "tokens": {token: to_plain(those) for token, those in sorted(table.tokens().items())},
        "transfers": [[name, to_plain(transfer)] for name, transfer in sorted(book.transfers.items())],
        "cache": [[*place, to_plain(kept)] for place, kept in sorted(book.cache.items())],
        "failed": sorted(book.failed),
        "events": [to_plain(event) for event in book.events],
    }


def load_book(data: dict[str, Any], policies: Policies) -> Book:
    """The book that gave `data`.

    Raises:
        LeaseError: the data is of another version or damaged.
    """
    if data.get("version") != _VERSION:
        raise LeaseError(f"saved state of version {data.get('version')!r} cannot be loaded; version {_VERSION} can")
    try:
        return _load(data, policies)
    except (KeyError, TypeError, ValueError) as error:
        raise LeaseError(f"the saved state is damaged ({error!r}); load another copy") from error


def _load(data: dict[str, Any], policies: Policies) -> Book:
    book = Book(from_plain(Site, data["site"]), from_plain(Settings, data["settings"]), policies)
    for host in data["failed"]:
        book.failed.put(host, None)
        book.table.set_capacity(host, [0] * book.table.columns)
    for one in data["leases"]:
        book.restore(from_plain(Lease, one))
    for reservation, begun in data["reservations"]:
        entry = from_plain(Reservation, reservation)
        book.table.reserve(entry)
        if begun:
            book.table.begin(entry.key)
    tokens = {name: from_plain(tuple[Reservation, ...], those) for name, those in data["tokens"].items()}
    book.table.restore_tokens(tokens)
    for name, transfer in data["transfers"]:
        book.transfers.put(name, from_plain(Transfer, transfer))
    for host, image, kept in data["cache"]:
        book.cache.put((host, image), from_plain(CachedImage, kept))
    book.events += [from_plain(Event, event) for event in data["events"]]
    return book
