"""Every reason that the API gives for a refusal is given in the reader's language."""

import ast
from pathlib import Path
from urllib.parse import quote

import pytest
from temporalio.exceptions import ApplicationError

from activities.calls import Plant
from api.common.words import in_words
from sirocco.cmdb.models import Job, JobStep, Machine, Network, Provider
from sirocco.connectors.ports import ConnectorError, Fault
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.errors import explained
from sirocco.contracts.states import NetworkState
from sirocco.domain.principal import SYSTEM
from sirocco.services import faults, hosts, providers, settlement
from sirocco.services.hosts import HostInventory
from tests.api.front import BASE, Front
from tests.world import a_cmdb, populate
from web.extract import reasoned, reasons
from web.language import catalogue

ROOT = Path(__file__).resolve().parents[2]
USED = {"id": "v-{braces}", "user": "m-1"}
FRENCH = {"Accept-Language": "fr-CA, fr;q=0.9, en;q=0.1"}
ELSEWHERE = {
    "it is no request that can be understood",  # what werkzeug refuses before a route is found
    "{count} items are too many to expand; ask for {most} at most by $first and $last",  # needs 501 machines
    "the header has to name the tenant that it shall belong to",  # needs an installation without tenants
}


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    home = tmp_path_factory.mktemp("french")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        front = Front(populate(cmdb), translate=lambda text, language: catalogue(language).gettext(text))
        front.path, front.isolated = front.machine(), front.world.network_id
        with cmdb.writing(front.world.operator) as tx:
            isolated = {"cidr": "10.98.0.0/24", "nat": False, "provider_id": front.world.provider_id}
            front.isolated = tx.add(Network(name="isolated", state=NetworkState.STARTED, **isolated)).id
        yield front


JSON = [
    b'{"cpu": ' + b"9" * 5000 + b"}",
    b'{"properties":' + b"[" * 100 + b"]" * 100 + b"}",
    b'{"a":' * 50000,
    b'{"name": "x"',
    b'{"name": "\xff"}',
    b"[]",
    b'{"cpu": NaN}',
    b'{"name": "a", "name": "b"}',
    b'{"memory": 0}',
    b'{"resourceURI": 7}',
    b'{"resourceURI": "http://schemas.dmtf.org/cimi/1/Volume"}',
]
XML = [
    "<!DOCTYPE x><MachineConfiguration/>",
    "<MachineConfiguration><property>x</property></MachineConfiguration>",
    "<a>" * 200 + "</a>" * 200,
    "<MachineConfiguration>",
    "<MachineConfiguration><name><b/></name></MachineConfiguration>",
    "<MachineConfiguration><cpu>1</cpu><cpu>2</cpu></MachineConfiguration>",
]
FILTERS = [
    "property['a'] and",
    "property['a'='b'",
    "(cpu=1 name",
    "(cpu=1 and",
    "cpu 1",
    "property[cpu]='a'",
    "property['a']=cpu",
    "cpu=)",
    "1=1",
    " and ".join(["cpu=1"] * 101),
    "name='\x01'",
    "cpu=" + "1" * 5000,
    "(" * 25 + "cpu=1" + ")" * 25,
    "cpu=%",
    "property['a']<'b'",
    "name<'b'",
    "cpu=" + "9" * 17,
    "created=2026-13-13T00:00:00Z",
    "cpu=1 name=2",
]
QUERIES = ["$select=a/b/c/d/e", "$orderby=-a", "$select=" + "a" * 5000, "$first=x"]
TEMPLATE = [
    {"userData": "***"},
    {"initialState": "FLYING"},
    {"machineConfig": []},
    {"machineConfig": {"disks": {"capacity": 1}}},
    {"machineConfig": {"disks": [{"capacity": 1}] * 2000}},
    {"machineConfig": {"disks": [{"format": "ext4"}]}},
    {"machineConfig": {"cpu": "two"}},
    {"machineConfig": {"cpu": 10**9}},
    {"machineImage": {"href": BASE + "machines/x"}},
    {"machineImage": {}},
    {"machineImage": None},
    {"networkInterfaces": [{"network": {"href": "networks/n"}, "addresses": [{"href": "addresses/a"}] * 2}]},
]
WORDS = [
    {"name": 7},
    {"name": "x" * 5000},
    {"name": "\ufffe"},
    {"properties": {"": "x"}},
]


