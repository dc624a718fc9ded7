"""Use of machines and hosts as figures for charts, bars and tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sirocco.cmdb.models import Host, UsageSample
from sirocco.contracts.states import HostState

_HIGH, _FULL = 0.7, 0.9
_NANO = 1e9


@dataclass(frozen=True, slots=True)
class Rate:
    """What a machine used between two samples: cores in use, bytes of memory, bytes a second."""

    at: datetime
    cores: float
    memory: int
    read: float
    written: float
    received: float
    sent: float


def rates(samples: Sequence[UsageSample]) -> list[Rate]:
    """Rates between samples, latest first; counters that fell (the machine booted anew) give no rate."""
    found = [_rate(before, after) for before, after in pairwise(samples) if after.cpu_time >= before.cpu_time]
    return found[::-1]


def _rate(before: UsageSample, after: UsageSample) -> Rate:
    seconds = max((after.at - before.at).total_seconds(), 1e-3)
    return Rate(
        at=after.at,
        cores=(after.cpu_time - before.cpu_time) / _NANO / seconds,
        memory=after.memory,
        read=max(after.read - before.read, 0) / seconds,
        written=max(after.written - before.written, 0) / seconds,
        received=max(after.received - before.received, 0) / seconds,
        sent=max(after.sent - before.sent, 0) / seconds,
    )


@dataclass(frozen=True, slots=True)
class HostUse:
    """Shares (0..1) of a host: cores, memory and disk claimed, load measured; ``level`` is the worst of them."""

    cores: float
    memory: float
    disk: float
    load: float
    level: str

    @property
    def most(self) -> float:
        """The share of what is scarcest."""
        return max(self.cores, self.memory, self.disk, self.load)


def host_use(host: Host) -> HostUse:
    """How full a host is; ``away`` when it takes no machines."""
    shares = (
        _share(host.cores_claimed, host.cores * host.overbooking),
        _share(host.memory_claimed, host.memory),
        _share(host.disk_claimed, host.disk),
        max(host.load, 0.0),
    )
    return HostUse(*shares, level="away" if host.state != HostState.ONLINE else level(max(shares)))


def level(share: float) -> str:
    """How a share is marked: nothing, ``high`` or ``full``."""
    return "full" if share >= _FULL else "high" if share >= _HIGH else ""


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
