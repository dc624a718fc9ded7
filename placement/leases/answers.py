"""What the scheduler answers: accepted with all it plans, or refused with who blocks and what would work."""

from dataclasses import dataclass
from enum import Enum

from placement.leases.model import Request
from placement.leases.reservations import Action


class Reason(Enum):
    """Why a request is refused."""

    POLICY = "policy"
    TOO_LARGE = "too_large"
    PAST = "past"
    CAPACITY = "capacity"
    PRICE = "price"


class Change(Enum):
    """In which way an alternative differs from what was asked for."""

    LATER = "later"
    SHORTER = "shorter"
    SMALLER = "smaller"
    ELSEWHERE = "elsewhere"
    DEARER = "dearer"


@dataclass(frozen=True, slots=True)
class Overhead:
    """An action planned around a run, during [start, end), on `hosts`."""

    action: Action
    start: int
    end: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blocker:
    """A lease that holds [start, end) of `hosts`, which the refused request would have needed."""

    lease: str
    hosts: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """A request that would be accepted if it were made at once, with its times and its price."""

    change: Change
    request: Request
    start: int
    end: int
    price: float


@dataclass(frozen=True, slots=True)
class Accepted:
    """The lease is taken. `hosts` (one for each node), `start` and `end` are None or empty while it waits queued."""

    lease: str
    price: float
    hosts: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    overheads: tuple[Overhead, ...] = ()
    preempted: tuple[str, ...] = ()
    occurrences: tuple["Answer", ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The lease is not taken, and `text` says why in words."""

    lease: str
    reason: Reason
    text: str
    blockers: tuple[Blocker, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


Answer = Accepted | Refused
