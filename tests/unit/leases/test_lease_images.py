import pytest

from placement.leases import Image, Images, Kind, Overheads, Refused, Settings, Suspension, equal_hosts, resources
from placement.leases.transfers import first_gap, last_gap

A, B = Image("a", 1000), Image("b", 2000)
TEN = Overheads(bandwidth=100)


def preparing(mode=Images.TRANSFER, **more):
    return Settings(images=mode, **{"overheads": TEN} | more)


def transfers(scheduler):
    return [(r.start, r.end) for r in scheduler.table.of_lease("")]


def test_gaps_on_the_link():
    busy = [(10, 20), (25, 40)]
    assert [first_gap(busy, 0, length) for length in (10, 11, 5, 6)] == [0, 40, 0, 0]
    assert [first_gap(busy, 12, length) for length in (5, 6)] == [20, 40]
    assert last_gap(busy, 0, 50, 10) == 40
    assert last_gap(busy, 0, 45, 10) == 0
    assert last_gap(busy, 0, 45, 5) == 40
    assert last_gap(busy, 0, 24, 4) == 20
    assert last_gap(busy, 5, 45, 11) is None
    assert last_gap([], 5, 10, 5) == 5


def test_one_transfer_at_a_time_first_come_first_served(make, ask, finish):
    scheduler = make(preparing())
    scheduler.tick(
        0,
        [
            ask(1, 1, 100, image=A),
            ask(2, 1, 100, image=B),
            ask(3, 1, 100),
            ask(4, 1, 50, Kind.IMMEDIATE, image=Image("c", 500)),
        ],
    )
    leases = finish(scheduler)
    assert [leases[n].runs[0][0] for n in "4123"] == [40, 120, 280, 0]


def test_transfers_for_fixed_starts_are_as_late_as_possible(make, ask):
    scheduler = make(preparing())
    scheduler.submit(ask(1, 1, 100, Kind.ADVANCE, start=1000, image=A), 0)
    scheduler.submit(ask(2, 1, 100, Kind.ADVANCE, start=1000, image=B), 0)
    assert transfers(scheduler) == [(760, 920), (920, 1000)]
    overheads = scheduler.submit(ask(3, 1, 100, Kind.ADVANCE, start=900, image=Image("c", 500)), 0).overheads
    assert [(o.action.value, o.start, o.end, o.hosts) for o in overheads] == [("transfer", 720, 760, ("host-1",))]
    assert isinstance(scheduler.submit(ask(4, 1, 9, Kind.ADVANCE, start=50, image=A), 0), Refused)


def test_planned_transfers_make_room_by_going_earlier(make, ask, finish):
    scheduler = make(preparing())
    scheduler.submit(ask(1, 1, 9, Kind.ADVANCE, start=60, image=Image("c", 375)), 0)
    assert transfers(scheduler) == [(30, 60)]
    answer = scheduler.submit(ask(2, 1, 9, Kind.ADVANCE, start=100, image=Image("d", 625)), 0)
    assert [(o.start, o.end) for o in answer.overheads] == [(50, 100)]
    assert transfers(scheduler) == [(20, 50), (50, 100)]
    assert isinstance(scheduler.submit(ask(3, 1, 9, Kind.ADVANCE, start=100, image=Image("e", 300)), 0), Refused)
    assert transfers(scheduler) == [(20, 50), (50, 100)]
    scheduler.tick(30)
    assert isinstance(scheduler.submit(ask(4, 1, 9, Kind.ADVANCE, start=99, image=Image("e", 10)), 30), Refused)
    leases = finish(scheduler)
    assert (leases["1"].runs, leases["2"].runs) == (((60, 69),), ((100, 109),))


def test_a_transfer_not_yet_begun_takes_others_along(make, ask, finish):
    scheduler = make(preparing())
    scheduler.submit(ask(1, 1, 100, image=B), 0)
    scheduler.submit(ask(2, 1, 100, image=A), 10)
    scheduler.submit(ask(3, 2, 100, image=A), 20)
    assert transfers(scheduler) == [(0, 160), (160, 240)]
    leases = finish(scheduler)
    assert leases["2"].runs == leases["3"].runs == ((240, 340),)
    scheduler = make(preparing(multicast=False))
    scheduler.submit(ask(1, 2, 100, image=B), 0)
    scheduler.submit(ask(2, 1, 100, image=B), 10)
    assert transfers(scheduler) == [(0, 320), (320, 480)]


def test_advance_leases_join_a_transfer_that_ends_in_time(make, ask):
    scheduler = make(preparing())
    scheduler.submit(ask(1, 1, 100, Kind.ADVANCE, start=500, image=A), 0)
    scheduler.submit(ask(2, 1, 100, Kind.ADVANCE, start=600, image=A), 0)
    scheduler.submit(ask(3, 1, 100, Kind.ADVANCE, start=450, image=A), 0)
    assert transfers(scheduler) == [(340, 420), (420, 500)]


