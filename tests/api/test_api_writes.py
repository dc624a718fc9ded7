"""Creating by reference, by value and both; full and partial updates; versions; actions."""

import base64

import pytest

from sirocco.cmdb.models import Machine
from tests.api.front import BASE, MACHINE_BY_VALUE, Front
from tests.api.schema import valid

NS = "http://schemas.dmtf.org/cimi/1"


@pytest.fixture
def template(front):
    config = front.member.post("machineConfigs", {"cpu": 2, "memory": 131072, "disks": [{"capacity": 200_000}]}).json
    body = {
        "name": "t",
        "initialState": "STOPPED",
        "machineConfig": {"href": config["id"]},
        "machineImage": front.image,
        "userData": base64.b64encode(b"hello").decode(),
    }
    return front.member.post("machineTemplates", body).json["id"]


def row(front, answer):
    assert answer.status_code == 202, answer.text
    with front.cmdb.reading(front.world.operator) as tx:
        machine = tx.get(Machine, answer.json["id"].rpartition("/")[2])
        return machine, [disk.capacity for disk in machine.disks]


@pytest.mark.parametrize(
    ("collection", "body", "said"),
    [
        ("machineConfigs", {"cpu": 1, "memory": 0}, "memory: it is not between 1 KiB and 64 TiB."),
        ("volumeConfigs", {"capacity": 2**52}, "capacity: it is not between 1000 B and 1000 PiB."),
        ("machineConfigs", {"cpu": 0, "memory": 1}, "cpu: it is not between 1 and 1024."),
    ],
)
def test_limits_are_told_with_the_unit_that_people_read(front, collection, body, said):
    refused = front.member.post(collection, body)
    assert (refused.status_code, refused.json["statusMessage"]) == (400, said)


def test_by_reference(front, template):
    answer = front.member.post("machines", {"name": "m", "machineTemplate": {"href": template}})
    machine, disks = row(front, answer)
    assert (machine.cpu, machine.memory, machine.initial_state) == (2, 131072 * 1024, "STOPPED")
    assert machine.user_data == b"hello"
    assert disks == [200_000_000]


def test_by_reference_with_overrides(front, template):
    override = {"href": template, "machineConfig": {"cpu": 1, "memory": 65536}, "userData": None}
    machine, disks = row(front, front.member.post("machines", {"machineTemplate": override}))
    assert (machine.cpu, machine.memory, machine.user_data) == (1, 65536 * 1024, None)
    assert disks == [64 * 2**20]
    kept = front.member.get(template).json
    assert kept["machineConfig"]["href"].endswith("machineConfigs/" + kept["machineConfig"]["href"].rpartition("/")[2])
    assert "userData" in kept


def test_by_reference_with_overrides_in_xml(front, template):
    text = f"""<MachineCreate xmlns="{NS}"><name>m</name><machineTemplate href="{template}">
      <initialState>STARTED</initialState><userData/></machineTemplate></MachineCreate>"""
    machine, _ = row(front, front.member.post("machines", text))
    assert (machine.cpu, machine.initial_state, machine.user_data) == (2, "STARTED", None)


def test_a_nested_reference_is_overridden_too(front, template):
    config = front.member.get(template).json["machineConfig"]["href"]
    value = {"href": template, "machineConfig": {"href": config, "cpu": 7}}
    machine, _ = row(front, front.member.post("machines", {"machineTemplate": value}))
    assert (machine.cpu, machine.memory) == (7, 131072 * 1024)


def test_erasing_what_is_needed_is_refused(front, template):
    answer = front.member.post("machines", {"machineTemplate": {"href": template, "machineImage": None}})
    assert answer.status_code == 400
    assert "machineTemplate.machineImage" in answer.json["statusMessage"]
    assert front.member.get("machines").json["count"] == 0


def test_a_machine_with_credential_network_volume_and_user_data(front):
    volume = front.volume()
    network = front.href(f"networks/{front.world.network_id}")
    address = front.member.post("addresses", {"addressTemplate": {"network": network}}).json
    answer = front.member.post(
        "machines",
        front.machine_message(
            credential={"userName": "me", "password": "open sesame"},
            networkInterfaces=[{"network": network, "addresses": [{"href": address["id"]}]}],
            volumes=[{"href": BASE + volume, "initialLocation": "/dev/vdb"}],
            userData=base64.b64encode(b"#cloud-config").decode(),
        ),
    )
    machine, _ = row(front, answer)
    assert machine.credential_id
    assert "open sesame" not in answer.text + front.member.get("credentials").text
    front.settle()
    volumes = front.member.get(f"{answer.json['id']}/volumes").json["machineVolumes"]
    assert volumes[0]["initialLocation"] == "/dev/vdb"
    nics = front.member.get(f"{answer.json['id']}/networkInterfaces").json["machineNetworkInterfaces"]
    assert nics[0]["network"] == network
    held = front.member.get(nics[0]["addresses"]["href"]).json["machineNetworkInterfaceAddresses"]
    assert held[0]["address"]["href"] == address["id"]
    assert front.member.get(address["id"]).json["resource"]["href"] == answer.json["id"]
    endpoint = front.member.get(address["id"].replace("/cimi/addresses", "/cimi/2/endpoints")).json
    assert endpoint["interface"]["href"].startswith(BASE + "2/interfaces/")
    assert front.member.get(endpoint["interface"]["href"]).json["state"] == "ENABLED"


