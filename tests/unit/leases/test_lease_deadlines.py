from placement.leases import Backfilling, Kind, LeaseState, Policies, Refused, Settings, Suspension
from placement.leases.policies import DeadlineAware


def test_it_waits_if_the_deadline_allows(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1, 4, 1000, Kind.IMMEDIATE), 0)
    assert scheduler.submit(ask(2, 4, 500, Kind.DEADLINE, deadline=1500), 0).start == 1000
    refused = scheduler.submit(ask(3, 4, 500, Kind.DEADLINE, deadline=1999), 0)
    assert "deadline at 1999" in refused.text
    assert next(o for o in refused.alternatives if o.change.value == "later").request.deadline == 2000
    leases = finish(scheduler)
    assert leases["2"].runs == ((1000, 1500),)


def test_it_does_not_start_before_its_time(make, ask, finish):
    scheduler = make()
    answer = scheduler.submit(ask(1, 4, 500, Kind.DEADLINE, start=200, deadline=5000), 0)
    assert answer.start == 200
    assert isinstance(scheduler.submit(ask(2, 1, 500, Kind.DEADLINE, start=200, deadline=600), 0), Refused)
    finish(scheduler)


def test_leases_with_time_make_room_for_tight_ones(make, ask, finish):
    scheduler = make()
    scheduler.tick(0, [ask(1, 4, 3600, Kind.DEADLINE, deadline=36000), ask(2, 4, 3600, Kind.DEADLINE, deadline=3600)])
    leases = finish(scheduler)
    assert leases["2"].runs == ((0, 3600),)
    assert leases["1"].runs == ((3600, 7200),)


def test_if_not_all_can_be_met_nothing_changes(make, ask):
    scheduler = make()
    scheduler.submit(ask(1, 4, 1000, Kind.DEADLINE, start=100, deadline=2200), 0)
    scheduler.submit(ask(2, 4, 1000, Kind.DEADLINE, start=100, deadline=2300), 0)
    before = (scheduler.lease("1").plan, scheduler.lease("2").plan)
    assert isinstance(scheduler.submit(ask(3, 4, 300, Kind.DEADLINE, start=100, deadline=1200), 0), Refused)
    assert (scheduler.lease("1").plan, scheduler.lease("2").plan) == before


def test_a_queued_reservation_makes_room_if_it_may_be_preempted(make, ask, finish):
    for preemptible, accepted in ((True, True), (False, False)):
        scheduler = make()
        scheduler.submit(ask(1, 4, 100), 0)
        scheduler.submit(ask(2, 4, 1000, preemptible=preemptible), 0)
        answer = scheduler.submit(ask(3, 4, 200, Kind.DEADLINE, start=100, deadline=300), 0)
        assert isinstance(answer, Refused) is not accepted
        leases = finish(scheduler)
        assert leases["2"].runs == (((300, 1300),) if accepted else ((100, 1100),))


def test_a_tight_lease_may_preempt_under_the_deadline_policy(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 4, 1000, preemptible=True), 0)
    answer = scheduler.submit(ask(2, 4, 200, Kind.DEADLINE, start=500, deadline=700), 100)
    assert answer.preempted == ("1",)
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 500), (700, 1200))


def test_it_moves_forward_when_capacity_comes_back(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1, 4, 1000), 0)
    scheduler.submit(ask(2, 2, 500, Kind.DEADLINE, deadline=9000), 0)
    scheduler.submit(ask(3, 2, 500, Kind.DEADLINE, start=400, deadline=3000), 0)
    scheduler.tick(300, finished=["1"])
    leases = finish(scheduler)
    assert leases["2"].runs == ((300, 800),)
    assert leases["3"].runs == ((400, 900),)


def test_a_suspended_deadline_lease_is_moved_forward_too(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 4, 1000, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 2000, Kind.ADVANCE, start=500), 100)
    scheduler.tick(600)
    assert scheduler.lease("1").state is LeaseState.SUSPENDED_SCHEDULED
    scheduler.tick(800, finished=["2"])
    assert finish(scheduler)["1"].runs == ((0, 500), (800, 1300))


def test_deadline_leases_do_not_count_as_backfilled_reservations(make, ask):
    scheduler = make(Settings(backfilling=Backfilling(1)))
    scheduler.submit(ask(1, 4, 1000), 0)
    scheduler.submit(ask(2, 4, 500, Kind.DEADLINE, deadline=9000), 0)
    assert scheduler.submit(ask(3, 4, 500), 0).start == 1500
    assert scheduler.submit(ask(4, 4, 500), 0).start is None
