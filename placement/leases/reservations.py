"""One entry of the slot table: what happens to a lease, when, and what it takes on which hosts."""

from dataclasses import dataclass
from enum import Enum

Claim = tuple[int, tuple[int, ...]]
"""A host's place in the table and the amount taken in each column."""


class Action(Enum):
    """What a reservation is for; every overhead has one of its own."""

    TRANSFER = "transfer"
    MIGRATE = "migrate"
    RESUME = "resume"
    RUN = "run"
    SUSPEND = "suspend"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Reservation:
    """`lease` does `action` during [start, end), in seconds, and takes `claims` meanwhile (one per host)."""

    key: str
    lease: str
    action: Action
    start: int
    end: int
    claims: tuple[Claim, ...]
