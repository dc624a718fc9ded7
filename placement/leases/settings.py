"""How a scheduler is set: backfilling, suspension, migration, images, overheads."""

from dataclasses import dataclass, field
from enum import Enum

from placement.leases.errors import LeaseError
from placement.leases.overheads import Overheads


@dataclass(frozen=True, slots=True)
class Backfilling:
    """How many queued leases may hold a future reservation at once; None is any number, 0 switches backfilling off."""

    reservations: int | None

    @classmethod
    def parse(cls, text: str) -> "Backfilling":
        """`off`, `aggressive` (one reservation, EASY), `intermediate:N` or `conservative`."""
        name, _, number = text.partition(":")
        if not number and name in _MODES:
            return cls(_MODES[name])
        if name == "intermediate" and number.isdecimal() and int(number):
            return cls(int(number))
        raise LeaseError(f"backfilling {text!r} is unknown; use off, aggressive, intermediate:N or conservative")


_MODES = {"off": 0, "aggressive": 1, "conservative": None}


class Suspension(Enum):
    """Which leases may be suspended: none, those of one node, all."""

    NONE = "none"
    SERIAL = "serial"
    ALL = "all"


class Migration(Enum):
    """Whether a suspended lease may resume on other hosts, and whether moving it takes time."""

    NO = "no"
    YES = "yes"
    NO_TRANSFER = "notransfer"


class Images(Enum):
    """Whether images are in place already, copied for each lease, or kept on hosts and used again."""

    NONE = "none"
    TRANSFER = "transfer"
    REUSE = "reuse"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a scheduler.

    `threshold`: fixed least time on the hosts for a run that will be interrupted, s; None computes it from the times
    to suspend and resume, plus `threshold_factor` times these. `multicast`: one transfer serves all nodes.
    `cache`: MB of images a host keeps (None: no limit).
    """

    backfilling: Backfilling = field(default_factory=lambda: Backfilling(1))
    suspension: Suspension = Suspension.NONE
    migration: Migration = Migration.NO
    images: Images = Images.NONE
    overheads: Overheads = field(default_factory=Overheads)
    threshold: int | None = None
    threshold_factor: float = 1.0
    multicast: bool = True
    cache: int | None = None
