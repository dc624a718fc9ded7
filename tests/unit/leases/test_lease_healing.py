import pytest

from placement.leases import (
    Backfilling,
    Host,
    Image,
    Images,
    Kind,
    LeaseState,
    Migration,
    NodeGroup,
    Overheads,
    Policies,
    Request,
    Settings,
    Site,
    Suspension,
    equal_hosts,
    resources,
)
from placement.leases.policies import DeadlineAware

FULL = resources(cpu=100, memory=1024)
SLOW = Overheads(suspend_time=10, resume_time=10)


def test_running_leases_move_only_the_lost_nodes(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1, 2, 1000, Kind.ADVANCE, start=0), 0)
    healed = scheduler.host_failed("host-1", 100)
    assert healed.replanned == ("1",)
    assert scheduler.lease("1").plan.nodes == (2, 1)
    assert finish(scheduler)["1"].runs == ((0, 100), (100, 1000))


def test_active_leases_come_before_those_that_start_soon(make, ask, finish):
    scheduler = make(hosts=equal_hosts(2, resources(cpu=100)))
    one = resources(cpu=100)
    scheduler.submit(ask(1, 1, 1000, Kind.ADVANCE, start=0, needs=one), 0)
    scheduler.submit(ask(2, 2, 50, Kind.ADVANCE, start=2000, needs=one), 0)
    scheduler.submit(ask(3, 1, 50, Kind.ADVANCE, start=1500, needs=one), 0)
    healed = scheduler.host_failed("host-1", 100)
    assert (healed.replanned, healed.failed) == (("1", "3"), ("2",))
    leases = finish(scheduler)
    assert leases["3"].runs == ((1500, 1550),)
    assert leases["2"].state is LeaseState.FAILED
    assert leases["2"].reason


def test_best_effort_leases_wait_again_and_make_room(make, ask, finish):
    scheduler = make(hosts=equal_hosts(2, resources(cpu=100)))
    one = resources(cpu=100)
    scheduler.submit(ask(1, 1, 1000, Kind.ADVANCE, start=0, needs=one), 0)
    scheduler.submit(ask(2, 1, 300, needs=one, preemptible=True), 0)
    healed = scheduler.host_failed("host-1", 100)
    assert healed.replanned == ("1",)
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 100), (100, 1000))
    assert leases["2"].runs == ((1000, 1300),)
    assert leases["2"].lost == ((0, 100),)


def test_a_failed_host_of_a_best_effort_lease(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1, 4, 300), 0)
    scheduler.submit(ask(2, 4, 100), 0)
    scheduler.host_failed("host-2", 100)
    assert scheduler.queue() != []
    scheduler.host_failed("host-2", 110)
    scheduler.host_repaired("host-2", 500)
    leases = finish(scheduler)
    assert (leases["1"].runs, leases["2"].runs) == (((500, 800),), ((800, 900),))


def test_no_room_means_failure(make, ask):
    scheduler = make()
    scheduler.submit(ask(1, 4, 300, Kind.IMMEDIATE), 0)
    healed = scheduler.host_failed("host-2", 100)
    assert healed.failed == ("1",)
    assert scheduler.lease("1").runs == ((0, 100),)
    assert scheduler.free(100, 200) == {"cpu": [300], "memory": [3072]}


def test_deadline_leases_start_over_or_are_planned_anew(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1, 2, 300, Kind.DEADLINE, deadline=1000), 0)
    scheduler.submit(ask(2, 2, 300, Kind.DEADLINE, start=500, deadline=1000), 0)
    scheduler.submit(ask(3, 1, 300, Kind.DEADLINE, deadline=310), 0)
    assert scheduler.host_failed("host-1", 100).replanned == ("1", "2")
    assert scheduler.host_failed("host-3", 100).failed == ("3",)
    leases = finish(scheduler)
    assert leases["1"].runs == ((300, 600),) or leases["1"].runs == ((100, 400),)
    assert leases["1"].lost == ((0, 100),)
    assert leases["2"].accumulated == 300


@pytest.mark.parametrize(
    ("time", "runs", "state"),
    [
        (495, ((0, 490),), LeaseState.FAILED),
        (600, ((0, 490), (10010, 10520)), LeaseState.DONE),
        (705, ((10000, 11000),), LeaseState.DONE),
        (710, ((10000, 11000),), LeaseState.DONE),
    ],
)
def test_leases_caught_on_the_way_to_or_from_disk(make, ask, finish, time, runs, state):
    scheduler = make(Settings(suspension=Suspension.ALL, overheads=SLOW))
    scheduler.submit(ask(1, 4, 1000, preemptible=True), 0)
    scheduler.submit(ask(2, 3, 200, Kind.ADVANCE, start=500), 0)
    scheduler.host_failed("host-4", time)
    scheduler.host_repaired("host-4", 10000)
    leases = finish(scheduler)
    assert (leases["1"].runs, leases["1"].state) == (runs, state)


