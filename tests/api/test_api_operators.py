"""What operators offer to all tenants, and the clouds, accounts and places that they register and change."""

from base64 import b64encode

import pytest

from api.cimi.codec.data import from_text, to_text
from sirocco.cmdb.models import Account, Provider
from sirocco.contracts.states import Role
from sirocco.services import providers
from tests.api.front import BASE

HOSTS = [{"name": "one", "cores": 4, "memory": 2**33, "disk": 2**40}]
SETTINGS = {"store": "/somewhere/cloud.sqlite", "hosts": HOSTS, "delays": {"*": 0.5, "start": 3}, "without": ["pause"]}


@pytest.fixture
def stranger(front):
    return front.caller(Role.MEMBER, front.other_tenant)


def held(front, model, answer):
    with front.cmdb.reading(front.world.operator) as tx:
        return tx.session.get_one(model, answer.json["id"].rpartition("/")[2])


@pytest.mark.parametrize(
    ("collection", "body"),
    [
        ("machineTemplates", {"initialState": "STOPPED"}),
        ("machineConfigs", {"cpu": 2, "memory": 262144}),
        ("networkTemplates", {"sirocco_nat": True}),
        ("credentialTemplates", {"userName": "me"}),
        ("addressTemplates", {"hostname": "h"}),
        ("networkPortConfigs", {"portType": "x"}),
        ("networks", {"networkTemplate": {}}),
    ],
)
def test_operators_share_with_every_tenant(front, stranger, collection, body):
    shared = {"name": "for all", "sirocco_shared": True, **body}
    for caller in (front.member, front.admin):
        assert caller.post(collection, shared).status_code == 403
    made = front.operator.post(collection, shared)
    assert made.status_code in {201, 202}, made.text
    assert made.json["sirocco_shared"] is True
    assert stranger.get(made.json["id"]).json["name"] == "for all"
    for caller in (stranger, front.member):
        assert caller.put(made.json["id"], {"name": "mine"}).status_code == 403
        assert caller.delete(made.json["id"]).status_code == 403
    own = front.member.post(collection, {"name": "own", **body})
    assert own.json["sirocco_shared"] is False
    assert stranger.get(own.json["id"]).status_code == 404


def test_sharing_is_changed_by_operators_alone(front, stranger):
    config = front.member.post("machineConfigs", {"cpu": 2, "memory": 262144}).json["id"]
    image = front.member.post("machineImages", {"imageLocation": BASE + front.machine()}).json["id"]
    front.settle()
    here = {"tenantId": front.world.tenant_id}
    for path in (config, image):
        select = f"{path}?$select=sirocco_shared"
        assert front.member.put(select, {"sirocco_shared": True}).status_code == 403
        assert front.operator.put(select, {"sirocco_shared": True}).json["sirocco_shared"] is True
        assert stranger.get(path).status_code == 200
        assert front.operator.put(path, {"name": "n"}).json["sirocco_shared"] is True
        assert front.operator.put(select, {"sirocco_shared": False}, **here).json["sirocco_shared"] is False
        assert stranger.get(path).status_code == 404
        assert front.member.get(path).status_code == 200


def test_an_operator_captures_for_all_but_shares_no_snapshot(front, stranger):
    machine = front.machine()
    message = {"imageLocation": BASE + machine, "sirocco_shared": True}
    assert front.member.post("machineImages", message).status_code == 403
    snapshot = front.operator.post("machineImages", {**message, "type": "SNAPSHOT"})
    assert snapshot.status_code == 400
    made = front.operator.post("machineImages", message)
    assert made.status_code == 201, made.text
    front.settle()
    assert stranger.get(made.json["id"]).json["state"] == "AVAILABLE"


def test_settings_keep_their_types(front):
    made = front.operator.post("providers", {"name": "typed", "kind": "fake", "settings": SETTINGS})
    assert made.status_code == 201, made.text
    assert made.json["settings"] == SETTINGS
    assert held(front, Provider, made).settings == SETTINGS
    path = made.json["id"]
    kept = front.operator.put(path, front.operator.get(path).json)
    assert kept.json["settings"] == SETTINGS
    shown = front.operator.get(path, Accept="application/xml").text
    assert front.operator.put(path, shown).status_code == 200
    assert held(front, Provider, made).settings == SETTINGS


