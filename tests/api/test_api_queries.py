"""$filter, $first, $last, $orderby, $select, $expand, $format."""

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.cimi.codec.wire import Wire
from api.cimi.model import KINDS
from api.cimi.query.bind import narrowed
from api.cimi.query.filter import parse
from api.cimi.query.parameters import Parameters
from tests.api.front import Front
from tests.world import a_cmdb, populate

COLORS = ("red", "green", "blue")


@pytest.fixture
def stocked(front_on_both):
    front = front_on_both
    for index, name in enumerate(("alpha", "beta", "gamma", "delta")):
        message = front.machine_message(name, machineConfig={"cpu": index + 1, "memory": 131072 * (index + 1)})
        answer = front.member.post("machines", {**message, "properties": {"color": COLORS[index % 3]}})
        assert answer.status_code == 202
    front.settle()
    return front


def names(front, query):
    answer = front.member.get("machines?" + query)
    assert answer.status_code == 200, answer.text
    return answer.json["count"], [one["name"] for one in answer.json.get("machines", [])]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$filter=cpu>2", ["gamma", "delta"]),
        ("$filter=2<cpu", ["gamma", "delta"]),
        ("$filter=3=cpu", ["gamma"]),
        ("$filter=cpu!=3 and cpu>=2", ["beta", "delta"]),
        ("$filter=name='alpha' or name='beta' and cpu=9", ["alpha"]),
        ("$filter=(name='alpha' or name='beta') and cpu=2", ["beta"]),
        ('$filter=name="delta"', ["delta"]),
        ("$filter=memory=262144", ["beta"]),
        ("$filter=state='STARTED'", ["alpha", "beta", "gamma", "delta"]),
        ("$filter=property['color']='red'", ["alpha", "delta"]),
        ("$filter=property['color']!='red'", ["beta", "gamma"]),
        ("$filter=property['color']='red'&$filter=cpu>1", ["delta"]),
        ("$filter=created>2020-01-01T00:00:00Z", ["alpha", "beta", "gamma", "delta"]),
        ("$filter=created<2020-01-01T00:00:00+01:00", []),
        ("$filter=created<2020-01-01T00:00:00%2B01:00", []),
        ("$filter=nonsense='1'", []),
        ("$filter=native_id!='x'", []),
        ("$filter=cpu='2'", []),
        ("$filter=name=true", []),
        ("$orderby=cpu:desc", ["delta", "gamma", "beta", "alpha"]),
        ("$orderby=name", ["alpha", "beta", "delta", "gamma"]),
        ("$orderby=nonsense,name:desc", ["gamma", "delta", "beta", "alpha"]),
        ("unknown=1&$whatever=2", ["alpha", "beta", "gamma", "delta"]),
    ],
)
def test_filter_and_order(stocked, query, expected):
    count, found = names(stocked, query)
    assert count == len(expected)
    assert found == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$first=2", ["beta", "gamma", "delta"]),
        ("$last=2", ["alpha", "beta"]),
        ("$first=2&$last=3", ["beta", "gamma"]),
        ("$first=3&$last=2", []),
        ("$first=9", []),
        ("$last=0", []),
        ("$first=-5&$last=99999999999999999999", ["alpha", "beta", "gamma", "delta"]),
        ("$first=0&$last=1", ["alpha"]),
    ],
)
def test_ranges_keep_the_count(stocked, query, expected):
    count, found = names(stocked, query)
    assert (count, found) == (4, expected)


@pytest.mark.parametrize(
    "text",
    [
        "", "alpha=beta", "alpha=3.2", "property[beta]='4'", "cpu", "cpu=", "=3", "(cpu=3", "cpu=3)", "cpu=3 or",
        "cpu==3", "name<'x'", "true>false", "cpu=3 name='x'", "name='x", "property['a']<'b'", "cpu=99999999999999999",
        "created=2026-13-01T00:00:00Z", "cpu=1;drop", "name='\x00'", "(" * 30 + "cpu=1" + ")" * 30,
        " or ".join(["cpu=1"] * 101), "cpu=1" + " " * 5000,
    ],
)  # fmt: skip
def test_a_bad_filter_is_refused_with_its_position(front, text):

    answer = front.member.get("machines?$filter=" + quote(text))
    assert answer.status_code == 400
    assert answer.json["sirocco_code"] == "bad-filter"
    assert "position" in answer.json["statusMessage"]


@pytest.mark.parametrize(
    "query", ["$first=x", "$last=1.5", "$orderby=name:up", "$orderby=a;b", "$expand=" + "a," * 3000]
)
def test_other_bad_parameters_are_refused(front, query):
    answer = front.member.get("machines?" + query)
    assert answer.status_code == 400
    assert answer.json["sirocco_code"] == "invalid-value"


@pytest.mark.parametrize("name", ["$select", "$expand"])
def test_a_path_that_is_too_deep_is_refused_by_its_parameter(front, name):
    assert front.member.get(f"machines?{name}=a/b/c/d/e").json["statusMessage"].startswith(f"{name}: ")


