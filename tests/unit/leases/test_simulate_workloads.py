"""Whole workloads with outcomes worked out by hand from the published rules, to the second.

Nodes are 100 CPU and 1,024 MB, a full host unless said otherwise; copying 1,024 MB at 100 Mbit/s takes 82 s.
"""

import pytest

from tests.unit.leases.test_simulate_command import at, lwf, run
from tests.unit.leases.test_simulate_formats import save

AT_HALF_PAST = '<start><exact time="00:30:00"/></start>'
RATES = ["--suspend-rate", "64", "--resume-rate", "32"]


def image(name):
    return f'<software><disk-image id="{name}" size="1024"/></software>'


def advance(nodes, **more):
    """Half an hour from half past, asked for at a quarter past."""
    return {"n": nodes, "pre": "false", "start": AT_HALF_PAST, "time": "00:30:00", "at": "00:15:00"} | more


def runs(leases):
    return {name: lease["runs"] for name, lease in leases.items()}


BACKFILLED = [
    {"n": 2, "time": "00:01:40"},
    {"n": 2, "time": "00:01:40"},
    {"n": 3, "time": "00:00:50"},
    {"n": 1, "time": "00:05:00"},
    {"n": 1, "time": "00:00:50"},
]


@pytest.mark.parametrize(
    ("mode", "third", "fourth", "fifth"),
    [
        ("off", [200, 250], [250, 550], [250, 300]),
        ("aggressive", [300, 350], [0, 300], [200, 250]),
        ("intermediate:2", [200, 250], [250, 550], [0, 50]),
        ("conservative", [200, 250], [250, 550], [0, 50]),
    ],
)
def test_backfilling_on_three_hosts(tmp_path, mode, third, fourth, fifth):
    """Aggressive protects only the head (2); the third job is passed by the fourth, which is long but small."""
    leases, _, report = run(tmp_path, lwf(tmp_path, *BACKFILLED), "--hosts", "3", "--backfilling", mode)
    assert runs(leases) == {1: [[0, 100]], 2: [[100, 200]], 3: [third], 4: [fourth], 5: [fifth]}
    assert report["makespan"] == max(third[1], fourth[1], fifth[1])
    assert report["waiting_time"]["mean"] == (100 + third[0] + fourth[0] + fifth[0]) / 5


def test_all_leases_are_suspended_each_host_at_its_rate(tmp_path):
    workload = lwf(tmp_path, {"n": 2}, advance(4))
    leases, events, _ = run(tmp_path, workload, "--hosts", "4", "--suspension", "all", *RATES)
    assert runs(leases) == {1: [[0, 1784], [3632, 3632 + 1816]], 2: [[1800, 3600]]}
    assert at(events, 1, "suspend_start") + at(events, 1, "suspend_end") == [1784, 1800]
    assert at(events, 1, "resume_start") + at(events, 1, "resume_end") == [3600, 3632]


def test_only_single_nodes_are_suspended_under_serial(tmp_path):
    workload = lwf(tmp_path, {"n": 2}, {"n": 1}, advance(4))
    leases, _, report = run(tmp_path, workload, "--hosts", "4", "--suspension", "serial", *RATES)
    assert runs(leases) == {1: [[3600, 7200]], 2: [[0, 1784], [3632, 5448]], 3: [[1800, 3600]]}
    assert leases[1]["lost"] == [[0, 900]]
    assert report["preemptions"] == 2


def test_nodes_of_one_host_are_suspended_one_after_another(tmp_path):
    workload = lwf(tmp_path, {"n": 3}, advance(4))
    options = ["--hosts", "2", "--resources", "cpu=200,memory=2048", "--suspension", "all", *RATES]
    leases, _, _ = run(tmp_path, workload, *options)
    assert runs(leases) == {1: [[0, 1768], [3664, 3664 + 1832]], 2: [[1800, 3600]]}


