"""Interfaces at ports, and the states that a machine may begin in."""

import pytest

from api.routes import routes
from tests.api.front import BASE
from tests.api.schema import valid


def a_port(front, network_id=""):
    on = {"network": front.href(f"networks/{network_id or front.world.network_id}")}
    return front.member.post("networkPorts", {"networkPortTemplate": on}).json["id"]


def nics_of(front, machine):
    return front.member.get(f"{machine}/networkInterfaces").json.get("machineNetworkInterfaces", [])


def test_an_interface_is_plugged_into_a_port(front):
    port = a_port(front)
    machine = front.machine(networkInterfaces=[{"networkPort": {"href": port}}])
    (nic,) = nics_of(front, machine)
    assert nic["networkPort"]["href"] == port
    assert nic["network"] == front.href(f"networks/{front.world.network_id}")
    valid(front.member.get(f"{machine}/networkInterfaces", Accept="application/xml").data)
    taken = front.member.post("machines", front.machine_message(networkInterfaces=[{"networkPort": {"href": port}}]))
    assert taken.json["sirocco_code"] == "in-use"
    assert front.member.delete(port).json["sirocco_code"] == "in-use"
    assert front.member.delete(nic["id"]).status_code == 200
    front.settle()
    assert front.member.delete(port).status_code == 200


def test_a_port_is_free_again_when_its_machine_is_gone(front):
    port = a_port(front)
    machine = front.machine()
    added = front.member.post(f"{machine}/networkInterfaces", {"networkPort": {"href": port}})
    assert added.status_code == 202, added.text
    front.settle()
    assert [nic.get("networkPort", {}).get("href") for nic in nics_of(front, machine)] == [None, port]
    assert front.member.delete(machine).status_code == 200
    front.settle()
    assert front.member.delete(port).status_code == 200


def test_a_stopped_creation_frees_its_port(front):
    port = a_port(front)
    made = front.member.post("machines", front.machine_message(networkInterfaces=[{"networkPort": {"href": port}}]))
    assert front.member.post(f"{made.headers['CIMI-Job-URI']}/stop").status_code == 202
    assert front.member.delete(port).status_code == 200


def test_a_port_elsewhere_is_no_port_here(front):
    other = front.member.post("networks", {"networkTemplate": {}}).json["id"]
    front.settle()
    port = a_port(front, other.rpartition("/")[2])
    both = {"networkPort": {"href": port}, "network": front.href(f"networks/{front.world.network_id}")}
    refused = front.member.post("machines", front.machine_message(networkInterfaces=[both]))
    assert refused.status_code == 400
    assert "networkPort" in refused.json["statusMessage"]
    machine = front.machine()
    assert front.member.post(f"{machine}/networkInterfaces", {}).status_code == 400
    foreign = front.caller(tenant_id=front.other_tenant)
    refused = foreign.post("machines", front.machine_message(networkInterfaces=[{"networkPort": {"href": port}}]))
    assert refused.status_code == 404


def test_a_template_keeps_a_port_in_both_formats(front):
    port = a_port(front)
    body = {"name": "t", "networkInterfaces": [{"networkPort": {"href": port}}], "initialState": "PAUSED"}
    made = front.member.post("machineTemplates", body)
    assert made.json["networkInterfaces"] == [{"networkPort": {"href": port}}]
    shown = front.member.get(made.json["id"], Accept="application/xml")
    assert port in shown.text
    kept = front.member.put(made.json["id"], shown.text)
    assert kept.json["networkInterfaces"] == made.json["networkInterfaces"]


def test_version_2_has_interfaces_of_its_own(front):
    machine = front.machine()
    (one,) = front.member.get("2/interfaces?$expand=interfaces").json["interfaces"]
    listed = front.member.get(f"2/{machine}/interfaces?$expand=interfaces").json["interfaces"]
    assert [nic["id"] for nic in listed] == [one["id"]]
    assert one["sirocco_machine"]["href"] == f"{BASE}2/{machine}"
    other = front.caller(tenant_id=front.other_tenant)
    assert other.get("2/interfaces").json["count"] == 0
    assert other.get(one["id"]).status_code == other.delete(one["id"]).status_code == 404
    network = front.href(f"networks/{front.world.network_id}", 2)
    added = front.member.post(f"2/{machine}/interfaces", {"sirocco_network": network})
    assert (added.status_code, added.headers["Location"]) == (202, added.json["id"])
    assert front.member.delete(one["id"]).json["sirocco_code"] == "busy"
    assert front.member.delete(one["id"], If_Match='"1"').status_code == 412
    front.settle()
    assert [one["rel"] for one in front.member.get(added.json["id"]).json["operations"]] == ["delete"]
    assert front.member.delete(added.json["id"]).status_code == 200
    front.settle()
    assert front.member.get(added.json["id"]).status_code == 404
    assert front.member.get("2/interfaces").json["count"] == 1


def test_version_2_takes_and_gives_up_endpoints(front):
    segment = f"2/segments/{front.world.network_id}"
    message = {"name": "e", "address": "10.96.0.200", "origin": "STATIC", "parameters": {"hostname": "h"}}
    made = front.member.post(f"{segment}/endpoints", message)
    assert made.status_code == 201, made.text
    path = made.headers["Location"]
    assert front.member.get(path).json["address"] == "10.96.0.200"
    assert front.member.get(path.replace("/2/endpoints", "/addresses")).json["hostname"] == "h"
    edited = front.member.put(f"{path}?$select=parameters", {"parameters": {"hostname": "i"}})
    assert edited.json["parameters"] == {"hostname": "i"}
    assert "parameters" not in front.member.put(path, {"name": "f"}).json
    for wrong in ({"origin": "DYNAMIC"}, {"address": "10.96.0.200"}, {"parameters": {"prefixLength": "3"}}):
        assert front.member.post(f"{segment}/endpoints", wrong).status_code == 400
    assert front.member.delete(path).status_code == 200
    assert front.member.get("2/endpoints").json["count"] == 0


