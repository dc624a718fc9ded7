"""Who may have a lease at all, decided before any planning."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from placement.leases.model import FOREVER, Kind, Request


@dataclass(frozen=True, slots=True)
class Holding:
    """A lease that a user holds and that is not over: its nodes, and its times in seconds as far as they are fixed."""

    lease: str
    nodes: int
    start: int | None
    end: int | None
    duration: int | None


Holdings = Callable[[], list[Holding]]
"""Finds out what a user holds; called only by rules that want to know."""


@runtime_checkable
class Admission(Protocol):
    """Says why a request is refused, or nothing."""

    def refusal(self, request: Request, holdings: Holdings, now: int) -> str:
        """The reason to refuse `request` to a user with these `holdings` at `now`, or an empty text."""
        ...


@dataclass(frozen=True, slots=True)
class AcceptAll:
    """Everybody may have everything."""

    def refusal(self, request: Request, holdings: Holdings, now: int) -> str:  # noqa: ARG002 (the protocol's)
        """Never a reason."""
        return ""


@dataclass(frozen=True, slots=True)
class NoAdvance:
    """No advance leases; all other kinds are welcome."""

    def refusal(self, request: Request, holdings: Holdings, now: int) -> str:  # noqa: ARG002 (the protocol's)
        """A reason for advance and recurring leases."""
        if request.kind in {Kind.ADVANCE, Kind.RECURRING}:
            return "this site takes no advance leases; ask for a best-effort or deadline lease"
        return ""


@dataclass(frozen=True, slots=True)
class UserLimits:
    """Limits for each user; None is no limit.

    `leases`: how many at once. `node_hours`: over all leases not yet over. `length`: longest duration, s.
    `shortest_notice`, `longest_notice`: how long before its start an advance lease is asked for, s.
    `gap`: stacking limit, the least time between two fixed leases of one user, s (None: they may even overlap).
    """

    leases: int | None = None
    node_hours: float | None = None
    length: int | None = None
    shortest_notice: int | None = None
    longest_notice: int | None = None
    gap: int | None = None

    def refusal(self, request: Request, holdings: Holdings, now: int) -> str:
        """The first limit that `request` would break."""
        return (
            self._count(holdings)
            or self._length(request)
            or self._hours(request, holdings)
            or self._notice(request, now)
            or self._stacking(request, holdings)
        )

    def _count(self, holdings: Holdings) -> str:
        if self.leases is not None and (held := len(holdings())) >= self.leases:
            return f"the user has {held} leases and may have {self.leases}; end one first"
        return ""

    def _length(self, request: Request) -> str:
        if self.length is not None and (request.duration is None or request.duration > self.length):
            return f"a lease may last {self.length} s at most; ask for a shorter one"
        return ""

    def _hours(self, request: Request, holdings: Holdings) -> str:
        if self.node_hours is None:
            return ""
        if request.duration is None:
            return "node-hours are limited, so a lease needs an end; give a duration"
        held = sum(holding.nodes * (holding.duration or 0) for holding in holdings())
        total = (held + request.nodes * request.duration) / 3600
        if total > self.node_hours:
            return f"the user would hold {total:g} node-hours and may hold {self.node_hours:g}; ask for less"
        return ""

    def _notice(self, request: Request, now: int) -> str:
        if request.kind not in {Kind.ADVANCE, Kind.RECURRING} or request.start is None:
            return ""
        notice = request.start - now
        if self.shortest_notice is not None and notice < self.shortest_notice:
            return f"advance leases need {self.shortest_notice} s of notice; this one gives {notice} s"
        if self.longest_notice is not None and notice > self.longest_notice:
            return f"advance leases may be asked for {self.longest_notice} s ahead at most, not {notice} s"
        return ""

    def _stacking(self, request: Request, holdings: Holdings) -> str:
        if self.gap is None or request.start is None:
            return ""
        end = FOREVER if request.duration is None else request.start + request.duration
        for holding in holdings():
            if holding.start is None:
                continue
            if request.start < (holding.end or FOREVER) + self.gap and holding.start < end + self.gap:
                return f"leases of one user must lie {self.gap} s apart; lease {holding.lease} is too near"
        return ""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Several admission rules; the first refusal counts."""

    rules: tuple[Admission, ...]

    def refusal(self, request: Request, holdings: Holdings, now: int) -> str:
        """The first rule's reason that is not empty."""
        return next((text for rule in self.rules if (text := rule.refusal(request, holdings, now))), "")
