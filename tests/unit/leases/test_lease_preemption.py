import pytest

from placement.leases import (
    Exclusion,
    Host,
    Image,
    Images,
    Kind,
    Lease,
    LeaseState,
    Migration,
    NodeGroup,
    Overheads,
    Policies,
    Refused,
    Request,
    Settings,
    Site,
    Suspension,
    equal_hosts,
    resources,
)
from placement.leases.arrange import NoWayError, commit
from placement.leases.book import Book
from placement.leases.mapping import Mapping
from placement.leases.policies import AdvanceFirst, Constant, DeadlineAware, NoPreemption, parse_policy
from placement.leases.search import Draft

RATES = Overheads(suspend_rate=32, resume_rate=32, bandwidth=100)


def suspending(**more):
    return Settings(**{"suspension": Suspension.ALL, "overheads": RATES} | more)


def event_times(scheduler, lease):
    return {e.happening.value: e.time for e in scheduler.take_events() if e.lease == lease}


def test_only_preemptible_leases_give_way(make, ask):
    scheduler = make(suspending())
    scheduler.submit(ask(1), 0)
    refused = scheduler.submit(ask(2, 4, 60, Kind.ADVANCE, start=1800), 10)
    assert isinstance(refused, Refused)
    assert [b.lease for b in refused.blockers] == ["1"]
    scheduler.submit(ask(3, 1, 60, Kind.IMMEDIATE, preemptible=True), 10)
    assert isinstance(scheduler.submit(ask(4, 3, 60, Kind.ADVANCE, start=20), 10), Refused)


def test_nobody_gives_way_under_no_preemption(make, ask):
    scheduler = make(suspending(), Policies(preemption=NoPreemption()))
    scheduler.submit(ask(1, preemptible=True), 0)
    assert isinstance(scheduler.submit(ask(2, 4, 60, Kind.ADVANCE, start=1800), 10), Refused)


def test_leases_older_than_a_week_are_protected(make, ask):
    scheduler = make(suspending())
    scheduler.submit(ask(1, 1, 30 * 86400, preemptible=True), 0)
    week = 7 * 86400
    assert isinstance(scheduler.submit(ask(2, 4, 60, Kind.ADVANCE, start=week + 900), week + 1), Refused)
    assert not isinstance(scheduler.submit(ask(3, 3, 60, Kind.ADVANCE, start=week + 900), week + 1), Refused)


def test_as_few_as_possible_give_way_the_youngest_first(make, ask):
    scheduler = make(suspending())
    for name in (1, 2, 3):
        scheduler.submit(ask(name, preemptible=True), name)
    taken = scheduler.submit(ask(4, 2, 60, Kind.ADVANCE, start=1800), 10)
    assert taken.preempted == ("3",)
    assert set(taken.hosts) == {"host-3", "host-4"}


def test_a_victim_that_turns_out_not_to_help_stays(make, ask):
    scheduler = make(suspending())
    scheduler.submit(ask(1, 3, preemptible=True), 1)
    scheduler.submit(ask(2, 1, preemptible=True), 2)
    taken = scheduler.submit(ask(3, 3, 60, Kind.ADVANCE, start=1800), 10)
    assert taken.preempted == ("1",)


def test_too_late_to_suspend_means_starting_over(make, ask, finish):
    scheduler = make(suspending())
    scheduler.submit(ask(1, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 600, Kind.ADVANCE, start=1800), 1790)
    assert finish(scheduler)["1"].runs == ((2400, 6000),)


def test_below_the_threshold_means_starting_over(make, ask, finish):
    scheduler = make(suspending())
    scheduler.submit(ask(1, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 600, Kind.ADVANCE, start=63), 1)
    assert finish(scheduler)["1"].runs == ((663, 4263),)


