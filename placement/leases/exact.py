"""Leases with a fixed start: first into free hosts, then by letting as few others as possible give way."""

from collections.abc import Sequence

from placement.leases.arrange import NoWayError, can_give_way, commit
from placement.leases.book import Book
from placement.leases.lease import Lease
from placement.leases.model import FOREVER, Kind
from placement.leases.search import Draft, Search, may_suspend
from placement.leases.settings import Suspension


def plan_exactly(book: Book, lease: Lease, start: int, now: int) -> Lease | None:
    """Plan a lease to begin exactly at `start`, if need be at the cost of others; None if that is impossible."""
    search = Search(book, lease, now, exact=start)
    draft = search.at(start)
    if draft is not None:
        return _try(book, lease, draft, now)[0]
    candidates = victims_for(book, lease, start, min(start + search.need, FOREVER), now)
    while candidates:
        draft = _fewest_victims(search, start, candidates)
        if draft is None:
            return None
        planned, obstacle = _try(book, lease, draft, now)
        if planned is not None or obstacle not in candidates:
            return planned
        candidates.remove(obstacle)
    return None


def _try(book: Book, lease: Lease, draft: Draft, now: int) -> tuple[Lease | None, str]:
    fixed = Draft(draft.mapping, draft.begin, draft.start, draft.end, draft.after, fixed=True, victims=draft.victims)
    try:
        return commit(book, lease, fixed, now), ""
    except NoWayError as error:
        return None, error.lease


def victims_for(book: Book, lease: Lease, start: int, end: int, now: int) -> list[str]:
    """The leases in [start, end) that may have to give way to `lease`, best victim first.

    Of equally good victims the one asked for last goes first.
    """
    scored = []
    for name in dict.fromkeys(r.lease for r in book.table.overlapping(start, end) if r.lease in book.leases):
        victim = book.leases[name]
        score = book.policies.preemption.score(lease.request, victim.request, victim.submitted, now)
        if score >= 0 and can_give_way(book, victim, start, now) and _deadline_allows(book, victim, end - start, now):
            scored.append((-score, -victim.number, name))
    return [name for _, _, name in sorted(scored)]


def _deadline_allows(book: Book, victim: Lease, length: int, now: int) -> bool:
    """Whether a victim with a deadline can be expected to meet it after a pause of `length` and its overheads."""
    request, plan = victim.request, victim.plan
    if request.kind is not Kind.DEADLINE or plan is None:
        return True
    delay, remaining = length, request.duration or 0
    if book.settings.suspension is not Suspension.NONE and may_suspend(book, victim):
        overheads, memory = book.settings.overheads, request.memory()
        delay += overheads.suspend(memory, plan.nodes) + overheads.resume(memory, plan.nodes)
        remaining = victim.remaining - max(now - plan.start, 0)
    return now + delay + remaining < (request.deadline or FOREVER)


def _fewest_victims(search: Search, start: int, candidates: Sequence[str]) -> Draft | None:
    """The shortest head of `candidates` that makes room, without those of them that turn out not to be needed."""
    draft = search.at(start, candidates)
    if draft is None:
        return None
    enough, short = len(candidates), 0
    while enough - short > 1:
        middle = (enough + short) // 2
        found = search.at(start, candidates[:middle])
        if found is None:
            short = middle
        else:
            enough, draft = middle, found
    for name in reversed(draft.victims):
        found = search.at(start, [other for other in draft.victims if other != name])
        draft = found if found is not None else draft
    return draft