def test_a_lease_caught_while_its_state_moves_goes_back_to_where_it_is(make, ask, finish):
    overheads = Overheads(bandwidth=100)
    scheduler = make(Settings(suspension=Suspension.ALL, migration=Migration.YES, overheads=overheads))
    scheduler.submit(ask(1, 1, 1000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 10, Kind.ADVANCE, start=500), 0)
    scheduler.submit(ask(3, 3, 9000, Kind.ADVANCE, start=510), 0)
    scheduler.tick(520)
    assert scheduler.lease("1").state is LeaseState.MIGRATING
    assert scheduler.host_failed("host-4", 520).requeued == ("1",)
    assert finish(scheduler)["1"].runs == ((0, 500), (9510, 10010))


def test_a_deadline_lease_caught_while_resuming_starts_over(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL, overheads=SLOW), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 2, 1000, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 100)
    scheduler.tick(705)
    assert scheduler.lease("1").state is LeaseState.RESUMING
    assert scheduler.host_failed("host-1", 705).replanned == ("1",)
    assert finish(scheduler)["1"].runs == ((705, 1705),)


def test_a_deadline_lease_caught_while_suspending_fails(make, ask):
    scheduler = make(Settings(suspension=Suspension.ALL, overheads=SLOW), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 2, 1000, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 100)
    assert "1" in scheduler.host_failed("host-1", 495).failed


@pytest.mark.parametrize(("spare", "outcome"), [(True, "replanned"), (False, "failed")])
def test_only_the_plan_after_a_preemption_is_made_anew(make, ask, finish, spare, outcome):
    """Lease 1 runs on a, gives way at 500 and is planned to go on on b, because a is taken; then b fails."""
    site = Site((Host("a", FULL, "one"), Host("b", FULL, "two"), Host("c", FULL, "three")))
    settings = Settings(suspension=Suspension.ALL, migration=Migration.NO_TRANSFER, overheads=SLOW)
    scheduler = make(settings, Policies(preemption=DeadlineAware()), site)
    scheduler.submit(ask(1, 1, 1000, Kind.DEADLINE, deadline=3000, preemptible=True), 0)
    scheduler.submit(ask(2, 1, 5000, Kind.ADVANCE, start=1200, clouds=("one",)), 0)
    if not spare:
        scheduler.submit(ask(3, 1, 5000, Kind.ADVANCE, start=1200, clouds=("three",)), 0)
    scheduler.submit(ask(4, 2, 600, Kind.ADVANCE, start=500, clouds=("one", "three")), 100)
    assert scheduler.lease("1").later.nodes == (1,)
    healed = scheduler.host_failed("b", 200)
    assert "1" in getattr(healed, outcome)
    leases = finish(scheduler)
    assert leases["1"].accumulated == (1000 if spare else 200)


def test_leases_healed_along_with_others_are_not_planned_twice(make, ask, finish):
    scheduler = make(hosts=equal_hosts(2, resources(cpu=100)))
    one = resources(cpu=100)
    for name, start, deadline in ((1, 100, 200), (2, 100, 1000), (3, 200, 1000)):
        scheduler.submit(ask(name, 1, 100, Kind.DEADLINE, start=start, deadline=deadline, needs=one), 0)
    assert scheduler.host_failed("host-1", 0).replanned == ("1", "3")
    leases = finish(scheduler)
    assert [leases[n].runs[0][0] for n in "123"] == [100, 300, 200]


def test_leases_that_made_room_for_others_just_wait(make, ask):
    scheduler = make(Settings(backfilling=Backfilling(None)), hosts=equal_hosts(2, resources(cpu=100)))
    one = resources(cpu=100)
    scheduler.submit(ask(1, 2, 100, Kind.IMMEDIATE, needs=one), 0)
    scheduler.submit(ask(2, 1, 100, Kind.DEADLINE, start=100, deadline=200, needs=one), 0)
    scheduler.submit(ask(3, 1, 100, needs=one, preemptible=True), 0)
    scheduler.submit(ask(4, 2, 50, needs=one, preemptible=True), 0)
    healed = scheduler.host_failed("host-1", 0)
    assert (healed.failed, healed.replanned, healed.requeued) == (("1",), ("2",), ("4",))


def test_a_suspended_deadline_lease_is_planned_elsewhere(make, ask, finish):
    settings = Settings(suspension=Suspension.ALL, migration=Migration.NO_TRANSFER, overheads=SLOW)
    scheduler = make(settings, Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 1, 1000, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 100)
    scheduler.tick(600)
    assert scheduler.host_failed("host-1", 650).replanned == ("1",)
    assert finish(scheduler)["1"].accumulated == 1000


def test_the_image_is_brought_to_the_new_host(make, ask, finish):
    scheduler = make(Settings(images=Images.REUSE, overheads=Overheads(bandwidth=100)))
    request = Request("1", Kind.IMMEDIATE, (NodeGroup(1, resources(cpu=100)),), 1000, image=Image("i", 1000))
    scheduler.submit(request, 0)
    scheduler.tick(80)
    assert scheduler.host_failed("host-1", 200).replanned == ("1",)
    assert finish(scheduler)["1"].runs == ((80, 200), (280, 1080))


def test_an_open_ended_lease_goes_on_elsewhere(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1, 1, None, Kind.IMMEDIATE), 0)
    assert scheduler.host_failed("host-1", 0).replanned == ("1",)
    finish(scheduler)
    scheduler.release("1", 100)
    assert scheduler.lease("1").runs == ((0, 100),)