def test_a_planned_run_is_queued_again_in_its_place(make, ask, finish):
    scheduler = make()
    scheduler.submit(ask(1, 4, 100), 0)
    scheduler.submit(ask(2, 4, 100, preemptible=True), 0)
    scheduler.submit(ask(3, 4, 100), 0)
    scheduler.submit(ask(4, 4, 50, Kind.ADVANCE, start=120), 0)
    leases = finish(scheduler)
    assert (leases["2"].runs, leases["3"].runs) == (((170, 270),), ((270, 370),))
    assert leases["2"].preemptions == 1


def test_a_suspended_lease_keeps_its_state_when_preempted_again(make, ask, finish):
    scheduler = make(suspending())
    scheduler.submit(ask(1, 1, 3600, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 1000, Kind.ADVANCE, start=1800), 100)
    scheduler.tick(1900)
    assert scheduler.lease("1").state is LeaseState.SUSPENDED_SCHEDULED
    scheduler.submit(ask(3, 4, 1000, Kind.ADVANCE, start=2800), 2000)
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 1768), (3832, 3832 + 3600 - 1768))


def test_a_run_may_be_cut_twice(make, ask, finish):
    scheduler = make(suspending())
    scheduler.submit(ask(1, 1, 7200, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 100, Kind.ADVANCE, start=3000), 10)
    scheduler.submit(ask(3, 4, 100, Kind.ADVANCE, start=1000), 20)
    leases = finish(scheduler)
    assert leases["1"].runs[0] == (0, 968)
    assert leases["1"].runs[1] == (1132, 2968)
    assert leases["1"].accumulated == 7200


def test_leases_on_the_way_to_or_from_disk_are_not_touched(make, ask):
    scheduler = make(suspending(), Policies())
    scheduler.submit(ask(1, 1, 3600, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 100, Kind.ADVANCE, start=1000), 10)
    scheduler.tick(980)
    assert scheduler.lease("1").state is LeaseState.SUSPENDING
    refused = scheduler.submit(ask(4, 4, 5, Kind.ADVANCE, start=990), 982)
    assert isinstance(refused, Refused)
    scheduler.tick(1111)
    assert scheduler.lease("1").state is LeaseState.RESUMING
    assert isinstance(scheduler.submit(ask(5, 4, 5, Kind.ADVANCE, start=1120), 1112), Refused)


def test_shared_file_system_suspends_one_after_another(make, ask, finish):
    overheads = Overheads(suspend_rate=32, resume_rate=32, exclusion=Exclusion.GLOBAL)
    scheduler = make(suspending(overheads=overheads))
    scheduler.submit(ask(1, 3, 3600, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 1800, Kind.ADVANCE, start=1800), 900)
    assert finish(scheduler)["1"].runs == ((0, 1800 - 96), (3600 + 96, 3600 + 96 + 3600 - 1704))


def test_zero_overhead_suspends_at_the_instant(make, ask, finish):
    scheduler = make(suspending(overheads=Overheads()))
    scheduler.submit(ask(1, 1, 3600, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 1800, Kind.ADVANCE, start=1800), 900)
    assert finish(scheduler)["1"].runs == ((0, 1800), (3600, 5400))
    times = event_times(scheduler, "1")
    assert (times["suspend_start"], times["suspend_end"], times["resume_start"]) == (1800, 1800, 3600)


def setup_for_migration(make, ask, migration, image=None):
    """A lease suspended on host 1, which stays busy; host 4 is free from 1,900 s on."""
    scheduler = make(suspending(migration=migration))
    scheduler.submit(ask(1, 1, 3600, preemptible=True, image=image), 0)
    scheduler.submit(ask(2, 4, 100, Kind.ADVANCE, start=1800), 900)
    scheduler.submit(ask(3, 3, 5000, Kind.ADVANCE, start=1900), 900)
    return scheduler


def test_without_migration_a_lease_waits_for_its_own_host(make, ask, finish):
    leases = finish(setup_for_migration(make, ask, Migration.NO))
    assert leases["1"].runs == ((0, 1768), (6932, 6932 + 1832))


