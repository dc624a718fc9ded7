"""What is asked for and where: resources, hosts, images, lease requests. All times are whole seconds."""

from dataclasses import dataclass, field
from enum import Enum

from placement.leases.errors import LeaseError

FOREVER = 1 << 40
"""The end, in seconds, of what has no end; every time lies before it."""

LARGEST_AMOUNT = (1 << 40) - 1
"""No amount of a resource may be larger, so that sums over hosts stay exact."""

Resources = tuple[tuple[str, tuple[int, ...]], ...]
"""Amounts by resource type, sorted by name; several amounts are several instances (two CPUs are not one big CPU)."""


def resources(**amounts: int | tuple[int, ...]) -> Resources:
    """Resources by keyword: `resources(cpu=100, memory=1024)`, or instances: `resources(cpu=(100, 100))`.

    CPU is in per cent of one CPU, memory and disk in MB. Types with the amount 0 are left out.

    Raises:
        LeaseError: an amount is negative or not a whole number within bounds.
    """
    found = []
    for name in sorted(amounts):
        value = amounts[name]
        instances = value if isinstance(value, tuple) else (value,)
        for amount in instances:
            if not 0 <= amount <= LARGEST_AMOUNT:
                raise LeaseError(f"resource {name}: {amount} is not an amount between 0 and {LARGEST_AMOUNT}")
        if any(instances):
            found.append((name.lower(), tuple(instances)))
    return tuple(found)


class Kind(Enum):
    """When a lease wants its resources."""

    ADVANCE = "advance"
    IMMEDIATE = "immediate"
    BEST_EFFORT = "best_effort"
    DEADLINE = "deadline"
    FLEXIBLE = "flexible"
    RECURRING = "recurring"


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """`count` equal nodes, each needing `needs` on one host."""

    count: int
    needs: Resources


@dataclass(frozen=True, slots=True)
class Image:
    """A disk image to be in place before a node starts; `size` in MB."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule of RFC 5545 (`FREQ=WEEKLY;BYDAY=MO;COUNT=10`) with exceptions.

    `zone` is the IANA time zone in which the rule counts days, `origin` the Unix time of second 0, `exceptions` the
    starts (seconds) left out. With `partial`, occurrences that cannot be had are listed as refused and the others
    stand; without it one refusal refuses all.
    """

    rule: str
    zone: str = "UTC"
    origin: int = 0
    exceptions: tuple[int, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One lease as asked for.

    `duration` counts seconds of running, without any overhead; None has no end. `start` is the exact start of an
    advance lease, the first start of a recurring one, and the earliest start of a deadline or flexible one.
    `deadline` is the time by which a deadline or flexible lease must have ended. `clouds` limits the hosts (empty:
    any). `highest_rate` is the price per node and hour that the user is ready to pay.
    """

    id: str
    kind: Kind
    groups: tuple[NodeGroup, ...]
    duration: int | None
    start: int | None = None
    deadline: int | None = None
    preemptible: bool = False
    image: Image | None = None
    user: str = ""
    clouds: tuple[str, ...] = ()
    recurrence: Recurrence | None = None
    highest_rate: float | None = None
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def nodes(self) -> int:
        """How many nodes the lease has over all its groups."""
        return sum(group.count for group in self.groups)

    def memory(self) -> tuple[int, ...]:
        """Memory of each node in MB, in the order of the nodes."""
        found: list[int] = []
        for group in self.groups:
            found += [sum(dict(group.needs).get("memory", ()))] * group.count
        return tuple(found)


_NEEDED = {
    Kind.ADVANCE: ("start",),
    Kind.DEADLINE: ("deadline", "duration"),
    Kind.FLEXIBLE: ("deadline", "duration"),
    Kind.RECURRING: ("start", "recurrence", "duration"),
}


def check_request(request: Request) -> None:
    """Raise `LeaseError` if the parts of `request` do not make sense together."""
    where = f"lease {request.id or '(without id)'}"
    if not request.id:
        raise LeaseError(f"{where}: a lease needs an id that is not empty")
    if not request.groups or any(group.count < 1 or not group.needs for group in request.groups):
        raise LeaseError(f"{where}: every group needs at least one node and one resource; add them")
    if request.duration is not None and not 0 < request.duration < FOREVER:
        raise LeaseError(f"{where}: the duration is {request.duration} s; give at least 1 s, or none for an open end")
    for name in _NEEDED.get(request.kind, ()):
        if getattr(request, name) is None:
            raise LeaseError(f"{where}: a lease of kind {request.kind.value} needs a {name}; give one")
    for name in ("start", "deadline"):
        value = getattr(request, name)
        if value is not None and not 0 <= value < FOREVER:
            raise LeaseError(f"{where}: the {name} is {value}; give seconds from 0 on")
    if request.image is not None and request.image.size < 0:
        raise LeaseError(f"{where}: the image {request.image.name} has the size {request.image.size} MB")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine, or a whole cloud seen as one (`capacity` is then its total), in the cloud named `cloud`."""

    name: str
    capacity: Resources
    cloud: str = "local"


@dataclass(frozen=True, slots=True)
class Site:
    """The hosts that leases are placed on, in the order in which they are preferred when nothing else decides."""

    hosts: tuple[Host, ...]
    index: dict[str, int] = field(init=False, repr=False, compare=False)
    all_names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "all_names", tuple(host.name for host in self.hosts))
        object.__setattr__(self, "index", {name: place for place, name in enumerate(self.all_names)})
        if len(self.index) != len(self.hosts):
            raise LeaseError("two hosts of the site have the same name; rename one")
        if not self.hosts:
            raise LeaseError("the site has no host; give at least one")

    def names(self, places: tuple[int, ...]) -> tuple[str, ...]:
        """Names of the hosts at these places, one for each."""
        return tuple(map(self.all_names.__getitem__, places))


def equal_hosts(count: int, capacity: Resources) -> Site:
    """A site of `count` equal hosts named host-1, host-2, ..."""
    return Site(tuple(Host(f"host-{number}", capacity) for number in range(1, count + 1)))
