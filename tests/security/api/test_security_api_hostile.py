"""Bad input: a clear refusal in the negotiated format with a stable code and a remedy, and nothing changed."""

import json

import pytest
from sqlalchemy import func, select

from api.cimi.codec.limits import BODY
from sirocco.cmdb.models import Base, User, WebSession
from sirocco.contracts.errors import catalogue
from sirocco.identity.secrets import fingerprint
from sirocco.identity.sessions import open_session
from tests.api.front import BASE, Front
from tests.api.schema import valid
from tests.world import a_cmdb, populate

NS = "http://schemas.dmtf.org/cimi/1"
CODES = set(catalogue())


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    home = tmp_path_factory.mktemp("hostile")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        front = Front(populate(cmdb))
        front.path = front.machine()
        assert front.member
        yield front


def rows(front):
    with front.cmdb.reading(front.world.operator) as tx:
        return {
            table.name: tx.session.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
        }


def refused(front, answer, status, code, *, xml=False):
    assert answer.status_code == status, answer.text
    assert answer.headers["X-Request-Id"]
    if xml:
        job = valid(answer.data)
        found = {element.tag.rpartition("}")[2]: element.text for element in job}
        message, remedy, got = found["statusMessage"], found["remedy"], found["code"]
    else:
        job = answer.json
        message, remedy, got = job["statusMessage"], job["sirocco_remedy"], job["sirocco_code"]
        assert job["state"] == "FAILED"
        assert job["returnCode"] >= 10000
    assert got == code
    assert got in CODES
    assert message
    assert remedy
    assert "Traceback" not in answer.text


MALFORMED_JSON = {
    "nothing": b"",
    "not closed": b'{"name": "x"',
    "a list": b"[]",
    "a number": b"1",
    "twice the same": b'{"name": "a", "name": "b"}',
    "NaN": b'{"cpu": NaN}',
    "infinite": b'{"cpu": 1e999, "memory": Infinity}',
    "not UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep list": b'{"properties":' + b"[" * 100 + b"]" * 100 + b"}",
    "many digits": b'{"cpu": ' + b"9" * 5000 + b"}",
    "other type": b'{"resourceURI": "http://schemas.dmtf.org/cimi/1/Volume"}',
}


