"""Every answer in XML is valid against the DMTF's schema, and says the same as the answer in JSON."""

import pytest

from api.cimi.model import KINDS
from api.cimi.model.kind import SIROCCO
from api.routes import routes
from tests.api.front import BASE, SITE
from tests.api.schema import valid

XML = {"Accept": "application/xml"}
CIMI_1 = "{http://schemas.dmtf.org/cimi/1}"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDummyDummyDummyDummyDummyDummyDummyDummyDu me"
TEMPLATE_BODIES = {
    "machineTemplates": {
        "initialState": "STOPPED",
        "machineConfig": {"cpu": 1, "memory": 131072, "disks": [{"capacity": 100_000}]},
        "networkInterfaces": [{"state": "ACTIVE"}],
        "userData": "aGk=",
    },
    "machineConfigs": {"cpu": 2, "memory": 131072, "disks": [{"capacity": 1000, "initialLocation": "/dev/vda"}]},
    "volumeTemplates": {"volumeConfig": {"capacity": 2_000_000}},
    "volumeConfigs": {"type": "http://schemas.dmtf.org/cimi/1/mapped", "format": "ext4", "capacity": 1_000_000},
    "networkTemplates": {"initialState": "STARTED", "sirocco_cidr": "10.99.0.0/24"},
    "networkConfigs": {"networkType": "isolated", "mtu": 1500, "classOfService": "BEST"},
    "networkPortTemplates": {"networkPortConfig": {"portType": "ACCESS"}},
    "networkPortConfigs": {"portType": "ACCESS", "classOfService": "BEST"},
    "addressTemplates": {"allocation": "fixed", "dns": ["10.0.0.1", "10.0.0.2"], "protocol": "IPv4"},
    "credentialTemplates": {"userName": "me", "sirocco_publicKey": KEY},
}


@pytest.fixture
def filled(front):
    """At least one resource of every kind."""
    member, operator = front.member, front.operator
    for collection, body in TEMPLATE_BODIES.items():
        made = member.post(collection, {"name": collection, "properties": {"a": "b & <c>"}, **body})
        assert made.status_code == 201, made.text
    machine, volume = front.machine(), front.volume()
    assert member.post(f"{machine}/volumes", {"volume": front.href(volume)}).status_code == 202
    front.settle()
    spare = front.volume("spare")
    network = front.href(f"networks/{front.world.network_id}")
    for collection, body in (
        (
            "credentials",
            {"credentialTemplate": {"userName": "me", "password": "secret word", "sirocco_publicKey": KEY}},
        ),
        ("networks", {"networkTemplate": {"sirocco_nat": False}}),
        ("networkPorts", {"networkPortTemplate": {"network": network}}),
        ("addresses", {"addressTemplate": {"network": network, "hostname": "h"}}),
        ("volumeImages", {"imageLocation": BASE + spare}),
        ("machineImages", {"imageLocation": BASE + machine, "type": "SNAPSHOT"}),
        ("apiKeys", {}),
    ):
        made = member.post(collection, {"name": f"one of {collection}", **body})
        assert made.status_code in {201, 202}, made.text
        front.settle()
    address = front.href(member.get("addresses").json["addresses"][0]["id"].removeprefix(BASE))
    nic = member.post(f"{machine}/networkInterfaces", {"network": network, "sirocco_address": address})
    assert nic.status_code == 202, nic.text
    front.settle()
    provider = front.href(f"providers/{front.world.provider_id}")
    tenant = {"href": f"{BASE}tenants/{front.world.tenant_id}"}
    headers = {"tenantId": front.world.tenant_id}
    assert (
        operator.post("accounts", {"name": "a", "provider": provider, "tenant": tenant}, **headers).status_code == 201
    )
    front.machine_path = machine
    return front


def _documents(front, version):
    """Every address that a GET of this version answers at, found by following collections."""
    prefix = "/cimi/" if version == 1 else "/cimi/2/"
    for route in routes():
        if route.version != version or route.method != "GET" or "{" in route.path:
            continue
        yield prefix + route.path
        answer = front.operator.get(prefix + route.path)
        assert answer.status_code == 200, answer.text
        for item in answer.json.get(route.kind.items, []) if route.many else []:
            whole = front.operator.get(item["id"])
            yield item["id"].removeprefix(SITE)
            for value in whole.json.values():
                if isinstance(value, dict) and value.get("href", "").startswith(item["id"] + "/"):
                    yield value["href"].removeprefix(SITE)


def test_every_answer_of_version_1_is_valid(filled):
    seen = set()
    for path in _documents(filled, 1):
        for query in ("", "?$expand=*", "?$select=name"):
            answer = filled.operator.get(path + query, **XML)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
            root = valid(answer.data)
            seen |= {element.tag for element in root.iter()}
    kinds = {kind.name for kind in KINDS.values() if 1 in kind.versions and not kind.own}
    assert {name for name in kinds if CIMI_1 + name not in seen} == set()
    assert f"{{{SIROCCO}}}Provider" in seen


def test_xml_and_json_agree_on_scalars(filled):
    for path in _documents(filled, 1):
        document = filled.operator.get(path).json
        root = valid(filled.operator.get(path, **XML).data)
        scalars = {name: value for name, value in document.items() if isinstance(value, str | bool | int)}
        for name, value in scalars.items():
            if name in {"resourceURI", "typeUri", "token"}:
                continue
            local = name.removeprefix("sirocco_")
            found = [one for one in root if one.tag.rpartition("}")[2] == local]
            written = str(value).lower() if isinstance(value, bool) else str(value)
            assert found, (path, name)
            assert found[0].text == written


def test_version_2_wraps_arrays_and_names_its_namespace(filled):
    for path in _documents(filled, 2):
        document = filled.operator.get(path)
        assert document.json["resourceURI"].split("/cimi/")[1].startswith(("2/", "1/"))
        answer = filled.operator.get(path, **XML)
        assert answer.status_code == 200, answer.text
    machine = filled.machine_path
    text = filled.operator.get(f"2/{machine}", **XML).text
    assert "<operations><operation " in text
    assert 'xmlns="http://schemas.dmtf.org/cimi/2"' in text
    template = filled.member.get("2/machineTemplates?$expand=machineTemplates", **XML).text
    assert "<networkInterfaces><networkInterface>" in template
    assert '<properties><property key="a">b &amp; &lt;c&gt;</property></properties>' in template
    listed = filled.member.get("2/machines", **XML).text
    assert "<machines><Machine>" in listed


def test_nothing_empty_is_written_in_json(filled):
    for version in (1, 2):
        for path in _documents(filled, version):
            document = filled.operator.get(path).json
            assert [name for name, value in document.items() if value in ("", [], {}, None)] == [], path


def test_a_written_document_can_be_sent_back(filled):
    """Clients echo what they read, in either format; nothing changes but the version."""
    for path in _documents(filled, 1):
        before = filled.operator.get(path).json
        if not any(one["rel"] == "edit" for one in before.get("operations", [])) or "users/" in path:
            continue
        answers = (
            filled.operator.put(path, before),
            filled.operator.put(path, filled.operator.get(path, **XML).data),
        )
        for answer in answers:
            assert answer.status_code == 200, (path, answer.text)
            after = answer.json
            assert {**after, "updated": 0} == {**before, "updated": 0}, path
