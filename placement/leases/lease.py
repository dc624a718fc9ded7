"""A lease as the scheduler knows it: the request, its state, what is planned, what has been."""

from dataclasses import dataclass
from enum import Enum

from placement.leases.model import FOREVER, Request
from placement.leases.reservations import Claim
from placement.leases.states import LeaseState


class Happening(Enum):
    """What the scheduler reports about a lease; the value is the event's name."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    PREEMPTED = "preempted"
    CHANGED = "changed"
    TRANSFER_START = "transfer_start"
    TRANSFER_END = "transfer_end"
    START = "start"
    SUSPEND_START = "suspend_start"
    SUSPEND_END = "suspend_end"
    RESUME_START = "resume_start"
    RESUME_END = "resume_end"
    MIGRATE_START = "migrate_start"
    MIGRATE_END = "migrate_end"
    END = "end"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to `lease` at `time` on `hosts` (one name for each node, in the order of the nodes)."""

    time: int
    lease: str
    happening: Happening
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """One run as planned: it takes its hosts at `begin`, runs during [start, end), and is off them at `after`.

    Resuming fills [begin, start); suspending, if the run `suspends`, or shutting down fills [end, after).
    `future` marks a reservation that backfilling granted. `transfer` names the image transfer waited for, `rounds`
    the times of migration, all before `begin`. `victims` gave way to it. `number` counts the plans of a lease.
    """

    number: int
    nodes: tuple[int, ...]
    claims: tuple[Claim, ...]
    begin: int
    start: int
    end: int
    after: int
    suspends: bool = False
    future: bool = False
    transfer: str | None = None
    rounds: tuple[tuple[int, int], ...] = ()
    victims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """One lease. `number` is its place in the order of submission, `submitted` the time of it.

    `runs` are the finished times of running that count, `lost` those that had to start over. `saved` are the hosts
    that hold the state of each node while suspended, `copied` those that have its image. `later` is the plan after
    the present one, made at once for a deadline lease that gives way.
    """

    request: Request
    number: int
    submitted: int
    state: LeaseState = LeaseState.NEW
    plan: Plan | None = None
    later: Plan | None = None
    plans: int = 0
    runs: tuple[tuple[int, int], ...] = ()
    lost: tuple[tuple[int, int], ...] = ()
    saved: tuple[int, ...] | None = None
    copied: frozenset[int] = frozenset()
    price: float = 0.0
    preemptions: int = 0
    ended: int | None = None
    reason: str = ""

    @property
    def id(self) -> str:
        """The id given by whoever asked."""
        return self.request.id

    @property
    def accumulated(self) -> int:
        """Seconds run so far, finished runs only."""
        return sum(end - start for start, end in self.runs)

    @property
    def remaining(self) -> int:
        """Seconds still to run after the finished runs; `FOREVER` for an open end."""
        return FOREVER if self.request.duration is None else self.request.duration - self.accumulated

    @property
    def first_start(self) -> int | None:
        """When the first run that counts started, or is planned to."""
        if self.runs:
            return self.runs[0][0]
        return self.plan.start if self.plan else None
