"""Every constraint by its name in instances."""

from placement.constraints.among import Among
from placement.constraints.ban import Ban
from placement.constraints.base import Constraint
from placement.constraints.deadline import Deadline
from placement.constraints.fence import Fence
from placement.constraints.gather import Gather
from placement.constraints.killed import Killed
from placement.constraints.lazy_spread import LazySpread
from placement.constraints.lonely import Lonely
from placement.constraints.max_online import MaxOnline
from placement.constraints.max_spare_resources import MaxSpareResources
from placement.constraints.min_spare_resources import MinSpareResources
from placement.constraints.mostly_spread import MostlySpread
from placement.constraints.no_delay import NoDelay
from placement.constraints.offline import Offline
from placement.constraints.online import Online
from placement.constraints.overbook import Overbook
from placement.constraints.precedence import Precedence
from placement.constraints.preserve import Preserve
from placement.constraints.quarantine import Quarantine
from placement.constraints.ready import Ready
from placement.constraints.resource_capacity import ResourceCapacity
from placement.constraints.root import Root
from placement.constraints.running import Running
from placement.constraints.running_capacity import RunningCapacity
from placement.constraints.seq import Seq
from placement.constraints.serialize import Serialize
from placement.constraints.sleeping import Sleeping
from placement.constraints.split import Split
from placement.constraints.split_among import SplitAmong
from placement.constraints.spread import Spread
from placement.constraints.sync import Sync

CATALOGUE: dict[str, type[Constraint]] = {
    kind.id: kind
    for kind in (
        Spread, Lonely, Gather, Split, Among, SplitAmong, Fence, Ban, Root, Quarantine, Preserve, Overbook,
        ResourceCapacity, RunningCapacity, MaxOnline, Online, Offline, Running, Ready, Sleeping, Killed, Seq, NoDelay,
        Deadline, Precedence, Serialize, Sync, LazySpread, MostlySpread, MinSpareResources, MaxSpareResources,
    )
}  # fmt: skip
"""The whole catalogue: name in instances to class."""