def test_kept_images_are_used_again(make, ask, finish):
    scheduler = make(preparing(Images.REUSE))
    scheduler.submit(ask(1, 1, 100, image=A), 0)
    scheduler.tick(80)
    scheduler.submit(ask(2, 2, 50, image=A), 200)
    assert scheduler.lease("2").plan.start == 280
    finish(scheduler)
    third = scheduler.submit(ask(3, 2, 50, image=A), 1000)
    assert (third.start, third.overheads) == (1000, ())
    fixed = scheduler.submit(ask(4, 1, 50, Kind.ADVANCE, start=1010, image=A), 1000)
    assert isinstance(fixed, Refused)


def test_hosts_that_have_the_image_come_first(make, ask, finish):
    scheduler = make(preparing(Images.REUSE))
    scheduler.tick(0, [ask(1, 2, 10), ask(2, 1, 100, image=A)])
    finish(scheduler)
    assert scheduler.submit(ask(3, 1, 50, image=A), 500).hosts == ("host-1",)
    assert scheduler.submit(ask(4, 1, 50, Kind.ADVANCE, start=600, image=A), 500).hosts == ("host-1",)


def test_a_full_cache_drops_what_was_unused_longest(make, ask, finish):
    scheduler = make(preparing(Images.REUSE, cache=3000), hosts=equal_hosts(1, resources(cpu=100)))
    small = resources(cpu=10)
    for time, name, image in ((0, 1, A), (1000, 2, B), (2000, 3, Image("c", 1000))):
        scheduler.submit(ask(name, 1, 10, needs=small, image=image), time)
        finish(scheduler)
    assert scheduler.submit(ask(4, 1, 10, needs=small, image=B), 3000).start == 3000
    assert scheduler.submit(ask(5, 1, 10, needs=small, image=A), 3000).start == 3080


def test_an_image_in_use_stays_and_one_too_large_is_not_kept(make, ask, finish):
    scheduler = make(preparing(Images.REUSE, cache=2500), hosts=equal_hosts(1, resources(cpu=100)))
    small = resources(cpu=10)
    scheduler.submit(ask(1, 1, 5000, needs=small, image=A), 0)
    scheduler.submit(ask(2, 1, 10, needs=small, image=B), 100)
    scheduler.submit(ask(3, 1, 10, needs=small, image=B), 1000)
    assert scheduler.lease("3").plan.start == 1160
    assert scheduler.submit(ask(4, 1, 10, needs=small, image=A), 1000).start == 1000
    finish(scheduler)


def test_cancelling_gives_the_link_back(make, ask):
    scheduler = make(preparing())
    scheduler.submit(ask(1, 1, 100, Kind.ADVANCE, start=1000, image=A), 0)
    scheduler.submit(ask(2, 1, 100, Kind.ADVANCE, start=1000, image=A), 0)
    scheduler.cancel("1", 10)
    assert transfers(scheduler) == [(920, 1000)]
    scheduler.cancel("2", 20)
    assert transfers(scheduler) == []
    scheduler.submit(ask(3, 1, 100, image=A), 30)
    scheduler.tick(31)
    scheduler.cancel("3", 40)
    assert transfers(scheduler) == [(30, 110)]
    scheduler.tick(200)
    assert transfers(scheduler) == []


def test_images_come_back_with_a_lease_that_starts_over(make, ask, finish):
    scheduler = make(preparing())
    scheduler.submit(ask(1, 4, 3600, image=A, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 100, Kind.ADVANCE, start=500), 200)
    assert finish(scheduler)["1"].runs == ((600, 4200),)
    assert scheduler.lease("1").lost == ((80, 200),)


def test_suspended_leases_need_no_transfer(make, ask, finish):
    scheduler = make(preparing(suspension=Suspension.ALL))
    scheduler.submit(ask(1, 4, 1000, image=A, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 100, Kind.ADVANCE, start=500), 200)
    assert finish(scheduler)["1"].runs == ((80, 500), (600, 1180))


@pytest.mark.parametrize("image", [Image("none", 0), None])
def test_nothing_to_copy(make, ask, image):
    assert make(preparing()).submit(ask(1, image=image), 0).start == 0


def test_a_planned_lease_keeps_its_image_when_it_moves_forward(make, ask, finish):
    scheduler = make(preparing())
    scheduler.submit(ask(1, 4, 1000), 0)
    scheduler.submit(ask(2, 4, 100, image=A), 0)
    scheduler.tick(200, finished=["1"])
    assert finish(scheduler)["2"].runs == ((200, 300),)


def test_a_queued_lease_without_room_on_the_link_waits(make, ask, finish):
    scheduler = make(preparing())
    scheduler.submit(ask(1, 3, 100, Kind.ADVANCE, start=85, image=A), 0)
    assert scheduler.submit(ask(2, 4, 50, image=B), 0).start == 245
    finish(scheduler)