def test_migration_moves_state_while_the_lease_waits(make, ask, finish):
    scheduler = setup_for_migration(make, ask, Migration.YES, Image("i", 500))
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 1768), (1922 + 32, 1954 + 1832))
    times = event_times(scheduler, "1")
    assert (times["migrate_start"], times["migrate_end"]) == (1800, 1800 + 40 + 82)


def test_migration_without_transfer_takes_no_time(make, ask, finish):
    scheduler = setup_for_migration(make, ask, Migration.NO_TRANSFER)
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 1768), (1932, 1932 + 1832))
    times = event_times(scheduler, "1")
    assert times["migrate_start"] == times["migrate_end"] == times["resume_start"] == 1900


def test_the_price_of_preempting_is_the_winners(make, ask):
    scheduler = make(suspending(), Policies(pricing=Constant(1.0)))
    scheduler.submit(ask(1, preemptible=True), 0)
    taken = scheduler.submit(ask(2, 4, 1800, Kind.ADVANCE, start=1800), 900)
    assert taken.price == pytest.approx(2.0 + 64 / 3600)
    scheduler = make(Settings(), Policies(pricing=Constant(1.0)))
    scheduler.submit(ask(1, preemptible=True), 0)
    assert scheduler.submit(ask(2, 4, 1800, Kind.ADVANCE, start=1800), 900).price == pytest.approx(2.0)


def test_deadline_leases_give_way_if_they_can_still_be_met(make, ask, finish):
    scheduler = make(suspending(), parse_policy(Policies(), "deadline"))
    scheduler.submit(ask(1, 4, 3600, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    taken = scheduler.submit(ask(2, 4, 1800, Kind.ADVANCE, start=1800), 900)
    assert taken.preempted == ("1",)
    assert scheduler.lease("1").later is not None
    assert isinstance(scheduler.submit(ask(3, 4, 60, Kind.ADVANCE, start=3640), 1000), Refused)
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 1768), (3632, 3632 + 1832))
    assert leases["2"].runs == ((1800, 3600),)


@pytest.mark.parametrize(("deadline", "preemptible"), [(5400, True), (9000, False)])
def test_deadline_leases_that_would_be_late_stay(make, ask, deadline, preemptible):
    scheduler = make(suspending(), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 4, 3600, Kind.DEADLINE, deadline=deadline, preemptible=preemptible), 0)
    assert isinstance(scheduler.submit(ask(2, 4, 1800, Kind.ADVANCE, start=1800), 900), Refused)


def test_a_deadline_lease_without_suspension_starts_over_in_time(make, ask, finish):
    scheduler = make(Settings(), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 4, 3600, Kind.DEADLINE, deadline=12000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 1800, Kind.ADVANCE, start=1800), 900)
    assert finish(scheduler)["1"].runs == ((3600, 7200),)


def test_a_planned_deadline_lease_is_moved(make, ask, finish):
    scheduler = make(Settings(), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 4, 1000, Kind.DEADLINE, start=1500, deadline=12000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 1800, Kind.ADVANCE, start=1800), 900)
    assert finish(scheduler)["1"].runs == ((3600, 4600),)


