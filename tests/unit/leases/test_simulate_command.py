import json
import random
import sys
from collections import Counter

import pytest

from placement.leases import Kind, Scheduler, equal_hosts, resources
from placement.simulate import convert, generate
from placement.simulate.command import main
from placement.simulate.engine import simulate
from placement.simulate.generate import parse_distribution
from placement.simulate.lwf import read_lwf
from placement.simulate.plots import bars
from placement.simulate.report import mean_over
from placement.simulate.workload import WorkloadError
from tests.unit.leases.test_simulate_formats import SHARED, job, save

PREEMPTION = SHARED / "preemption.lwf"
needs_example = pytest.mark.skipif(
    not SHARED.exists(), reason="the shared example workload is not beside this checkout"
)

LEASE = """<lease-request arrival="{at}">{real}<lease id="{id}" preemptible="{pre}"><nodes><node-set numnodes="{n}">
<res type="CPU" amount="100"/><res type="Memory" amount="1024"/></node-set></nodes>{start}<duration time="{time}"/>
{more}</lease></lease-request>"""


def lwf(tmp_path, *leases, name="w.lwf"):
    default = {"at": "00:00:00", "real": "", "pre": "true", "n": 1, "start": "<start/>", "time": "01:00:00", "more": ""}
    body = "".join(LEASE.format(**default | {"id": i} | lease) for i, lease in enumerate(leases, 1))
    return save(tmp_path, f"<lease-workload name='w'><lease-requests>{body}</lease-requests></lease-workload>", name)


def run(tmp_path, workload, *options):
    out, events = tmp_path / "out.json", tmp_path / "events.jsonl"
    assert main([str(workload), "--out", str(out), "--events", str(events), *options]) == 0
    happened = [json.loads(line) for line in events.read_text().splitlines()]
    report = json.loads(out.read_text())
    return {lease["id"]: lease for lease in report["leases"]}, happened, report


def at(events, lease, name):
    return [e["time"] for e in events if e["lease"] == lease and e["event"] == name]


RATES = ["--suspension", "all", "--suspend-rate", "32", "--resume-rate", "32"]


@needs_example
def test_example_a_on_the_command_line(tmp_path):
    leases, events, report = run(tmp_path, PREEMPTION, *RATES)
    assert leases[1]["runs"] == [[0, 1768], [3632, 5464]]
    assert (leases[2]["start"], leases[2]["end"], leases[2]["state"]) == (1800, 3600, "done")
    assert at(events, 1, "suspend_start") + at(events, 1, "suspend_end") == [1768, 1800]
    assert at(events, 1, "resume_start") + at(events, 1, "resume_end") == [3600, 3632]
    assert at(events, 2, "accepted") == [900]
    assert [e["hosts"] for e in events if e["event"] == "start"] == [["host-1"], [f"host-{n}" for n in (1, 2, 3, 4)]]
    assert (report["makespan"], report["preemptions"], report["accepted"]) == (5464, 1, 2)
    busy = 3600 + 4 * 1800
    assert report["utilisation"]["mean"] == pytest.approx(busy / (4 * 5464))


@needs_example
def test_examples_without_suspension_and_with_images(tmp_path):
    leases, _, _ = run(tmp_path, PREEMPTION)
    assert (leases[1]["runs"], leases[1]["lost"]) == ([[3600, 7200]], [[0, 900]])
    leases, events, _ = run(tmp_path, PREEMPTION, *RATES, "--images", "transfer", "--bandwidth", "100")
    assert leases[1]["start"] == 82
    assert at(events, 2, "transfer_end") == at(events, 2, "start") == [1800]


def test_leases_really_end_early_and_nobody_knows_before(tmp_path):
    real = '<realduration time="00:10:00"/>'
    workload = lwf(tmp_path, {"n": 2, "real": real}, {"n": 2, "time": "00:20:00"}, {"n": 1, "time": "00:30:00"})
    leases, events, report = run(tmp_path, workload, "--hosts", "2", "--pricing", "constant:2")
    assert [leases[n]["runs"] for n in (1, 2, 3)] == [[[0, 600]], [[600, 1800]], [[1800, 3600]]]
    assert leases[1]["price"] == 4.0
    assert report["prices"]["total"] == pytest.approx(4 + 2 * 2 / 3 + 1)
    assert leases[2]["wait"] == 600
    assert leases[2]["bounded_slowdown"] == pytest.approx(1.5)
    assert report["waiting_time"]["mean"] == pytest.approx((0 + 600 + 1800) / 3)
    names = ["submitted", "accepted", "queued", "scheduled", "start", "end"]
    assert [e["event"] for e in events if e["lease"] == 1] == names


def test_a_real_duration_counts_active_time_over_suspensions(tmp_path):
    exact = '<start><exact time="00:30:00"/></start>'
    first = {"real": '<realduration time="00:40:00"/>'}
    second = {"pre": "false", "start": exact, "time": "00:30:00", "n": 2}
    third = {"real": '<realduration time="02:00:00"/>', "at": "02:00:00"}
    leases, _, _ = run(tmp_path, lwf(tmp_path, first, second, third), "--hosts", "2", *RATES)
    assert leases[1]["runs"] == [[0, 1768], [3632, 3632 + 2400 - 1768]]
    assert leases[3]["runs"] == [[7200, 10800]]


