"""After a host has failed: its leases are planned anew, active ones first, then those that start soonest."""

from dataclasses import dataclass

from placement.leases.arrange import NoWayError, commit, plan_rest, start_over, unplan, within_deadline
from placement.leases.book import Book
from placement.leases.exact import victims_for
from placement.leases.images import hosts_ready, leave
from placement.leases.intake import plan_at_once
from placement.leases.lease import Happening, Lease, Plan
from placement.leases.mapping import Mapping, place_around
from placement.leases.model import FOREVER, Kind
from placement.leases.search import Draft
from placement.leases.states import PLANNED, LeaseState

_S = LeaseState


@dataclass(frozen=True, slots=True)
class Healing:
    """What became of the leases on a failed host, in the order in which they were dealt with."""

    replanned: tuple[str, ...]
    requeued: tuple[str, ...]
    failed: tuple[str, ...]


def fail_host(book: Book, host: int, now: int) -> Healing:
    """Take a host out and heal every lease that has or will have a node on it."""
    touched = [lease for name in book.live if _touches(lease := book.leases[name], host)]
    touched.sort(key=lambda lease: (lease.state in PLANNED, lease.plan.begin if lease.plan else 0, lease.number))
    for lease in touched:
        for plan in (lease.plan, lease.later):
            if plan is not None and (host in plan.nodes or plan is not lease.plan):
                book.release_plan(lease, plan)
    if host not in book.failed:
        book.failed.put(host, None)
    for place in [place for place in book.cache if place[0] == host]:
        book.cache.drop(place)
    book.table.set_capacity(host, [0] * book.table.columns)
    book.note_freed()
    outcome: dict[str, list[str]] = {"replanned": [], "requeued": [], "failed": []}
    for lease in touched:
        outcome[_heal(book, book.leases[lease.id], host, now)].append(lease.id)
    return Healing(*(tuple(outcome[name]) for name in ("replanned", "requeued", "failed")))


def repair_host(book: Book, host: int) -> None:
    """Give a host its capacity back."""
    if host in book.failed:
        book.failed.drop(host)
    book.table.set_capacity(host, book.full_capacity[host].tolist())
    book.note_freed()


def _touches(lease: Lease, host: int) -> bool:
    return any(plan is not None and host in plan.nodes for plan in (lease.plan, lease.later))


def _heal(book: Book, lease: Lease, host: int, now: int) -> str:
    """Find a new way for one lease; "replanned", "requeued" or "failed".

    It may have been found already: a lease that gave way to one healed before it waits or has a new plan.
    """
    plan = lease.plan
    if plan is None:
        return "requeued"
    if not _touches(lease, host):
        return "replanned"
    if host not in plan.nodes:
        done = _heal_later(book, lease, now)
    elif lease.request.kind is Kind.BEST_EFFORT:
        return _requeue(book, lease, now)
    elif lease.state in PLANNED:
        done = _plan_anew(book, lease, now)
    elif lease.request.kind is Kind.DEADLINE:
        done = _restart(book, lease, now)
    else:
        done = lease.state is _S.ACTIVE and _continue(book, lease, plan, now)
    if done:
        changed = book.leases[lease.id]
        book.emit(now, changed, Happening.CHANGED, changed.plan.nodes if changed.plan else ())
        return "replanned"
    _fail(book, book.leases[lease.id], now)
    return "failed"


def _fail(book: Book, lease: Lease, now: int) -> None:
    plan = lease.plan
    if lease.state is _S.ACTIVE and plan is not None and plan.start < now:
        lease = book.put(lease, runs=(*lease.runs, (plan.start, now)))
    failed = book.put(unplan(book, lease, _S.FAILED), ended=now, reason="a host failed and no other could take over")
    book.emit(now, failed, Happening.FAILED)


def _requeue(book: Book, lease: Lease, now: int) -> str:
    """A queued lease waits again: from its saved state if that is elsewhere, else from the beginning."""
    lease = _walk_to_active(book, lease)
    if lease.state is _S.SUSPENDING:
        _fail(book, lease, now)
        return "failed"
    if lease.state is _S.MIGRATING:
        lease = book.enter(lease, _S.SUSPENDED_SCHEDULED)
    if lease.state is _S.ACTIVE:
        waiting = start_over(book, lease, now)
    else:
        state = _S.SUSPENDED_QUEUED if lease.state is _S.SUSPENDED_SCHEDULED else _S.QUEUED
        waiting = unplan(book, lease, state)
    book.emit(now, waiting, Happening.QUEUED)
    return "requeued"


def _walk_to_active(book: Book, lease: Lease) -> Lease:
    """A lease caught while resuming counts as active and starts over."""
    if lease.state is _S.RESUMING:
        lease = book.enter(lease, _S.RESUMED_READY)
    if lease.state is _S.RESUMED_READY:
        lease = book.enter(lease, _S.ACTIVE)
    return lease


def _plan_anew(book: Book, lease: Lease, now: int) -> bool:
    with book.journal.trial() as trial:
        back = _S.SUSPENDED_PENDING if lease.state is _S.SUSPENDED_SCHEDULED else _S.PENDING
        waiting = unplan(book, lease, back)
        if plan_at_once(book, waiting, now) is not None:
            trial.keep()
    return trial.kept


def _restart(book: Book, lease: Lease, now: int) -> bool:
    """A lease with a deadline starts over if it can still be met."""
    with book.journal.trial() as trial:
        active = _walk_to_active(book, lease)
        if active.state is _S.ACTIVE:
            waiting = start_over(book, active, now)
            draft = within_deadline(book, waiting, now, now)
            if draft is not None:
                commit(book, waiting, draft, now)
                trial.keep()
    return trial.kept


def _heal_later(book: Book, lease: Lease, now: int) -> bool:
    """Only what comes after the present run is lost: plan that part again."""
    bare = book.put(lease, later=None)
    try:
        plan_rest(book, bare, now)
    except NoWayError:
        return False
    return True


def _continue(book: Book, lease: Lease, plan: Plan, now: int) -> bool:
    """A running lease with fixed times goes on until its end: only lost nodes move, others may have to give way."""
    with book.journal.trial() as trial:
        ran = ((plan.start, now),) if plan.start < now else ()
        leave(book, lease)
        ready = book.enter(lease, _S.READY, plan=None, runs=lease.runs + ran)
        times = sorted({int(t) for t in hosts_ready(book, ready, now, None) if t < min(plan.end, FOREVER)})
        for time in times:
            draft = _around(book, ready, plan, time, now)
            if draft is not None:
                back = book.enter(book.leases[lease.id], _S.PENDING)
                commit(book, back, draft, now)
                trial.keep()
                return True
    return False


def _around(book: Book, lease: Lease, plan: Plan, time: int, now: int) -> Draft | None:
    ready = hosts_ready(book, lease, now, None)
    hosts = book.ask(lease.request).hosts
    order = hosts[ready[hosts] <= time]
    candidates = victims_for(book, lease, time, plan.after, now)
    for count in range(len(candidates) + 1):
        victims = tuple(candidates[:count])
        floor = book.table.floor(time, plan.after, victims)
        mapping: Mapping | None = place_around(book.ask(lease.request).shapes, floor, plan.nodes, order)
        if mapping is not None:
            return Draft(mapping, time, time, plan.end, plan.after, victims=victims)
    return None