def test_a_victim_whose_deadline_cannot_be_kept_is_passed_over(make, ask, finish):
    """The rule of thumb lets lease 1 go, but nothing is free for it in time: lease 2 has to go instead."""
    scheduler = make(Settings(), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 2, 1000, Kind.DEADLINE, deadline=5000, preemptible=True), 0)
    scheduler.submit(ask(2, 2, 1000, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    scheduler.submit(ask(3, 4, 6000, Kind.ADVANCE, start=1000), 0)
    scheduler.submit(ask(4, 2, 200, Kind.ADVANCE, start=100), 50)
    leases = finish(scheduler)
    assert leases["1"].runs[-1][1] <= 5000
    assert leases["2"].runs[-1][1] <= 9000
    assert leases["4"].runs == ((100, 300),)


def test_a_deadline_lease_whose_rest_has_no_place_stays(make, ask, finish):
    scheduler = make(suspending(), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 4, 3600, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 5400, Kind.ADVANCE, start=3600), 0)
    before = scheduler.lease("1")
    assert isinstance(scheduler.submit(ask(3, 4, 100, Kind.ADVANCE, start=1800), 900), Refused)
    assert scheduler.lease("1") == before
    assert finish(scheduler)["1"].runs == ((0, 3600),)


def test_a_draft_whose_image_cannot_come_is_not_carried_out():
    book = Book(equal_hosts(1, resources(cpu=100)), Settings(images=Images.TRANSFER, overheads=RATES), Policies())
    groups = (NodeGroup(1, resources(cpu=100)),)
    lease = Lease(Request("1", Kind.ADVANCE, groups, 10, start=50, image=Image("i", 1024)), 0, 0, LeaseState.PENDING)
    book.put(lease)
    draft = Draft(Mapping((0,), ((0, (100, 0)),)), 50, 50, 60, 60, fixed=True)
    with pytest.raises(NoWayError):
        commit(book, lease, draft, 0)
    assert len(book.table) == 0


def test_resuming_takes_longer_where_nodes_share_a_host(make, ask, finish):
    """Two nodes were on hosts of their own; afterwards only a larger host is free for both."""
    small, large = resources(cpu=100, memory=1024), resources(cpu=200, memory=2048)
    site = Site((Host("a", small, "one"), Host("b", small, "one"), Host("c", large, "two")))
    settings = suspending(migration=Migration.NO_TRANSFER)
    scheduler = make(settings, hosts=site)
    scheduler.submit(ask(0, 1, 900, Kind.IMMEDIATE, needs=large), 0)
    scheduler.submit(ask(1, 2, 3600, preemptible=True), 0)
    scheduler.submit(ask(2, 2, 9000, Kind.ADVANCE, start=1800, clouds=("one",)), 100)
    leases = finish(scheduler)
    assert leases["1"].runs == ((0, 1768), (1800 + 64, 1864 + 3600 - 1768))


def test_a_deadline_lease_that_could_not_start_over_in_time_stays(make, ask, finish):
    scheduler = make(Settings(), Policies(preemption=DeadlineAware()))
    scheduler.submit(ask(1, 4, 1000, Kind.DEADLINE, deadline=9000, preemptible=True), 0)
    scheduler.submit(ask(2, 4, 8000, Kind.ADVANCE, start=1000), 0)
    assert isinstance(scheduler.submit(ask(3, 4, 100, Kind.ADVANCE, start=100), 50), Refused)
    assert finish(scheduler)["1"].runs == ((0, 1000),)


def test_nobody_gives_way_if_that_is_not_enough(make, ask):
    scheduler = make(suspending())
    scheduler.submit(ask(1, 1, preemptible=True), 0)
    scheduler.submit(ask(2, 3), 0)
    assert isinstance(scheduler.submit(ask(3, 4, 60, Kind.ADVANCE, start=1800), 10), Refused)
    assert not scheduler.lease("1").plan.suspends


def test_youth_and_kind_decide_who_gives_way(ask):
    young, old = (AdvanceFirst().score(ask(9, kind=Kind.ADVANCE), ask(1, preemptible=True), t, 1000) for t in (900, 0))
    assert 0 <= old < young <= 1
    aware = DeadlineAware()
    best_effort = aware.score(ask(9, kind=Kind.DEADLINE), ask(1, preemptible=True), 0, 10)
    slack = aware.score(ask(9, kind=Kind.ADVANCE), ask(1, kind=Kind.DEADLINE, deadline=9999, preemptible=True), 0, 10)
    assert 0 < slack < 0.5 <= best_effort
    assert aware.score(ask(9, kind=Kind.ADVANCE), ask(1, kind=Kind.DEADLINE, deadline=9, preemptible=True), 0, 10) < 0
    assert aware.score(ask(9, kind=Kind.IMMEDIATE), ask(1, preemptible=True), 0, 10) < 0
    assert aware.score(ask(9, kind=Kind.ADVANCE), ask(1), 0, 10) < 0
