"""A workload: who asks for what when, and how long it will really run, which the scheduler must not know."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from placement.leases import LeaseError, Request, Resources, Site

MOST_NODES = 1_000_000
"""No site has more hosts and no lease more nodes."""


class WorkloadError(LeaseError):
    """A workload, annotation or option that cannot be used; the text says what, where and what to do."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """`request` is made at `time` (s from the start of the workload) and ends after `real` s of running, if given."""

    time: int
    request: Request
    real: int | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """Arrivals in order of time, the site they are meant for, if known, and the rules by which they were read."""

    name: str
    arrivals: tuple[Arrival, ...]
    site: Site | None = None
    description: str = ""
    rules: dict[str, object] = field(default_factory=dict)


def in_order(arrivals: Sequence[Arrival]) -> tuple[Arrival, ...]:
    """Arrivals by time; those of one second stay in the order given."""
    return tuple(sorted(arrivals, key=lambda arrival: arrival.time))


def node_memory(needs: Resources) -> int:
    """Memory in MB that one node needs."""
    return sum(dict(needs).get("memory", ()))