@pytest.mark.parametrize("collection", ["machineTemplates", "credentialTemplates", "machines", "credentials"])
def test_passwords_are_kept_by_nothing_that_shows_them(front, collection):
    login = {"userName": "me", "password": "open sesame"}
    message = {
        "machineTemplates": {"credential": login},
        "credentialTemplates": login,
        "machines": front.machine_message(credential=login),
        "credentials": {"credentialTemplate": login},
    }[collection]
    answer = front.member.post(collection, message)
    assert answer.status_code == (400 if collection.endswith("Templates") else 202 if collection == "machines" else 201)
    for path in ("machines", "credentials", "machineTemplates", "credentialTemplates", "jobs"):
        for version in ("", "2/"):
            assert "open sesame" not in front.member.get(f"{version}{path}?$expand=*").text


def test_a_full_update_resets_what_is_absent(front):
    machine = front.machine()
    first = {"name": "a", "description": "d", "properties": {"k": "v"}}
    assert front.member.put(machine, first).json["description"] == "d"
    second = front.member.put(machine, {"name": "b"}).json
    assert second["name"] == "b"
    assert "description" not in second
    assert "properties" not in second
    assert second["cpu"] == 1


def test_a_partial_update_touches_only_what_is_selected(front):
    machine = front.machine()
    front.member.put(machine, {"name": "a", "description": "d", "properties": {"k": "v"}})
    kept = front.member.put(f"{machine}?$select=name,description", {"name": "web"}).json
    assert kept["name"] == "web"
    assert "description" not in kept
    assert kept["properties"] == {"k": "v"}
    refused = front.member.put(f"{machine}?$select=name", {"name": "x", "description": "y"})
    assert refused.status_code == 400
    assert front.member.get(machine).json["name"] == "web"


def test_what_cannot_be_written_is_ignored_and_what_is_unknown_refused(front):
    machine = front.machine()
    kept = front.member.put(f"{machine}?$select=name,state", {"name": "n", "state": "STOPPED", "id": "x"})
    assert kept.status_code == 200
    assert kept.json["state"] == "STARTED"
    refused = front.member.put(machine, {"name": "n", "colour": "red"})
    assert refused.status_code == 400
    assert refused.json["sirocco_code"] == "unknown-attribute"
    assert "colour" in refused.json["statusMessage"]


def test_other_sizes_resize_by_a_job(front):
    machine = front.machine()
    answer = front.member.put(f"{machine}?$select=cpu,memory", {"cpu": 2, "memory": 262144})
    assert answer.status_code == 202
    assert front.member.get(answer.headers["CIMI-Job-URI"]).json["action"].endswith("/resize")
    front.settle()
    assert front.member.get(machine).json["memory"] == 262144
    volume = front.volume()
    assert front.member.put(f"{volume}?$select=capacity", {"capacity": 4_000_000}).status_code == 202
    front.settle()
    assert front.member.get(volume).json["capacity"] == 4_000_000
    assert front.member.put(f"{volume}?$select=capacity", {"capacity": 1_000_000}).status_code == 400


