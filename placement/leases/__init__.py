"""Leases: a calendar of capacity, a scheduler that explains itself, without clock or database (docs/leases.md)."""

from placement.leases.answers import Accepted, Alternative, Answer, Blocker, Change, Overhead, Reason, Refused
from placement.leases.errors import LeaseError, OverCapacityError, TokenReusedError, TransitionError
from placement.leases.lease import Event, Happening, Lease, Plan
from placement.leases.model import (
    FOREVER,
    Host,
    Image,
    Kind,
    NodeGroup,
    Recurrence,
    Request,
    Resources,
    Site,
    equal_hosts,
    resources,
)
from placement.leases.overheads import Exclusion, Overheads
from placement.leases.policies import Policies
from placement.leases.reservations import Action, Reservation
from placement.leases.scheduler import Scheduler
from placement.leases.settings import Backfilling, Images, Migration, Settings, Suspension
from placement.leases.slots import SlotTable
from placement.leases.states import FINAL, TRANSITIONS, LeaseState

__all__ = [
    "FINAL",
    "FOREVER",
    "TRANSITIONS",
    "Accepted",
    "Action",
    "Alternative",
    "Answer",
    "Backfilling",
    "Blocker",
    "Change",
    "Event",
    "Exclusion",
    "Happening",
    "Host",
    "Image",
    "Images",
    "Kind",
    "Lease",
    "LeaseError",
    "LeaseState",
    "Migration",
    "NodeGroup",
    "OverCapacityError",
    "Overhead",
    "Overheads",
    "Plan",
    "Policies",
    "Reason",
    "Recurrence",
    "Refused",
    "Request",
    "Reservation",
    "Resources",
    "Scheduler",
    "Settings",
    "Site",
    "SlotTable",
    "Suspension",
    "TokenReusedError",
    "TransitionError",
    "equal_hosts",
    "resources",
]
