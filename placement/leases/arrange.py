"""From a draft to a plan: victims give way, images and saved state are brought along, everything is reserved."""

from dataclasses import replace

from placement.leases.book import Book, key
from placement.leases.exclusion import last_suspension
from placement.leases.images import deliver, leave
from placement.leases.lease import Happening, Lease, Plan
from placement.leases.model import FOREVER, Kind
from placement.leases.reservations import Action, Reservation
from placement.leases.search import Draft, Search, may_suspend, threshold
from placement.leases.settings import Migration
from placement.leases.states import PLANNED, LeaseState

_S = LeaseState
_BEFORE_RUNNING = frozenset({_S.SCHEDULED, _S.PREPARING, _S.READY})


class NoWayError(Exception):
    """A draft cannot be carried through; `lease` is the one that stands in the way."""

    def __init__(self, lease: str) -> None:
        super().__init__(lease)
        self.lease = lease


def commit(book: Book, lease: Lease, draft: Draft, now: int) -> Lease:
    """Make a draft the lease's plan, all of it or nothing.

    Raises:
        NoWayError: the image cannot be there in time (never for a draft that a search just found and that has no
            victims), or a victim with a deadline could not be met any more.
    """
    with book.journal.trial() as trial:
        for victim in draft.victims:
            give_way(book, book.leases[victim], draft.begin, now)
        possible, transfer = deliver(book, lease, draft.mapping.nodes, draft.begin, now, fixed=draft.fixed)
        if not possible:
            raise NoWayError(lease.id)
        plan = _plan(book, lease, draft, transfer, now)
        book.reserve_plan(lease, plan)
        planned = _enter_planned(book, book.leases[lease.id], plan)
        book.emit(now, planned, Happening.SCHEDULED, plan.nodes)
        for victim in draft.victims:
            if book.leases[victim].request.kind is Kind.DEADLINE:
                plan_rest(book, book.leases[victim], now)
        trial.keep()
    return planned


def _plan(book: Book, lease: Lease, draft: Draft, transfer: str | None, since: int) -> Plan:
    nodes = draft.mapping.nodes
    rounds = migration_rounds(book, lease, nodes, since)
    return Plan(
        number=lease.plans,
        nodes=nodes,
        claims=draft.mapping.claims,
        begin=draft.begin,
        start=draft.start,
        end=draft.end,
        after=draft.after,
        suspends=draft.suspends,
        future=draft.future,
        transfer=transfer,
        rounds=rounds,
        victims=draft.victims,
    )


def migration_rounds(book: Book, lease: Lease, nodes: tuple[int, ...], since: int) -> tuple[tuple[int, int], ...]:
    """The times from `since` on at which saved state moves to `nodes`; empty if none has to, or it takes no time."""
    if lease.saved is None or book.settings.migration is not Migration.YES:
        return ()
    moves = [(i, a, b) for i, (a, b) in enumerate(zip(lease.saved, nodes, strict=True)) if a != b]
    rounds = []
    request = lease.request
    for seconds in book.settings.overheads.migration_rounds(request.memory(), request.image, moves):
        rounds.append((since, since + seconds))
        since += seconds
    return tuple(rounds)


def _enter_planned(book: Book, lease: Lease, plan: Plan) -> Lease:
    plans = lease.plans + 1
    if lease.saved is not None:
        return book.enter(lease, _S.SUSPENDED_SCHEDULED, plan=plan, plans=plans)
    planned = book.enter(lease, _S.SCHEDULED, plan=plan, plans=plans)
    return planned if plan.transfer else book.enter(planned, _S.READY)


def unplan(book: Book, lease: Lease, state: LeaseState) -> Lease:
    """Take a lease's plans out of the table and let it enter `state`."""
    for plan in (lease.plan, lease.later):
        if plan is not None:
            book.release_plan(lease, plan)
    leave(book, lease)
    return book.enter(book.leases[lease.id], state, plan=None, later=None)


def back_state(lease: Lease) -> LeaseState:
    """Where a planned lease goes when its plan is taken back to be made anew."""
    return _S.SUSPENDED_PENDING if lease.state is _S.SUSPENDED_SCHEDULED else _S.PENDING


