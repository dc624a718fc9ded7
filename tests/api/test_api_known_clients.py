"""What known clients of CIMI rely on, one by one."""

import pytest

from tests.api.front import BASE, SITE
from tests.api.schema import valid

XML = {"Accept": "application/xml"}
NS = "http://schemas.dmtf.org/cimi/1"


def rels(document):
    return [one["rel"] for one in document["operations"]]


def test_a_create_answers_the_partial_resource_with_location_and_job(front):
    answer = front.member.post("machines", front.machine_message("m1"))
    assert answer.status_code == 202
    assert answer.json["resourceURI"] == f"{NS}/Machine"
    assert answer.json["name"] == "m1"
    assert answer.headers["Location"] == answer.json["id"]
    job = front.member.get(answer.headers["CIMI-Job-URI"])
    assert job.json["targetResource"] == {"href": BASE + "machines"}
    assert {"href": answer.json["id"]} in job.json["affectedResources"]
    assert front.member.get(answer.json["id"]).json["name"] == "m1"


def test_actions_answer_202_and_deletes_200(front):
    machine, volume = front.machine(), front.volume()
    stopped = front.member.post(f"{machine}/stop", {"action": f"{NS}/action/stop"})
    assert stopped.status_code == 202
    assert stopped.json["resourceURI"] == f"{NS}/Job"
    front.settle()
    template = front.member.post("machineTemplates", {"name": "t"}).json["id"]
    image = front.member.post(f"{machine}/capture", {"name": "gold"}).json["id"]
    front.settle()
    for path in (image, volume, template, machine):
        assert front.member.delete(path).status_code == 200
        front.settle()
        assert front.member.get(path).status_code == 404


@pytest.mark.parametrize("stopped", [False, True])
def test_restart_comes_before_start(front, stopped):
    machine = front.machine(initialState="STOPPED" if stopped else "STARTED")
    verbs = [rel.rpartition("/")[2] for rel in rels(front.member.get(machine).json)]
    assert "restart" in verbs
    assert ("start" in verbs) == stopped
    last = [verb for verb in verbs if "start" in verb][-1]
    assert last == ("start" if stopped else "restart")


def test_an_attached_volume_lists_delete_first(front):
    machine, volume = front.machine(), front.volume()
    answer = front.member.post(f"{machine}/volumes", {"volume": front.href(volume), "initialLocation": "/dev/vdb"})
    assert answer.status_code == 202
    assert answer.json["id"].startswith(f"{BASE}{machine}/volumes/")
    assert rels(answer.json)[0] == "delete"
    front.settle()
    assert front.member.get(volume).json["sirocco_machine"]["href"] == BASE + machine
    assert front.member.delete(answer.json["id"]).status_code == 200
    front.settle()
    assert front.member.get(f"{machine}/volumes").json["count"] == 0


def test_ids_lie_under_their_collection_and_the_base(front):
    front.machine()
    front.volume()
    entry = front.member.get("cloudEntryPoint").json
    base = entry["baseURI"]
    assert base.endswith("/")
    assert entry["name"]
    for name, value in entry.items():
        if not isinstance(value, dict):
            continue
        path = name.removeprefix("sirocco_")
        assert value["href"] == entry["id"].replace("cloudEntryPoint", path)
        collection = front.member.get(value["href"]).json
        items = next((v for k, v in collection.items() if isinstance(v, list) and k != "operations"), [])
        assert collection["count"] == len(items)
        for item in items:
            assert item["id"].startswith(f"{base}{path}/")
            assert front.member.get(item["id"]).json.get("name") == item.get("name")


def test_every_collection_of_the_entry_point_can_be_fetched_by_those_who_see_it(front):
    for caller in (front.viewer, front.member, front.admin, front.operator):
        for version in ("", "2/"):
            entry = caller.get(f"{version}cloudEntryPoint", Accept="*/*").json
            hrefs = [value["href"] for value in entry.values() if isinstance(value, dict)]
            assert len(hrefs) > 15
            for href in hrefs:
                assert caller.get(href, Accept="*/*").status_code == 200, href
    seen = {"sirocco_hosts" in caller.get("cloudEntryPoint").json for caller in (front.member,)}
    assert seen == {False}
    assert "sirocco_hosts" in front.operator.get("cloudEntryPoint").json


def test_a_machine_is_creating_until_its_initial_state_is_reached(front):
    answer = front.member.post("machines", front.machine_message(initialState="STOPPED"))
    assert answer.json["state"] == "CREATING"
    assert front.member.get(answer.json["id"]).json["state"] == "CREATING"
    front.settle()
    assert front.member.get(answer.json["id"]).json["state"] == "STOPPED"


