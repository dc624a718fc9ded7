"""Everything one scheduler knows, changed only through a journal so that any plan can be tried and taken back."""

from bisect import bisect_left, insort
from dataclasses import dataclass, replace

import numpy as np

from placement.leases.claims import Amounts, Places
from placement.leases.journal import Journal, Ledger
from placement.leases.lease import Event, Happening, Lease, Plan
from placement.leases.model import Kind, Request, Site
from placement.leases.policies import Policies
from placement.leases.policies.admission import Holding
from placement.leases.reservations import Action, Reservation
from placement.leases.settings import Images, Settings
from placement.leases.shapes import Layout, Shape
from placement.leases.slots import SlotTable
from placement.leases.states import FINAL, PLANNED, WAITING, LeaseState, check_transition
from placement.leases.transfers import CachedImage, Transfer


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """A request seen from the table: its groups, the hosts it may use; `alike` numbers equal first groups."""

    shapes: list[Shape]
    hosts: Places
    alike: int


class Book:
    """Slot table, leases, queue, images and events of one scheduler."""

    def __init__(self, site: Site, settings: Settings, policies: Policies) -> None:
        self.site = site
        self.settings = settings
        self.policies = policies
        self.layout = Layout(site)
        self.link = len(site.hosts) if settings.images is not Images.NONE else None
        self.journal = Journal()
        self.full_capacity = self._capacity()
        self.table = SlotTable(self.full_capacity, self.journal)
        self.leases: Ledger[str, Lease] = Ledger(self.journal)
        self.live: Ledger[str, None] = Ledger(self.journal)
        self.movable: Ledger[str, None] = Ledger(self.journal)
        self.transfers: Ledger[str, Transfer] = Ledger(self.journal)
        self.cache: Ledger[tuple[int, str], CachedImage] = Ledger(self.journal)
        self.failed: Ledger[int, None] = Ledger(self.journal)
        self.queue: list[tuple[int, str, Ask]] = []
        self.events: list[Event] = []
        self.freed = False
        self._asks: dict[object, Ask] = {}
        self._in_clouds: dict[tuple[str, ...], Places] = {}
        self._alike: dict[object, int] = {}
        self._room: dict[int, int] = {}
        self._room_at = (-1, -1)

    def _capacity(self) -> Amounts:
        """One row per host; with images, the repository's link is one more row and one more column."""
        rows = [self.layout.row(host.capacity) for host in self.site.hosts]
        if self.link is not None:
            rows = [[*row, 0] for row in rows] + [[0] * self.layout.columns + [1]]
        return np.array(rows, dtype=np.int64)

    def ask(self, request: Request) -> Ask:
        """What the request asks of the table; equal requests share one, unless constraints tell them apart."""
        place = (request.groups, request.clouds)
        found = self._asks.get(place)
        if found is None:
            shapes = [Shape(self.layout, group, self.table.columns) for group in request.groups]
            alike = self._alike.setdefault((request.groups[0].needs, request.clouds), len(self._alike))
            found = self._asks[place] = Ask(shapes, self._hosts_of(request.clouds), alike)
        for constraint in self.policies.constraints:
            allowed = np.asarray(constraint(request, self.site), dtype=bool)
            found = Ask(found.shapes, found.hosts[allowed[found.hosts]], -1)
        return found

    def _hosts_of(self, clouds: tuple[str, ...]) -> Places:
        """The hosts of these clouds, or all if none is named."""
        if clouds not in self._in_clouds:
            hosts = [p for p, host in enumerate(self.site.hosts) if not clouds or host.cloud in clouds]
            self._in_clouds[clouds] = np.array(hosts, dtype=np.int64)
        return self._in_clouds[clouds]

    def room(self, ask: Ask, time: int) -> int:
        """How many nodes of the first group fit at the instant `time`; kept until the table changes."""
        if self._room_at != (self.table.version, time):
            self._room_at = (self.table.version, time)
            self._room.clear()
        left = self._room.get(ask.alike)
        if left is None or ask.alike < 0:
            left = int(ask.shapes[0].fitting(self.table.free_at(time)[ask.hosts]).sum())
            self._room[ask.alike] = left
        return left

    def put(self, lease: Lease, **changes: object) -> Lease:
        """Store `lease` with these fields changed."""
        changed = replace(lease, **changes)  # type: ignore[arg-type]
        self.leases.put(lease.id, changed)
        return changed

    def enter(self, lease: Lease, state: LeaseState, **changes: object) -> Lease:
        """Let a lease go to another state, if the table of states allows it, and keep the queue in step."""
        check_transition(lease.id, lease.state, state)
        if lease.state in WAITING:
            self._dequeue(lease)
        changed = self.put(lease, state=state, **changes)
        if state in WAITING:
            self._enqueue(changed)
        self._classify(changed)
        return changed

    def restore(self, lease: Lease) -> None:
        """Take over a saved lease as it is."""
        self.leases.put(lease.id, lease)
        if lease.state in WAITING:
            self._enqueue(lease)
        self._classify(lease)

    def _classify(self, lease: Lease) -> None:
        """Keep the leases that are not over, and those whose plan may still be moved forward, at hand."""
        _set_member(self.live, lease.id, present=lease.state not in FINAL)
        plan, request = lease.plan, lease.request
        movable = plan is not None and lease.state in PLANNED
        movable &= request.kind is Kind.DEADLINE or (
            plan is not None and plan.future and request.kind is Kind.BEST_EFFORT
        )
        _set_member(self.movable, lease.id, present=movable)

    def _enqueue(self, lease: Lease) -> None:
        entry = (lease.number, lease.id, self.ask(lease.request))
        insort(self.queue, entry)
        self.journal.note(lambda: self.queue.remove(entry))

    def _dequeue(self, lease: Lease) -> None:
        entry = self.queue.pop(bisect_left(self.queue, (lease.number, lease.id)))
        self.journal.note(lambda: insort(self.queue, entry))

    def emit(self, time: int, lease: Lease, happening: Happening, nodes: tuple[int, ...] = ()) -> None:
        """Report what happened to a lease."""
        self.events.append(Event(time, lease.id, happening, self.site.names(nodes)))
        self.journal.note(self.events.pop)

    def note_freed(self) -> None:
        """Remember that capacity came back before its time, so that later work may move forward."""
        self.freed = True

    def reserve_plan(self, lease: Lease, plan: Plan) -> None:
        """Enter every part of a plan that takes any time into the table."""
        last = Action.SUSPEND if plan.suspends else Action.SHUTDOWN
        parts = [
            (Action.RESUME, plan.begin, plan.start),
            (Action.RUN, plan.start, plan.end),
            (last, plan.end, plan.after),
        ]
        for action, start, end in parts:
            if start < end:
                self.table.reserve(Reservation(key(lease, plan, action), lease.id, action, start, end, plan.claims))
        for number, (start, end) in enumerate(plan.rounds):
            hosts = tuple((host, (0,) * self.table.columns) for host in sorted({*plan.nodes, *(lease.saved or ())}))
            name = f"{key(lease, plan, Action.MIGRATE)}/{number}"
            self.table.reserve(Reservation(name, lease.id, Action.MIGRATE, start, end, hosts))

    def release_plan(self, lease: Lease, plan: Plan) -> None:
        """Take every part of a plan that is still in the table out of it; capacity that comes back is noted."""
        prefix = key(lease, plan)
        for reservation in self.table.of_lease(lease.id):
            if reservation.key.startswith(prefix):
                self.table.release(reservation.key)
                self.freed = True

    def holdings(self, user: str, without: str) -> list[Holding]:
        """What a user holds besides the lease `without`, for the admission policy."""
        held = (self.leases[name] for name in self.live if name != without)
        return [_holding(lease) for lease in held if lease.request.user == user]


def key(lease: Lease, plan: Plan, action: Action | None = None) -> str:
    """The key in the table of one part of a plan, or what all keys of that plan begin with."""
    return f"{lease.id}#{plan.number}:{action.value if action else ''}"


def _set_member(ledger: Ledger[str, None], name: str, *, present: bool) -> None:
    if present and name not in ledger:
        ledger.put(name, None)
    elif not present and name in ledger:
        ledger.drop(name)


def _holding(lease: Lease) -> Holding:
    plan = lease.plan
    fixed = lease.request.kind is not Kind.BEST_EFFORT and plan is not None
    start, end = (plan.start, plan.end) if fixed and plan else (None, None)
    return Holding(lease.id, lease.request.nodes, start, end, lease.request.duration)