def test_version_2_starts_stops_and_names_segments(front):
    network = front.member.post("networks", {"networkTemplate": {}}).json["id"]
    front.settle()
    segment = network.replace("/cimi/networks", "/cimi/2/segments")
    shown = front.member.get(segment).json
    assert [one["rel"].rpartition("/")[2] for one in shown["operations"] if one.get("available", True)] == [
        "edit",
        "stop",
    ]
    assert front.member.post(f"{segment}/stop").status_code == 202
    front.settle()
    assert front.member.get(segment).json["state"] == "STOPPED"
    assert front.member.put(segment, {"name": "s"}).json["name"] == "s"
    assert front.member.get(network).json["name"] == "s"


@pytest.mark.parametrize("version", [1, 2])
def test_the_entry_point_names_every_collection_and_each_answers(front, version):
    base = "" if version == 1 else "2/"
    entry = front.operator.get(f"{base}cloudEntryPoint").json
    named = {value["href"] for value in entry.values() if isinstance(value, dict)}
    served = {f"{BASE}{base}{route.path}" for route in routes() if route.version == version and "/" not in route.path}
    assert named == served - {f"{BASE}{base}cloudEntryPoint"}
    for href in named:
        answer = front.operator.get(href)
        assert (answer.status_code, answer.json["id"]) == (200, href)


@pytest.mark.parametrize("state", ["STARTED", "STOPPED", "PAUSED"])
def test_a_machine_begins_as_its_template_says(front, state):
    answer = front.member.post("machines", front.machine_message(initialState=state))
    assert answer.json["state"] == "CREATING"
    front.settle()
    assert front.member.get(answer.json["id"].removeprefix(BASE)).json["state"] == state


def quota(front, name):
    return front.admin.get(f"quotas/{front.world.tenant_id}.{name}").json["used"]


def test_volumes_are_made_with_their_machine(front):
    config = front.member.post("volumeConfigs", {"capacity": 2_000_000, "format": "ext4"}).json["id"]
    template = front.member.post("volumeTemplates", {"volumeConfig": {"href": config}}).json["id"]
    wanted = [
        {"href": template, "initialLocation": "vdb"},
        {"volumeConfig": {"href": config, "capacity": 4_000_000}, "initialLocation": "vdc"},
    ]
    answer = front.member.post("machines", front.machine_message("m", volumeTemplates=wanted))
    assert answer.status_code == 202, answer.text
    job = front.member.get(answer.headers["CIMI-Job-URI"]).json
    assert len(job["nestedJobs"]) == 2
    front.settle()
    machine = answer.json["id"]
    attached = front.member.get(f"{machine}/volumes?$expand=volume").json["machineVolumes"]
    shown = {one["initialLocation"]: one["volume"] for one in attached}
    assert [shown[device]["capacity"] for device in ("vdb", "vdc")] == [2_000_000, 4_000_000]
    assert {one["state"] for one in shown.values()} == {"AVAILABLE"}
    assert {one["name"] for one in shown.values()} == {"m volume 1", "m volume 2"}
    assert front.member.delete(machine).status_code == 200
    front.settle()
    assert front.member.get("volumes").json["count"] == 2


def test_a_template_of_volumes_is_kept_in_both_formats(front):
    wanted = [{"initialLocation": "vdb", "volumeConfig": {"capacity": 2_000_000}}]
    made = front.member.post("machineTemplates", {"name": "t", "volumeTemplates": wanted})
    assert made.json["volumeTemplates"] == wanted
    shown = front.member.get(made.json["id"], Accept="application/xml")
    valid(shown.data)
    assert front.member.put(made.json["id"], shown.text).json["volumeTemplates"] == wanted
    machine = front.member.post("machines", front.machine_message(href=made.json["id"]))
    assert machine.status_code == 202, machine.text
    front.settle()
    assert front.member.get(f"{machine.json['id']}/volumes").json["count"] == 1


@pytest.mark.parametrize("wrong", [{"volumeConfig": {"capacity": 1}}, {"volumeConfig": {}}, {"colour": "red"}, "x"])
def test_volumes_that_cannot_be_made_make_no_machine(front, wrong):
    refused = front.member.post("machines", front.machine_message(volumeTemplates=[wrong]))
    assert refused.status_code == 400, refused.text
    assert (front.member.get("machines").json["count"], quota(front, "machines"), quota(front, "volumes")) == (0, 0, 0)


def test_stopping_a_machine_that_is_made_stops_its_volumes(front):
    wanted = [{"volumeConfig": {"capacity": 2_000_000}}]
    made = front.member.post("machines", front.machine_message(volumeTemplates=wanted))
    assert quota(front, "capacity") == 2_000_000_000
    assert front.member.post(f"{made.headers['CIMI-Job-URI']}/stop").status_code == 202
    assert front.member.get("volumes").json["count"] == front.member.get("machines").json["count"] == 0
    assert quota(front, "capacity") == quota(front, "volumes") == quota(front, "cores") == 0
