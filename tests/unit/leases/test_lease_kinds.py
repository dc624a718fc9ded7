import pytest

from placement.leases import (
    FOREVER,
    Accepted,
    Change,
    Host,
    Image,
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
    Site,
    Suspension,
    resources,
)
from placement.leases.policies import Constant, NoAdvance

FULL = resources(cpu=100, memory=1024)


def test_an_advance_lease_runs_exactly_then(make, ask, finish):
    scheduler = make(Settings(overheads=Overheads(shutdown=10)))
    answer = scheduler.submit(ask(1, 4, 600, Kind.ADVANCE, start=100), 5)
    assert isinstance(answer, Accepted)
    assert [(o.action.value, o.start, o.end) for o in answer.overheads] == [("shutdown", 700, 710)]
    leases = finish(scheduler)
    assert leases["1"].runs == ((100, 700),)
    assert leases["1"].ended == 710


def test_a_refusal_names_who_blocks_and_what_would_do(make, ask):
    scheduler = make()
    scheduler.submit(ask(1, 2, 600, Kind.ADVANCE, start=100), 0)
    answer = scheduler.submit(ask(2, 4, 300, Kind.ADVANCE, start=50), 0)
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.CAPACITY
    assert [(b.lease, b.hosts, b.start, b.end) for b in answer.blockers] == [("1", ("host-1", "host-2"), 100, 700)]
    offers = {offer.change: offer for offer in answer.alternatives}
    assert offers[Change.LATER].start == 700
    assert offers[Change.SHORTER].request.duration == 50
    assert offers[Change.SMALLER].request.nodes == 2
    assert Change.DEARER not in offers
    for offer in answer.alternatives:
        copy = type(scheduler).load(scheduler.save())
        assert isinstance(copy.submit(offer.request, 0), Accepted)


def test_a_start_in_the_past_is_offered_later(make, ask):
    scheduler = make()
    scheduler.tick(100)
    answer = scheduler.submit(ask(1, 1, 10, Kind.ADVANCE, start=50), 100)
    assert answer.reason is Reason.PAST
    assert scheduler.lease("1").state is LeaseState.REJECTED


def test_immediate_is_now_or_never(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL))
    assert scheduler.submit(ask(1, 3, 600, Kind.IMMEDIATE), 0).start == 0
    refused = scheduler.submit(ask(2, 2, 600, Kind.IMMEDIATE), 10)
    assert "now, at 10 s" in refused.text
    assert {offer.change for offer in refused.alternatives} == {Change.LATER, Change.SMALLER}
    assert scheduler.submit(ask(3, 1, 600, Kind.IMMEDIATE), 20).start == 20
    assert finish(scheduler)["3"].runs == ((20, 620),)


def test_a_flexible_lease_takes_the_first_gap_of_its_window(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1, 4, 1000, Kind.ADVANCE, start=100), 0)
    taken = scheduler.submit(ask(2, 1, 500, Kind.FLEXIBLE, start=50, deadline=1600), 0)
    assert (taken.start, taken.end) == (1100, 1600)
    refused = scheduler.submit(ask(3, 4, 500, Kind.FLEXIBLE, start=50, deadline=1600), 0)
    assert "window" in refused.text
    later = next(offer for offer in refused.alternatives if offer.change is Change.LATER)
    assert later.request.deadline == 2100
    assert finish(scheduler)["2"].runs == ((1100, 1600),)


def test_open_ended_leases_hold_on_until_released(make, ask, finish):
    scheduler = make(policies=Policies(pricing=Constant(2.0)))
    answer = scheduler.submit(ask(1, 2, None, Kind.IMMEDIATE), 0)
    assert (answer.start, answer.end, answer.price) == (0, None, 0.0)
    assert scheduler.lease("1").remaining == FOREVER
    assert isinstance(scheduler.submit(ask(2, 3, 10, Kind.ADVANCE, start=10**8), 0), Refused)
    assert finish(scheduler)["1"].state is LeaseState.ACTIVE
    scheduler.release("1", 1800)
    assert scheduler.lease("1").state is LeaseState.DONE
    assert scheduler.lease("1").price == 2.0
    with pytest.raises(LeaseError, match="cannot be changed"):
        scheduler.release("1", 1800)


def test_only_active_leases_are_released(make, ask):
    scheduler = make()
    scheduler.submit(ask(1, 1, 10, Kind.ADVANCE, start=10), 0)
    with pytest.raises(LeaseError, match="not active"):
        scheduler.release("1", 5)


