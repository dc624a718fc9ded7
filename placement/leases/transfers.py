"""Images on their way: transfers over the repository's link, gaps on it, and the images that hosts keep."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """A planned or running transfer of `image` during [start, end) for `leases`, to `hosts`; `size` in MB."""

    image: str
    size: int
    start: int
    end: int
    leases: tuple[str, ...]
    hosts: frozenset[int]


@dataclass(frozen=True, slots=True)
class CachedImage:
    """An image that a host keeps: `size` in MB, when it was last used, and the leases that still need it."""

    size: int
    used: int
    leases: frozenset[str]


def first_gap(busy: Sequence[tuple[int, int]], start: int, length: int) -> int:
    """When, from `start` on, the link is first free for `length` seconds; `busy` is sorted and free of overlaps."""
    for begin, end in busy:
        if start + length <= begin:
            break
        start = max(start, end)
    return start


def last_gap(busy: Sequence[tuple[int, int]], start: int, end: int, length: int) -> int | None:
    """The latest time to begin `length` seconds within [start, end), `busy` by end; None if there is none."""
    for begin, finish in reversed(busy):
        if end - length >= finish:
            break
        end = min(end, begin)
    return end - length if end - length >= start else None
