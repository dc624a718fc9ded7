"""Taking a request: is it allowed, does it fit at all, what does it cost, and when and where can it be had."""

from placement.leases.answers import Accepted, Overhead, Reason, Refused
from placement.leases.arrange import commit
from placement.leases.book import Book
from placement.leases.deadlines import earliest_start, plan_by_deadline
from placement.leases.exact import plan_exactly
from placement.leases.lease import Happening, Lease, Plan
from placement.leases.mapping import fits
from placement.leases.model import FOREVER, Kind, Request
from placement.leases.policies import Offer
from placement.leases.reservations import Action
from placement.leases.search import Search
from placement.leases.states import LeaseState

_S = LeaseState


def take(book: Book, lease: Lease, now: int) -> Refused | None:
    """Let a pending lease be planned or queued, or refuse it; the state tells which."""
    refused = _refusal(book, lease, now)
    if refused is not None:
        return refuse(book, lease, refused, now)
    if lease.request.kind is Kind.BEST_EFFORT:
        book.emit(now, lease, Happening.ACCEPTED)
        book.enter(lease, _S.QUEUED, price=quote(book, lease, now))
        book.emit(now, lease, Happening.QUEUED)
        return None
    with book.journal.trial() as trial:
        planned = plan_at_once(book, lease, now)
        price = quote(book, planned, now) if planned is not None else 0.0
        refused = _price_refusal(lease.request, price) if planned else _no_room(lease, now)
        if planned is not None and refused is None:
            book.put(planned, price=price)
            book.emit(now, planned, Happening.ACCEPTED, planned.plan.nodes if planned.plan else ())
            trial.keep()
            return None
    return refuse(book, lease, refused or _no_room(lease, now), now)


def refuse(book: Book, lease: Lease, refused: Refused, now: int) -> Refused:
    """Close a lease as refused."""
    state = _S.REJECTED_BY_USER if refused.reason is Reason.PRICE else _S.REJECTED
    book.emit(now, book.enter(lease, state, reason=refused.text, ended=now), Happening.REJECTED)
    return refused


def plan_at_once(book: Book, lease: Lease, now: int) -> Lease | None:
    """Plan a lease that never queues, by its kind; None if it cannot be had."""
    kind, start = lease.request.kind, lease.request.start
    if kind is Kind.ADVANCE and start is not None:
        return plan_exactly(book, lease, start, now) if start >= now else None
    if kind is Kind.DEADLINE:
        return plan_by_deadline(book, lease, now)
    before = FOREVER
    if kind is Kind.FLEXIBLE:
        before = (lease.request.deadline or FOREVER) - lease.remaining + 1
    draft = Search(book, lease, now).soonest(earliest_start(lease, now), future=kind is Kind.FLEXIBLE, before=before)
    return commit(book, lease, draft, now) if draft is not None else None


def quote(book: Book, lease: Lease, now: int) -> float:
    """The price of a lease as planned, or as if it began at `now`; open-ended leases are priced when they end."""
    request, plan = lease.request, lease.plan
    if request.duration is None:
        return 0.0
    start = plan.start if plan else now
    load = _load(book, start, start + request.duration) if book.policies.pricing.wants_load else 0.0
    displaced = sum(_displaced(book, book.leases[name]) for name in (plan.victims if plan else ()))
    return book.policies.pricing.price(Offer(request.nodes, start, request.duration, displaced, load))


def explain(book: Book, lease: Lease) -> Accepted:
    """The answer for a lease that was taken."""
    plan = lease.plan
    if plan is None:
        return Accepted(lease.id, lease.price)
    hosts = book.site.names(plan.nodes)
    end = None if plan.end == FOREVER else plan.end
    overheads = _overheads(book, lease, plan)
    return Accepted(lease.id, lease.price, hosts, plan.start, end, overheads, plan.victims)


def _overheads(book: Book, lease: Lease, plan: Plan) -> tuple[Overhead, ...]:
    found = [
        Overhead(r.action, r.start, r.end, book.site.names(tuple(host for host, _ in r.claims)))
        for r in book.table.of_lease(lease.id)
        if r.action is not Action.RUN
    ]
    transfer = book.transfers.get(plan.transfer) if plan.transfer else None
    if transfer is not None:
        hosts = book.site.names(tuple(sorted(transfer.hosts & set(plan.nodes))))
        found.insert(0, Overhead(Action.TRANSFER, transfer.start, transfer.end, hosts))
    return tuple(found)


def _refusal(book: Book, lease: Lease, now: int) -> Refused | None:
    request = lease.request
    text = book.policies.admission.refusal(request, lambda: book.holdings(request.user, lease.id), now)
    if text:
        return Refused(lease.id, Reason.POLICY, text)
    start = request.start
    if request.kind is Kind.ADVANCE and start is not None and start < now:
        return Refused(lease.id, Reason.PAST, f"the start {start} s is past, it is {now} s; ask for a later start")
    text = _too_large(book, request)
    if text:
        return Refused(lease.id, Reason.TOO_LARGE, text)
    if request.kind is Kind.BEST_EFFORT:
        return _price_refusal(request, quote(book, lease, now))
    return None


def _too_large(book: Book, request: Request) -> str:
    shapes = book.ask(request).shapes
    missing = sorted({name for shape in shapes for name in shape.missing})
    if missing:
        return f"no host offers {', '.join(missing)}; ask for resources that the site has"
    if not fits(shapes, book.full_capacity, book.ask(request).hosts):
        return f"{request.nodes} such nodes do not fit on the hosts allowed even when all is free; ask for less"
    return ""


def _price_refusal(request: Request, price: float) -> Refused | None:
    if request.highest_rate is None or request.duration is None:
        return None
    most = request.highest_rate * request.nodes * request.duration / 3600
    if price <= most:
        return None
    return Refused(request.id, Reason.PRICE, f"the price is {price:g} and the user pays {most:g} at most")


def _no_room(lease: Lease, now: int) -> Refused:
    when = {
        Kind.ADVANCE: f"from {lease.request.start} s for the whole lease",
        Kind.IMMEDIATE: f"now, at {now} s",
        Kind.DEADLINE: f"by the deadline at {lease.request.deadline} s",
        Kind.FLEXIBLE: f"within the window up to {lease.request.deadline} s",
    }[lease.request.kind]
    return Refused(lease.id, Reason.CAPACITY, f"{lease.request.nodes} nodes cannot be had {when}")


def _load(book: Book, start: int, end: int) -> float:
    """The reserved share (0 to 1) of the scarcest resource, each host at its busiest instant of [start, end)."""
    own = slice(book.layout.columns)
    total = book.table.capacity.sum(axis=0)[own]
    left = book.table.floor(start, end).sum(axis=0)[own]
    return max((float(1 - free / all_) for free, all_ in zip(left, total, strict=True) if all_), default=0.0)


def _displaced(book: Book, victim: Lease) -> float:
    """Node-hours that suspending and resuming a victim takes; none if it starts over instead."""
    if victim.plan is None or not victim.plan.suspends:
        return 0.0
    overheads, memory = book.settings.overheads, victim.request.memory()
    seconds = overheads.suspend(memory, victim.plan.nodes) + overheads.resume(memory, victim.plan.nodes)
    return seconds * victim.request.nodes / 3600
