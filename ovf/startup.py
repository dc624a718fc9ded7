"""The order in which a collection starts and stops (DSP0243 2.1, clause 9.7)."""

from dataclasses import dataclass
from itertools import groupby

from ovf.model import Content, Package, StartupItem, StartupSection
from ovf.services import is_claudia


@dataclass(frozen=True)
class Start:
    """One child's start; after it the sequence waits for the guest or for ``delay_seconds``."""

    id: str
    action: str
    delay_seconds: int
    waits_for_guest: bool
    stop_action: str
    stop_delay_seconds: int


@dataclass(frozen=True)
class StartPlan:
    """How one collection starts: groups one after the other, the members of a group together.

    Stopping goes through the groups in reverse. ``anytime`` are children outside the sequence.
    """

    collection: str
    groups: tuple[tuple[Start, ...], ...]
    anytime: tuple[str, ...]
    reason: str


def plans(package: Package) -> tuple[StartPlan, ...]:
    """The start plans of all collections, outermost first."""
    claudia = is_claudia(package)
    return tuple(_plan(content, zero_first=claudia) for content in package.walk() if content.collection)


def _plan(content: Content, *, zero_first: bool) -> StartPlan:
    children = [inner.id for inner in content.contents]
    listed: dict[str, StartupItem] = {}
    for section in content.of(StartupSection):
        for item in section.items:
            if item.id in children:
                listed.setdefault(item.id, item)
    zeros = [item for item in listed.values() if not item.order]
    zero_is_first = zero_first and _means_first(zeros, list(listed.values()))
    ordered = sorted(
        (item for item in listed.values() if item.order or zero_is_first), key=lambda item: item.order or 0
    )
    groups = tuple(tuple(_start(item) for item in group) for _, group in groupby(ordered, key=lambda item: item.order))
    inside = {item.id for item in ordered}
    reason = "order of the StartupSection" if listed else "no start-up order is stated"
    if zeros:
        reason += "; order 0 is read as first" if zero_is_first else "; order 0 is read as outside the sequence"
    return StartPlan(content.id, groups, tuple(one for one in children if one not in inside), reason)


def _means_first(zeros: list[StartupItem], items: list[StartupItem]) -> bool:
    """Whether order 0 means 'first', as in Claudia's documents: a guest is waited for, or 1, 2, 3 follow."""
    others = sorted({item.order or 0 for item in items} - {0})
    counted = bool(others) and others == list(range(1, len(others) + 1))
    return len(zeros) == 1 and (zeros[0].waiting_for_guest or counted)


def _start(item: StartupItem) -> Start:
    return Start(
        item.id, item.start_action, item.start_delay, item.waiting_for_guest, item.stop_action, item.stop_delay
    )