@pytest.mark.parametrize(
    "value", ["text", "5", "true", "[1]", "", "{", '"quoted"', 5, 0.5, True, None, [1, "a"], {"a": {}}]
)
def test_any_value_survives_as_text(value):
    assert from_text(to_text(value)) == value
    assert type(from_text(to_text(value))) is type(value)


@pytest.mark.parametrize(
    "settings",
    [{"a": 2**60}, {"a": [1e300]}, {"a": "x" * 5000}, {"a": {"": 1}}, {"a": ["\x00"]}, [], {"a": [0] * 2000}],
)
def test_settings_that_no_reader_could_keep_are_refused(front, settings):
    refused = front.operator.post("providers", {"name": "n", "kind": "fake", "settings": settings})
    assert refused.status_code == 400
    assert refused.json["sirocco_code"] == "invalid-value"
    assert "settings" in refused.json["statusMessage"]


@pytest.mark.parametrize(
    ("kind", "settings", "where"),
    [
        ("fake", {}, "settings.store"),
        ("fake", {"store": "/x", "stoore": "/y"}, "settings.stoore"),
        ("fake", {"store": "/x", "hosts": [{"name": "a"}]}, "settings.hosts[0].cores"),
        ("libvirt", {"hosts": [{"name": "a"}]}, "settings.hosts[0].uri"),
        ("libvirt", {"hosts": [{"name": "a", "uri": "test:///default"}], "domain_type": "xen"}, "settings.domain_type"),
    ],
)
def test_settings_that_no_connector_could_be_opened_with_are_refused_at_once(front, kind, settings, where):
    with front.cmdb.reading(front.world.operator) as tx:
        before = providers.page(tx).count
    body = {"name": "n", "kind": kind, "settings": settings}
    refused = front.operator.post("providers", body)
    assert (refused.status_code, refused.json["sirocco_details"]["where"]) == (400, where), refused.text
    made = front.operator.post("providers", {"name": "later", "kind": "fake", "settings": {"store": "/x"}})
    changed = front.operator.put(f"{made.json['id']}?$select=settings", {"settings": {"store": 7}})
    assert (changed.status_code, changed.json["sirocco_details"]["where"]) == (400, "settings.store")
    assert held(front, Provider, made).settings == {"store": "/x"}
    front.operator.delete(made.json["id"])
    with front.cmdb.reading(front.world.operator) as tx:
        assert providers.page(tx).count == before


def test_secrets_are_replaced_and_never_shown(front):
    made = front.operator.post(
        "providers",
        {"name": "s", "kind": "fake", "settings": {"store": "/x"}, "secrets": {"token": "first"}, "enabled": False},
    )
    assert made.json["enabled"] is False
    before = held(front, Provider, made).secrets
    front.operator.put(made.json["id"], {"name": "s"})
    assert held(front, Provider, made).secrets == before
    changed = front.operator.put(f"{made.json['id']}?$select=secrets", {"secrets": {"token": "second"}})
    assert "second" not in changed.text
    with front.cmdb.reading(front.world.operator) as tx:
        row = held(front, Provider, made)
        assert tx.sealer.open(row.secrets["token"], "provider", row.id, "token") == "second"


def test_accounts_and_locations_are_edited(front):
    operator, provider = front.operator, front.href(f"providers/{front.world.provider_id}")
    tenant = front.href(f"tenants/{front.world.tenant_id}")
    account = operator.post(
        "accounts",
        {"name": "a", "description": "d", "provider": provider, "tenant": tenant, "login": "me", "secret": "first"},
    )
    assert account.json["description"] == "d"
    sealed = held(front, Account, account).secret
    edited = operator.put(account.json["id"], {"name": "b", "login": "you", "enabled": False})
    assert (edited.json["name"], edited.json["login"], edited.json["enabled"]) == ("b", "you", False)
    assert "description" not in edited.json
    assert held(front, Account, account).secret == sealed
    operator.put(f"{account.json['id']}?$select=secret", {"secret": "second"})
    assert held(front, Account, account).secret != sealed
    assert operator.put(account.json["id"], {"name": "c"}, If_Match='"1"').status_code == 412
    assert front.admin.put(account.json["id"], {"name": "c"}).status_code == 403
    location = operator.post(
        "locations", {"name": "l", "properties": {"k": "v"}, "provider": provider, "country": "fr"}
    )
    assert location.json["properties"] == {"k": "v"}
    edited = operator.put(f"{location.json['id']}?$select=country,name", {"name": "m", "country": "de"})
    assert (edited.json["name"], edited.json["country"], edited.json["properties"]) == ("m", "DE", {"k": "v"})
    assert operator.put(location.json["id"], {"name": "m", "country": "d1"}).status_code == 400
    assert "country" not in operator.put(location.json["id"], {"name": "m"}).json