def test_several_groups_are_placed_all_or_nothing(make, ask, finish):
    scheduler = make()
    small = resources(cpu=50, memory=512)
    groups = (NodeGroup(3, FULL), NodeGroup(2, small))
    answer = scheduler.submit(Request("1", Kind.IMMEDIATE, groups, 60), 0)
    assert answer.hosts == ("host-1", "host-2", "host-3", "host-4", "host-4")
    assert isinstance(scheduler.submit(Request("2", Kind.IMMEDIATE, groups, 60), 0), Refused)
    finish(scheduler)


def test_what_never_fits_is_refused_at_once(make, ask):
    scheduler = make()
    refused = scheduler.submit(ask(1, 5), 0)
    assert refused.reason is Reason.TOO_LARGE
    assert [offer.change for offer in refused.alternatives] == [Change.SMALLER]
    assert "gpu" in scheduler.submit(ask(2, needs=resources(gpu=1)), 0).text


def test_elsewhere_is_offered(make, ask):
    site = Site((Host("a", FULL, "paris"), Host("b", FULL, "oslo"), Host("c", FULL, "rome"), Host("d", FULL, "rome")))
    scheduler = make(hosts=site)
    scheduler.submit(ask(1, 1, None, Kind.IMMEDIATE, clouds=("paris",)), 0)
    refused = scheduler.submit(ask(2, 2, 60, Kind.IMMEDIATE, clouds=("paris", "oslo")), 0)
    offer = next(offer for offer in refused.alternatives if offer.change is Change.ELSEWHERE)
    assert offer.request.clouds == ("rome",)
    assert scheduler.free(0, 60, "rome") == {"cpu": [200], "memory": [2048]}
    assert scheduler.free(0, 60) == {"cpu": [300], "memory": [3072]}
    refused = scheduler.submit(ask(3, 3, 60, Kind.IMMEDIATE, clouds=("paris",)), 0)
    offer = next(offer for offer in refused.alternatives if offer.change is Change.ELSEWHERE)
    assert offer.request.clouds == ()


@pytest.mark.parametrize("kind", [Kind.BEST_EFFORT, Kind.IMMEDIATE])
def test_dearer_is_offered_to_users_who_pay_too_little(make, ask, kind):
    scheduler = make(policies=Policies(pricing=Constant(1.0)))
    refused = scheduler.submit(ask(1, 2, 3600, kind, highest_rate=0.5), 0)
    assert refused.reason is Reason.PRICE
    assert scheduler.lease("1").state is LeaseState.REJECTED_BY_USER
    offer = next(offer for offer in refused.alternatives if offer.change is Change.DEARER)
    assert offer.price == pytest.approx(2.0)
    taken = scheduler.submit(offer.request, 0)
    assert taken.price == pytest.approx(2.0)
    assert isinstance(scheduler.submit(ask(3, 1, None, Kind.IMMEDIATE, highest_rate=0.5), 0), Accepted)


def test_dearer_does_not_help_where_there_is_no_room(make, ask):
    scheduler = make(policies=Policies(pricing=Constant(1.0)))
    scheduler.submit(ask(1, 4, None, Kind.IMMEDIATE), 0)
    refused = scheduler.submit(ask(2, 1, 60, Kind.IMMEDIATE, highest_rate=0.5), 0)
    assert refused.alternatives == ()


def test_policy_refusals_have_their_reason(make, ask):
    scheduler = make(policies=Policies(admission=NoAdvance()))
    refused = scheduler.submit(ask(1, 1, 60, Kind.ADVANCE, start=5), 0)
    assert (refused.reason, scheduler.lease("1").reason) == (Reason.POLICY, refused.text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": ""}, "without id"),
        ({"groups": ()}, "at least one node"),
        ({"groups": (NodeGroup(0, FULL),)}, "at least one node"),
        ({"groups": (NodeGroup(1, ()),)}, "at least one node"),
        ({"duration": 0}, "duration is 0"),
        ({"duration": FOREVER}, "duration is"),
        ({"kind": Kind.ADVANCE}, "needs a start"),
        ({"kind": Kind.DEADLINE}, "needs a deadline"),
        ({"kind": Kind.FLEXIBLE, "deadline": 5, "duration": None}, "needs a duration"),
        ({"kind": Kind.RECURRING, "start": 5}, "needs a recurrence"),
        ({"start": -1}, "start is -1"),
        ({"deadline": FOREVER}, "deadline is"),
        ({"image": Image("x", -1)}, "size -1"),
    ],
)
def test_senseless_requests_change_nothing(make, changes, words):
    scheduler = make()
    before = scheduler.save()
    request = Request(**{"id": "1", "kind": Kind.BEST_EFFORT, "groups": (NodeGroup(1, FULL),), "duration": 5} | changes)
    with pytest.raises(LeaseError, match=words):
        scheduler.submit(request, 9)
    assert scheduler.save() == before


