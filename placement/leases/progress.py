"""What happens when reservations begin and end: the lease changes its state and the event is reported."""

from collections.abc import Callable
from dataclasses import replace

from placement.leases.arrange import unplan
from placement.leases.book import Book
from placement.leases.images import arrived, leave
from placement.leases.lease import Happening, Lease, Plan
from placement.leases.policies import Offer
from placement.leases.reservations import Action, Reservation
from placement.leases.states import LeaseState

_S = LeaseState
Handler = Callable[[Book, Lease, Plan, Reservation], None]


def end_due(book: Book, time: int) -> None:
    """Handle every reservation that ends at `time`, or earlier, in order; those of no lease just go."""
    while (due := book.table.next_end()) is not None and due[0] <= time:
        reservation = book.table.release(due[1])
        if reservation.action is Action.TRANSFER:
            _end_transfer(book, reservation)
            continue
        lease = book.leases.get(reservation.lease)
        if lease is not None and lease.plan is not None:
            _ENDS[reservation.action](book, lease, lease.plan, reservation)


def start_due(book: Book, time: int) -> None:
    """Handle every reservation that starts at `time`, or earlier, in order."""
    while (due := book.table.next_start()) is not None and due[0] <= time:
        book.table.begin(due[1])
        reservation = book.table[due[1]]
        if reservation.action is Action.TRANSFER:
            _start_transfer(book, reservation)
            continue
        lease = book.leases.get(reservation.lease)
        if lease is not None and lease.plan is not None:
            _STARTS[reservation.action](book, lease, lease.plan, reservation)


def finish(book: Book, lease: Lease, now: int) -> Lease:
    """End an active lease at `now`, before its time, as done; what it still held comes back."""
    plan = lease.plan
    if plan is not None and plan.start < now:
        lease = book.put(lease, runs=(*lease.runs, (plan.start, min(now, plan.end))))
    return _done(book, lease, now)


def _done(book: Book, lease: Lease, now: int) -> Lease:
    nodes = lease.plan.nodes if lease.plan else ()
    if lease.plan is not None and lease.request.duration is None:
        offer = Offer(lease.request.nodes, lease.runs[0][0] if lease.runs else now, lease.accumulated)
        lease = book.put(lease, price=book.policies.pricing.price(offer))
    done = unplan(book, lease, _S.DONE)
    book.emit(now, done, Happening.END, nodes)
    return book.put(done, ended=now)


def _start_transfer(book: Book, reservation: Reservation) -> None:
    for name in book.transfers[reservation.key].leases:
        lease = book.leases[name]
        nodes = lease.plan.nodes if lease.plan else ()
        book.emit(reservation.start, book.enter(lease, _S.PREPARING), Happening.TRANSFER_START, nodes)


def _end_transfer(book: Book, reservation: Reservation) -> None:
    for name in arrived(book, reservation.key, reservation.end).leases:
        lease = book.leases[name]
        nodes = lease.plan.nodes if lease.plan else ()
        book.emit(reservation.end, book.enter(lease, _S.READY), Happening.TRANSFER_END, nodes)


def _start_migrate(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    if reservation.start == plan.rounds[0][0]:
        moving = book.enter(lease, _S.MIGRATING)
        book.emit(reservation.start, moving, Happening.MIGRATE_START, lease.saved or ())


def _end_migrate(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    if reservation.end == plan.rounds[-1][1]:
        moved = book.enter(lease, _S.SUSPENDED_SCHEDULED, saved=plan.nodes)
        book.emit(reservation.end, moved, Happening.MIGRATE_END, plan.nodes)


def _start_resume(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    if lease.saved != plan.nodes:
        lease = book.enter(lease, _S.MIGRATING)
        book.emit(reservation.start, lease, Happening.MIGRATE_START, lease.saved or ())
        lease = book.enter(lease, _S.SUSPENDED_SCHEDULED, saved=plan.nodes)
        book.emit(reservation.start, lease, Happening.MIGRATE_END, plan.nodes)
    book.emit(reservation.start, book.enter(lease, _S.RESUMING), Happening.RESUME_START, plan.nodes)


def _end_resume(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    book.emit(reservation.end, book.enter(lease, _S.RESUMED_READY), Happening.RESUME_END, plan.nodes)


def _start_run(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    if lease.saved is None:
        book.emit(reservation.start, book.enter(lease, _S.ACTIVE), Happening.START, plan.nodes)
        return
    if lease.state is _S.SUSPENDED_SCHEDULED:
        _start_resume(book, lease, plan, reservation)
        _end_resume(book, book.leases[lease.id], plan, replace(reservation, end=reservation.start))
    active = book.enter(book.leases[lease.id], _S.ACTIVE, saved=None)
    book.put(active, copied=active.copied | set(plan.nodes))


def _end_run(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    ran = book.put(lease, runs=(*lease.runs, (reservation.start, reservation.end)))
    if plan.suspends and plan.end == plan.after:
        _start_suspend(book, ran, plan, replace(reservation, start=reservation.end))
        _end_suspend(book, book.leases[lease.id], plan, reservation)
    elif plan.end == plan.after:
        _done(book, ran, reservation.end)


def _start_suspend(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    book.emit(reservation.start, book.enter(lease, _S.SUSPENDING), Happening.SUSPEND_START, plan.nodes)


def _end_suspend(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    leave(book, lease)
    pending = book.enter(book.leases[lease.id], _S.SUSPENDED_PENDING, plan=lease.later, later=None, saved=plan.nodes)
    book.emit(reservation.end, pending, Happening.SUSPEND_END, plan.nodes)
    if pending.plan is not None:
        book.enter(pending, _S.SUSPENDED_SCHEDULED)
    else:
        book.enter(pending, _S.SUSPENDED_QUEUED)
        book.emit(reservation.end, pending, Happening.QUEUED)


def _start_shutdown(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    """Shutting down begins without anybody having to do anything."""


def _end_shutdown(book: Book, lease: Lease, plan: Plan, reservation: Reservation) -> None:
    del plan
    _done(book, lease, reservation.end)


_STARTS: dict[Action, Handler] = {
    Action.MIGRATE: _start_migrate,
    Action.RESUME: _start_resume,
    Action.RUN: _start_run,
    Action.SUSPEND: _start_suspend,
    Action.SHUTDOWN: _start_shutdown,
}

_ENDS: dict[Action, Handler] = {
    Action.MIGRATE: _end_migrate,
    Action.RESUME: _end_resume,
    Action.RUN: _end_run,
    Action.SUSPEND: _end_suspend,
    Action.SHUTDOWN: _end_shutdown,
}