def test_a_preemptible_lease_fills_the_time_before_a_reservation(tmp_path):
    early = advance(1, at="00:00:00")
    workload = lwf(tmp_path, early, {"at": "00:00:10"}, {"at": "01:10:00"})
    leases, _, _ = run(tmp_path, workload, "--hosts", "1", "--suspension", "all", *RATES)
    assert runs(leases) == {1: [[1800, 3600]], 2: [[10, 1784], [3632, 3632 + 1826]], 3: [[5458, 5458 + 3600]]}


@pytest.mark.parametrize(("second", "start"), [("00:29:28", 1768), ("00:29:29", 3600)])
def test_a_run_must_last_twice_the_time_to_suspend(tmp_path, second, start):
    """Suspending takes 16 s, so that a run of 32 s on the host is started and one of 31 s is not."""
    workload = lwf(tmp_path, advance(1, at="00:00:00"), {"at": second})
    leases, _, _ = run(tmp_path, workload, "--hosts", "1", "--suspension", "all", *RATES)
    assert leases[2]["start"] == start


def test_images_come_one_after_another_and_are_shared(tmp_path):
    leases = [{"more": image(name), "time": "00:10:00"} for name in ("a", "b", "a")]
    later = {"more": image("a"), "time": "00:10:00", "at": "01:00:00"}
    options = ["--hosts", "4", "--bandwidth", "100"]
    found, events, _ = run(tmp_path, lwf(tmp_path, *leases, later), *options, "--images", "transfer")
    assert [found[n]["start"] for n in (1, 2, 3, 4)] == [82, 164, 82, 3682]
    assert at(events, 2, "transfer_start") == [82]
    found, events, _ = run(tmp_path, lwf(tmp_path, *leases, later), *options, "--images", "reuse")
    assert [found[n]["start"] for n in (1, 2, 3, 4)] == [82, 164, 82, 3600]
    assert at(events, 4, "transfer_start") == []


def test_the_last_gap_before_a_fixed_start_is_used(tmp_path):
    """Lease 2 has its image just before its start; lease 1, asked for later, has the gap before that."""
    second = advance(1, at="00:00:00", more=image("b"))
    first = advance(1, at="00:00:10", more=image("a"))
    options = ["--hosts", "4", "--images", "transfer", "--bandwidth", "100"]
    leases, events, _ = run(tmp_path, lwf(tmp_path, second, first), *options)
    assert runs(leases) == {1: [[1800, 3600]], 2: [[1800, 3600]]}
    assert at(events, 1, "transfer_start") + at(events, 1, "transfer_end") == [1718, 1800]
    assert at(events, 2, "transfer_start") + at(events, 2, "transfer_end") == [1636, 1718]


def test_an_immediate_lease_starts_when_its_image_is_there(tmp_path):
    now = {"start": "<start><now/></start>", "more": image("a"), "pre": "false"}
    options = ["--hosts", "1", "--images", "transfer", "--bandwidth", "100"]
    leases, _, _ = run(tmp_path, lwf(tmp_path, now, now | {"at": "00:30:00"}), *options)
    assert (leases[1]["runs"], leases[2]["state"]) == ([[82, 3682]], "rejected")


@pytest.mark.parametrize(
    ("mode", "resumed", "moved"),
    [("no", 7200, []), ("yes", 3600, [1800, 1964]), ("notransfer", 3600, [3600, 3600])],
)
def test_migration_to_a_free_host(tmp_path, mode, resumed, moved):
    """Host 1 is taken from half past to two; moving image and memory takes twice 82 s, and costs no waiting."""
    third = advance(1, start='<start><exact time="01:00:00"/></start>', time="01:00:00")
    workload = lwf(tmp_path, {"more": image("a")}, advance(4), third)
    options = ["--hosts", "4", "--suspension", "all", *RATES, "--migration", mode, "--bandwidth", "100"]
    leases, events, _ = run(tmp_path, workload, *options)
    assert leases[1]["runs"] == [[0, 1784], [resumed + 32, resumed + 32 + 1816]]
    assert at(events, 1, "migrate_start") + at(events, 1, "migrate_end") == moved


