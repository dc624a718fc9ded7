"""The worked examples: times from 13:00:00, four full hosts, aggressive backfilling, 32 MB/s, images of 1,024 MB."""

import pytest

from placement.leases import Image, Images, Kind, LeaseState, Overheads, Settings, Suspension

MB_PER_S = Overheads(suspend_rate=32, resume_rate=32)
HALF = 1800


def test_example_a_preemption_by_suspension(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL, overheads=MB_PER_S))
    first = scheduler.submit(ask(1, preemptible=True), 0)
    assert (first.start, first.hosts) == (0, ("host-1",))
    second = scheduler.submit(ask(2, 4, HALF, Kind.ADVANCE, start=HALF), 900)
    assert (second.start, second.end, second.preempted) == (HALF, 3600, ("1",))
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 29 * 60 + 28), (3632, 91 * 60 + 4))
    assert leases["2"].runs == ((HALF, 3600),)
    times = {(e.lease, e.happening.value): e.time for e in scheduler.take_events()}
    assert [times["1", name] for name in ("suspend_start", "suspend_end", "resume_start", "resume_end")] == [
        1768,
        1800,
        3600,
        3632,
    ]


def test_example_a_without_suspension(make, ask, finish):
    scheduler = make(Settings(overheads=MB_PER_S))
    scheduler.submit(ask(1, preemptible=True), 0)
    scheduler.submit(ask(2, 4, HALF, Kind.ADVANCE, start=HALF), 900)
    assert scheduler.lease("1").state is LeaseState.READY
    leases = finish(scheduler)
    assert leases["1"].runs == ((3600, 7200),)
    assert leases["1"].lost == ((0, 900),)


def test_example_b_backfilling(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1), 0)
    second = scheduler.submit(ask(2, 4, 900), 900)
    assert (second.start, second.end) == (3600, 4500)
    third = scheduler.submit(ask(3, 4, 900), 1000)
    assert third.start is None
    assert scheduler.lease("3").state is LeaseState.QUEUED
    too_long = scheduler.submit(ask(4, 1, 2400), 1201)
    assert too_long.start is None
    assert scheduler.submit(ask(5, 1, 2399), 1201).start == 1201
    leases = finish(scheduler)
    assert leases["2"].runs == ((3600, 4500),)
    assert leases["3"].runs == ((4500, 5400),)


def test_example_c_prestaging(make, ask, finish):
    overheads = Overheads(suspend_rate=32, resume_rate=32, bandwidth=100)
    scheduler = make(Settings(suspension=Suspension.ALL, images=Images.TRANSFER, overheads=overheads))
    scheduler.submit(ask(1, preemptible=True, image=Image("foobar1.img", 1024)), 0)
    scheduler.submit(ask(2, 4, HALF, Kind.ADVANCE, start=HALF, image=Image("foobar2.img", 1024)), 900)
    leases = finish(scheduler)
    times = {(e.lease, e.happening.value): e.time for e in scheduler.take_events()}
    assert (times["1", "transfer_start"], times["1", "transfer_end"], times["1", "start"]) == (0, 82, 82)
    assert (times["2", "transfer_start"], times["2", "transfer_end"], times["2", "start"]) == (HALF - 82, HALF, HALF)
    assert leases["2"].runs == ((HALF, 3600),)
    assert leases["1"].accumulated == 3600


@pytest.mark.parametrize(("megabytes", "seconds"), [(1024, 82), (1000, 80), (1, 1), (0, 0)])
def test_copying_is_rounded_up_to_a_second(megabytes, seconds):
    assert Overheads(bandwidth=100).copy(megabytes) == seconds
