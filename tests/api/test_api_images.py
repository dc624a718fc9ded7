"""Images from elsewhere, and the end of images that are still made."""

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import Image, Job
from sirocco.contracts.states import JobState
from sirocco.services import images
from tests.api.front import BASE
from tests.api.schema import valid

URL = "https://images.example/disks/debian.qcow2?signature=hush"
DIGEST = "sha256:" + "0" * 64
WANTED = {"imageLocation": URL, "sirocco_format": "qcow2", "sirocco_digest": DIGEST}


def job_of(front, answer):
    with front.cmdb.reading(front.world.operator) as tx:
        return tx.session.get_one(Job, answer.headers["CIMI-Job-URI"].rpartition("/")[2])


def test_an_image_is_asked_for_by_its_address(front):
    answer = front.member.post("machineImages", {"name": "debian", **WANTED})
    assert answer.status_code == 202, answer.text
    assert (answer.json["state"], answer.json["imageLocation"]) == ("CREATING", URL.partition("?")[0])
    job = job_of(front, answer)
    assert job.workflow == "ImportImage"
    assert "hush" not in str(job.arguments) + answer.text + front.member.get("jobs").text
    with front.cmdb.reading(front.world.operator) as tx:
        found = images.source_of(tx, job)
    assert (found.url, found.digest) == (URL, DIGEST)
    valid(front.member.get(answer.json["id"], Accept="application/xml").data)
    front.settle()
    assert front.member.get(answer.json["id"]).json["state"] == "AVAILABLE"


def test_an_image_without_a_name_is_called_as_its_file(front):
    assert front.member.post("machineImages", WANTED).json["name"] == "debian.qcow2"


def test_an_image_is_asked_for_in_xml(front):
    text = f"""<MachineImageCreate xmlns="http://schemas.dmtf.org/cimi/1" xmlns:s="http://sirocco.ow2.org/cimi/1">
      <name>x</name><imageLocation> {URL} </imageLocation><s:format>raw</s:format></MachineImageCreate>"""
    assert front.member.post("machineImages", text).status_code == 202


@pytest.mark.parametrize(
    "change",
    [
        {"sirocco_format": None},
        {"sirocco_format": "iso"},
        {"sirocco_digest": "md5:00"},
        {"imageLocation": URL.replace("https", "http"), "sirocco_digest": None},
        {"imageLocation": "ftp://images.example/x"},
        {"imageLocation": "https://me:word@images.example/x"},
        {"imageLocation": "https:///x"},
        {"imageLocation": "https://images.example:0x50/x"},
        {"type": "SNAPSHOT"},
    ],
)
def test_what_cannot_be_fetched_is_refused(front, change):
    refused = front.member.post("machineImages", {**WANTED, **change})
    assert refused.status_code == 400
    assert refused.json["sirocco_code"] == "invalid-value"
    with front.cmdb.reading(front.world.operator) as tx:
        assert tx.session.scalars(select(Job)).all() == []


def test_imports_of_one_tenant_leave_room_for_others(front):
    for _ in range(4):
        assert front.member.post("machineImages", WANTED).status_code == 202
    refused = front.member.post("machineImages", WANTED)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "30"
    assert front.caller(tenant_id=front.other_tenant).post("machineImages", WANTED).status_code == 202
    front.settle()
    assert front.member.post("machineImages", WANTED).status_code == 202


@pytest.mark.parametrize("made_by", ["capture", "import"])
def test_an_image_can_be_deleted_while_it_is_made(front, made_by):
    machine = front.machine()
    message = {"imageLocation": BASE + machine} if made_by == "capture" else WANTED
    made = front.member.post("machineImages", message)
    assert any(operation["rel"] == "delete" for operation in made.json["operations"])
    deleted = front.member.delete(made.json["id"])
    assert deleted.status_code == 200, deleted.text
    assert deleted.json["action"].endswith("/delete")
    assert job_of(front, made).state == JobState.STOPPED
    assert job_of(front, deleted).arguments["after"] == job_of(front, made).id
    assert front.member.get(made.json["id"]).json["state"] == "DELETING"
    assert front.member.get(machine).json["state"] == "STARTED"
    assert front.member.delete(made.json["id"]).status_code == 409
    front.settle()
    assert front.member.get(made.json["id"]).status_code == 404
    with front.cmdb.reading(front.world.operator) as tx:
        assert tx.session.get(Image, made.json["id"].rpartition("/")[2]) is None


def test_a_snapshot_is_waited_for(front):
    made = front.member.post(f"{front.machine()}/snapshot")
    assert not any(operation["rel"] == "delete" for operation in made.json["operations"])
    refused = front.member.delete(made.json["id"])
    assert refused.json["sirocco_code"] == "busy"
    assert "stop it" in refused.json["sirocco_remedy"]
    front.settle()
    assert front.member.delete(made.json["id"]).status_code == 200
