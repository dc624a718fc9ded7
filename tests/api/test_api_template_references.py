"""What a template refers to must be there when it is kept or changed."""

import pytest

from tests.api.front import BASE

GONE = "00000000-0000-7000-8000-000000000000"
REFERENCES = [
    ("machineTemplates", {"machineConfig": {"href": f"machineConfigs/{GONE}"}}, "machineConfig", "template"),
    ("machineTemplates", {"machineImage": {"href": f"{BASE}machineImages/{GONE}"}}, "machineImage", "image"),
    ("machineTemplates", {"credential": {"href": f"credentials/{GONE}"}}, "credential", "credential"),
    ("machineTemplates", {"volumes": [{"href": f"volumes/{GONE}"}]}, "volumes[0]", "volume"),
    (
        "machineTemplates",
        {"networkInterfaces": [{"network": {"href": f"networks/{GONE}"}}]},
        "networkInterfaces[0].network",
        "network",
    ),
    ("machineTemplates", {"sirocco_provider": {"href": f"providers/{GONE}"}}, "sirocco_provider", "provider"),
    ("machineTemplates", {"sirocco_host": {"href": f"hosts/{GONE}"}}, "sirocco_host", "host"),
    (
        "machineTemplates",
        {"volumeTemplates": [{"volumeConfig": {"href": f"volumeConfigs/{GONE}"}}]},
        "volumeTemplates[0].volumeConfig",
        "template",
    ),
    ("volumeTemplates", {"volumeImage": {"href": f"volumeImages/{GONE}"}}, "volumeImage", "volume image"),
    ("networkTemplates", {"networkConfig": {"href": f"networkConfigs/{GONE}"}}, "networkConfig", "template"),
    ("networkPortTemplates", {"network": {"href": f"networks/{GONE}"}}, "network", "network"),
    ("addressTemplates", {"network": {"href": f"networks/{GONE}"}}, "network", "network"),
]


@pytest.mark.parametrize(("collection", "body", "where", "kind"), REFERENCES)
def test_a_template_that_refers_to_nothing_is_refused(front, collection, body, where, kind):
    before = front.member.get(collection).json["count"]
    refused = front.member.post(collection, {"name": "t", **body})
    assert refused.status_code == 400
    assert refused.json["sirocco_code"] == "invalid-value"
    assert refused.json["statusMessage"] == f"{where}: there is no {kind} {GONE}."
    assert refused.json["sirocco_remedy"]
    assert front.member.get(collection).json["count"] == before


@pytest.mark.parametrize(("select", "words"), [("", {"name": "t"}), ("?$select=machineImage", {})])
def test_a_change_to_nothing_is_refused_and_leaves_the_template_as_it_was(front, select, words):
    path = front.member.post("machineTemplates", {"name": "t", "machineImage": front.image}).json["id"]
    held = front.member.get(path).json
    refused = front.member.put(path + select, {**words, "machineImage": {"href": f"machineImages/{GONE}"}})
    assert refused.status_code == 400
    assert refused.json["statusMessage"] == f"machineImage: there is no image {GONE}."
    assert front.member.get(path).json == held


def test_a_configuration_is_no_template_of_another_kind(front):
    other = front.member.post("volumeConfigs", {"capacity": 1000}).json["id"]
    refused = front.member.post("machineTemplates", {"machineConfig": {"href": other.replace("volumeC", "machineC")}})
    assert refused.status_code == 400
    assert refused.json["sirocco_details"]["where"] == "machineConfig"


def test_what_another_tenant_has_is_not_there(front):
    volume = front.href(front.volume())
    assert front.member.post("machineTemplates", {"volumes": [volume]}).status_code == 201
    assert front.caller(tenant_id=front.other_tenant).post("machineTemplates", {"volumes": [volume]}).status_code == 400


def test_words_of_a_template_change_though_its_reference_has_gone(front):
    config = front.member.post("machineConfigs", {"cpu": 1, "memory": 131072}).json["id"]
    path = front.member.post("machineTemplates", {"name": "t", "machineConfig": {"href": config}}).json["id"]
    front.member.delete(config)
    changed = front.member.put(path + "?$select=name", {"name": "u"})
    assert changed.status_code == 200, changed.text
    assert front.member.get(path).json["name"] == "u"
