"""What is asked for is what is done: no guess where a request says two things, and nothing is left without a name."""

from base64 import b64encode
from datetime import datetime, timedelta, timezone

import pytest

from tests.api.front import BASE

ACTION = "http://schemas.dmtf.org/cimi/1/action"


def state(front, path):
    return front.member.get(path).json["state"]


def test_an_action_that_is_called_otherwise_in_the_body_is_not_carried_out(front):
    path = front.machine()
    refused = front.member.post(f"{path}/stop", {"action": f"{ACTION}/start"})
    assert (refused.status_code, refused.json["sirocco_details"]["where"]) == (400, "action")
    assert state(front, path) == "STARTED"
    assert front.member.post(f"{path}/stop", {"action": f"{ACTION}/stop"}).status_code == 202


@pytest.mark.parametrize(
    ("given", "shown"), [("nat", "nat"), ("PUBLIC", "nat"), ("private", "isolated"), ("", "isolated")]
)
def test_types_of_networks(front, given, shown):
    made = front.member.post("networks", {"networkTemplate": {"networkConfig": {"networkType": given}}})
    assert (made.status_code, made.json["networkType"]) == (202, shown)


def test_a_type_of_network_that_is_mistyped_is_refused(front):
    refused = front.member.post("networks", {"networkTemplate": {"networkConfig": {"networkType": "natt"}}})
    assert refused.status_code == 400
    assert "nat, public, isolated, private" in refused.json["statusMessage"]


@pytest.mark.parametrize("moment", ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
def test_a_key_that_expires_at_an_odd_time_is_refused_by_the_attributes_name(front, moment):
    refused = front.member.post("apiKeys", {"name": "k", "expires": moment})
    assert (refused.status_code, refused.json["sirocco_details"]["where"]) == (400, "expires")


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=2, hours=1)])
def test_a_key_ends_at_the_moment_that_was_asked_for(front, ahead):
    moment = datetime.now(timezone(timedelta(hours=14))).replace(microsecond=0) + ahead
    made = front.member.post("apiKeys", {"name": "k", "expires": moment.isoformat()})
    assert made.status_code == 201, made.text
    assert datetime.fromisoformat(made.json["expires"]) == moment


def test_a_user_whose_name_begins_like_a_key_signs_in(front):
    password = "sk_correct horse"
    member = [{"tenant": {"href": f"{BASE}tenants/{front.world.tenant_id}"}, "role": "member"}]
    made = front.operator.post("users", {"name": "sk_ully", "password": password, "memberships": member})
    assert made.status_code == 201, made.text
    name = b64encode(f"sk_ully:{password}".encode()).decode()
    assert front.app.test_client().get("/cimi/machines", headers={"Authorization": f"Basic {name}"}).status_code == 200


def test_what_all_tenants_share_is_there_but_for_operators_to_change(front):
    for path in (f"networks/{front.world.network_id}", f"machineImages/{front.world.image_id}"):
        assert front.member.get(path).status_code == 200
        for refused in (front.member.delete(path), front.member.put(path, {"name": "mine"})):
            assert (refused.status_code, refused.json["sirocco_code"]) == (403, "forbidden")


def test_what_is_given_no_name_is_called_by_its_kind(front):
    network = {"network": front.href(f"networks/{front.world.network_id}")}
    for collection, message, name in (
        ("machines", front.machine_message("")["machineTemplate"], "machine"),
        ("credentials", {"password": "correct horse"}, "credential"),
        ("networkPorts", network, "network port"),
    ):
        template = f"{collection[:-1]}Template"
        made = front.member.post(collection, {template: message})
        assert made.json["name"] == name, made.text
    assert front.member.post("apiKeys", {}).json["name"] == "api key"


def test_a_name_that_is_reset_is_the_word_for_the_kind(front):
    path = front.machine("web")
    assert front.member.put(path, {"description": "no name"}).json["name"] == "machine"
    volume = front.volume("data")
    assert front.member.put(f"{volume}?$select=name", {}).json["name"] == "volume"
    assert front.member.get("volumes?$filter=name='volume'").json["volumes"][0]["id"] == BASE + volume


def test_a_volume_without_a_size_is_told_that_it_is_missing(front):
    refused = front.member.post("volumes", {"volumeTemplate": {"volumeConfig": {"format": "ext4"}}})
    assert refused.status_code == 400
    assert refused.json["statusMessage"] == "capacity: it is missing, and there is no image to take it from."
