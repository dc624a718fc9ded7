"""The life of a lease as a table of states and permitted transitions (Haizea manual, lease states)."""

from enum import Enum

from placement.leases.errors import TransitionError


class LeaseState(Enum):
    """Where a lease stands; the value is its name in reports."""

    NEW = "new"
    PENDING = "pending"
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    PREPARING = "preparing"
    READY = "ready"
    ACTIVE = "active"
    SUSPENDING = "suspending"
    SUSPENDED_PENDING = "suspended_pending"
    SUSPENDED_QUEUED = "suspended_queued"
    SUSPENDED_SCHEDULED = "suspended_scheduled"
    MIGRATING = "migrating"
    RESUMING = "resuming"
    RESUMED_READY = "resumed_ready"
    DONE = "done"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    REJECTED_BY_USER = "rejected_by_user"
    FAILED = "failed"


_S = LeaseState
_STOPS = frozenset({_S.CANCELLED, _S.FAILED})
_BACK = frozenset({_S.QUEUED, _S.PENDING})

TRANSITIONS: dict[LeaseState, frozenset[LeaseState]] = {
    _S.NEW: frozenset({_S.PENDING}),
    _S.PENDING: frozenset({_S.SCHEDULED, _S.QUEUED, _S.CANCELLED, _S.REJECTED, _S.REJECTED_BY_USER}),
    _S.QUEUED: frozenset({_S.SCHEDULED, _S.CANCELLED}),
    _S.SCHEDULED: frozenset({_S.PREPARING, _S.READY}) | _BACK | _STOPS,
    _S.PREPARING: frozenset({_S.READY}) | _BACK | _STOPS,
    _S.READY: frozenset({_S.ACTIVE}) | _BACK | _STOPS,
    _S.ACTIVE: frozenset({_S.SUSPENDING, _S.READY, _S.QUEUED, _S.DONE}) | _STOPS,
    _S.SUSPENDING: frozenset({_S.SUSPENDED_PENDING}) | _STOPS,
    _S.SUSPENDED_PENDING: frozenset({_S.SUSPENDED_QUEUED, _S.SUSPENDED_SCHEDULED}) | _STOPS,
    _S.SUSPENDED_QUEUED: frozenset({_S.SUSPENDED_SCHEDULED}) | _STOPS,
    _S.SUSPENDED_SCHEDULED: frozenset({_S.SUSPENDED_QUEUED, _S.SUSPENDED_PENDING, _S.MIGRATING, _S.RESUMING}) | _STOPS,
    _S.MIGRATING: frozenset({_S.SUSPENDED_SCHEDULED}) | _STOPS,
    _S.RESUMING: frozenset({_S.RESUMED_READY}) | _STOPS,
    _S.RESUMED_READY: frozenset({_S.ACTIVE}) | _STOPS,
    _S.DONE: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.REJECTED_BY_USER: frozenset(),
    _S.FAILED: frozenset(),
}

FINAL = frozenset(state for state, following in TRANSITIONS.items() if not following)
WAITING = frozenset({_S.QUEUED, _S.SUSPENDED_QUEUED})
PLANNED = frozenset({_S.SCHEDULED, _S.PREPARING, _S.READY, _S.SUSPENDED_SCHEDULED})


def check_transition(lease: str, present: LeaseState, following: LeaseState) -> None:
    """Raise `TransitionError` unless the table lets a lease go from `present` to `following`."""
    if following not in TRANSITIONS[present]:
        raise TransitionError(f"lease {lease} is {present.value} and cannot become {following.value}")
