"""Changing a lease that stands: cancel, extend, shrink, move. Every change is made in full or not at all."""

from collections.abc import Sequence
from dataclasses import replace

from placement.leases.alternatives import blockers
from placement.leases.answers import Answer, Reason, Refused
from placement.leases.arrange import unplan
from placement.leases.book import Book, key
from placement.leases.errors import LeaseError, OverCapacityError
from placement.leases.exact import plan_exactly
from placement.leases.intake import explain, quote
from placement.leases.lease import Happening, Lease, Plan
from placement.leases.mapping import place_again
from placement.leases.model import FOREVER, Kind, NodeGroup, Request
from placement.leases.reservations import Action, Reservation
from placement.leases.states import LeaseState

_S = LeaseState


def cancel(book: Book, lease: Lease, now: int) -> None:
    """End a lease for good; the time it has run until now is kept for the record."""
    plan = lease.plan
    nodes = plan.nodes if plan else ()
    if lease.state is _S.ACTIVE and plan is not None and plan.start < now:
        lease = book.put(lease, runs=(*lease.runs, (plan.start, min(now, plan.end))))
    cancelled = book.put(unplan(book, lease, _S.CANCELLED), ended=now)
    book.emit(now, cancelled, Happening.CANCELLED, nodes)


def extend(book: Book, lease: Lease, duration: int, now: int) -> Answer:
    """Let a lease run longer on the hosts it has, if nobody needs them and its limits allow it."""
    old = lease.request.duration
    if old is None or duration <= old:
        raise LeaseError(f"lease {lease.id}: {duration} s is not longer than what it has; use shrink to shorten it")
    request = replace(lease.request, duration=duration)
    plan = lease.plan
    refused = _not_allowed(book, lease, request, duration - old, now)
    if refused is not None:
        return refused
    try:
        with book.journal.trial() as trial:
            changed = book.put(lease, request=request)
            if plan is not None and not plan.suspends:
                changed = _end_at(book, changed, plan, plan.end + duration - old)
            trial.keep()
    except OverCapacityError:
        wanted = replace(request, kind=Kind.ADVANCE, start=plan.end if plan else now, duration=duration - old)
        who = tuple(found for found in blockers(book, wanted, now) if found.lease != lease.id)
        return Refused(lease.id, Reason.CAPACITY, "its hosts are needed by others then", who)
    return _repriced(book, changed, now)


def shrink(
    book: Book, lease: Lease, now: int, duration: int | None = None, nodes: Sequence[int] | None = None
) -> Answer:
    """Let a lease end earlier or give nodes of its groups back, the last ones first."""
    with book.journal.trial() as trial:
        if duration is not None:
            lease = _shorten(book, lease, duration, now)
        if nodes is not None:
            lease = _fewer_nodes(book, lease, nodes)
        book.note_freed()
        trial.keep()
    return _repriced(book, lease, now)


def move(book: Book, lease: Lease, start: int, now: int) -> Answer:
    """Plan a lease with a fixed time that has not begun at another start; it keeps its old one if that fails."""
    if lease.request.kind not in {Kind.ADVANCE, Kind.FLEXIBLE} or lease.state not in {_S.SCHEDULED, _S.READY}:
        raise LeaseError(
            f"lease {lease.id} is {lease.state.value}; only planned leases with a fixed start can be moved"
        )
    if start < now:
        return Refused(lease.id, Reason.PAST, f"the start {start} s is past, it is {now} s; choose a later one")
    request = replace(lease.request, kind=Kind.ADVANCE, start=start)
    with book.journal.trial() as trial:
        waiting = book.put(unplan(book, lease, _S.PENDING), request=request)
        planned = plan_exactly(book, waiting, start, now)
        if planned is not None:
            trial.keep()
            return _repriced(book, planned, now)
        who = blockers(book, request, now)
    return Refused(lease.id, Reason.CAPACITY, f"its nodes cannot be had from {start} s", who)