def test_collections_hold_items_in_full(front):
    front.machine("a")
    front.machine("b")
    listed = front.member.get("machines").json
    assert listed["resourceURI"] == f"{NS}/MachineCollection"
    assert [item["memory"] for item in listed["machines"]] == [131072, 131072]
    assert listed["count"] == 2
    assert rels(listed) == ["add"]
    assert "operations" not in front.viewer.get("machines").json


@pytest.mark.parametrize("way", ["operation", "collection", "xml"])
def test_a_capture_answers_201_with_the_image(front, way):
    machine = front.machine()
    message = {"name": "gold", "imageLocation": BASE + machine}
    if way == "operation":
        answer = front.member.post(f"{machine}/capture", message)
    elif way == "collection":
        answer = front.member.post("machineImages", {"resourceURI": f"{NS}/MachineImageCreate", **message})
    else:
        location = f"<imageLocation>\n{BASE}{machine} </imageLocation>"
        text = f"<machineImageCreate>\n <name> gold </name>{location}</machineImageCreate>"
        answer = front.member.post("machineImages", text)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == answer.json["id"]
    image = front.member.get(answer.json["id"])
    assert image.json["name"] == "gold"
    front.settle()
    image = front.member.get(answer.json["id"]).json
    assert image["state"] == "AVAILABLE"
    assert "machines/" not in image["imageLocation"]
    assert front.member.delete(image["id"]).status_code == 200


def test_xml_without_namespace_with_padding_and_in_lower_case(front):
    text = f"""<machineCreate>
      <name>
        web </name>
      <machineTemplate>
        <machineConfig><cpu> 2 </cpu><memory>
          131072 </memory></machineConfig>
        <machineImage href=" {front.image["href"]} "/>
      </machineTemplate>
    </machineCreate>"""
    answer = front.member.post("machines", text, **XML)
    assert answer.status_code == 202, answer.text
    root = valid(answer.data)
    assert root.findtext(f"{{{NS}}}name") == "web"
    assert root.findtext(f"{{{NS}}}cpu") == "2"


def test_json_without_resource_uri_wrapped_or_bare(front):
    for message in (
        {"name": "t", "initialState": "STOPPED"},
        {"resourceURI": f"{NS}/MachineTemplate", "name": "t", "initialState": "STOPPED"},
        {"resourceURI": f"{NS}/MachineTemplateCreate", "name": "t", "initialState": "STOPPED"},
    ):
        assert front.member.post("machineTemplates", message).status_code == 201
    for root in ("VolumeConfiguration", "VolumeConfigurationCreate", "volumeconfiguration"):
        text = f'<{root} xmlns="{NS}"><name>c</name><capacity>1000</capacity></{root}>'
        answer = front.member.post("volumeConfigs", text)
        assert answer.status_code == 201
        assert answer.json["capacity"] == 1000


def test_a_malformed_action_uri_is_forgiven_when_the_address_says_it(front):
    machine = front.machine()
    body = {"action": "http://http://schemas.dmtf.org/cimi/1/action/stop", "force": True}
    assert front.member.post(f"{machine}/stop", body).status_code == 202
    front.settle()
    assert front.member.get(machine).json["state"] == "STOPPED"


def test_the_body_names_the_action_when_it_goes_to_the_resource(front):
    machine = front.machine()
    text = f'<Action xmlns="{NS}"><action>{NS}/action/stop</action><force>true</force></Action>'
    answer = front.member.post(machine, text)
    assert answer.status_code == 202
    front.settle()
    assert front.member.get(machine).json["state"] == "STOPPED"
    refused = front.member.post(machine, {"action": f"{NS}/action/levitate"})
    assert refused.status_code == 400
    assert refused.json["sirocco_code"] == "invalid-value"


def test_references_may_be_built_from_collection_and_id(front):
    config = front.member.post("machineConfigs", {"cpu": 3, "memory": 131072}).json["id"].rpartition("/")[2]
    for href in (f"{BASE}machineConfigs/{config}", f"/cimi/machineConfigs/{config}", f"machineConfigs/{config}"):
        message = front.machine_message(machineConfig={"href": href})
        answer = front.member.post("machines", message)
        assert answer.status_code == 202, answer.text
        assert answer.json["cpu"] == 3


