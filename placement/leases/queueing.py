"""The queue: first come, first served, with backfilling, and moving planned leases forward when capacity comes back."""

from collections import defaultdict

from placement.leases.arrange import back_state, commit, unplan, within_deadline
from placement.leases.book import Ask, Book
from placement.leases.deadlines import earliest_start, urgency
from placement.leases.lease import Lease
from placement.leases.model import FOREVER, Kind
from placement.leases.search import Draft, Search, may_be_interrupted


def run_queue(book: Book, now: int) -> None:
    """Traverse the queue in order of submission and plan what can be planned under the backfilling mode.

    With backfilling off the first lease that cannot start ends the traversal. Without a further future reservation
    only leases are tried whose nodes fit at this instant.
    """
    if not book.queue:
        return
    limit = book.settings.backfilling.reservations
    held = sum(1 for name in book.movable if book.leases[name].request.kind is Kind.BEST_EFFORT)
    hopeless = _Hopeless(book)
    for _, name, ask in list(book.queue):
        future = limit is None or held < limit
        if future or book.link is not None or book.room(ask, now) >= ask.shapes[0].count:
            planned = _plan_queued(book, book.leases[name], ask, now, hopeless, future=future)
        else:
            planned = None
        if planned is None and limit == 0:
            return
        held += planned is not None and planned.plan is not None and planned.plan.future


class _Hopeless:
    """Whole runs that could not start now; no larger and longer one of the same needs can, until the table changes."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._version = -1
        self._failed: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def knows(self, ask: Ask, length: int) -> bool:
        """Whether a smaller and shorter run has failed already."""
        if self._version != self._book.table.version:
            self._version = self._book.table.version
            self._failed.clear()
        count = ask.shapes[0].count
        return any(count >= nodes and length >= seconds for nodes, seconds in self._failed[ask.alike])

    def add(self, ask: Ask, length: int) -> None:
        """Remember a failure."""
        self._failed[ask.alike].append((ask.shapes[0].count, length))


def _plan_queued(book: Book, lease: Lease, ask: Ask, now: int, hopeless: _Hopeless, *, future: bool) -> Lease | None:
    whole = not may_be_interrupted(book, lease)
    comparable = whole and not future and book.link is None and lease.saved is None
    comparable = comparable and len(ask.shapes) == 1 and ask.alike >= 0
    if comparable and hopeless.knows(ask, lease.remaining):
        return None
    draft = _soonest(book, lease, now, future=future)
    if draft is None:
        if comparable:
            hopeless.add(ask, lease.remaining)
        return None
    return commit(book, lease, draft, now)


def _soonest(book: Book, lease: Lease, now: int, *, future: bool, before: int = FOREVER) -> Draft | None:
    search = Search(book, lease, now, whole=not may_be_interrupted(book, lease))
    return search.soonest(now, future=future, before=before)


def pull_forward(book: Book, now: int) -> None:
    """After capacity came back early, plan each lease that waits for its turn anew, one by one, if it gets better.

    First queued leases with a future reservation, in order of submission, then leases with a deadline, the most
    urgent first. No lease is ever moved back.
    """
    book.freed = False
    waiting = [
        (lease, lease.plan.begin)
        for lease in map(book.leases.__getitem__, book.movable)
        if lease.plan is not None and lease.plan.begin > earliest_start(lease, now)
    ]
    for lease, begin in sorted(waiting, key=lambda entry: _turn(entry[0], now)):
        _move_forward(book, lease, begin, now)
    book.freed = False


def _turn(lease: Lease, now: int) -> tuple[bool, float, int]:
    """Best-effort leases by number, then leases with a deadline by urgency."""
    deadline = lease.request.kind is Kind.DEADLINE
    return deadline, urgency(lease, now) if deadline else 0.0, lease.number


def _move_forward(book: Book, lease: Lease, begin: int, now: int) -> None:
    with book.journal.trial() as trial:
        waiting = unplan(book, lease, back_state(lease))
        if lease.request.kind is Kind.DEADLINE:
            draft = within_deadline(book, waiting, earliest_start(lease, now), now)
        else:
            draft = _soonest(book, waiting, now, future=True, before=begin)
        if draft is not None and draft.begin < begin:
            commit(book, waiting, draft, now)
            trial.keep()
