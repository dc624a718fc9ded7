from dataclasses import replace
from pathlib import Path

import pytest

from placement.leases import Host, Image, Kind, NodeGroup, Site, resources
from placement.simulate.lwf import read_lwf, write_lwf
from placement.simulate.lwfa import annotate
from placement.simulate.swf import SwfOptions, read_swf, write_swf
from placement.simulate.times import read_duration, read_time, write_time
from placement.simulate.workload import WorkloadError

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "reservations"

LWF = """<?xml version="1.0"?>
<lease-workload name="w"><description>text</description>
<site><resource-types names="CPU Memory"/><nodes>
 <node-set numnodes="2"><res type="CPU"><instance amount="100"/><instance amount="100"/></res>
  <res type="Memory" amount="1024"/></node-set>
 <node-set numnodes="1"><res type="CPU" amount="100"/><res type="Memory" amount="512"/></node-set>
</nodes></site>
<lease-requests>
<lease-request arrival="+00:00:10.00"><realduration time="00:05:00"/>
 <lease id="2" preemptible="yes" user="7"><nodes>
   <node-set numnodes="1"><res type="CPU" amount="50"/><res type="Memory" amount="256"/></node-set>
   <node-set numnodes="2"><res type="CPU" amount="100"/></node-set></nodes>
  <start/><duration time="01:00:00:00.00"/><software><disk-image id="i" size="100"/></software>
  <extra><attr name="simul_userrate" value="1.5"/><attr name="x" value="y"/></extra></lease></lease-request>
<lease-request arrival="00:00:05">
 <lease id="1" preemptible="false"><nodes><node-set numnodes="1"><res type="CPU" amount="100"/></node-set></nodes>
  <start><now/></start><duration time="00:10:00"/><software><none/></software></lease></lease-request>
<lease-request arrival="00:00:20">
 <lease id="3"><nodes><node-set numnodes="1"><res type="CPU" amount="100"/></node-set></nodes>
  <start><exact time="00:30:00.00"/></start><duration time="00:10:00"/></lease></lease-request>
<lease-request arrival="00:00:20">
 <lease id="4"><nodes><node-set numnodes="1"><res type="CPU" amount="100"/></node-set></nodes>
  <start><exact time="00:30:00.00"/></start><duration time="00:10:00"/>
  <deadline time="02:00:00"/></lease></lease-request>
</lease-requests></lease-workload>"""


def save(tmp_path, text, name="w.lwf"):
    path = tmp_path / name
    path.write_text(text)
    return path


def lease_with(**parts):
    """A workload of one lease, with some parts replaced."""
    default = {
        "root": "lease-workload",
        "arrival": "00:00:00",
        "id": 'id="1"',
        "res": '<res type="CPU" amount="100"/>',
        "count": "1",
        "start": "<start/>",
        "duration": '<duration time="00:10:00"/>',
        "more": "",
    } | parts
    return (
        '<{root}><lease-requests><lease-request arrival="{arrival}"><lease {id}><nodes><node-set numnodes="{count}">'
        "{res}</node-set></nodes>{start}{duration}{more}</lease></lease-request></lease-requests></{root}>"
    ).format(**default)


def test_everything_of_lwf_is_read(tmp_path):
    workload = read_lwf(save(tmp_path, LWF))
    assert (workload.name, workload.description) == ("w", "text")
    twin = resources(cpu=(100, 100), memory=1024)
    assert [host.capacity for host in workload.site.hosts] == [twin, twin, resources(cpu=100, memory=512)]
    first, second, third, fourth = workload.arrivals
    assert [a.time for a in workload.arrivals] == [5, 10, 20, 20]
    assert (first.request.kind, first.real, first.request.image) == (Kind.IMMEDIATE, None, None)
    request = second.request
    assert (request.kind, request.duration, second.real) == (Kind.BEST_EFFORT, 86400, 300)
    assert (request.preemptible, request.user, request.image) == (True, "7", Image("i", 100))
    groups = (NodeGroup(1, resources(cpu=50, memory=256)), NodeGroup(2, resources(cpu=100)))
    assert (request.groups, request.highest_rate) == (groups, 1.5)
    assert request.extra == (("simul_userrate", "1.5"), ("x", "y"))
    assert (third.request.kind, third.request.start, third.request.preemptible) == (Kind.ADVANCE, 1800, False)
    assert (fourth.request.kind, fourth.request.start, fourth.request.deadline) == (Kind.DEADLINE, 1800, 7200)


def test_written_workloads_are_read_again(tmp_path):
    workload = read_lwf(save(tmp_path, LWF))
    write_lwf(workload, tmp_path / "again.lwf")
    assert read_lwf(tmp_path / "again.lwf").arrivals == workload.arrivals
    assert read_lwf(tmp_path / "again.lwf").site == workload.site


