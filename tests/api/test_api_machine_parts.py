"""Interfaces at ports, and the states that a machine may begin in."""

import pytest

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


@pytest.mark.parametrize("state", ["STARTED", "STOPPED", "PAUSED"])
def test_a_machine_begins_as_its_template_says(front, state):
    answer = front.member.post("machines", front.machine_message(initialState=state))
    assert answer.json["state"] == "CREATING"
    front.settle()
    assert front.member.get(answer.json["id"].removeprefix(BASE)).json["state"] == state
