"""Policies by name, as given on a command line or in a configuration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, Protocol

from placement.leases.errors import LeaseError
from placement.leases.model import Request, Site
from placement.leases.policies.admission import AcceptAll, Admission, NoAdvance
from placement.leases.policies.hosts import Greedy, HostChoice, NoPreference
from placement.leases.policies.preemption import AdvanceFirst, DeadlineAware, NoPreemption, Preemption
from placement.leases.policies.pricing import Adaptive, Constant, Free, Peak, Pricing


class HostConstraint(Protocol):
    """A rule from elsewhere (the placement engine, say) on which hosts a request may use."""

    def __call__(self, request: Request, site: Site) -> Sequence[bool]:
        """For each host of `site`, whether `request` may use it."""
        ...


@dataclass(frozen=True, slots=True)
class Policies:
    """One policy for each decision, and any number of constraints on hosts."""

    admission: Admission = field(default_factory=AcceptAll)
    preemption: Preemption = field(default_factory=AdvanceFirst)
    hosts: HostChoice = field(default_factory=NoPreference)
    pricing: Pricing = field(default_factory=Free)
    constraints: tuple[HostConstraint, ...] = ()


_NAMED: dict[str, tuple[str, Callable[[], object]]] = {
    "accept-all": ("admission", AcceptAll),
    "no-ARs": ("admission", NoAdvance),
    "no-preemption": ("preemption", NoPreemption),
    "ar-preempts-everything": ("preemption", AdvanceFirst),
    "ar-preempts-be": ("preemption", AdvanceFirst),
    "deadline": ("preemption", DeadlineAware),
    "no-policy": ("hosts", NoPreference),
    "greedy": ("hosts", Greedy),
}
_KINDS: dict[str, type] = {"admission": Admission, "preemption": Preemption, "hosts": HostChoice}
_PRICINGS: dict[str, tuple[tuple[int, ...], Callable[..., Pricing]]] = {
    "free": ((0,), Free),
    "constant": ((1,), Constant),
    "peak": ((1, 2, 4), Peak),
    "adaptive": ((1, 2), Adaptive),
}
_LAST_HOUR = 24


def parse_policy(policies: Policies, text: str) -> Policies:
    """`policies` with one replaced: a known name (`greedy`), or `KIND=MODULE:CLASS` for one's own.

    Raises:
        LeaseError: the name is unknown or the class cannot be loaded.
    """
    kind, _, target = text.rpartition("=")
    if target in _NAMED and kind in {"", _NAMED[target][0]}:
        kind, make = _NAMED[target]
        return _with(policies, kind, make())
    if kind in _KINDS and ":" in target:
        return _with(policies, kind, _load(kind, target))
    known = ", ".join(_NAMED)
    raise LeaseError(
        f"policy {text!r} is unknown; use one of {known}, or KIND=MODULE:CLASS (kinds {', '.join(_KINDS)})"
    )


def _with(policies: Policies, kind: str, policy: Any) -> Policies:
    changed: dict[str, Any] = {kind: policy}
    return replace(policies, **changed)


def _load(kind: str, target: str) -> object:
    module, _, name = target.partition(":")
    try:
        policy: object = getattr(import_module(module), name)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise LeaseError(f"policy {target!r} cannot be loaded ({error}); name a class without arguments") from error
    if not isinstance(policy, _KINDS[kind]):
        raise LeaseError(f"policy {target!r} does not decide on {kind}; see placement/leases/policies")
    return policy


def parse_pricing(text: str) -> Pricing:
    """A pricing policy: `free`, `constant:RATE`, `peak:RATE[:FACTOR[:FIRST:LAST]]`, `adaptive:RATE[:FACTOR]`.

    Rates are per node and hour; FIRST and LAST are hours of the day.

    Raises:
        LeaseError: the name is unknown or a number is missing, malformed or negative.
    """
    name, *numbers = text.split(":")
    if name not in _PRICINGS:
        raise LeaseError(f"pricing {text!r} is unknown; use one of {', '.join(_PRICINGS)}")
    counts, make = _PRICINGS[name]
    try:
        values = [float(number) for number in numbers]
    except ValueError as error:
        raise LeaseError(f"pricing {text!r}: {error}; write for instance constant:0.5 or peak:0.5:2:8:20") from error
    if len(values) not in counts:
        wanted = " or ".join(map(str, counts))
        raise LeaseError(f"pricing {text!r}: {name} takes {wanted} numbers; see docs/leases.md")
    if any(not 0 <= value < float("inf") for value in values):
        raise LeaseError(f"pricing {text!r}: rates are finite numbers from 0 on")
    hours = values[2:]
    if any(hour != int(hour) or hour > _LAST_HOUR for hour in hours) or hours != sorted(hours):
        raise LeaseError(f"pricing {text!r}: give two hours of the day from 0 to 24, the first before the last")
    return make(*values[:2], *map(int, hours))
