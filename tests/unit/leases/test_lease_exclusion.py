"""Suspensions and resumptions of different leases on one disk or file system: 512 MB at 32 MB/s take 16 seconds."""

import pytest

from placement.leases import (
    Action,
    Exclusion,
    Kind,
    Lease,
    NodeGroup,
    Overheads,
    Policies,
    Request,
    Reservation,
    Settings,
    Suspension,
    equal_hosts,
    resources,
)
from placement.leases.book import Book
from placement.leases.exclusion import may_resume

HALF = resources(cpu=50, memory=512)


def settings(**more):
    return Settings(suspension=Suspension.ALL, overheads=Overheads(suspend_rate=32, resume_rate=32, **more))


def half_host(name, **more):
    return Request(str(name), Kind.BEST_EFFORT, (NodeGroup(1, HALF),), 3600, preemptible=True, **more)


def planned(scheduler, action):
    return {r.lease: (r.start, r.end, r.claims[0][0]) for r in scheduler.table if r.action is action}


def preempt_two(make, ask, **overheads):
    scheduler = make(settings(**overheads))
    scheduler.tick(0, [half_host(1), half_host(2)])
    scheduler.submit(ask(3, 4, 1800, Kind.ADVANCE, start=1800), 900)
    return scheduler


def test_between_leases_suspensions_on_one_host_go_one_after_another(make, ask, finish):
    scheduler = preempt_two(make, ask, between_leases=True)
    assert planned(scheduler, Action.SUSPEND) == {"2": (1784, 1800, 0), "1": (1768, 1784, 0)}
    scheduler.tick(3600)
    assert planned(scheduler, Action.RESUME) == {"1": (3600, 3616, 0), "2": (3616, 3632, 0)}
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 1768), (3616, 3616 + 1832))
    assert leases["2"].runs == ((0, 1784), (3632, 3632 + 1816))


def test_otherwise_each_lease_is_suspended_up_to_the_instant(make, ask):
    scheduler = preempt_two(make, ask)
    assert planned(scheduler, Action.SUSPEND) == {"2": (1784, 1800, 0), "1": (1784, 1800, 0)}


@pytest.mark.parametrize(("exclusion", "first"), [(Exclusion.LOCAL, (1768, 1800)), (Exclusion.GLOBAL, (1736, 1768))])
def test_on_different_hosts_only_a_shared_file_system_excludes(make, ask, exclusion, first):
    scheduler = make(settings(exclusion=exclusion, between_leases=True))
    scheduler.tick(0, [ask(1, preemptible=True), ask(2, preemptible=True)])
    scheduler.submit(ask(3, 4, 1800, Kind.ADVANCE, start=1800), 900)
    times = {lease: span[:2] for lease, span in planned(scheduler, Action.SUSPEND).items()}
    assert times == {"2": (1768, 1800), "1": first}


def test_a_lease_for_which_the_disk_has_no_time_starts_over(make, ask, finish):
    scheduler = make(settings(between_leases=True))
    scheduler.tick(0, [half_host(1), half_host(2)])
    scheduler.submit(ask(3, 4, 100, Kind.ADVANCE, start=1800), 1775)
    assert planned(scheduler, Action.SUSPEND) == {"2": (1784, 1800, 0)}
    leases = finish(scheduler)
    assert leases["1"].lost == ((0, 1775),)
    assert leases["2"].runs[0] == (0, 1784)


def test_runs_that_are_interrupted_from_the_start_wait_for_the_disk_too(make, ask, finish):
    scheduler = make(settings(between_leases=True))
    scheduler.submit(ask(1, 4, 1800, Kind.ADVANCE, start=1800), 0)
    scheduler.tick(0, [half_host(2), half_host(3)])
    assert planned(scheduler, Action.SUSPEND) == {"2": (1784, 1800, 0), "3": (1768, 1784, 0)}
    leases = finish(scheduler)
    assert leases["3"].runs == ((0, 1768), (3616, 3616 + 1832))
    assert leases["2"].runs == ((0, 1784), (3632, 3632 + 1816))


def test_a_disk_in_use_does_not_matter_where_saving_takes_no_time(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL, overheads=Overheads(resume_rate=32, between_leases=True)))
    scheduler.tick(0, [half_host(1), half_host(2)])
    scheduler.submit(ask(3, 4, 1800, Kind.ADVANCE, start=1800), 900)
    scheduler.tick(3610)
    scheduler.submit(ask(4, 4, 60, Kind.ADVANCE, start=3700), 3610)
    leases = finish(scheduler)
    assert leases["1"].runs[:2] == ((0, 1800), (3616, 3700))
    assert leases["2"].runs[:2] == ((0, 1800), (3632, 3700))


def test_only_what_takes_time_on_the_same_host_waits():
    overheads = Overheads(suspend_rate=32, between_leases=True)
    book = Book(equal_hosts(2, HALF), Settings(suspension=Suspension.ALL, overheads=overheads), Policies())
    book.table.reserve(Reservation("x", "1", Action.SUSPEND, 10, 20, ((0, (50, 512)),)))
    lease = Lease(half_host(2), 1, 0)
    assert not may_resume(book, lease, (0,), 15, 16)
    assert may_resume(book, lease, (0,), 15, 15)
    assert may_resume(book, lease, (0,), 20, 21)
    assert may_resume(book, lease, (1,), 15, 16)
    assert may_resume(book, Lease(half_host(1), 1, 0), (0,), 15, 16)