def bodies(front):
    """Method, path and body of every other bad request."""
    network, port = front.href(f"networks/{front.world.network_id}"), {"networkPort": None}
    machine = front.href(front.path)
    address = {"network": network}
    yield "POST", "machines", {"name": "x"}
    yield "PUT", f"{front.path}?$select=name", {"description": "x"}
    yield "POST", front.path, {"action": "http://schemas.dmtf.org/cimi/1/action/fly"}
    yield "POST", "machineImages", {"imageLocation": "nowhere"}
    yield "POST", "machineImages", {"imageLocation": machine["href"], "type": "PARTIAL_SNAPSHOT"}
    yield "POST", "machineImages", {"imageLocation": "https://images.example/x", "type": "SNAPSHOT"}
    yield "POST", "volumeImages", {"imageLocation": machine["href"]}
    yield "POST", f"{front.path}/networkInterfaces", {**port, "name": "x"}
    yield "POST", "addresses", {"addressTemplate": {**address, "allocation": "dynamic"}}
    yield "POST", "addresses", {"addressTemplate": {**address, "dns": ["192.0.2.1"]}}
    yield "POST", "addresses", {"addressTemplate": {**address, "mask": "255.0.0.0"}}
    isolated = {"network": front.href(f"networks/{front.isolated}"), "defaultGateway": "192.0.2.1"}
    yield "POST", "addresses", {"addressTemplate": isolated}
    endpoints = f"2/segments/{front.world.network_id}/endpoints"
    yield "POST", endpoints, {"address": "10.96.0.200", "parameters": {"colour": "red"}}
    yield "POST", endpoints, {"address": "10.96.0.200", "origin": "DYNAMIC"}
    yield "POST", "credentials", {"credentialTemplate": {"key": "ff"}}
    yield "POST", "credentials", {"credentialTemplate": {"key": "xy"}}
    yield "POST", "credentialTemplates", {"password": "secret"}
    yield "POST", "apiKeys", {"name": "k", "expires": "soon"}
    yield "POST", "apiKeys", {"name": "k", "expires": "2020-01-01T00:00:00Z"}
    yield "POST", f"{front.path}/stop", {"action": "http://schemas.dmtf.org/cimi/1/action/start"}
    yield "POST", "networks", {"networkTemplate": {"networkConfig": {"networkType": "natt"}}}
    yield "POST", front.path, {"action": "http://schemas.dmtf.org/cimi/1/action/snapshot", "imageLocation": "x"}


def operators(front):
    """What an operator alone may ask."""
    host = front.operator.get("hosts").json["hosts"][0]["id"].removeprefix(BASE)
    yield "PUT", host, {"overbooking": "much"}, {}
    yield "PUT", f"providers/{front.world.provider_id}", {"enabled": "perhaps"}, {}
    yield "POST", "accounts", {"name": "a", "provider": {"href": "providers/x"}, "tenant": {"href": "tenants/x"}}, {}


def refusals(front):
    """The answers to all of them, in English and in French."""
    media = {"Content-Type": "application/json"}
    asked = [("POST", "machineConfigs", body, media) for body in JSON]
    asked += [("POST", "machineConfigs", body, {}) for body in XML]
    asked += [("GET", f"machines?$filter={quote(text)}", None, {}) for text in FILTERS]
    asked += [("GET", f"machines?{text}", None, {}) for text in QUERIES]
    message = front.machine_message()
    whole = message["machineTemplate"]
    for wrong in TEMPLATE:
        config = wrong.get("machineConfig", {})
        given = {"machineConfig": whole["machineConfig"] | config} if isinstance(config, dict) else {}
        asked.append(("POST", "machines", {"machineTemplate": whole | wrong | given}, {}))
    asked += [("POST", "machines", message | wrong, {}) for wrong in WORDS]
    asked += [(*request, {}) for request in bodies(front)]
    asked.append(("POST", "machines", message, {"Idempotency-Key": "with blanks in it"}))
    for who, requests in ((front.member, asked), (front.operator, operators(front))):
        for method, path, body, headers in requests:
            yield path, *(who(method, path, body, **headers, **tongue) for tongue in ({}, FRENCH))


def test_every_reason_is_given_in_the_readers_language(front):
    met = set()
    texts = {text for file, text in reasons() if file.startswith("api/")}
    for path, english, french in refusals(front):
        assert 400 <= english.status_code < 500, (path, english.text)
        one, other = english.json["sirocco_details"], french.json["sirocco_details"]
        assert "why" in one, english.text
        found = {text for text in texts if explained({**one, "why": text})["why"] == one["why"]}
        assert found, one
        met |= found
        said = explained({**other, "why": min(found)}, catalogue("fr").gettext)["why"]
        assert other["why"] == said != one["why"]
        assert other["why"] in french.json["statusMessage"]
        assert french.json["sirocco_remedy"] != english.json["sirocco_remedy"]
    assert texts - met - ELSEWHERE == set()


def test_a_reason_is_never_put_together_where_it_is_given():
    passed_on = {"why", "error.message", "choice.explanation", "str(fault)", "str(error)[:120]"}
    passed_on |= {"rule.message", "report.message"}  # what a pretend cloud was told to say
    texts = [(file, given) for file, given in reasoned() if ast.unparse(given) not in passed_on]
    assert len(texts) > 100
    for file, given in texts:
        parts = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
        assert all(isinstance(part, ast.Constant) for part in parts), f"{file}: {ast.unparse(given)}"


