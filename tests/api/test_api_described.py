"""The OpenAPI document says what writes answer, and every id that an answer holds leads somewhere."""

import json

import pytest

from sirocco.contracts.states import Role


@pytest.fixture
def described(front):
    return front.caller(Role.VIEWER).get("/openapi.json").json


def kinds_told(described, path, status):
    """The type URIs that the document allows for an answer to a POST."""
    schema = described["paths"][path]["post"]["responses"][str(status)]["content"]["application/json"]["schema"]
    names = [one["$ref"].rpartition("/")[2] for one in schema.get("anyOf", [schema])]
    return {described["components"]["schemas"][name]["properties"]["resourceURI"]["const"] for name in names}


@pytest.mark.parametrize("below", ["/capture", "/snapshot", ""])
@pytest.mark.parametrize("version", [1, 2])
def test_what_makes_an_image_of_a_machine_is_described_with_it(front, described, version, below):
    prefix = "/cimi/" if version == 1 else "/cimi/2/"
    machine = front.machine()
    action = {"action": f"http://schemas.dmtf.org/cimi/{version}/action/capture"}
    answer = front.member.post(f"{prefix}{machine}{below}", {} if below else action)
    assert answer.status_code == 201, answer.text
    assert {answer.json["resourceURI"]} == kinds_told(described, f"{prefix}machines/{{id}}{below}", 201)
    assert {f"http://schemas.dmtf.org/cimi/{version}/Job"} == kinds_told(
        described, f"{prefix}machines/{{id}}{below}", 202
    )


@pytest.mark.parametrize("prefix", ["/cimi/", "/cimi/2/"])
def test_an_image_added_below_a_volume_is_described_as_one(front, described, prefix):
    answer = front.member.post(f"{prefix}{front.volume()}/images", {"name": "i"})
    assert answer.status_code == 202, answer.text
    assert {answer.json["resourceURI"]} == kinds_told(described, f"{prefix}volumes/{{id}}/images", 202)


def test_an_address_of_an_interface_is_read_by_its_id(front):
    machine = front.machine(networkInterfaces=[{"network": front.href(f"networks/{front.world.network_id}")}])
    template = {"network": front.href(f"networks/{front.world.network_id}")}
    address = front.member.post("addresses", {"name": "a", "addressTemplate": template}).json["id"]
    network = front.href(f"networks/{front.world.network_id}")
    made = front.member.post(f"{machine}/networkInterfaces", {"network": network, "sirocco_address": {"href": address}})
    assert made.status_code == 202, made.text
    (shown,) = front.member.get(f"{made.json['id']}/addresses").json["machineNetworkInterfaceAddresses"]
    read = front.member.get(shown["id"])
    assert (read.status_code, read.json) == (200, shown)
    assert front.member.get(f"{made.json['id']}/addresses/none").json["sirocco_code"] == "not-found"


def test_a_job_about_what_only_version_1_has_leads_nowhere_in_version_2(front):
    job = front.member.post("networkConfigs", {"name": "n"}).headers["CIMI-Job-URI"]
    assert front.member.get(job).json["targetResource"] == front.href("networkConfigs")
    elsewhere = front.member.get(job.replace("/cimi/", "/cimi/2/"))
    assert elsewhere.status_code == 200
    assert "networkConfigs" not in json.dumps(elsewhere.json)


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
def test_a_compressed_body_is_refused_by_its_coding(front, coding):
    answer = front.member.post("machineConfigs", {"name": "c", "cpu": 1, "memory": 131072}, Content_Encoding=coding)
    assert (answer.status_code, answer.json["sirocco_code"]) == (415, "unsupported-media-type")
    assert coding in answer.json["statusMessage"]
