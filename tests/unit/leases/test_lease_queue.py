import pytest

from placement.leases import (
    Backfilling,
    Kind,
    LeaseError,
    LeaseState,
    Overheads,
    Policies,
    Refused,
    Settings,
    Suspension,
    equal_hosts,
    resources,
)


def starts(leases):
    return {name: lease.runs[0][0] for name, lease in leases.items()}


def load(scheduler, ask, jobs):
    """Jobs (nodes, duration) all submitted at 0."""
    scheduler.tick(0, [ask(n, *job) for n, job in enumerate(jobs, 1)])


JOBS = [(3, 100), (4, 100), (1, 300), (2, 50), (4, 10), (1, 90), (1, 100)]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("off", [0, 100, 200, 200, 500, 510, 510]),
        ("aggressive", [0, 100, 200, 200, 500, 0, 90]),
        ("intermediate:2", [0, 100, 200, 200, 500, 0, 250]),
        ("conservative", [0, 100, 200, 200, 500, 0, 250]),
    ],
)
def test_the_four_modes(make, ask, finish, mode, expected):
    scheduler = make(Settings(backfilling=Backfilling.parse(mode)))
    load(scheduler, ask, JOBS)
    found = starts(finish(scheduler))
    assert [found[str(n)] for n in range(1, 6)] == expected[:5]
    if mode == "off":
        assert [found["6"], found["7"]] == expected[5:]
    else:
        assert found["6"] == 0
        assert found["7"] in {200, 250}


def test_future_reservations_are_counted(make, ask):
    for mode, planned in [("off", 0), ("aggressive", 1), ("intermediate:2", 2), ("conservative", 3)]:
        scheduler = make(Settings(backfilling=Backfilling.parse(mode)))
        load(scheduler, ask, [(4, 100), (4, 100), (4, 100), (4, 100)])
        assert len(scheduler.queue()) == 3 - planned


@pytest.mark.parametrize("text", ["easy", "intermediate", "intermediate:0", "intermediate:x", "off:1", ""])
def test_unknown_modes(text):
    with pytest.raises(LeaseError, match="backfilling"):
        Backfilling.parse(text)


def test_an_early_end_pulls_the_reservation_forward(make, ask, finish):
    scheduler = make()
    load(scheduler, ask, [(4, 1000), (4, 100), (4, 50)])
    scheduler.tick(300, finished=["1"])
    assert scheduler.lease("2").state is LeaseState.ACTIVE
    assert starts(finish(scheduler)) == {"1": 0, "2": 300, "3": 400}


def test_leases_move_forward_one_by_one_and_never_back(make, ask, finish):
    scheduler = make(Settings(backfilling=Backfilling(None)))
    load(scheduler, ask, [(2, 1000), (2, 400), (4, 100), (2, 300), (2, 500)])
    before = {name: scheduler.lease(name).plan.start for name in "345"}
    assert before == {"3": 1000, "4": 400, "5": 1100}
    scheduler.tick(100, finished=["2"])
    after = {name: scheduler.lease(name).first_start for name in "345"}
    assert after == {"3": 1000, "4": 100, "5": 400}
    finish(scheduler)


def test_a_smaller_or_shorter_lease_passes_one_that_cannot_start(make, ask, finish):
    scheduler = make()
    load(scheduler, ask, [(2, 100), (4, 100), (2, 300), (2, 300), (2, 200), (1, 150), (2, 100)])
    found = starts(finish(scheduler))
    assert found["2"] == 100
    assert found["7"] == 0


def test_nobody_waits_for_cpus_that_do_not_matter(make, ask, finish):
    site = equal_hosts(2, resources(cpu=400, memory=1024))
    scheduler = make(hosts=site)
    needs = resources(cpu=100, memory=600)
    scheduler.tick(0, [ask(n, 1, 100, needs=needs) for n in range(1, 5)])
    assert starts(finish(scheduler)) == {"1": 0, "2": 0, "3": 100, "4": 100}


def test_a_preemptible_lease_runs_until_it_must_give_way(make, ask, finish):
    settings = Settings(suspension=Suspension.ALL, overheads=Overheads(suspend_time=10, resume_time=5))
    scheduler = make(settings)
    scheduler.submit(ask(1, 4, 100, Kind.ADVANCE, start=200), 0)
    scheduler.submit(ask(2, 4, 300, preemptible=True), 0)
    assert scheduler.lease("2").plan.suspends
    leases = finish(scheduler)
    assert leases["2"].runs == ((0, 190), (305, 415))


