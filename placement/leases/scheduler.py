"""The lease scheduler: requests in, answers and events out. Time is given with every call; nothing here has a clock.

The same object serves a simulation (jump from `next_time` to `next_time`), real time (call `tick` at `next_time` or
when something happens) and a durable workflow (`save` and `load` between steps).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from placement.leases import changes, healing
from placement.leases.alternatives import alternatives, blockers
from placement.leases.answers import Accepted, Alternative, Answer, Change, Reason, Refused
from placement.leases.book import Book
from placement.leases.errors import LeaseError
from placement.leases.intake import explain, refuse, take
from placement.leases.lease import Event, Happening, Lease
from placement.leases.model import Recurrence, Request, Site, check_request
from placement.leases.policies import Policies
from placement.leases.progress import end_due, finish, start_due
from placement.leases.queueing import pull_forward, run_queue
from placement.leases.recurrence import changed_series, occurrences, series_alternative
from placement.leases.saving import load_book, save_book
from placement.leases.settings import Settings
from placement.leases.slots import SlotTable
from placement.leases.states import FINAL, LeaseState


class Scheduler:
    """Plans leases on a site; see `docs/leases.md` for the rules."""

    def __init__(self, site: Site, settings: Settings | None = None, policies: Policies | None = None) -> None:
        self._take_over(Book(site, settings or Settings(), policies or Policies()), 0)

    def _take_over(self, book: Book, now: int) -> None:
        self._book = book
        self.now = now

    def tick(self, now: int, requests: Sequence[Request] = (), finished: Iterable[str] = ()) -> list[Answer]:
        """Bring the schedule to `now` and take `requests`; answers come in the order of the requests.

        In this order: what was due before `now`, with the queue after each instant; active leases of `finished` end
        at `now`; reservations end; leases move forward into what came back early; reservations start; requests with
        a fixed time are planned; the queue is traversed; what was planned for `now` starts.

        Raises:
            LeaseError: `now` lies before the last call, or a request or a finished lease is invalid; nothing changed.
        """
        wanted = list(requests)
        self._check(now, wanted)
        ended = [self.lease(name).id for name in finished]
        while (due := self.next_time()) is not None and due < now:
            self._instant(due)
        self.now = now
        for name in ended:
            if self._book.leases[name].state is LeaseState.ACTIVE:
                finish(self._book, self._book.leases[name], now)
        return self._instant(now, wanted)

    def submit(self, request: Request, now: int, *, offers: bool = True) -> Answer:
        """Take one request; with `offers`, a refusal says who blocks and what would be accepted instead."""
        answer = self.tick(now, [request])[0]
        if offers and isinstance(answer, Refused):
            return self._with_offers(answer, request, now)
        return answer

    def next_time(self) -> int | None:
        """When, in seconds, the next reservation starts or ends; None if nothing is planned."""
        due = [found[0] for found in (self._book.table.next_start(), self._book.table.next_end()) if found]
        return min(due, default=None)

    def take_events(self) -> list[Event]:
        """Everything that happened since the last call, in order."""
        taken = list(self._book.events)
        self._book.events.clear()
        return taken

    @property
    def table(self) -> SlotTable:
        """The slot table; for questions, changes are the scheduler's."""
        return self._book.table

    def lease(self, name: str) -> Lease:
        """A lease by its id.

        Raises:
            LeaseError: there is none.
        """
        if name not in self._book.leases:
            raise LeaseError(f"there is no lease {name}; check the id")
        return self._book.leases[name]

    def leases(self) -> list[Lease]:
        """All leases in the order of submission."""
        return sorted(self._book.leases.values(), key=lambda lease: lease.number)

    def queue(self) -> list[str]:
        """The leases that wait, in order."""
        return [name for _, name, _ in self._book.queue]

    def free(self, start: int, end: int, cloud: str | None = None) -> dict[str, list[int]]:
        """What is free during the whole of [start, end), by resource, for the site or one of its clouds.

        Each value has one number for each instance of the resource, summed over the hosts.
        """
        chosen = [p for p, host in enumerate(self._book.site.hosts) if cloud in {None, host.cloud}]
        left = self._book.table.floor(start, end)[chosen].sum(axis=0)
        return {name: np.atleast_1d(left[where]).tolist() for name, where in self._book.layout.slices.items()}

    def cancel(self, name: str, now: int) -> None:
        """Take a lease back for good, whatever it is doing.

        Raises:
            LeaseError: there is no such lease, or it is over.
        """
        self.tick(now)
        changes.cancel(self._book, self._open(name), now)
        self._instant(now)

    def release(self, name: str, now: int) -> None:
        """End an active lease early; it is done and what it held is free.

        Raises:
            LeaseError: the lease is not active.
        """
        self.tick(now)
        lease = self._open(name)
        if lease.state is not LeaseState.ACTIVE:
            raise LeaseError(f"lease {name} is {lease.state.value}, not active; cancel it instead")
        finish(self._book, lease, now)
        self._instant(now)

    def extend(self, name: str, duration: int, now: int) -> Answer:
        """Let a lease run for `duration` seconds in all instead of less; refused if its hosts are needed then."""
        self.tick(now)
        return self._changed(changes.extend(self._book, self._open(name), duration, now), now)

    def shrink(self, name: str, now: int, *, duration: int | None = None, nodes: Sequence[int] | None = None) -> Answer:
        """Let a lease run for `duration` seconds in all instead of more, or with `nodes` per group instead of more."""
        self.tick(now)
        return self._changed(changes.shrink(self._book, self._open(name), now, duration, nodes), now)

    def move(self, name: str, start: int, now: int) -> Answer:
        """Let a planned lease with a fixed start begin at another time; refused if that cannot be had."""
        self.tick(now)
        return self._changed(changes.move(self._book, self._open(name), start, now), now)

    def host_failed(self, host: str, now: int) -> healing.Healing:
        """A host is gone: its leases are planned anew, active ones first, then by their start."""
        self.tick(now)
        healed = healing.fail_host(self._book, self._host(host), now)
        self._instant(now)
        return healed

    def host_repaired(self, host: str, now: int) -> None:
        """A host is back with all it had."""
        self.tick(now)
        healing.repair_host(self._book, self._host(host))
        self._instant(now)

    def save(self) -> dict[str, object]:
        """The whole state as plain data (what JSON can hold)."""
        return {"now": self.now, **save_book(self._book)}

    @classmethod
    def load(cls, data: dict[str, object], policies: Policies | None = None) -> "Scheduler":
        """A scheduler equal to the saved one; policies are code and given anew.

        Raises:
            LeaseError: the data is not what `save` gives.
        """
        loaded = cls.__new__(cls)
        loaded._take_over(load_book(data, policies or Policies()), int(str(data.get("now", 0))))  # noqa: SLF001 (its own class)
        return loaded

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scheduler) and self.save() == other.save()

    __hash__ = None  # type: ignore[assignment]

    def _instant(self, now: int, requests: Sequence[Request] = ()) -> list[Answer]:
        book = self._book
        end_due(book, now)
        if book.freed:
            pull_forward(book, now)
        start_due(book, now)
        refused = [self._take(request, now) for request in requests]
        if book.freed:
            pull_forward(book, now)
        run_queue(book, now)
        answers = [answer or self._accepted(request) for answer, request in zip(refused, requests, strict=True)]
        start_due(book, now)
        return answers

    def _check(self, now: int, requests: Sequence[Request]) -> None:
        if now < self.now:
            raise LeaseError(f"it is {self.now} s already; time {now} s is past")
        known: set[str] = set()
        for request in requests:
            check_request(request)
            children = occurrences(request, request.recurrence) if request.recurrence else []
            for name in (request.id, *(child.id for child in children)):
                if name in self._book.leases or name in known:
                    raise LeaseError(f"lease {name} exists already; choose another id")
                known.add(name)

    def _take(self, request: Request, now: int) -> Answer | None:
        """Plan, queue or refuse one request; None means that it was taken."""
        lease = Lease(request, len(self._book.leases), now)
        self._book.emit(now, lease, Happening.SUBMITTED)
        if request.recurrence is not None:
            return self._take_series(lease, request.recurrence, now)
        self._book.put(lease)
        return take(self._book, self._book.enter(lease, LeaseState.PENDING), now)

    def _take_series(self, lease: Lease, recurrence: Recurrence, now: int) -> Answer:
        """The occurrences of a recurring lease become leases: all, or those that can be had if it is partial."""
        children = occurrences(lease.request, recurrence)
        with self._book.journal.trial() as trial:
            refusals = [self._take(child, now) for child in children]
            refused = [answer for answer in refusals if isinstance(answer, Refused)]
            if len(refused) < len(children) and (not refused or recurrence.partial):
                trial.keep()
        if trial.kept:
            answers = tuple(no or self._accepted(child) for no, child in zip(refusals, children, strict=True))
            price = sum(answer.price for answer in answers if isinstance(answer, Accepted))
            return Accepted(lease.id, price, occurrences=answers)
        text = f"{refused[0].lease}: {refused[0].text}" if refused else "the rule gives no occurrence"
        self._book.put(lease)
        pending = self._book.enter(lease, LeaseState.PENDING)
        return refuse(self._book, pending, Refused(lease.id, Reason.CAPACITY, text), now)

    def _accepted(self, request: Request) -> Accepted:
        return explain(self._book, self._book.leases[request.id])

    def _with_offers(self, answer: Refused, request: Request, now: int) -> Refused:
        if request.recurrence is not None:
            return self._with_series_offers(answer, request, request.recurrence, now)
        who = blockers(self._book, request, now) if answer.reason is Reason.CAPACITY else ()
        return replace(answer, blockers=who, alternatives=alternatives(self._book, request, now, self._attempt))

    def _with_series_offers(self, answer: Refused, series: Request, recurrence: Recurrence, now: int) -> Refused:
        """Who blocks the first occurrence that cannot be had, and what would help it, tried out on the whole series."""
        with self._book.journal.trial():
            children = occurrences(series, recurrence)
            stuck = next((child for child in children if isinstance(self._take(child, now), Refused)), None)
            who = blockers(self._book, stuck, now) if stuck else ()
        if stuck is None:
            return answer
        first = stuck

        def attempt(change: Request, now: int) -> Alternative | None:
            return self._attempt(changed_series(series, recurrence, first, change), now)

        return replace(answer, blockers=who, alternatives=alternatives(self._book, stuck, now, attempt))

    def _attempt(self, request: Request, now: int) -> Alternative | None:
        """What an alternative would be if it were asked for, under another id, now; nothing lasts."""
        name = request.id
        while name in self._book.leases:
            name += "'"
        renamed = replace(request, id=name)
        with self._book.journal.trial():
            answer = self._take(renamed, now)
            if isinstance(answer, Refused):
                return None
            if answer is not None:
                return series_alternative(renamed, answer)
            lease = self._book.leases[name]
            start = lease.plan.start if lease.plan else now
            end = lease.plan.end if lease.plan else now + lease.remaining
            return Alternative(Change.LATER, renamed, start, end, lease.price)

    def _open(self, name: str) -> Lease:
        lease = self.lease(name)
        if lease.state in FINAL:
            raise LeaseError(f"lease {name} is {lease.state.value} and cannot be changed any more")
        return lease

    def _changed(self, answer: Answer, now: int) -> Answer:
        self._instant(now)
        return answer

    def _host(self, name: str) -> int:
        if name not in self._book.site.index:
            raise LeaseError(f"the site has no host {name}; its hosts are named in its description")
        return self._book.site.index[name]
