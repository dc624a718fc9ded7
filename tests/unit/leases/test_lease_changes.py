import pytest

from placement.leases import (
    Accepted,
    Image,
    Images,
    Kind,
    LeaseError,
    LeaseState,
    NodeGroup,
    Overheads,
    Policies,
    Reason,
    Refused,
    Request,
    Settings,
    Suspension,
    changes,
    resources,
)
from placement.leases.policies import Constant, DeadlineAware, UserLimits

SHUTDOWN = Settings(overheads=Overheads(shutdown=10))


def test_extending_keeps_the_hosts(make, ask, finish):
    scheduler = make(SHUTDOWN, Policies(pricing=Constant(1.0)))
    scheduler.submit(ask(1, 2, 100, Kind.ADVANCE, start=50), 0)
    scheduler.tick(60)
    answer = scheduler.extend("1", 300, 70)
    assert (answer.start, answer.end) == (50, 350)
    assert answer.price == pytest.approx(600 / 3600)
    leases = finish(scheduler)
    assert (leases["1"].runs, leases["1"].ended) == (((50, 350),), 360)


def test_extending_into_others_is_refused_and_changes_nothing(make, ask):
    scheduler = make(SHUTDOWN)
    scheduler.submit(ask(1, 4, 100, Kind.ADVANCE, start=50), 0)
    scheduler.submit(ask(2, 1, 100, Kind.ADVANCE, start=200), 0)
    before = scheduler.save()
    answer = scheduler.extend("1", 145, 0)
    assert isinstance(answer, Refused)
    assert [b.lease for b in answer.blockers] == ["2"]
    assert scheduler.save() == before
    assert isinstance(scheduler.extend("1", 140, 0), Accepted)


def test_extending_has_limits(make, ask):
    scheduler = make(policies=Policies(admission=UserLimits(leases=2, length=500)))
    scheduler.submit(ask(1, 1, 100, Kind.DEADLINE, deadline=150), 0)
    scheduler.submit(ask(2, 1, 100, Kind.BEST_EFFORT), 0)
    assert "deadline" in scheduler.extend("1", 151, 0).text
    assert "500 s at most" in scheduler.extend("2", 501, 0).text
    assert isinstance(scheduler.extend("2", 500, 0), Accepted)
    with pytest.raises(LeaseError, match="use shrink"):
        scheduler.extend("2", 500, 0)
    with pytest.raises(LeaseError, match="no lease"):
        scheduler.extend("9", 500, 0)


def test_waiting_leases_are_just_longer(make, ask, finish):
    scheduler = make()
    scheduler.tick(0, [ask(1, 4, 100), ask(2, 4, 100), ask(3, 4, 100)])
    assert scheduler.extend("3", 150, 10) == Accepted("3", 0.0)
    assert finish(scheduler)["3"].runs == ((200, 350),)


def test_a_lease_about_to_give_way_with_a_plan_after_is_not_extended(make, ask):
    scheduler = make(Settings(suspension=Suspension.ALL), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 4, 1000, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 100)
    assert "give way" in scheduler.extend("1", 1100, 100).text
    assert isinstance(scheduler.shrink("1", 100, duration=900), Accepted)


def test_an_interrupted_run_is_longer_afterwards(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL))
    scheduler.submit(ask(1, 4, 1000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 100)
    scheduler.extend("1", 1100, 100)
    assert finish(scheduler)["1"].runs == ((0, 500), (700, 1300))


def test_shrinking_in_time_lets_others_start(make, ask, finish):
    scheduler = make(SHUTDOWN)
    scheduler.submit(ask(1, 4, 1000), 0)
    scheduler.submit(ask(2, 4, 100), 0)
    answer = scheduler.shrink("1", 100, duration=200)
    assert answer.end == 200
    leases = finish(scheduler)
    assert (leases["1"].runs, leases["2"].runs) == (((0, 200),), ((210, 310),))
    with pytest.raises(LeaseError, match="cannot be changed"):
        scheduler.shrink("1", 500, duration=10)


def test_shrinking_below_what_has_run_or_above_what_there_is(make, ask):
    scheduler = make()
    scheduler.submit(ask(1, 4, 1000), 0)
    for wrong in (100, 50, 1000):
        with pytest.raises(LeaseError, match="use release"):
            scheduler.shrink("1", 100, duration=wrong)


def test_shrinking_before_a_suspension_makes_it_needless(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL, overheads=Overheads(suspend_time=10)))
    scheduler.submit(ask(1, 4, 1000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 100)
    scheduler.shrink("1", 110, duration=900)
    assert scheduler.lease("1").plan.suspends
    scheduler.shrink("1", 120, duration=300)
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 300),)


def test_shrinking_waiting_leases(make, ask, finish):
    scheduler = make()
    scheduler.tick(0, [ask(1, 4, 100), ask(2, 4, 100), ask(3, 4, 100)])
    scheduler.shrink("3", 10, duration=50, nodes=[1])
    assert finish(scheduler)["3"].runs == ((200, 250),)


