"""Who gives way to whom. A score of -1 is never; otherwise from 0 to 1, and the higher the better the victim."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from placement.leases.model import Kind, Request

NEVER = -1.0
_OLD = 7 * 24 * 3600


@runtime_checkable
class Preemption(Protocol):
    """Scores possible victims."""

    def score(self, preemptor: Request, victim: Request, submitted: int, now: int) -> float:
        """How good a victim for `preemptor` a lease is that was asked for at `submitted`; -1 if it must not be one."""
        ...


@dataclass(frozen=True, slots=True)
class NoPreemption:
    """Nobody gives way."""

    def score(self, preemptor: Request, victim: Request, submitted: int, now: int) -> float:  # noqa: ARG002
        """Always never."""
        return NEVER


@dataclass(frozen=True, slots=True)
class AdvanceFirst:
    """Advance leases preempt best-effort leases that allow it; the youngest first, none older than a week."""

    def score(self, preemptor: Request, victim: Request, submitted: int, now: int) -> float:
        """From 1 for a lease asked for just now down to 0 for one asked for a week ago."""
        if preemptor.kind is not Kind.ADVANCE or victim.kind is not Kind.BEST_EFFORT:
            return NEVER
        return _youth(victim, submitted, now)


@dataclass(frozen=True, slots=True)
class DeadlineAware:
    """Advance and deadline leases preempt best-effort leases, and deadline leases that can still be met later.

    Best-effort victims come first (scores above one half), then deadline leases.
    """

    def score(self, preemptor: Request, victim: Request, submitted: int, now: int) -> float:
        """Above 1/2 for best-effort victims, below for deadline leases; whether those can be met is the scheduler's."""
        if preemptor.kind not in {Kind.ADVANCE, Kind.DEADLINE}:
            return NEVER
        if victim.kind is Kind.BEST_EFFORT:
            youth = _youth(victim, submitted, now)
            return youth if youth < 0 else 0.5 + youth / 2
        if victim.kind is not Kind.DEADLINE or not victim.preemptible:
            return NEVER
        return _slack_score(victim, now)


def _youth(victim: Request, submitted: int, now: int) -> float:
    age = now - submitted
    return NEVER if not victim.preemptible or age > _OLD else 1 - age / _OLD


def _slack_score(victim: Request, now: int) -> float:
    slack = ((victim.deadline or now) - now) / (victim.duration or 1)
    return NEVER if slack < 0 else 0.5 * slack / (1 + slack)
