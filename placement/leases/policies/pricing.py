"""What a lease costs: hours times nodes times a rate, and a surcharge for leases that had to give way."""

from dataclasses import dataclass
from typing import Protocol

_HOUR = 3600
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Offer:
    """What is to be priced: `nodes` from `start` for `duration` seconds.

    `displaced` is the node-hours that suspending and resuming preempted leases takes, `load` the share (0 to 1) of
    the site reserved during the lease.
    """

    nodes: int
    start: int
    duration: int
    displaced: float = 0.0
    load: float = 0.0

    @property
    def node_hours(self) -> float:
        """Hours times nodes."""
        return self.nodes * self.duration / _HOUR


class Pricing(Protocol):
    """Prices offers."""

    @property
    def wants_load(self) -> bool:
        """Whether `Offer.load` has to be found out first, which takes time."""
        ...

    def price(self, offer: Offer) -> float:
        """The price of the whole lease."""
        ...


@dataclass(frozen=True, slots=True)
class Free:
    """Nothing costs anything."""

    wants_load: bool = False

    def price(self, offer: Offer) -> float:  # noqa: ARG002 (the protocol's)
        """Always zero."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Constant:
    """One `rate` per node and hour at all times."""

    rate: float
    wants_load: bool = False

    def price(self, offer: Offer) -> float:
        """Node-hours and displaced node-hours at the rate."""
        return (offer.node_hours + offer.displaced) * self.rate


@dataclass(frozen=True, slots=True)
class Peak:
    """`rate` per node and hour, times `factor` between `first` and `last` o'clock; second 0 is midnight + `offset`."""

    rate: float
    factor: float = 2.0
    first: int = 8
    last: int = 20
    offset: int = 0
    wants_load: bool = False

    def price(self, offer: Offer) -> float:
        """Node-hours at their rates; displaced node-hours at the plain rate."""
        peak = offer.nodes * self._peak_seconds(offer.start, offer.start + offer.duration) / _HOUR
        return (offer.node_hours + peak * (self.factor - 1) + offer.displaced) * self.rate

    def _peak_seconds(self, start: int, end: int) -> int:
        return self._peak_before(end + self.offset) - self._peak_before(start + self.offset)

    def _peak_before(self, time: int) -> int:
        days, second = divmod(time, _DAY)
        length = (self.last - self.first) * _HOUR
        return days * length + min(max(second - self.first * _HOUR, 0), length)


@dataclass(frozen=True, slots=True)
class Adaptive:
    """The rate grows with what is already reserved: `rate` on an empty site, `rate` times `factor` on a full one."""

    rate: float
    factor: float = 2.0
    wants_load: bool = True

    def price(self, offer: Offer) -> float:
        """Node-hours and displaced node-hours at the rate for the load."""
        return (offer.node_hours + offer.displaced) * self.rate * (1 + offer.load * (self.factor - 1))