def test_giving_nodes_back(make, ask, finish):
    scheduler = make()
    half = resources(cpu=50, memory=512)
    scheduler.submit(Request("1", Kind.IMMEDIATE, (NodeGroup(2, resources(cpu=100)), NodeGroup(3, half)), 100), 0)
    assert isinstance(scheduler.submit(ask(2, 2, 50, Kind.IMMEDIATE), 5), Refused)
    answer = scheduler.shrink("1", 10, nodes=[1, 2])
    assert answer.hosts == ("host-1", "host-3", "host-3")
    assert scheduler.submit(ask(3, 2, 50, Kind.IMMEDIATE), 10).hosts == ("host-2", "host-4")
    for wrong in ([1], [1, 3], [-1, 1], [2, 1]):
        with pytest.raises(LeaseError, match="one number of nodes"):
            scheduler.shrink("1", 10, nodes=wrong)
    assert finish(scheduler)["1"].runs == ((0, 100),)


def test_giving_back_nodes_of_a_suspended_lease(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL, overheads=Overheads(resume_time=5)))
    scheduler.submit(ask(1, 3, 1000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 100)
    scheduler.tick(600)
    answer = scheduler.shrink("1", 610, nodes=[1])
    assert answer.hosts == ("host-1",)
    assert finish(scheduler)["1"].runs == ((0, 500), (705, 1205))


def test_moving_a_planned_lease(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1, 4, 100, Kind.ADVANCE, start=200), 0)
    scheduler.submit(ask(2, 1, 100, Kind.ADVANCE, start=400), 0)
    refused = scheduler.move("1", 350, 10)
    assert (refused.reason, [b.lease for b in refused.blockers]) == (Reason.CAPACITY, ["2"])
    assert scheduler.move("1", 5, 10).reason is Reason.PAST
    assert scheduler.move("1", 250, 10).start == 250
    assert finish(scheduler)["1"].runs == ((250, 350),)


def test_only_planned_leases_with_a_fixed_start_move(make, ask):
    scheduler = make()
    scheduler.submit(ask(1, 1, 100), 0)
    scheduler.submit(ask(2, 1, 100, Kind.IMMEDIATE), 0)
    for name in ("1", "2"):
        with pytest.raises(LeaseError, match="can be moved"):
            scheduler.move(name, 500, 10)


@pytest.mark.parametrize("time", [0, 5, 100, 490, 495, 600, 705, 715, 720, 900])
def test_cancelling_in_every_state(make, ask, finish, time):
    overheads = Overheads(suspend_time=10, resume_time=10, bandwidth=100)
    scheduler = make(Settings(suspension=Suspension.ALL, images=Images.TRANSFER, overheads=overheads))
    scheduler.submit(ask(1, 4, 1000, preemptible=True, image=Image("i", 100)), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 0)
    scheduler.submit(ask(3, 4, 10), 0)
    scheduler.cancel("1", time)
    assert scheduler.lease("1").state is LeaseState.CANCELLED
    leases = finish(scheduler)
    ran = min(time, 490) - 8 if time > 8 else 0
    more = time - 720 if time > 720 else 0
    assert leases["1"].accumulated == ran + more
    assert leases["3"].state is LeaseState.DONE
    with pytest.raises(LeaseError):
        scheduler.cancel("1", 10**6)


def test_a_cancelled_queued_lease_leaves_the_queue(make, ask):
    scheduler = make()
    scheduler.tick(0, [ask(1, 4, 100), ask(2, 4, 100), ask(3, 4, 100)])
    scheduler.cancel("3", 5)
    assert scheduler.queue() == []


def test_a_lease_that_is_shutting_down_is_not_extended(make, ask):
    scheduler = make(SHUTDOWN)
    scheduler.submit(ask(1, 1, 100), 0)
    assert "shutting down" in scheduler.extend("1", 200, 105).text


def test_nodes_go_from_the_present_and_the_later_plan(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 3, 1000, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 100)
    scheduler.shrink("1", 200, nodes=[1])
    assert (scheduler.lease("1").plan.nodes, scheduler.lease("1").later.nodes) == ((0,), (0,))
    assert scheduler.free(800, 900) == {"cpu": [300], "memory": [3072]}
    assert finish(scheduler)["1"].runs == ((0, 500), (700, 1200))


def test_a_change_that_does_not_work_out_leaves_all_as_it_was(make, ask, monkeypatch):
    scheduler = make()
    scheduler.submit(ask(1, 3, 100), 0)
    before = scheduler.save()
    monkeypatch.setattr(changes, "place_again", lambda *_: None)
    with pytest.raises(LeaseError, match="cannot stay"):
        scheduler.shrink("1", 0, nodes=[1])
    assert scheduler.save() == before


def test_a_run_that_is_over_is_not_shortened_any_more(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL, overheads=Overheads(suspend_time=10)))
    scheduler.submit(ask(1, 4, 1000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 200, Kind.ADVANCE, start=500), 100)
    scheduler.shrink("1", 495, duration=600)
    assert finish(scheduler)["1"].runs == ((0, 490), (700, 810))