def test_a_lease_that_must_not_be_interrupted_waits_for_a_whole_run(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL))
    scheduler.submit(ask(1, 4, 100, Kind.ADVANCE, start=200), 0)
    scheduler.submit(ask(2, 4, 300), 0)
    assert finish(scheduler)["2"].runs == ((300, 600),)


@pytest.mark.parametrize(
    ("settings", "runs"),
    [
        (Settings(suspension=Suspension.ALL, overheads=Overheads(suspend_time=10)), ((0, 10), (20 + 20, 60))),
        (Settings(suspension=Suspension.ALL, overheads=Overheads(suspend_time=11)), ((40, 70),)),
        (
            Settings(suspension=Suspension.ALL, overheads=Overheads(suspend_time=11), threshold_factor=0.5),
            ((0, 9), (40, 61)),
        ),
        (Settings(suspension=Suspension.ALL, overheads=Overheads(suspend_time=1), threshold=21), ((40, 70),)),
        (Settings(suspension=Suspension.ALL, overheads=Overheads(suspend_time=20), threshold_factor=0), ((40, 70),)),
        (Settings(suspension=Suspension.SERIAL, overheads=Overheads(suspend_time=10)), ((40, 70),)),
        (Settings(suspension=Suspension.NONE, overheads=Overheads(suspend_time=10)), ((40, 70),)),
    ],
)
def test_the_threshold_against_thrashing(make, ask, finish, settings, runs):
    scheduler = make(settings)
    scheduler.submit(ask(1, 4, 20, Kind.ADVANCE, start=20), 0)
    scheduler.submit(ask(2, 2, 30, preemptible=True), 0)
    assert finish(scheduler)["2"].runs == runs


def test_serial_suspension_is_for_single_nodes(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.SERIAL, overheads=Overheads(suspend_time=1)))
    scheduler.submit(ask(1, 4, 20, Kind.ADVANCE, start=20), 0)
    scheduler.submit(ask(2, 1, 30, preemptible=True), 0)
    assert finish(scheduler)["2"].runs == ((0, 19), (40, 51))


def test_a_run_that_only_its_shutdown_would_prevent_is_not_cut(make, ask, finish):
    settings = Settings(suspension=Suspension.ALL, overheads=Overheads(shutdown=10))
    scheduler = make(settings)
    scheduler.submit(ask(1, 4, 20, Kind.ADVANCE, start=35), 0)
    scheduler.submit(ask(2, 1, 30, preemptible=True), 0)
    assert finish(scheduler)["2"].runs == ((65, 95),)


def test_constraints_from_elsewhere_are_asked(make, ask, finish):
    def odd_hosts_only(request, site):
        return [number % 2 == 1 for number in range(len(site.hosts))]

    scheduler = make(policies=Policies(constraints=(odd_hosts_only,)))
    scheduler.tick(0, [ask(1, 1), ask(2, 2), ask(3, 1)])
    assert scheduler.lease("1").plan.nodes == (1,)
    leases = finish(scheduler)
    assert set(leases["2"].runs[0]) == {3600, 7200}
    assert leases["3"].runs == ((0, 3600),)


def test_a_long_search_tries_batch_after_batch(make, ask, finish):
    scheduler = make(hosts=equal_hosts(100, resources(cpu=100)))
    needs = resources(cpu=100)
    scheduler.tick(0, [ask(n, 1, 100 + n, needs=needs) for n in range(100)])
    answer = scheduler.submit(ask("all", 100, 10, needs=needs), 0)
    assert answer.start == 199
    finish(scheduler)


def test_an_interrupted_run_is_as_long_as_possible(make, ask, finish):
    scheduler = make(Settings(suspension=Suspension.ALL))
    for name, nodes, start in (("a", 1, 50), ("b", 2, 100), ("c", 1, 150)):
        scheduler.submit(ask(name, nodes, 400, Kind.ADVANCE, start=start), 0)
    scheduler.submit(ask(1, 2, 300, preemptible=True), 0)
    assert finish(scheduler)["1"].runs == ((0, 100), (500, 700))


def test_who_has_waited_moves_forward_before_a_request_of_the_same_second(make, ask):
    scheduler = make()
    scheduler.tick(0, [ask(1, 4, 100), ask(2, 4, 50)])
    (answer,) = scheduler.tick(50, [ask(3, 4, 10, Kind.IMMEDIATE)], finished=["1"])
    assert isinstance(answer, Refused)
    assert scheduler.lease("2").plan.start == 50