@pytest.mark.parametrize("collection", ["machines", "volumes", "machineConfigs", "credentials"])
def test_a_stale_version_is_refused(front, collection):
    path = {
        "machines": front.machine,
        "volumes": front.volume,
        "machineConfigs": lambda: front.member.post("machineConfigs", {"cpu": 1}).json["id"],
        "credentials": lambda: front.member.post("credentials", {"credentialTemplate": {"password": "secret 1"}}).json[
            "id"
        ],
    }[collection]()
    tag = front.member.get(path).headers["ETag"]
    changed = front.member.put(f"{path}?$select=name", {"name": "one"}, If_Match=tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    assert front.member.get(path).headers["ETag"] == changed.headers["ETag"]
    for stale in (tag, '"x"', "garbage"):
        refused = front.member.put(f"{path}?$select=name", {"name": "two"}, If_Match=stale)
        assert refused.status_code == 412
        assert refused.json["sirocco_code"] == "stale"
        assert front.member.delete(path, If_Match=stale).status_code == 412
    assert front.member.get(path).json["name"] == "one"
    assert front.member.put(f"{path}?$select=name", {"name": "three"}, If_Match="*").status_code == 200
    assert front.member.delete(path, If_Match=front.member.get(path).headers["ETag"]).status_code == 200


def test_every_action_of_a_machine(front):
    machine = front.machine()
    for action, state in (
        ("pause", "PAUSED"), ("start", "STARTED"), ("suspend", "SUSPENDED"), ("start", "STARTED"),
        ("restart", "STARTED"), ("stop", "STOPPED"), ("start", "STARTED"),
    ):  # fmt: skip
        job = front.member.post(f"{machine}/{action}")
        assert job.status_code == 202, job.text
        assert job.json["action"] == f"{NS}/action/{action}"
        front.settle()
        assert front.member.get(machine).json["state"] == state
    shot = front.member.post(f"{machine}/snapshot", {"name": "before"}).json
    assert shot["type"] == "SNAPSHOT"
    front.settle()
    assert front.member.get(f"{machine}/snapshots").json["machineSnapshots"][0]["snapshot"]["href"] == shot["id"]
    restored = front.member.post(f"{machine}/restore", {"image": {"href": shot["id"]}})
    assert restored.status_code == 202
    front.settle()
    assert front.member.post(f"{machine}/restore").status_code == 400
    assert front.member.post(f"{machine}/stop", {"force": "yes"}).status_code == 400
    assert front.operator.post(f"{machine}/migrate").status_code == 202


def test_a_wrong_state_and_a_busy_machine_are_refused_with_reason(front):
    machine = front.machine()
    refused = front.member.post(f"{machine}/start")
    assert refused.status_code == 409
    assert refused.json["sirocco_code"] == "wrong-state"
    assert front.member.post(f"{machine}/stop").status_code == 202
    busy = front.member.post(f"{machine}/pause")
    assert busy.json["sirocco_code"] == "busy"


def test_version_2_inserts_and_removes(front):
    machine, volume = front.machine(), front.volume()
    href = front.href(volume, 2)
    action = "http://schemas.dmtf.org/cimi/2/action/"
    inserted = front.member.post(
        f"2/{machine}/volumes",
        {"resourceURI": "http://schemas.dmtf.org/cimi/2/Action", "action": f"{action}insert", "volume": href},
    )
    assert inserted.status_code == 202, inserted.text
    front.settle()
    listed = front.member.get(f"2/{machine}/volumes").json
    assert listed["locatedVolume"][0]["volume"] == href
    assert front.member.post(f"2/{machine}/volumes", {"action": f"{action}remove", "volume": href}).status_code == 200
    front.settle()
    assert front.member.get(f"2/{machine}/volumes").json["count"] == 0
    missing = front.member.post(f"2/{machine}/volumes", {"action": f"{action}remove", "volume": href})
    assert missing.status_code == 404


def test_jobs_can_be_stopped_and_forgotten(front):
    job = front.member.post("machines", front.machine_message()).headers["CIMI-Job-URI"]
    assert front.member.delete(job).status_code == 409
    assert front.member.post(f"{job}/stop").status_code == 202
    stopped = front.member.get(job).json
    assert (stopped["state"], stopped["progress"], stopped["sirocco_code"]) == ("STOPPED", 100, "cancelled")
    assert front.member.post(f"{job}/stop").status_code == 409
    assert front.member.delete(job).status_code == 200
    assert front.member.get(job).status_code == 404


def test_a_job_tells_its_steps(front):
    answer = front.member.post("machines", front.machine_message())
    front.settle()
    job = front.member.get(answer.headers["CIMI-Job-URI"])
    assert (job.json["state"], job.json["progress"]) == ("SUCCESS", 100)
    assert job.json["sirocco_steps"][0]["name"] == "place"
    valid(front.member.get(answer.headers["CIMI-Job-URI"], Accept="application/xml").data)


def test_what_happened_is_in_the_event_log(front):
    machine = front.machine()
    log = front.member.get(front.member.get(machine).json["eventLog"]["href"]).json
    assert log["targetResource"]["href"] == BASE + machine
    events = front.member.get(log["events"]["href"]).json["events"]
    assert sum(log["summary"].values()) == len(events)
    types = {event["type"] for event in events}
    assert types == {f"{NS}/event/model", f"{NS}/event/state"}
    states = front.member.get(log["events"]["href"] + f"?$filter=type='{NS}/event/state'").json["events"]
    assert states[0]["content"]["state"] == "STARTED"


def test_siroccos_own_resources(front):
    operator, headers = front.operator, {"tenantId": front.world.tenant_id}
    tenant = operator.post("tenants", {"name": "initech"}).json
    quotas = operator.get(f"tenants/{tenant['id'].rpartition('/')[2]}/quotas", tenantId="").json
    assert quotas["count"] == 7
    own = f"quotas/{front.world.tenant_id}.machines"
    assert operator.put(own, {"ceiling": 0}).json["ceiling"] == 0
    refused = front.member.post("machines", front.machine_message())
    assert refused.status_code == 403
    assert refused.json["sirocco_code"] == "quota-exceeded"
    unlimited = operator.put(own, {})
    assert "ceiling" not in unlimited.json
    assert front.member.post("machines", front.machine_message()).status_code == 202
    membership = {"tenant": {"href": f"{BASE}tenants/{front.world.tenant_id}"}, "role": "viewer"}
    user = front.admin.post("users", {"name": "eve", "password": "correct horse", "memberships": [membership]})
    assert user.status_code == 201, user.text
    assert "correct horse" not in user.text
    assert operator.put(f"{user.json['id']}?$select=password", {"password": "another one"}).status_code == 200
    assert front.app.test_client().get("/cimi/machines", auth=("eve", "another one")).status_code == 200
    key = front.member.post("apiKeys", {"name": "k"}).json
    assert front.app.test_client().get("/cimi/machines", auth=("", key["token"])).status_code == 200
    assert "token" not in front.member.get(key["id"]).json
    assert front.member.delete(key["id"]).status_code == 200
    assert front.app.test_client().get("/cimi/machines", auth=("", key["token"])).status_code == 401
    host = operator.get("hosts").json["hosts"][0]
    assert host["memory"] == 16 * 2**20
    drained = operator.post(f"{host['id']}/drain", **headers)
    assert drained.status_code == 202
    front.settle()
    assert operator.post(f"{host['id']}/enable").status_code == 202
    assert operator.get(host["id"]).json["state"] == "ONLINE"
    provider = operator.post(
        "providers", {"name": "p2", "kind": "fake", "settings": {"store": "/x"}, "secrets": {"token": "hidden one"}}
    )
    assert provider.status_code == 201, provider.text
    assert "hidden one" not in provider.text + operator.get(provider.json["id"]).text
    assert operator.post("providers", {"name": "p2", "kind": "fake"}).json["sirocco_code"] == "name-taken"
    assert operator.delete(provider.json["id"]).status_code == 200


def test_networks_ports_and_addresses(front):
    made = front.member.post(
        "networks", {"name": "n", "networkTemplate": {"networkConfig": {"mtu": 1400}, "sirocco_cidr": "10.97.0.0/24"}}
    )
    assert made.status_code == 202, made.text
    front.settle()
    network = made.json["id"].removeprefix(BASE)
    shown = front.member.get(network).json
    assert (shown["state"], shown["mtu"], shown["sirocco_cidr"]) == ("STARTED", 1400, "10.97.0.0/24")
    segment = front.member.get(front.member.get(f"2/{network}/segments").json["segments"][0]["id"]).json
    assert segment["parameters"] == {"subnetAddress": "10.97.0.0", "netmask": "255.255.255.0"}
    assert front.member.get(segment["id"]).json["noDefaultRouting"] is True
    assert front.member.post(f"{network}/stop").status_code == 202
    front.settle()
    assert front.member.get(network).json["state"] == "STOPPED"
    port = front.member.post("networkPorts", {"networkPortTemplate": {"network": front.href(network)}}).json
    assert front.member.get(f"{network}/networkPorts").json["networkPorts"][0]["networkPort"]["href"] == port["id"]
    assert front.member.delete(network).json["sirocco_code"] == "in-use"
    assert front.member.delete(port["id"]).status_code == 200
    assert front.member.delete(network).status_code == 200


def test_messages_are_translated(front):
    front = Front(front.world, tenant="hooli", translate=lambda text, language: f"[{language}] {text}")
    refused = front.member.get("machines/none", Accept_Language="fr-FR, en;q=0.5").json
    assert refused["statusMessage"] == "[fr] There is no [fr] machine none."
    assert refused["sirocco_remedy"].startswith("[fr] Check")
    assert front.member.get("machines/none", Accept_Language="de").json["statusMessage"].startswith("There is")


def test_config_by_value_is_the_least_that_makes_a_machine(front):
    answer = front.member.post("machines", {"machineTemplate": {**MACHINE_BY_VALUE, "machineImage": front.image}})
    assert answer.status_code == 202