def _not_allowed(book: Book, lease: Lease, request: Request, longer: int, now: int) -> Refused | None:
    text = book.policies.admission.refusal(request, lambda: book.holdings(request.user, lease.id), now)
    end = lease.plan.end + longer if lease.plan else now + lease.remaining + longer
    if not text and request.deadline is not None and end > request.deadline:
        text = f"it would end at {end} s, after its deadline at {request.deadline} s"
    if not text and lease.plan is not None and not lease.plan.suspends and now >= lease.plan.end:
        text = "it has run and is shutting down"
    if not text and lease.later is not None:
        text = "it is about to give way to another lease and its time after that is fixed"
    return Refused(lease.id, Reason.POLICY, text) if text else None


def _shorten(book: Book, lease: Lease, duration: int, now: int) -> Lease:
    plan = lease.plan
    running = max(now - plan.start, 0) if plan and lease.state is _S.ACTIVE else 0
    if not lease.accumulated + running < duration < (lease.request.duration or FOREVER):
        raise LeaseError(f"lease {lease.id}: {duration} s is not between what it has run and what it has; use release")
    changed = book.put(lease, request=replace(lease.request, duration=duration))
    end = plan.start + changed.remaining if plan else 0
    if plan is None or lease.later is not None or end >= plan.end or key(lease, plan, Action.RUN) not in book.table:
        return changed
    return _end_at(book, changed, plan, end)


def _end_at(book: Book, lease: Lease, plan: Plan, end: int) -> Lease:
    """Let the planned or present run end at `end`, followed by a shutdown."""
    for action in (Action.SUSPEND, Action.SHUTDOWN):
        if key(lease, plan, action) in book.table:
            book.table.release(key(lease, plan, action))
    book.table.amend(key(lease, plan, Action.RUN), end=end)
    after = end + book.settings.overheads.shutdown
    if end < after:
        name = key(lease, plan, Action.SHUTDOWN)
        book.table.reserve(Reservation(name, lease.id, Action.SHUTDOWN, end, after, plan.claims))
    return book.put(lease, plan=replace(plan, end=end, after=after, suspends=False))


def _fewer_nodes(book: Book, lease: Lease, counts: Sequence[int]) -> Lease:
    groups = lease.request.groups
    if len(counts) != len(groups) or any(not 0 < c <= g.count for c, g in zip(counts, groups, strict=False)):
        raise LeaseError(
            f"lease {lease.id}: give one number of nodes for each of {len(groups)} groups, not more than now"
        )
    fewer = tuple(NodeGroup(count, group.needs) for count, group in zip(counts, groups, strict=True))
    kept: list[int] = []
    first = 0
    for count, group in zip(counts, groups, strict=True):
        kept += range(first, first + count)
        first += group.count
    saved = tuple(lease.saved[node] for node in kept) if lease.saved else None
    changed = book.put(lease, request=replace(lease.request, groups=fewer), saved=saved)
    plans = {name: getattr(lease, name) for name in ("plan", "later")}
    return book.put(changed, **{n: _thinner(book, changed, plan, kept) for n, plan in plans.items() if plan})


def _thinner(book: Book, lease: Lease, plan: Plan, kept: Sequence[int]) -> Plan:
    free = book.table.floor(plan.begin, plan.after, [lease.id])
    mapping = place_again(book.ask(lease.request).shapes, free, [plan.nodes[node] for node in kept])
    if mapping is None:
        raise LeaseError(f"lease {lease.id}: the nodes left cannot stay where they are")
    prefix = key(lease, plan)
    for reservation in book.table.of_lease(lease.id):
        if reservation.key.startswith(prefix) and reservation.action is not Action.MIGRATE:
            book.table.amend(reservation.key, claims=mapping.claims)
    return replace(plan, nodes=mapping.nodes, claims=mapping.claims)


def _repriced(book: Book, lease: Lease, now: int) -> Answer:
    changed = book.put(lease, price=quote(book, lease, now))
    book.emit(now, changed, Happening.CHANGED, changed.plan.nodes if changed.plan else ())
    return explain(book, changed)
