"""The queue: first come, first served, with backfilling, and moving planned leases forward when capacity comes back."""

from collections import defaultdict

from placement.leases.arrange import NoWayError, back_state, commit, unplan, within_deadline
from placement.leases.book import Book
from placement.leases.deadlines import earliest_start, urgency
from placement.leases.lease import Lease
from placement.leases.model import FOREVER, Kind
from placement.leases.search import Draft, Search, may_be_interrupted


def run_queue(book: Book, now: int) -> None:
    """Traverse the queue in order of submission and plan what can be planned under the backfilling mode.

    With backfilling off the first lease that cannot start ends the traversal. A lease larger in nodes and length than
    one of the same needs that failed just before, with the table unchanged, is not tried.
    """
    limit = book.settings.backfilling.reservations
    held = sum(1 for name in book.movable if book.leases[name].request.kind is Kind.BEST_EFFORT)
    hopeless: dict[object, list[tuple[int, int]]] = defaultdict(list)
    version = book.table.version
    for _, name in list(book.queue):
        lease = book.leases[name]
        future = limit is None or held < limit
        if book.table.version != version:
            version = book.table.version
            hopeless.clear()
        planned = _plan_queued(book, lease, now, hopeless, future=future)
        if planned is None and limit == 0:
            return
        held += planned is not None and planned.plan is not None and planned.plan.future


def _plan_queued(
    book: Book, lease: Lease, now: int, hopeless: dict[object, list[tuple[int, int]]], *, future: bool
) -> Lease | None:
    request = lease.request
    immediate = book.link is None and not future
    if immediate and not book.room(request, now):
        return None
    simple = immediate and len(request.groups) == 1 and lease.saved is None and not book.policies.constraints
    simple = simple and not may_be_interrupted(book, lease)
    size, length = request.nodes, lease.remaining
    known = hopeless[(request.groups[0].needs, request.clouds)] if simple else []
    if any(size >= nodes and length >= seconds for nodes, seconds in known):
        return None
    draft = _soonest(book, lease, now, future=future)
    if draft is None:
        known.append((size, length))
        return None
    try:
        return commit(book, lease, draft, now)
    except NoWayError:
        return None


def _soonest(book: Book, lease: Lease, now: int, *, future: bool, before: int = FOREVER) -> Draft | None:
    search = Search(book, lease, now, whole=not may_be_interrupted(book, lease))
    return search.soonest(now, future=future, before=before)


def pull_forward(book: Book, now: int) -> None:
    """After capacity came back early, plan each lease that waits for its turn anew, one by one, if it gets better.

    First queued leases with a future reservation, in order of submission, then leases with a deadline, the most
    urgent first. No lease is ever moved back.
    """
    book.freed = False
    waiting = [book.leases[name] for name in book.movable]
    best_effort = sorted((w for w in waiting if w.request.kind is Kind.BEST_EFFORT), key=lambda w: w.number)
    deadline = sorted(
        (w for w in waiting if w.request.kind is Kind.DEADLINE), key=lambda w: (urgency(w, now), w.number)
    )
    for lease in [*best_effort, *deadline]:
        if lease.plan is not None and lease.plan.begin > earliest_start(lease, now):
            _move_forward(book, lease, lease.plan.begin, now)
    book.freed = False


def _move_forward(book: Book, lease: Lease, begin: int, now: int) -> None:
    with book.journal.trial() as trial:
        waiting = unplan(book, lease, back_state(lease))
        if lease.request.kind is Kind.DEADLINE:
            draft = within_deadline(book, waiting, earliest_start(lease, now), now)
        else:
            draft = _soonest(book, waiting, now, future=True, before=begin)
        if draft is not None and draft.begin < begin:
            try:
                commit(book, waiting, draft, now)
            except NoWayError:
                return
            trial.keep()
