"""The elasticity and service sections of Claudia (namespace ``rsrvr``), read from the XML that is kept.

The sections stay in the model as they came, for the way back; this module says what they mean. Directions and
tolerances of rules are not defined by their schema, so they are given as written.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ovf.model import Content, Package
from ovf.names import CLAUDIA, clark, split
from ovf.parts import Node, Part, UnknownSection

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000}


@dataclass(frozen=True)
class Copies:
    """How many copies of a system there may be, from its attributes."""

    minimum: int
    initial: int
    maximum: int


@dataclass(frozen=True)
class ElasticRule:
    """Above ``quota`` one more copy, below one less; the window in seconds, numbers as written."""

    kpi: str
    kpi_type: str
    window_seconds: float
    frequency: float
    quota: float
    tolerance: float | None


@dataclass(frozen=True)
class Availability:
    """The service level: ``percentile`` per cent of the time within the window, in seconds."""

    window_seconds: float
    percentile: float


@dataclass(frozen=True)
class Objective:
    """A performance goal: the KPI stays in the range for ``percentage`` per cent of the window."""

    name: str
    kpi: str
    window_seconds: float
    minimum: float | None
    maximum: float | None
    unit: str
    percentage: float


@dataclass(frozen=True)
class Place:
    """Where something may run (``inside``) or must not run."""

    kind: str
    value: str
    inside: bool
    percent: float | None = None


@dataclass(frozen=True)
class Affinity:
    """Systems to keep together, or apart, within a scope (physical, datacenter, domain)."""

    together: bool
    scope: str
    systems: tuple[str, ...]


Service = Copies | ElasticRule | Availability | Objective | Place | Affinity


class MalformedError(ValueError):
    """A number of a service section cannot be used."""


def is_claudia(package: Package) -> bool:
    """Whether a package is written in this dialect, whose documents are loose: it uses the namespace somewhere."""
    holders: list[Part] = [*package.files, *package.networks, *package.walk()]
    used = any(split(tag)[0] == CLAUDIA for one in holders for tag, _ in one.extra_attributes)
    sections = [*package.of(UnknownSection), *(one for content in package.walk() for one in content.of(UnknownSection))]
    return used or any(split(one.xml.tag)[0] == CLAUDIA for one in sections)


def copies(content: Content) -> Copies | None:
    """The numbers of copies a system asks for by ``rsrvr:min``, ``initial`` and ``max``.

    Raises:
        MalformedError: a number is none, or they contradict each other.
    """
    stated = {name: content.vendor(CLAUDIA, name) for name in ("min", "initial", "max")}
    if not any(stated.values()):
        return None
    for name, text in stated.items():
        if text and not (text.strip().isdecimal() and len(text) < 10):
            raise MalformedError(f"{name} is {text!r}")
    low = int(stated["min"] or stated["initial"] or 1)
    initial = int(stated["initial"] or low)
    high = int(stated["max"] or max(initial, low))
    if not low <= initial <= high or high == 0:
        raise MalformedError(f"min {low}, initial {initial}, max {high}")
    return Copies(low, initial, high)


def of_section(section: UnknownSection) -> Iterator[Service]:
    """What a service section says.

    Raises:
        MalformedError: a number cannot be used.
    """
    namespace, name = split(section.xml.tag)
    reader = _READERS.get(name) if namespace == CLAUDIA else None
    return reader(section.xml) if reader else iter(())


def sections(content: Content, name: str) -> list[UnknownSection]:
    """The service sections of one kind."""
    return [one for one in content.of(UnknownSection) if one.xml.tag == clark(CLAUDIA, name)]


def _number(text: str, what: str, *, high: float = 1e15) -> float:
    try:
        value = float(text)
    except ValueError:
        raise MalformedError(f"{what} is {text!r}") from None
    if not 0 <= value <= high:
        raise MalformedError(f"{what} is {text!r}")
    return value


def _window(node: Node) -> float:
    window = next(node.named("Window"), None)
    if window is None:
        return 0.0
    unit = window.get("unit", "minute").lower().removesuffix("s")
    return _number(window.text.strip() or "0", "Window") * _SECONDS.get(unit, 60)


def _elastic(node: Node) -> Iterator[Service]:
    for rule in node.named("Rule"):
        tolerance = rule.leaf("Tolerance")
        yield ElasticRule(
            kpi=rule.leaf("KPIName"),
            kpi_type=rule.leaf("KPIType"),
            window_seconds=_window(rule),
            frequency=_number(rule.leaf("Frequency", "1") or "1", "Frequency"),
            quota=_number(rule.leaf("Quota", "0") or "0", "Quota"),
            tolerance=_number(tolerance, "Tolerance") if tolerance else None,
        )


def _availability(node: Node) -> Iterator[Service]:
    yield Availability(_window(node), _number(node.leaf("Percentile", "100") or "100", "Percentile", high=100))


def _objectives(node: Node) -> Iterator[Service]:
    for one in node.named("Constraint"):
        bounds = next(one.named("Range"), Node("Range"))
        low, high = bounds.leaf("Min"), bounds.leaf("Max")
        yield Objective(
            name=one.leaf("Name"),
            kpi=one.leaf("KPIName"),
            window_seconds=_window(one),
            minimum=_number(low, "Min") if low else None,
            maximum=_number(high, "Max") if high else None,
            unit=bounds.get("unit"),
            percentage=_number(one.leaf("Percentage", "100") or "100", "Percentage", high=100),
        )


def _places(node: Node) -> Iterator[Service]:
    for outer in (*node.named("Restriction"), *node.named("Balance")):
        share = outer.get("prod")
        percent = _number(share, "prod", high=100) if share else None
        for one in outer.children:
            kind = split(one.tag)[1]
            location = next(one.named("Location"), None)
            value = f"{location.get('latitude')},{location.get('longitude')}" if location else one.text.strip()
            yield Place(kind, value, one.get("inside", "true").lower() != "false", percent)


def _affinities(node: Node) -> Iterator[Service]:
    for one in node.children:
        name = split(one.tag)[1]
        if name in {"Affinity", "AntiAffinity"}:
            members = tuple(member.text.strip() for member in one.named("VirtualSystemId"))
            yield Affinity(name == "Affinity", one.get("scope"), members)


_READERS = {
    "ElasticArraySection": _elastic,
    "AvailabilitySection": _availability,
    "PerformanceObjectiveSection": _objectives,
    "DeploymentSection": _places,
    "AffinitySection": _affinities,
}