def test_references_are_compared_by_their_address(stocked):
    image = stocked.image["href"]
    assert names(stocked, f"$filter=sirocco_image='{image}'")[0] == 4
    assert names(stocked, f"$filter=sirocco_image='{image}x'")[0] == 0
    one = stocked.member.get("machines?$filter=name='beta'").json["machines"][0]["id"]
    assert names(stocked, f"$filter=id='{one}'") == (1, ["beta"])


def test_templates_are_filtered_by_what_they_hold(front_on_both):
    front = front_on_both
    for cpu in (1, 2, 4):
        front.member.post("machineConfigs", {"name": f"c{cpu}", "cpu": cpu, "properties": {"a": str(cpu)}})
    listed = front.member.get("machineConfigs?$filter=cpu>=2 and property['a']!='4'&$orderby=cpu:desc").json
    assert [one["name"] for one in listed["machineConfigurations"]] == ["c2"]
    ordered = front.member.get("machineConfigs?$orderby=cpu:desc&$last=2").json
    assert ordered["count"] == 3
    assert [one["cpu"] for one in ordered["machineConfigurations"]] == [4, 2]


def test_jobs_are_filtered_by_the_uri_of_their_action(stocked):
    uri = "http://schemas.dmtf.org/cimi/1/action/add"
    assert stocked.member.get(f"jobs?$filter=action='{uri}'").json["count"] == 4
    assert stocked.member.get("jobs?$filter=action='stop'").json["count"] == 0


def test_select(stocked):
    machine = stocked.member.get("machines?$filter=name='alpha'").json["machines"][0]["id"]
    one = stocked.member.get(machine + "?$select=name,cpu&$select=nonsense").json
    assert one == {"resourceURI": one["resourceURI"], "name": "alpha", "cpu": 1}
    whole = stocked.member.get(machine).json
    assert stocked.member.get(machine + "?$select=*").json == whole
    assert stocked.member.get(machine + "?$select=operations").json["operations"] == whole["operations"]
    listed = stocked.member.get("machines?$select=name").json
    assert listed["count"] == 4
    assert set(listed["machines"][0]) == {"resourceURI", "name"}
    counted = stocked.member.get("machines?$select=count").json
    assert set(counted) == {"resourceURI", "id", "count"}


def test_expand(stocked):
    machine = stocked.member.get("machines?$filter=name='alpha'").json["machines"][0]["id"]
    for query in ("$expand=sirocco_image,disks", "$expand", "$expand=*", "$expand="):
        one = stocked.member.get(f"{machine}?{query}").json
        assert one["sirocco_image"]["href"] == stocked.image["href"]
        assert one["sirocco_image"]["name"] == "tiny"
        assert one["disks"]["count"] == 1
        assert one["disks"]["disks"][0]["capacity"] == 67108
    hidden = stocked.member.get(f"{machine}?$expand=sirocco_provider").json
    assert set(hidden["sirocco_provider"]) == {"href"}
    listed = stocked.member.get("machines?$expand=sirocco_image").json
    assert {one["sirocco_image"]["name"] for one in listed["machines"]} == {"tiny"}


def test_format_wins_over_accept(front):
    answer = front.member.get("machines?$format=XML", Accept="application/json")
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert front.member.get("machines", Accept="text/html").status_code == 406
    assert front.member.get("machines?$format=yaml").status_code == 406
    assert (
        front.member.get("machines", Accept="text/html, application/xml;q=0.5")
        .headers["Content-Type"]
        .startswith("application/xml")
    )


_ATTRIBUTES = st.sampled_from(["cpu", "name", "memory", "state"])
_VALUES = st.one_of(st.integers(0, 9).map(str), st.sampled_from(["'alpha'", "'beta'", "'STARTED'", "'x'"]))


@st.composite
def _filters(draw, depth=3):
    if depth and draw(st.booleans()):
        joined = draw(st.sampled_from([" and ", " or "])).join([draw(_filters(depth - 1)), draw(_filters(depth - 1))])
        return f"({joined})" if draw(st.booleans()) else joined
    value = draw(_VALUES)
    op = draw(st.sampled_from(["=", "!="] if value.startswith("'") else ["=", "!=", "<", "<=", ">", ">="]))
    return f"{draw(_ATTRIBUTES)}{op}{value}"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    home = tmp_path_factory.mktemp("queries")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        front = Front(populate(cmdb))
        for index, name in enumerate(("alpha", "beta", "x")):
            config = {"cpu": index + 1, "memory": 65536 * (index + 1)}
            assert front.member.post("machines", front.machine_message(name, machineConfig=config)).status_code == 202
        yield front


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=_filters())
def test_the_database_and_plain_evaluation_agree(large, text):

    found = large.member.get("machines?$filter=" + quote(text)).json
    every = large.member.get("machines").json["machines"]
    expected, count = narrowed(KINDS["Machine"], every, Parameters(where=parse(text)), Wire(1, "http://localhost"))
    assert found["count"] == count
    assert [one["name"] for one in found.get("machines", [])] == [one["name"] for one in expected]