def test_whatever_a_connector_says_is_a_reason():
    tellers = {"ConnectorError", "SettingError", "SilentSourceError", "conflict", "_conflict", "invalid"}
    tellers |= {"translate", "translated"}
    told = 0
    for path in [*(ROOT / "sirocco" / "connectors").rglob("*.py"), *(ROOT / "activities").glob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in tellers:
                told += 1
                assert {"why", None} & {given.arg for given in call.keywords}, f"{path.name}:{call.lineno}"
    assert told > 100


def broken(front):
    """A machine whose creation failed with what a connector said: its path, and the job's."""
    answer = front.member.post("machines", front.machine_message())
    job_id = answer.headers["CIMI-Job-URI"].rpartition("/")[2]
    error = ConnectorError(Fault.CONFLICT, why="volume {id} is attached to machine {user}: detach it first", **USED)
    with pytest.raises(ApplicationError) as told, Plant(front.cmdb, None).step(JobOrder(job_id), "create") as step:
        step.provider = "north"
        raise error
    with front.cmdb.writing(SYSTEM) as tx:
        settlement.failed(tx, tx.session.get_one(Job, job_id), told.value.type, told.value.details[0])
    return answer.headers["Location"].removeprefix(BASE), f"jobs/{job_id}"


def test_what_a_far_end_says_is_told_in_the_readers_language_wherever_it_is_kept(front):
    machine, job = broken(front)
    why = "le volume v-{braces} est attaché à la machine m-1 : détachez-le d'abord"
    whole = f"Le fournisseur north a refusé : {why}."
    shown = front.member.get(job, **FRENCH).json
    assert shown["statusMessage"] == whole
    assert [step["message"] for step in shown["sirocco_steps"]] == [why]
    assert front.member.get(machine, **FRENCH).json["sirocco_fault"] == whole
    listed = front.member.get(f"machines?$filter=id='{BASE}{machine}'", **FRENCH).json["machines"]
    assert [one["sirocco_fault"] for one in listed] == [whole]
    english = "The provider north refused: volume v-{braces} is attached to machine m-1: detach it first."
    assert front.member.get(machine).json["sirocco_fault"] == front.member.get(job).json["statusMessage"] == english


def test_a_fault_written_before_its_cause_was_kept_is_shown_as_it_was_written(front):
    machine, job = broken(front)
    old = "The provider north refused: so it was."
    with front.cmdb.writing(SYSTEM) as tx:
        row = tx.session.get_one(Machine, machine.rpartition("/")[2])
        row.fault = old  # by a process of the release before, which knows of no cause
        step = tx.session.get_one(JobStep, (job.rpartition("/")[2], "create"))
        step.message, step.cause = "so it was", {}
    assert front.member.get(machine, **FRENCH).json["sirocco_fault"] == old
    assert front.member.get(job, **FRENCH).json["sirocco_steps"][0]["message"] == "so it was"


def test_what_a_probe_met_is_told_in_the_readers_language(front):
    silence = ConnectorError(Fault.TRANSIENT, why="host {host} does not answer: {said}", host="h9", said="no route")
    with front.cmdb.writing(SYSTEM) as tx:
        provider = tx.add(Provider(name="far", kind="libvirt"))
        faults.unreachable(provider, silence)
        hosts.seen(tx, provider, [HostInventory("h9", 0, 0, 0, 0.0, 0, "", silence.message, silence.details)])
    said = "l'hôte h9 ne répond pas : no route"
    assert front.operator.get(f"providers/{provider.id}", **FRENCH).json["fault"] == said
    found = front.operator.get("hosts?$filter=name='h9'", **FRENCH).json["hosts"]
    assert [host["reason"] for host in found] == [said]
    with front.cmdb.writing(SYSTEM) as tx:
        provider = tx.session.get_one(Provider, provider.id)
        providers.probed(tx, provider, "1", [])
        assert (provider.fault, provider.cause) == ("", {})


def test_kinds_users_and_lists_of_obstacles_are_said_in_french(front):
    front.member.post("machines", front.machine_message("taken"))
    front.settle()
    absent = front.member.get("machines/nothing", **FRENCH).json
    assert absent["statusMessage"] == "Introuvable : machine nothing."
    used = front.operator.delete(f"providers/{front.world.provider_id}", **FRENCH).json
    assert "2 machines" in used["statusMessage"]
    obstacles = "too few free cores (3); its provider lacks: pause (1)"
    said = in_words({"why": obstacles}, catalogue("fr").gettext)["why"]
    assert said == "trop peu de cœurs libres (3); à son fournisseur manque: pause (1)"