@pytest.mark.parametrize("case", MALFORMED_JSON)
def test_malformed_json(attacked, case):
    before = rows(attacked)
    answer = attacked.member("POST", "machineConfigs", MALFORMED_JSON[case], **{"Content-Type": "application/json"})
    refused(attacked, answer, 400, "malformed-body")
    assert rows(attacked) == before


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<MachineConfiguration><name>&d;</name></MachineConfiguration>"""
MALFORMED_XML = {
    "nothing": "",
    "not closed": "<MachineConfiguration>",
    "text": "hello",
    "entity bomb": BOMB,
    "bomb in UTF-16": BOMB.replace('version="1.0"', 'version="1.0" encoding="UTF-16"').encode("utf-16"),
    "external entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><MachineConfiguration><name>&e;</name></MachineConfiguration>',
    "external type": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><MachineConfiguration/>',
    "unknown entity": "<MachineConfiguration><name>&e;</name></MachineConfiguration>",
    "deep": "<a>" * 200 + "</a>" * 200,
    "very deep": "<a>" * 20000 + "</a>" * 20000,
    "other root": "<Volume/>",
    "children in a text": "<MachineConfiguration><name><b/></name></MachineConfiguration>",
    "property without key": "<MachineConfiguration><property>x</property></MachineConfiguration>",
    "twice the same": "<MachineConfiguration><cpu>1</cpu><cpu>2</cpu></MachineConfiguration>",
    "twice the same property": (
        '<MachineConfiguration><property key="a">1</property><property key="a">2</property></MachineConfiguration>'
    ),
    "NUL": "<MachineConfiguration><name>\x00</name></MachineConfiguration>",
}


@pytest.mark.parametrize("case", MALFORMED_XML)
def test_malformed_xml(attacked, case):
    before = rows(attacked)
    answer = attacked.member("POST", "machineConfigs", MALFORMED_XML[case], Accept="application/xml")
    refused(attacked, answer, 400, "malformed-body", xml=True)
    assert "root:" not in answer.text
    assert rows(attacked) == before


LONG = "x" * 5000
WRONG = {
    "text for a number": {"machineConfig": {"cpu": "two"}},
    "number as text": {"machineConfig": {"cpu": "2"}},
    "fraction": {"machineConfig": {"cpu": 1.5}},
    "truth for a number": {"machineConfig": {"cpu": True}},
    "negative": {"machineConfig": {"cpu": -1}},
    "zero": {"machineConfig": {"cpu": 0}},
    "absurd": {"machineConfig": {"cpu": 10**9}},
    "beyond 64 bits": {"machineConfig": {"memory": 2**70}},
    "too much memory": {"machineConfig": {"memory": 2**36}},
    "object for a number": {"machineConfig": {"cpu": {"a": 1}}},
    "list for an object": {"machineConfig": []},
    "object for a list": {"machineConfig": {"disks": {"capacity": 1}}},
    "many disks": {"machineConfig": {"disks": [{"capacity": 100_000}] * 20}},
    "very many disks": {"machineConfig": {"disks": [{"capacity": 1}] * 2000}},
    "disk without size": {"machineConfig": {"disks": [{"format": "ext4"}]}},
    "reference to another kind": {"machineImage": {"href": BASE + "machines/x"}},
    "reference elsewhere": {"machineImage": {"href": "http://elsewhere.example/cimi/machineImages/1"}},
    "reference with dots": {"machineImage": {"href": BASE + "machineImages/../../etc/passwd"}},
    "reference that is a number": {"machineImage": {"href": 7}},
    "reference without address": {"machineImage": {}},
    "file as reference": {"machineImage": {"href": "file:///etc/passwd"}},
    "not Base64": {"userData": "***"},
    "long user data": {"userData": "A" * 100_000},
    "unknown state": {"initialState": "FLYING"},
    "two fixed addresses": {
        "networkInterfaces": [{"network": {"href": "networks/n"}, "addresses": [{"href": "addresses/a"}] * 2}]
    },
    "interface without network": {"networkInterfaces": [{"state": "ACTIVE"}]},
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values(attacked, case):
    before = rows(attacked)
    message = attacked.machine_message()
    config = message["machineTemplate"]["machineConfig"]
    wrong = dict(WRONG[case])
    if isinstance(wrong.get("machineConfig"), dict):
        wrong["machineConfig"] = config | wrong["machineConfig"]
    message["machineTemplate"] |= wrong
    refused(attacked, attacked.member.post("machines", message), 400, "invalid-value")
    assert rows(attacked) == before


WORDS = {
    "long name": {"name": "x" * 256},
    "long description": {"description": LONG},
    "name that is a number": {"name": 7},
    "NUL": {"name": "a\x00b"},
    "escape": {"name": "a\x1bb"},
    "half a character": {"name": "\ud800"},
    "no character": {"name": "\ufffe"},
    "properties as list": {"properties": ["a"]},
    "property that is a number": {"properties": {"a": 1}},
    "empty key": {"properties": {"": "x"}},
    "long key": {"properties": {"k" * 300: "x"}},
    "many properties": {"properties": {f"k{index}": "x" for index in range(100)}},
}


@pytest.mark.parametrize("case", WORDS)
@pytest.mark.parametrize("path", ["machines", "machineConfigs", "networks", "one"])
def test_wrong_words(attacked, case, path):
    before = rows(attacked)
    if path == "one":
        answer = attacked.member.put(attacked.path, WORDS[case])
    else:
        bodies = {"machines": attacked.machine_message(), "machineConfigs": {}, "networks": {"networkTemplate": {}}}
        answer = attacked.member.post(path, bodies[path] | WORDS[case])
    refused(attacked, answer, 400, "invalid-value")
    assert rows(attacked) == before


@pytest.mark.parametrize("name", ["colour", "__class__", "tenant_id", "<script>", "a" * 5000, "\ud800", "\x00"])
@pytest.mark.parametrize("place", ["top", "template", "config"])
def test_unknown_attributes(attacked, name, place):
    before = rows(attacked)
    message = attacked.machine_message()
    at = {"top": message, "template": message["machineTemplate"], "config": message["machineTemplate"]["machineConfig"]}
    at[place] = at[place]
    target = at[place]
    if place == "config":
        message["machineTemplate"]["machineConfig"] = target = dict(target)
    target[name] = "x"
    refused(attacked, attacked.member.post("machines", message), 400, "unknown-attribute")
    assert rows(attacked) == before


def test_nobody_assigns_what_is_not_theirs(attacked):
    before = attacked.member.get(attacked.path).json
    for name in ("tenant_id", "tenantId", "provider_id", "host_id", "job_id", "version", "user_id", "native_id"):
        refused(attacked, attacked.member.put(attacked.path, {name: "x"}), 400, "unknown-attribute")
    kept = {"sirocco_host": {"href": "hosts/x"}, "sirocco_provider": {"href": "providers/x"}, "state": "STOPPED"}
    answer = attacked.member.put(attacked.path, {"name": before["name"], **kept})
    assert answer.status_code == 200
    assert {**answer.json, "updated": 0} == {**before, "updated": 0}
    member = attacked.member
    own = f"users/{member.principal.user_id}"
    raised = member.put(own, {"operator": True})
    assert raised.status_code == 403
    tenant = {"href": f"tenants/{attacked.world.tenant_id}"}
    assert member.put(own, {"memberships": [{"tenant": tenant, "role": "tenant-admin"}]}).status_code == 403
    assert (
        attacked.admin.post("users", {"name": "boss", "password": "correct horse", "operator": True}).status_code == 403
    )


@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "text/html",
        "",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json5",
    ],
)
def test_other_media_types(attacked, media):
    answer = attacked.member("POST", "machineConfigs", b"{}", **{"Content-Type": media})
    refused(attacked, answer, 415, "unsupported-media-type")


def test_large_bodies(attacked):
    for body, media in ((b" " * (BODY + 1), "application/json"), (b"<a>" + b" " * BODY + b"</a>", "application/xml")):
        refused(attacked, attacked.member("POST", "machines", body, **{"Content-Type": media}), 413, "too-large")


@pytest.mark.parametrize(
    "path",
    [
        "machines/%00",
        "machines/..%2f..",
        "machines/" + "a" * 500,
        "machines/'--",
        "nothing",
        "machines/a/b/c/d/e",
        "3/machines",
        "machines/%ff%fe",
        "2/addresses",
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
def test_wrong_paths(attacked, path, accept):
    answer = attacked.member.get(path, Accept=accept)
    refused(attacked, answer, 404, "not-found", xml=accept.endswith("xml"))


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", "machines", "GET, HEAD, POST"),
        ("DELETE", "machines", "GET, HEAD, POST"),
        ("PUT", "cloudEntryPoint", "GET, HEAD"),
        ("OPTIONS", "machines/x", "DELETE, GET, HEAD, POST, PUT"),
        ("TRACE", "2/jobs", "GET, HEAD"),
        ("BREW", "machines", "GET, HEAD, POST"),
    ],
)
def test_other_methods(attacked, method, path, allow):
    answer = attacked.member(method, path)
    refused(attacked, answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:22/",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "gopher://x",
        "",
        BASE + "volumes/x",
        BASE + "machines/../x",
    ],
)
def test_no_image_is_fetched_from_anywhere(attacked, location):
    refused(attacked, attacked.member.post("machineImages", {"imageLocation": location}), 400, "invalid-value")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ###",
        "Basic " + "A" * 3000,
        "Bearer",
        "Bearer \u00e9",
        "Negotiate x",
        "Basic AGE6Yg==",
        "Basic /w==",
    ],
)
def test_broken_credentials(attacked, header):
    answer = attacked.app.test_client().get("/cimi/machines", headers={"Authorization": header})
    refused(attacked, answer, 401, "unauthenticated")


def test_many_wrong_passwords_lock_the_user_for_a_while(attacked):
    caller, client = attacked.caller(), attacked.app.test_client()
    statuses = [client.get("/cimi/machines", auth=(caller.principal.name, "wrong")).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    locked = client.get("/cimi/machines", auth=(caller.principal.name, "correct horse"))
    refused(attacked, locked, 429, "locked-out")
    assert int(locked.headers["Retry-After"]) > 0


def test_a_changed_password_ends_what_was_remembered(attacked):
    caller, client = attacked.caller(), attacked.app.test_client()
    auth = (caller.principal.name, "correct horse")
    assert client.get("/cimi/machines", auth=auth).status_code == 200
    changed = attacked.operator.put(
        f"users/{caller.principal.user_id}?$select=password", {"password": "battery staple"}
    )
    assert changed.status_code == 200
    assert client.get("/cimi/machines", auth=auth).status_code == 401


def test_a_session_needs_its_token_to_write(attacked):
    with attacked.cmdb.writing(attacked.world.operator) as tx:
        cookie = open_session(tx, tx.session.get_one(User, attacked.member.principal.user_id))
        csrf = tx.session.get_one(WebSession, fingerprint(cookie)).csrf
    client = attacked.app.test_client()
    client.set_cookie("sirocco_session", cookie)
    assert client.get("/cimi/machines").status_code == 200
    for token in (None, "", "wrong", csrf[:-1]):
        headers = {} if token is None else {"X-CSRF-Token": token}
        refused(attacked, client.post("/cimi/machineConfigs", json={}, headers=headers), 403, "csrf")
    assert client.post("/cimi/machineConfigs", json={}, headers={"X-CSRF-Token": csrf}).status_code == 201
    client.set_cookie("sirocco_session", "nonsense")
    refused(attacked, client.get("/cimi/machines"), 401, "unauthenticated")


def test_a_request_id_is_kept_or_made(attacked):
    assert attacked.member.get("machines", X_Request_Id="abc-1").headers["X-Request-Id"] == "abc-1"
    assert attacked.member.get("machines", X_Request_Id="a b\t<").headers["X-Request-Id"] != "a b\t<"


def test_an_unforeseen_fault_shows_no_traceback(attacked, monkeypatch):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("api.cimi.represent.Representation.listing", broken)
    answer = attacked.member.get("machines")
    refused(attacked, answer, 500, "internal")
    assert "secret detail" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.json["sirocco_remedy"]


def test_a_property_that_no_path_can_name_matches_nothing(attacked):
    body = {"properties": {'a"b': "1", "c\\d": "1", "$.x": "1"}}
    assert attacked.member.post("machineConfigs", body).status_code == 201
    for key in ('a"b', "c\\d", "$.x", "[0]", "%"):
        for collection in ("machines", "machineConfigs"):
            answer = attacked.member.get(f"{collection}?$filter=property['{key.replace('%', '%25')}']='1'")
            assert answer.status_code == 200, answer.text


def test_script_in_a_name_stays_text(attacked):
    name = "</name><script>alert(1)</script>\"'&"
    made = attacked.member.post("machineConfigs", {"name": name, "cpu": 1})
    assert json.loads(made.data)["name"] == name
    shown = attacked.member.get(made.json["id"], Accept="application/xml")
    assert valid(shown.data).findtext(f"{{{NS}}}name") == name
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