def suspension(book: Book, lease: Lease, plan: Plan, time: int, now: int) -> tuple[int, int] | None:
    """When the run planned or going on as `plan` is suspended so as to be over by `time`; None if it cannot be."""
    if not may_suspend(book, lease) or lease.state is _S.SUSPENDING:
        return None
    seconds = book.settings.overheads.suspend(lease.request.memory(), plan.nodes)
    begin = last_suspension(book, lease, plan.nodes, seconds, (now, time))
    if begin is None or begin + seconds - plan.start < threshold(book, seconds, 0):
        return None
    return (begin, begin + seconds) if plan.start < begin < plan.end else None


def can_give_way(book: Book, lease: Lease, time: int, now: int) -> bool:
    """Whether a lease can be off its hosts at `time`, by suspending it or by starting it anew later."""
    plan = lease.plan
    if plan is None or lease.later is not None:
        return False
    if lease.state in PLANNED or suspension(book, lease, plan, time, now) is not None:
        return True
    return lease.state is _S.ACTIVE and now < plan.end


def give_way(book: Book, victim: Lease, time: int, now: int) -> None:
    """Take a victim off its hosts by `time`."""
    times = suspension(book, victim, victim.plan, time, now) if victim.plan is not None else None
    if victim.plan is not None and times is not None:
        cut(book, victim, victim.plan, *times)
    else:
        requeue(book, victim, now)
    book.note_freed()
    changed = book.leases[victim.id]
    book.put(changed, preemptions=changed.preemptions + 1)


def cut(book: Book, victim: Lease, plan: Plan, end: int, until: int) -> None:
    """Let the present run, planned as `plan`, end at `end` and be suspended until `until`."""
    for action in (Action.SUSPEND, Action.SHUTDOWN):
        if key(victim, plan, action) in book.table:
            book.table.release(key(victim, plan, action))
    book.table.amend(key(victim, plan, Action.RUN), end=end)
    if end < until:
        name = key(victim, plan, Action.SUSPEND)
        book.table.reserve(Reservation(name, victim.id, Action.SUSPEND, end, until, plan.claims))
    book.put(victim, plan=replace(plan, end=end, after=until, suspends=True))


def requeue(book: Book, victim: Lease, now: int) -> None:
    """Cancel a victim's run; it waits in the order of submission, from its saved state if it has one."""
    nodes = victim.plan.nodes if victim.plan else ()
    deadline = victim.request.kind is Kind.DEADLINE
    if victim.state is _S.SUSPENDED_SCHEDULED:
        unplan(book, victim, _S.SUSPENDED_PENDING if deadline else _S.SUSPENDED_QUEUED)
    elif victim.state in _BEFORE_RUNNING:
        unplan(book, victim, _S.PENDING if deadline else _S.QUEUED)
    else:
        start_over(book, victim, now)
    book.emit(now, victim, Happening.PREEMPTED, nodes)
    if not deadline:
        book.emit(now, victim, Happening.QUEUED)


def start_over(book: Book, lease: Lease, now: int) -> Lease:
    """End an active run whose work is lost and queue the lease with its whole duration."""
    plan = lease.plan
    lost = lease.lost + lease.runs + (((plan.start, now),) if plan and plan.start < now else ())
    waiting = unplan(book, lease, _S.QUEUED)
    return book.put(waiting, lost=lost, runs=(), saved=None, copied=frozenset())


def plan_rest(book: Book, victim: Lease, now: int) -> None:
    """Plan the rest of a victim with a deadline at once, or raise `NoWayError` if it could not be met."""
    plan = victim.plan
    if plan is None:
        found = within_deadline(book, victim, max(now, victim.request.start or now), now)
        if found is None:
            raise NoWayError(victim.id)
        commit(book, victim, found, now)
        return
    rest = replace(victim, runs=(*victim.runs, (plan.start, plan.end)), saved=plan.nodes)
    found = within_deadline(book, rest, plan.after, plan.after)
    if found is None:
        raise NoWayError(victim.id)
    later = _plan(book, rest, found, None, plan.after)
    book.reserve_plan(rest, later)
    book.put(victim, later=later, plans=victim.plans + 1)


def within_deadline(book: Book, lease: Lease, earliest: int, now: int) -> Draft | None:
    """The soonest whole run from `earliest` on that ends by the lease's deadline and needs nobody to give way."""
    deadline = lease.request.deadline or FOREVER
    latest = deadline - lease.remaining
    if latest < earliest:
        return None
    draft = Search(book, lease, now).soonest(earliest, future=True, before=latest + 1)
    return draft if draft is not None and draft.end <= deadline else None