def test_metadata_has_both_spellings_and_full_entries(front):
    listed = front.member.get("resourceMetadata").json
    assert listed["resourceMetadata"] == listed["resourceMetadatas"]
    machine = next(one for one in listed["resourceMetadata"] if one["name"] == "Machine")
    assert machine["typeUri"] == machine["typeURI"] == f"{NS}/Machine"
    for entry in machine["attributes"]:
        assert set(entry) == {"name", "namespace", "type", "required"}
    values = {one["name"]: one for one in machine["capabilities"]}
    assert all({"name", "uri", "description", "value"} <= set(one) for one in values.values())
    assert values["DefaultInitialState"]["value"] == "STARTED"
    for state in values["InitialStates"]["value"].split(","):
        answer = front.member.post("machines", front.machine_message(initialState=state))
        front.settle()
        assert front.member.get(answer.json["id"]).json["state"] == state


def test_an_initial_state_that_is_not_offered_is_refused(front):
    answer = front.member.post("machines", front.machine_message(initialState="SUSPENDED"))
    assert answer.status_code == 400
    assert "initialState" in answer.json["statusMessage"]


def test_put_with_select_answers_200(front):
    machine = front.machine()
    answer = front.member.put(f"{machine}?$select=name", {"name": "renamed"})
    assert answer.status_code == 200
    assert answer.json["name"] == "renamed"


def test_errors_say_what_and_what_to_do_in_the_format_asked_for(front):
    answer = front.member.get("machines/019d3b5e-1111-7111-8111-111111111111", **XML)
    assert answer.status_code == 404
    job = valid(answer.data)
    assert job.tag == f"{{{NS}}}Job"
    assert job.findtext(f"{{{NS}}}state") == "FAILED"
    assert job.findtext(f"{{{NS}}}returnCode") == "10404"
    assert "There is no machine" in job.findtext(f"{{{NS}}}statusMessage")


def test_the_rel_of_delete_is_delete(front):
    assert "delete" in rels(front.member.get(front.machine()).json)


def test_only_possible_operations_are_listed_and_version_2_marks_the_others(front):
    machine = front.machine()
    one = {rel.rpartition("/")[2] for rel in rels(front.member.get(machine).json)}
    assert one >= {"edit", "delete", "stop", "pause", "suspend", "restart", "capture", "snapshot", "restore"}
    assert "start" not in one
    assert "migrate" not in one
    two = {
        one["rel"].rpartition("/")[2]: one.get("available", True)
        for one in front.member.get(f"2/{machine}").json["operations"]
    }
    assert two["stop"] is True
    assert two["start"] is False
    assert "operations" not in front.viewer.get(machine).json
    assert any(rel.endswith("/migrate") for rel in rels(front.operator.get(machine).json))


def test_sign_in_by_password_key_and_session(front):
    client, member = front.app.test_client(), front.member
    url = "/cimi/machines"
    name = member.principal.name
    assert client.get(url, auth=(name, "correct horse")).status_code == 200
    assert client.get(url, auth=(name, "wrong")).status_code == 401
    assert client.get(url, auth=(member.token, "")).status_code == 200
    assert client.get(url, auth=("any", member.token)).status_code == 200
    assert client.get(url, headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert client.get(url, headers={"Authorization": "Digest x"}).status_code == 401
    refused = client.get(url)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    assert refused.json["sirocco_code"] == "unauthenticated"


def test_the_tenant_is_chosen_by_header(front):
    both = front.caller(also=(front.other_tenant,))
    client = front.app.test_client()
    auth = (both.principal.name, "correct horse")
    names = {}
    for header, value in (("tenantId", front.other_tenant), ("tenantName", "acme")):
        made = client.post("/cimi/machineConfigs", json={"name": value}, auth=auth, headers={header: value})
        assert made.status_code == 201, made.text
        names[value] = made.json["id"].removeprefix(SITE)
    assert client.get(names[front.other_tenant], auth=auth, headers={"tenantName": "acme"}).status_code == 404
    assert client.get(names["acme"], auth=auth, headers={"tenantName": "acme"}).status_code == 200
    foreign = client.get("/cimi/machines", auth=auth, headers={"tenantName": "nobody"})
    assert foreign.status_code == 403
    assert foreign.json["sirocco_code"] == "no-tenant"
    assert both.get("machines", tenantId=front.other_tenant).status_code == 403


@pytest.mark.parametrize(("name", "encoding"), [("équipe 東", "utf-8"), ("forêt", "latin-1")])
def test_a_tenants_name_may_be_in_any_script(front, name, encoding):
    """In UTF-8 as terminals and libraries send it, or in Latin-1 as HTTP once had it."""
    theirs = front.caller(also=(front.tenant(name),))
    who = (theirs.principal.name, "correct horse")
    header = name.encode(encoding).decode("latin-1")
    answer = front.app.test_client().get("/cimi/machines", auth=who, headers={"tenantName": header})
    assert answer.status_code == 200, answer.text