def test_a_lease_that_really_ends_when_it_would_be_suspended_is_done(tmp_path):
    exact = '<start><exact time="00:30:00"/></start>'
    first = {"real": '<realduration time="00:29:28"/>'}
    second = {"pre": "false", "start": exact, "time": "00:30:00", "n": 1}
    leases, events, _ = run(tmp_path, lwf(tmp_path, first, second), "--hosts", "1", *RATES)
    assert leases[1]["runs"] == [[0, 1768]]
    assert at(events, 1, "suspend_start") == []


def test_users_who_find_it_too_dear(tmp_path):
    attr = '<extra><attr name="simul_userrate" value="{}"/></extra>'
    large = {"start": "<start><now/></start>", "n": 9}
    workload = lwf(tmp_path, {"more": attr.format(1)}, {"more": attr.format(3)}, large)
    leases, events, report = run(tmp_path, workload, "--hosts", "4", "--pricing", "constant:2")
    assert [leases[n]["state"] for n in (1, 2, 3)] == ["rejected_by_user", "done", "rejected"]
    assert at(events, 1, "rejected") == [0]
    assert (report["rejected"], report["counts"]["best_effort"]["rejected"]) == (2, 1)
    assert leases[1]["price"] == 0


def test_deadlines_are_counted(tmp_path):
    start = '<start><exact time="00:10:00"/></start>'
    workload = lwf(
        tmp_path,
        {"start": start, "more": '<deadline time="03:00:00"/>'},
        {"start": start, "more": '<deadline time="01:00:00"/>'},
    )
    leases, _, report = run(tmp_path, workload, "--hosts", "1", "--policy", "deadline")
    assert [leases[n]["state"] for n in (1, 2)] == ["done", "rejected"]
    assert report["deadlines"] == {"accepted": 1, "met": 1}


def test_what_cannot_end_is_reported_as_such(tmp_path):
    workload = lwf(tmp_path, {})
    report = run(tmp_path, workload, "--hosts", "1")[2]
    assert report["unfinished"] == 0
    assert mean_over([(0, 1.0), (10, 0.0)], 20) == 0.5
    assert mean_over([], 0) == 0.0


def test_traces_and_plots(tmp_path):
    trace = save(tmp_path, "; MaxNodes: 4\n" + "\n".join(job(n, n * 10, requested=2) for n in range(1, 9)), "t.swf")
    picture = tmp_path / "p.png"
    leases, _, report = run(tmp_path, trace, "--plot", str(picture), *RATES)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert len(leases) == 8
    assert report["workload"]["rules"]["format"] == "SWF"
    leases, _, _ = run(tmp_path, save(tmp_path, job(1), "noname"), "--hosts", "4", "--resources", "cpu=100")
    assert leases[1]["runs"] == [[0, 100]]


@needs_example
def test_annotations_and_sites_by_option(tmp_path):
    now = "<lease-annotations><lease-annotation id='2'><start><now/></start></lease-annotation></lease-annotations>"
    annotations = save(tmp_path, now, "a.lwfa")
    leases, _, _ = run(tmp_path, PREEMPTION, "--annotations", str(annotations))
    assert leases[2]["state"] == "rejected"
    leases, _, _ = run(tmp_path, PREEMPTION, "--annotations", str(annotations), "--hosts", "5")
    assert leases[2]["runs"] == [[900, 2700]]
    leases, _, _ = run(tmp_path, PREEMPTION, "--resources", "cpu=50+50,memory=2048")
    assert leases[1]["state"] == "rejected"