def test_ids_and_times_are_checked(make, ask):
    scheduler = make()
    scheduler.tick(10, [ask(1)])
    for wrong in ([ask(1)], [ask(2), ask(2)]):
        with pytest.raises(LeaseError, match="exists already"):
            scheduler.tick(10, wrong)
    with pytest.raises(LeaseError, match="is past"):
        scheduler.tick(9)
    with pytest.raises(LeaseError, match="no lease 77"):
        scheduler.lease("77")
    with pytest.raises(LeaseError, match="no lease 77"):
        scheduler.tick(11, finished=["77"])
    with pytest.raises(LeaseError, match="no host x"):
        scheduler.host_failed("x", 11)


def test_late_calls_catch_up_in_order(make, ask):
    scheduler = make()
    scheduler.tick(0, [ask(1, 4, 100), ask(2, 4, 100), ask(3, 4, 100)])
    scheduler.tick(250)
    assert [lease.runs for lease in scheduler.leases()] == [((0, 100),), ((100, 200),), ()]
    assert scheduler.lease("3").first_start == 200
    assert scheduler.lease("1").first_start == 0
    assert scheduler.queue() == []
    assert scheduler.submit(ask(4, 4, 10), 250).start == 300
    assert scheduler.submit(ask(5, 4, 10), 250).start is None
    assert scheduler.queue() == ["5"]
    assert scheduler.lease("5").first_start is None


def test_finished_leases_that_are_not_active_any_more_are_left_alone(make, ask):
    scheduler = make()
    scheduler.tick(0, [ask(1, 1, 100)])
    scheduler.tick(150, finished=["1"])
    assert scheduler.lease("1").runs == ((0, 100),)
    with pytest.raises(TypeError):
        hash(scheduler)


def test_released_in_the_second_it_started(make, ask):
    scheduler = make()
    scheduler.submit(ask(1, 1, None, Kind.IMMEDIATE), 0)
    scheduler.release("1", 0)
    assert (scheduler.lease("1").runs, scheduler.lease("1").price) == ((), 0.0)


def test_a_shorter_lease_must_leave_time_to_shut_down(make, ask):
    scheduler = make(Settings(overheads=Overheads(shutdown=60)))
    scheduler.submit(ask(1, 4, 100, Kind.ADVANCE, start=50), 0)
    refused = scheduler.submit(ask(2, 4, 100, Kind.IMMEDIATE), 0)
    assert [offer.change for offer in refused.alternatives] == [Change.LATER]


def test_a_host_that_had_not_failed_is_repaired_without_harm(make, ask):
    scheduler = make()
    scheduler.host_repaired("host-1", 0)
    assert scheduler == make()


def test_of_two_groups_the_second_may_be_the_one_without_room(make, ask, finish):
    site = Site((Host("a", resources(cpu=200, memory=100)), Host("b", resources(cpu=100, memory=2000))))
    scheduler = make(Settings(suspension=Suspension.ALL), hosts=site)
    scheduler.submit(ask(1, 1, 100, Kind.IMMEDIATE, needs=resources(cpu=10, memory=1500)), 0)
    groups = (NodeGroup(1, resources(cpu=100)), NodeGroup(1, resources(cpu=10, memory=600)))
    scheduler.submit(Request("2", Kind.BEST_EFFORT, groups, 50, preemptible=True), 0)
    assert finish(scheduler)["2"].runs == ((100, 150),)


@pytest.mark.parametrize("end", ["release", "cancel"])
def test_what_comes_back_early_is_used_at_once(make, ask, end):
    scheduler = make()
    scheduler.tick(0, [ask(1, 4, None, Kind.IMMEDIATE), ask(2, 4, 10)])
    getattr(scheduler, end)("1", 100)
    assert scheduler.lease("2").state is LeaseState.ACTIVE
    assert scheduler.lease("2").plan.start == 100
