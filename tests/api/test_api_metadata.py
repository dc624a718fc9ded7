"""What kinds can do, here and at each provider; selections by path; sorting and filtering where no table does it."""

import pytest

from sirocco.contracts import capabilities as cap
from sirocco.services import providers
from tests.api.front import BASE
from tests.api.schema import valid


def capabilities(document):
    return {one["name"]: one["value"] for one in document["capabilities"]}


def a_lame_provider(front):
    with front.cmdb.writing(front.world.operator) as tx:
        row = providers.create(tx, "lame", "fake", {"store": "/nowhere"})
        stated = [{"name": cap.VOLUME, "value": True, "scope": "*"}, {"name": cap.PAUSE, "value": False, "scope": "*"}]
        providers.probed(tx, row, "1", [*stated, {"name": cap.IMAGE_FORMATS, "value": ["qcow2", "raw"], "scope": "*"}])
        return row.id


def test_it_is_told_how_long_ended_jobs_are_kept(front):
    told = capabilities(front.viewer.get("resourceMetadata/Job").json)
    assert told["JobRetention"] == str(365 * 24 * 60)


def test_capabilities_are_told_per_provider(front):
    lame, able = a_lame_provider(front), front.world.provider_id
    there = capabilities(front.viewer.get(f"resourceMetadata/Machine.{able}").json)
    assert (there["InitialStates"], there["MachineStopForce"], there["UserData"]) == (
        "STARTED,STOPPED,PAUSED",
        "true",
        "disk",
    )
    assert there[cap.PAUSE] == there[cap.SNAPSHOT] == "true"
    elsewhere = capabilities(front.viewer.get(f"resourceMetadata/Machine.{lame}").json)
    assert (elsewhere["InitialStates"], elsewhere["MachineStopForce"]) == ("STARTED,STOPPED", "false")
    assert not {"UserData", cap.PAUSE, cap.VOLUME} & set(elsewhere)
    volume = capabilities(front.viewer.get(f"resourceMetadata/Volume.{lame}").json)
    assert (volume["VolumeSnapshot"], volume[cap.VOLUME]) == ("false", "true")
    network = capabilities(front.viewer.get(f"resourceMetadata/Network.{lame}").json)
    assert network["InitialStates"] == "STARTED,STOPPED"
    listed = {one["id"].rpartition("/")[2] for one in front.viewer.get("resourceMetadata").json["resourceMetadata"]}
    assert {f"{kind}.{one}" for kind in ("Machine", "Volume", "Network") for one in (lame, able)} <= listed
    valid(front.viewer.get(f"resourceMetadata/Machine.{able}", Accept="application/xml").data)


@pytest.mark.parametrize("name", ["Machine.none", "Credential.none", "Nothing", "Machine."])
def test_no_metadata_of_what_is_not(front, name):
    assert front.viewer.get(f"resourceMetadata/{name}").status_code == (200 if name == "Machine." else 404)


def test_each_kind_of_provider_states_what_it_is_opened_with(front):
    document = front.viewer.get("resourceMetadata/Provider.libvirt").json
    attributes = {one["name"]: one for one in document["attributes"]}
    assert (attributes["settings.hosts"]["required"], attributes["settings.hosts"]["type"]) == (True, "map of any[]")
    assert (attributes["settings.domain_type"]["required"], attributes["kind"]["type"]) == (False, "string")
    told = {one["name"]: one for one in document["capabilities"]}
    assert told["settings.domain_type"]["value"] == "auto,kvm,qemu"
    meaning = "All hosts have the same storage. Machines then migrate without copying their disks."
    assert told["settings.shared_storage"]["description"] == meaning
    listed = {one["id"].rpartition("/")[2] for one in front.viewer.get("resourceMetadata").json["resourceMetadata"]}
    assert {"Provider", "Provider.fake", "Provider.libvirt"} <= listed
    valid(front.viewer.get("resourceMetadata/Provider.fake", Accept="application/xml").data)
    assert front.viewer.get("2/resourceMetadata/Provider.fake").status_code == 200
    assert front.viewer.get("resourceMetadata/Provider.moon").status_code == 404


def test_version_2_leads_from_a_machine_to_what_it_can_do(front):
    machine = front.machine()
    shown = front.member.get(f"2/{machine}").json
    assert shown["resourceMetadata"]["href"] == f"{BASE}2/resourceMetadata/Machine.{front.world.provider_id}"
    assert front.member.get(shown["resourceMetadata"]["href"]).json["name"] == "Machine"
    assert "resourceMetadata" not in front.member.get(machine).json