def test_an_account_of_all_tenants_is_seen_by_key_in_each(front):
    provider = {"href": f"providers/{front.world.provider_id}"}
    made = front.operator.post("accounts", {"name": "everybody's", "provider": provider, "secret": "hush"})
    elsewhere = front.caller(Role.TENANT_ADMIN, front.other_tenant)
    for who in (front.operator, front.admin, elsewhere):
        assert who.get(made.json["id"]).json["name"] == "everybody's"
        listed = who.get("accounts")
        assert made.json["id"] in [one["id"] for one in listed.json["accounts"]]
        assert "hush" not in listed.text
    assert front.admin.put(made.json["id"], {"name": "mine"}).status_code == 403
    assert front.member.get(made.json["id"]).status_code == 403
    assert front.operator.put(made.json["id"], {"name": "all's"}).json["name"] == "all's"
    assert front.operator.delete(made.json["id"]).status_code == 200


def test_a_user_is_the_same_however_the_accents_are_typed(front):
    composed, apart = "Ren\u00e9e", "Rene\u0301e"
    role = {"tenant": front.href(f"tenants/{front.world.tenant_id}"), "role": "member"}
    body = {"name": apart, "password": "correct horse", "memberships": [role]}
    assert front.operator.post("users", body).json["name"] == composed
    again = front.operator.post("users", body | {"name": composed})
    assert (again.status_code, again.json["sirocco_code"]) == (409, "name-taken")
    for name in (composed, apart):
        proof = b64encode(f"{name}:correct horse".encode()).decode()
        answer = front.app.test_client().get("/cimi/machines", headers={"Authorization": f"Basic {proof}"})
        assert answer.status_code == 200


def test_ports_addresses_and_networks_are_edited(front):
    member, on = front.member, {"network": front.href(f"networks/{front.world.network_id}")}
    port = member.post(
        "networkPorts", {"networkPortTemplate": {**on, "networkPortConfig": {"portType": "access"}}}
    ).json
    edited = member.put(port["id"], {"name": "p", "portType": "trunk", "classOfService": "gold"}).json
    assert (edited["name"], edited["portType"], edited["classOfService"]) == ("p", "trunk", "gold")
    assert "portType" not in member.put(port["id"], {"name": "p", "classOfService": "gold"}).json
    address = member.post("addresses", {"addressTemplate": {**on, "hostname": "one"}}).json
    edited = member.put(address["id"], {"name": "a", "hostname": "two", "ip": "10.0.0.1"}).json
    assert (edited["hostname"], edited["ip"]) == ("two", address["ip"])
    network = member.post("networks", {"networkTemplate": {"networkConfig": {"classOfService": "silver"}}}).json["id"]
    front.settle()
    assert member.put(network, {"name": "n", "classOfService": "gold"}).json["classOfService"] == "gold"
    assert "classOfService" not in member.put(network, {"name": "n"}).json


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"allocation": "fixed", "mask": "255.255.255.0", "defaultGateway": "10.96.0.1", "protocol": "IPv4"}, 201),
        ({"allocation": "dynamic"}, 400),
        ({"mask": "255.0.0.0"}, 400),
        ({"defaultGateway": "10.96.0.2"}, 400),
        ({"dns": ["10.96.0.1"]}, 400),
    ],
)
def test_what_a_network_decides_is_not_promised_otherwise(front, given, status):
    on = {"network": front.href(f"networks/{front.world.network_id}")}
    answer = front.member.post("addresses", {"addressTemplate": {**on, **given}})
    assert answer.status_code == status, answer.text
    assert front.member.get("addresses").json["count"] == (status == 201)