def test_the_shared_example_is_read():
    if not SHARED.exists():
        pytest.skip("the shared example workload is not beside this checkout")
    workload = read_lwf(SHARED / "preemption.lwf")
    assert len(workload.site.hosts) == 4
    assert [(a.time, a.request.kind) for a in workload.arrivals] == [(0, Kind.BEST_EFFORT), (900, Kind.ADVANCE)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no xml", "well-formed"),
        ("<jobs/>", "another kind of file"),
        ("<lease-workload/>", "no <lease-requests>"),
        (lease_with(arrival=""), "no arrival"),
        (lease_with(arrival="10 o'clock"), "not a time"),
        (lease_with(id=""), "no id"),
        (lease_with(id='id="x"'), "whole number"),
        (lease_with(id='id="1" preemptible="maybe"'), "true or false"),
        (lease_with(count="0"), "numnodes"),
        (lease_with(count="1000001"), "1000000 are the most"),
        (lease_with(arrival="500000000:00:00"), "too far ahead"),
        (lease_with(count="-1"), "numnodes"),
        (lease_with(res=""), "no resource"),
        (lease_with(res='<res type="CPU" amount="1.5"/>'), "amount"),
        (lease_with(res='<res type="CPU"/>'), "no amount"),
        (lease_with(res='<res type="CPU" amount="99999999999999999999"/>'), "not an amount"),
        (lease_with(start=""), "no <start>"),
        (lease_with(start="<start><later/></start>"), "<later>"),
        (lease_with(start="<start><exact/></start>"), "no time"),
        (lease_with(duration=""), "no <duration>"),
        (lease_with(duration='<duration time="00:00:00"/>'), "nothing"),
        (lease_with(duration='<duration time="00:61:00"/>'), "not a time"),
        (lease_with(more='<software><disk-image id="x"/></software>'), "no size"),
        (lease_with(more='<extra><attr name="simul_userrate" value="x"/></extra>'), "give a number"),
        (LWF.replace('id="3"', 'id="1"'), "two leases have the id 1"),
        (LWF.replace("CPU Memory", "Memory"), "at least CPU"),
        (LWF.replace('type="CPU" amount="50"', 'type="GPU" amount="50"'), "'gpu' is not among"),
        (
            LWF.replace('<node-set numnodes="1"><res type="CPU" amount="50"/>', '<node-set numnodes="1"><res/>'),
            "no type",
        ),
    ],
)
def test_malformed_workloads_are_explained(tmp_path, text, words):
    with pytest.raises(WorkloadError, match=words):
        read_lwf(save(tmp_path, text))


def test_a_missing_file(tmp_path):
    with pytest.raises(WorkloadError, match="cannot be read"):
        read_lwf(tmp_path / "none.lwf")
    with pytest.raises(WorkloadError, match="cannot be read"):
        read_swf(tmp_path / "none.swf")


def test_entities_are_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    bomb = f'<!DOCTYPE d [<!ENTITY e SYSTEM "file://{secret}">]>' + lease_with(id='id="1"').replace(
        "<lease-requests>", "<description>&e;</description><lease-requests>"
    )
    assert "hidden" not in read_lwf(save(tmp_path, bomb)).description


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:10", 10), ("+10:00:00.00", 36000), ("01:02:03:04", 93784), ("2:00:00:00.49", 172800), ("00:00:00.5", 1)],
)
def test_times(text, seconds):
    assert read_time(text, "x") == seconds


@pytest.mark.parametrize("text", ["", "10", "1:2", "-00:00:10", "00:00:60", "00:00:00.", "a:b:c"])
def test_no_times(text):
    with pytest.raises(WorkloadError, match="not a time"):
        read_time(text, "x")


def test_durations_and_writing():
    assert read_duration("00:00:00.01", "x") == 1
    for seconds in (0, 59, 3661, 359999, 360000, 10**7):
        assert read_time(write_time(seconds), "x") == seconds


ANNOTATIONS = """<lease-annotations><attributes><attr name="a" value="b"/></attributes>
<lease-annotation id="2"><start><exact time="+10:00:00.00"/></start><extra><attr name="x" value="z"/></extra>
 <software><none/></software></lease-annotation>
<lease-annotation id="1"><start/></lease-annotation>
<lease-annotation id="3"><deadline time="01:00:00"/></lease-annotation>
<lease-annotation id="4"><start><now/></start></lease-annotation></lease-annotations>"""


def test_annotations_by_id_are_relative_to_submission(tmp_path):
    workload = annotate(read_lwf(save(tmp_path, LWF)), save(tmp_path, ANNOTATIONS, "a.lwfa"))
    requests = {a.request.id: a.request for a in workload.arrivals}
    assert (requests["2"].kind, requests["2"].start) == (Kind.ADVANCE, 36010)
    assert (requests["2"].image, requests["2"].highest_rate) == (None, 1.5)
    assert dict(requests["2"].extra) == {"simul_userrate": "1.5", "x": "z"}
    assert (requests["1"].kind, requests["1"].start) == (Kind.BEST_EFFORT, None)
    assert (requests["3"].kind, requests["3"].deadline) == (Kind.DEADLINE, 3620)
    assert (requests["4"].kind, requests["4"].deadline) == (Kind.IMMEDIATE, None)