def test_version_2_states_which_values_attributes_may_have(front):
    (scope,) = front.member.get("2/resourceMetadata/Machine").json["vscope"]
    assert scope["cpu"] == {"minimum": 1, "maximum": 1024}
    assert scope["memory"]["units"] == "KiB"
    (scope,) = front.member.get("2/resourceMetadata/MachineTemplate").json["vscope"]
    assert scope["initialState"] == {"values": ["STARTED", "STOPPED", "PAUSED"]}
    assert "vscope" not in front.member.get("resourceMetadata/Machine").json
    xml = front.member.get("2/resourceMetadata/Machine", Accept="application/xml").text
    assert '"minimum": 1, "maximum": 1024' in xml


def test_a_path_selects_inside(front):
    machine = front.machine("one")
    listed = front.member.get("machines?$select=machines/name,machines/state").json
    assert listed["machines"] == [
        {"resourceURI": "http://schemas.dmtf.org/cimi/1/Machine", "name": "one", "state": "STARTED"}
    ]
    assert listed["count"] == 1
    shown = front.member.get(f"{machine}?$select=name,disks/capacity&$expand=disks").json
    assert set(shown) == {"resourceURI", "name", "disks"}
    assert [set(disk) for disk in shown["disks"]["disks"]] == [{"resourceURI", "capacity"}]
    shown = front.member.get(f"{machine}?$select=sirocco_image/name&$expand=sirocco_image").json
    assert shown["sirocco_image"]["name"] == "tiny"
    assert "state" not in shown["sirocco_image"]
    job = front.member.get("jobs").json["jobs"][0]["id"]
    steps = front.member.get(f"{job}?$select=sirocco_steps/name").json["sirocco_steps"]
    assert steps == [{"name": "place"}]


def test_a_path_expands_inside(front):
    machine = front.machine()
    network = front.href(f"networks/{front.world.network_id}")
    listed = front.member.get("machines?$expand=machines/networkInterfaces/network").json["machines"]
    nics = listed[0]["networkInterfaces"]["machineNetworkInterfaces"]
    assert nics[0]["network"]["name"] == "default"
    assert (
        "name"
        not in front.member.get(f"{machine}?$expand=networkInterfaces").json["networkInterfaces"][
            "machineNetworkInterfaces"
        ][0]["network"]
    )
    assert nics[0]["network"]["href"] == network["href"]
    assert front.member.get(f"machines?$expand={'a/' * 4}b").status_code == 400


@pytest.mark.parametrize("collection", ["machines", "machineConfigs"])
def test_texts_sort_by_code_point_after_decomposition(front_on_both, collection):
    front = front_on_both
    names = ["\u00e9t\u00e9", "eta", "f", "\ufb01n", "z", "E", "\u2460"]
    for name in names:
        message = {"cpu": 1} if collection == "machineConfigs" else front.machine_message(name)
        assert front.member.post(collection, {**message, "name": name}).status_code in {201, 202}
    group = "machines" if collection == "machines" else "machineConfigurations"
    for direction, expected in (
        ("asc", ["\u2460", "E", "eta", "\u00e9t\u00e9", "f", "\ufb01n", "z"]),
        ("desc", ["z", "\ufb01n", "f", "\u00e9t\u00e9", "eta", "E", "\u2460"]),
    ):
        listed = front.member.get(f"{collection}?$orderby=name:{direction}&$select=name").json[group]
        assert [one["name"] for one in listed] == expected


def test_event_logs_and_quotas_are_filtered(front):
    machine, volume = front.machine(), front.volume()
    for text in (f"targetResource='{BASE}{machine}'", f"id='{BASE}eventLogs/machines.{machine.rpartition('/')[2]}'"):
        found = front.member.get(f"eventLogs?$filter={text}").json
        assert (found["count"], found["eventLogs"][0]["targetResource"]["href"]) == (1, BASE + machine)
    both = f"targetResource='{BASE}{machine}' or targetResource='{BASE}{volume}'"
    assert front.member.get(f"eventLogs?$filter={both}").json["count"] == 2
    assert front.member.get("eventLogs?$filter=created>2020-01-01T00:00:00Z").json["count"] == 0
    assert front.member.get(f"eventLogs?$filter=targetResource!='{BASE}{machine}'").json["count"] == 3
    quotas = front.admin.get("quotas?$filter=resource='cores' or used>1&$orderby=resource").json["quotas"]
    assert [one["resource"] for one in quotas] == ["capacity", "cores", "memory"]