@pytest.mark.parametrize("command", [main, convert.main, generate.main])
def test_a_misspelt_option_gives_one_line_and_exit_2(command, capsys):
    with pytest.raises(SystemExit) as left:
        command(["a", "b", "--wrong"])
    (line,) = capsys.readouterr().err.splitlines()
    assert left.value.code == 2
    assert line.startswith("placement.simulate")
    assert "--wrong" in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "give --hosts"),
        (["--hosts", "0"], "give 1 to 1000000"),
        (["--hosts", "1000001"], "give 1 to 1000000"),
        (["--hosts", "1", "--pricing", "peak:1:2:21"], "takes 1 or 2 or 4 numbers"),
        (["--hosts", "1", "--pricing", "peak:1:2:20:8"], "two hours of the day"),
        (["--hosts", "1", "--pricing", "peak:1:2:8:25"], "two hours of the day"),
        (["--hosts", "1", "--policy", "hosts=os:getcwd"], "does not decide on hosts"),
        (["--hosts", "1", "--backfilling", "easy"], "backfilling"),
        (["--hosts", "1", "--suspend-rate", "0"], "--suspend-rate is 0"),
        (["--hosts", "1", "--bandwidth", "nan"], "--bandwidth"),
        (["--hosts", "1", "--pricing", "dear"], "pricing"),
        (["--hosts", "1", "--policy", "dear"], "policy"),
        (["--hosts", "1", "--resources", "cpu"], "name=amount"),
        (["--hosts", "1", "--resources", "cpu=0"], "nothing"),
        (["--hosts", "1", "--annotations", "none.lwfa"], "cannot be read"),
        (["--hosts", "1", "--out", "/nowhere/at/all"], "No such file"),
        (["--hosts", "1", "--plot", "/nowhere/at/all"], "cannot be written"),
    ],
)
def test_bad_options_give_one_line_and_exit_2(tmp_path, capsys, options, words):
    assert main([str(lwf(tmp_path, {})), *options]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert words in lines[0]


@pytest.mark.parametrize("name", ["none.lwf", "none", "none.swf"])
def test_missing_workloads(tmp_path, capsys, name):
    assert main([str(tmp_path / name)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_plots_say_what_they_need(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    options = ["--hosts", "1", "--plot", str(tmp_path / "p.png")]
    assert main([str(lwf(tmp_path, {})), *options]) == 2
    assert "matplotlib" in capsys.readouterr().err


def test_bars_are_what_takes_time_on_hosts(tmp_path):
    exact = '<start><exact time="00:30:00"/></start>'
    workload = read_lwf(lwf(tmp_path, {}, {"pre": "false", "start": exact, "at": "00:10:00"}))
    site = equal_hosts(1, resources(cpu=100, memory=1024))
    outcome = simulate(workload, site, Scheduler(site))
    assert [bar[:4] for bar in bars(outcome.events)] == [
        ("1", "run", 0, 600),
        ("2", "run", 1800, 5400),
        ("1", "run", 5400, 9000),
    ]


def test_generated_workloads_run(tmp_path):
    path = tmp_path / "g.lwf"
    options = ["--leases", "40", "--hosts", "4", "--advance", "0.2", "--seed", "3", "--real", "uniform:0.2:1"]
    assert generate.main([str(path), *options]) == 0
    workload = read_lwf(path)
    kinds = [a.request.kind for a in workload.arrivals]
    assert kinds.count(Kind.BEST_EFFORT) == 40
    asked = Counter()
    for arrival in workload.arrivals:
        asked[arrival.request.kind] += arrival.request.nodes * arrival.request.duration
    assert asked[Kind.ADVANCE] >= 0.2 * asked[Kind.BEST_EFFORT]
    assert generate.main([str(tmp_path / "same.lwf"), *options]) == 0
    assert read_lwf(tmp_path / "same.lwf").arrivals == workload.arrivals
    assert generate.main([str(tmp_path / "more.lwf"), "--base", str(path), "--advance", "0.1"]) == 0
    assert len(read_lwf(tmp_path / "more.lwf").arrivals) > len(workload.arrivals)
    run(tmp_path, path)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("constant:5", 5, 5),
        ("uniform:1:2", 1, 2),
        ("exponential:9", 0, 1e9),
        ("normal:5:0", 5, 5),
        ("lognormal:0:0", 1, 1),
        ("choice:3:4", 3, 4),
    ],
)
def test_distributions(text, low, high):
    assert low <= parse_distribution(text)(random.Random(1)) <= high


NONE = ["", "constant", "constant:x", "constant:inf", "exponential:0", "choice", "zipf:1", "uniform:1"]


@pytest.mark.parametrize("text", NONE)
def test_no_distributions(text):
    with pytest.raises(WorkloadError, match="distribution"):
        parse_distribution(text)


def test_bad_generation(tmp_path, capsys):
    empty = save(tmp_path, "<lease-workload><lease-requests/></lease-workload>")
    for options in (["--leases", "0"], ["--nodes", "many"], ["--base", str(empty), "--advance", "0.1"]):
        assert generate.main([str(tmp_path / "x.lwf"), *options]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


@needs_example
def test_conversion(tmp_path, capsys):
    trace = save(tmp_path, "; MaxNodes: 4\n" + job(1, 5, requested=4) + "\n" + job(2, 9, queue=7), "t.swf")
    assert convert.main([str(trace), str(tmp_path / "a.lwf"), "--scale", "2", "--memory", "64", "--queue", "1"]) == 0
    (arrival,) = read_lwf(tmp_path / "a.lwf").arrivals
    assert (arrival.request.nodes, arrival.request.memory()) == (2, (64, 64))
    assert convert.main([str(PREEMPTION), str(tmp_path / "b.swf")]) == 0
    assert len((tmp_path / "b.swf").read_text().splitlines()) == 4
    now = "<lease-annotations><lease-annotation><start><now/></start></lease-annotation></lease-annotations>"
    annotations = save(tmp_path, now, "a.lwfa")
    assert convert.main([str(PREEMPTION), str(tmp_path / "c.lwf"), "--annotations", str(annotations)]) == 0
    assert read_lwf(tmp_path / "c.lwf").arrivals[0].request.kind is Kind.IMMEDIATE
    assert convert.main([str(trace), str(tmp_path / "a.lwf"), "--scale", "0"]) == 2
    assert "--scale is 0" in capsys.readouterr().err