def test_a_loose_deadline_makes_room_for_a_tight_one(tmp_path):
    start = '<start><exact time="00:10:00"/></start>'
    loose = {"start": start, "more": '<deadline time="03:00:00"/>'}
    tight = {"start": start, "more": '<deadline time="01:10:00"/>', "at": "00:01:00"}
    late = {"start": start, "more": '<deadline time="02:00:00"/>', "at": "00:02:00"}
    leases, _, report = run(tmp_path, lwf(tmp_path, loose, tight, late), "--hosts", "1", "--policy", "deadline")
    assert runs(leases) == {1: [[4200, 7800]], 2: [[600, 4200]], 3: []}
    assert (leases[3]["state"], report["deadlines"]) == ("rejected", {"accepted": 2, "met": 2})


def test_a_deadline_lease_gives_way_in_time(tmp_path):
    flexible = {"n": 4, "start": "<start/>", "more": '<deadline time="02:30:00"/>'}
    options = ["--hosts", "4", "--suspension", "all", *RATES, "--policy", "deadline"]
    leases, _, _ = run(tmp_path, lwf(tmp_path, flexible, advance(4)), *options)
    assert runs(leases) == {1: [[0, 1784], [3632, 5448]], 2: [[1800, 3600]]}


@pytest.mark.parametrize(("rate", "state"), [(2.0, "rejected_by_user"), (2.1, "done")])
def test_whoever_preempts_pays_for_suspending_and_resuming(tmp_path, rate, state):
    """4 nodes for half an hour at 2 cost 4, and one node for 48 s more costs 0.0267."""
    payer = advance(4, more=f'<extra><attr name="simul_userrate" value="{rate}"/></extra>')
    options = ["--hosts", "4", "--suspension", "all", *RATES, "--pricing", "constant:2"]
    leases, _, report = run(tmp_path, lwf(tmp_path, {}, payer), *options)
    assert leases[2]["state"] == state
    if state == "done":
        assert leases[2]["price"] == pytest.approx(4 + 2 * 48 / 3600)
        assert leases[1]["runs"] == [[0, 1784], [3632, 5448]]
    else:
        assert leases[2]["runs"] == []
        assert leases[1]["runs"] == [[0, 3600]]
    assert report["prices"]["total"] == pytest.approx(2 + (leases[2]["price"] or 0))


def test_prices_over_the_day_and_by_load(tmp_path):
    """Midnight plus 7 h 30 for an hour: half of it at the plain rate, half at twice the rate."""
    morning = {"pre": "false", "start": '<start><exact time="07:30:00"/></start>'}
    leases, _, _ = run(tmp_path, lwf(tmp_path, morning), "--hosts", "4", "--pricing", "peak:2")
    assert leases[1]["price"] == pytest.approx(1 + 2)
    workload = lwf(tmp_path, morning, morning | {"n": 3})
    leases, _, _ = run(tmp_path, workload, "--hosts", "4", "--pricing", "adaptive:2")
    assert [leases[n]["price"] for n in (1, 2)] == [pytest.approx(2 * 1.25), pytest.approx(3 * 2 * 2)]


def test_annotations_turn_best_effort_into_other_kinds(tmp_path):
    """Times count from each lease's own submission; an annotation without a child leaves the lease as it is."""
    times = '<start><exact time="+00:10:00"/></start>'
    marks = f"<lease-annotation>{times}</lease-annotation><lease-annotation/>"
    file = save(tmp_path, f"<lease-annotations>{marks}</lease-annotations>", "a.lwfa")
    workload = lwf(tmp_path, {"at": "00:05:00"}, {"at": "00:05:00"})
    leases, _, _ = run(tmp_path, workload, "--hosts", "1", "--annotations", str(file))
    assert runs(leases) == {1: [[900, 4500]], 2: [[4500, 8100]]}
    assert [leases[n]["kind"] for n in (1, 2)] == ["advance", "best_effort"]