def test_annotations_in_order(tmp_path):
    second = "<lease-annotation><start><now/></start></lease-annotation>"
    text = f"<lease-annotations><lease-annotation/>{second}</lease-annotations>"
    workload = annotate(read_lwf(save(tmp_path, LWF)), save(tmp_path, text, "a.lwfa"))
    assert [a.request.kind for a in workload.arrivals][:3] == [Kind.IMMEDIATE, Kind.IMMEDIATE, Kind.ADVANCE]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('<lease-annotation id="1"/><lease-annotation/>', "some have none"),
        ('<lease-annotation id="9"/>', "no lease 9"),
        ('<lease-annotation id="1"/><lease-annotation id="1"/>', "twice"),
        ("<lease-annotation/>" * 5, "5 annotations for 4"),
        ('<lease-annotation id="1"><deadline/></lease-annotation>', "no time"),
        ('<lease-annotation id="1"><start><exact time="soon"/></start></lease-annotation>', "not a time"),
    ],
)
def test_malformed_annotations(tmp_path, body, words):
    path = save(tmp_path, f"<lease-annotations>{body}</lease-annotations>", "a.lwfa")
    with pytest.raises(WorkloadError, match=words):
        annotate(read_lwf(save(tmp_path, LWF)), path)


def job(number, submit=0, run=100, allocated=4, requested=-1, wanted=200, memory=-1, status=1, queue=1):
    values = [number, submit, -1, run, allocated, -1, -1, requested, wanted, memory, status, 3, 1, 1, queue, 1, -1, -1]
    return " ".join(map(str, values))


def swf(tmp_path, *jobs, options=None):
    text = "; MaxNodes: 8\n;\n; Note: a note\n" + "\n".join(jobs) + "\n"
    return read_swf(save(tmp_path, text, "t.swf"), options)


def test_jobs_become_best_effort_leases(tmp_path):
    workload = swf(tmp_path, job(2, 10.6, requested=2, memory=2048), "", job(1, 5, run=0), job(3, 7, run=-1, status=5))
    first, second = workload.arrivals
    assert (first.request.id, first.time, first.real, first.request.nodes) == ("1", 5, 1, 4)
    assert (second.time, second.real, second.request.duration, second.request.user) == (11, 100, 200, "3")
    assert second.request.groups == (NodeGroup(2, resources(cpu=100, memory=2)),)
    assert dict(second.request.extra)["SWF_runtime"] == "100"
    assert (workload.rules["left_out_as_cancelled"], workload.rules["jobs"]) == (1, 3)


@pytest.mark.parametrize(
    ("line", "duration", "real"),
    [
        (job(1, wanted=-1), 100, 100),
        (job(1, run=300), 200, 200),
        (job(1, run=-1), 200, None),
        (job(1, run=99.5), 200, 100),
        (job(1, run=50, status=5), 200, 50),
    ],
)
def test_odd_jobs(tmp_path, line, duration, real):
    (arrival,) = swf(tmp_path, line).arrivals
    assert (arrival.request.duration, arrival.real) == (duration, real)


@pytest.mark.parametrize("line", [job(1, allocated=0), job(1, run=-1, wanted=-1)])
def test_unusable_jobs_are_counted(tmp_path, line):
    workload = swf(tmp_path, line)
    assert workload.arrivals == ()
    assert workload.rules["unusable"] == 1


def test_filters_and_options(tmp_path):
    options = SwfOptions(scale=3, memory=64, since=10, until=20, queues=frozenset({1}))
    jobs = [job(1, 5), job(2, 10), job(3, 20), job(4, 15, queue=2)]
    (arrival,) = swf(tmp_path, *jobs, options=options).arrivals
    assert arrival.request.groups == (NodeGroup(2, resources(cpu=100, memory=64)),)
    (arrival,) = swf(tmp_path, job(1, memory=99999), options=SwfOptions(with_memory=False)).arrivals
    assert arrival.request.groups == (NodeGroup(4, resources(cpu=100)),)


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        (["1 2 3"], "3 fields"),
        ([job("x")], "could not convert"),
        ([job(1, "nan")], "finite"),
        ([job(1, 10**12)], "finite number up to"),
        ([job(1, -5)], "not negative"),
        ([job(1), job(1)], "occurs twice"),
        ([], "no job"),
    ],
)
def test_malformed_traces(tmp_path, jobs, words):
    with pytest.raises(WorkloadError, match=words):
        swf(tmp_path, *jobs)


def test_traces_are_written(tmp_path):
    workload = swf(tmp_path, job(1, 5, requested=2, memory=2048), job(2, 9, run=-1))
    write_swf(workload, tmp_path / "again.swf")
    again = read_swf(tmp_path / "again.swf")
    assert [(a.time, a.real, a.request.groups) for a in again.arrivals] == [
        (a.time, a.real or a.request.duration, a.request.groups) for a in workload.arrivals
    ]
    site = Site((Host("a", resources(cpu=100)), Host("b", resources(cpu=200))))

    write_swf(replace(workload, site=site), tmp_path / "sited.swf")
    assert "; MaxNodes: 2" in (tmp_path / "sited.swf").read_text()
