"""The form of a provider's settings: typed fields that make what the connectors take, and JSON for the rest."""

import pytest

from sirocco.cmdb.models import Provider
from sirocco.connectors import registry
from sirocco.connectors.fake import settings as fake
from sirocco.connectors.kinds import ProviderKind, Setting, Value
from sirocco.connectors.libvirt import settings as libvirt
from sirocco.connectors.ports import ConnectorError, Fault, SettingError
from sirocco.services import faults, providers
from tests.portal import furnish, portal_app, sign_in
from tests.world import GIB, a_cmdb, populate

READERS = {"libvirt": libvirt.read, "fake": fake.read}


@pytest.fixture
def operator(tmp_path):
    with a_cmdb(f"sqlite:///{tmp_path / 'cmdb.sqlite'}", tmp_path) as cmdb:
        world = populate(cmdb)
        furnish(world)
        client = portal_app(cmdb, tmp_path).test_client()
        yield world, client, sign_in(client, "olga")


def settings_of(world, name):
    with world.reading(world.operator) as tx:
        row = next(row for row in providers.page(tx).items if row.name == name)
        return row.id, row.settings


FORMS = {
    "libvirt": (
        {
            "settings.hosts": "one qemu:///system\n\n two  qemu+ssh://root@two/system  tcp://10.0.0.2 ",
            "settings.domain_type": "kvm",
            "settings.forward_mode": "nat",
            "settings.shared_storage": "yes",
            "settings": '{"same_machine": true, "hosts": [{"name": "two", "pool": "fast"}]}',
        },
        {
            "hosts": [
                {"name": "one", "uri": "qemu:///system"},
                {"name": "two", "uri": "qemu+ssh://root@two/system", "migrate_uri": "tcp://10.0.0.2", "pool": "fast"},
            ],
            "domain_type": "kvm",
            "shared_storage": True,
            "same_machine": True,
        },
    ),
    "fake": (
        {
            "settings.store": "/tmp/cloud.sqlite",
            "settings.hosts": "a 8 16 100\nb 4 0.5 1",
            "settings.delays.*": "0,5",
            "settings": '{"delays": {"start": 3}, "capacity": {"machine": 2}}',
        },
        {
            "store": "/tmp/cloud.sqlite",
            "hosts": [
                {"name": "a", "cores": 8, "memory": 16 * GIB, "disk": 100 * GIB},
                {"name": "b", "cores": 4, "memory": GIB // 2, "disk": GIB},
            ],
            "delays": {"*": 0.5, "start": 3},
            "capacity": {"machine": 2},
        },
    ),
}


@pytest.mark.parametrize("kind", FORMS)
def test_fields_become_settings_that_the_connector_takes_and_come_back_as_they_were(operator, kind):
    world, client, token = operator
    form, wanted = FORMS[kind]
    answer = client.post("/providers", data={"csrf": token, "name": "mine", "kind": kind, **form})
    assert answer.status_code == 303, answer.text
    provider_id, kept = settings_of(world, "mine")
    assert kept == wanted
    READERS[kind](kept)
    page = client.get(f"/providers/{provider_id}").text
    again = {name: value for name, value in fields(page).items() if name in {*form, "settings.shared_network"}}
    saved = {"csrf": token, "name": "mine", "version": fields(page)["version"], **again}
    assert client.post(f"/providers/{provider_id}", data=saved).status_code == 303
    assert settings_of(world, "mine")[1] == wanted


def fields(page):
    """What the form on a page would send."""
    from lxml import html  # noqa: PLC0415 - this helper's own

    form = next(form for form in html.fromstring(page).forms if "version" in form.fields)
    return {name: value for name, value in form.fields.items() if value is not None}


@pytest.mark.parametrize(
    ("kind", "form", "said"),
    [
        ("libvirt", {"settings.hosts": "one"}, "la ligne 1"),
        ("libvirt", {"settings.hosts": "a b c d"}, "la ligne 1"),
        ("fake", {"settings.store": ""}, "Fichier du nuage simulé"),
        ("fake", {"settings.store": "/x", "settings.hosts": "a 1 1 1\nb 1 much 1"}, "la ligne 2"),
        ("fake", {"settings.store": "/x", "settings.hosts": "a 1 inf 1"}, "la ligne 1"),
        ("fake", {"settings.store": "/x", "settings.delays.*": "soon"}, "n'est pas un nombre"),
        ("fake", {"settings.store": "/x", "settings": "{"}, "ligne 1, colonne 2"),
        ("fake", {"settings.store": "/x", "settings": "[" * 100000}, "pas du JSON lisible"),
        ("fake", {"settings.store": "/x", "settings": "[]"}, "objet JSON"),
        ("fake", {"settings.store": "/x", "settings": '{"stoore": 1}'}, "ce réglage n'existe pas"),
        ("fake", {"settings.store": "/x", "settings": '{"delays": 3}', "settings.delays.*": "1"}, "objet JSON"),
        ("libvirt", {"settings.hosts": "a qemu:///system\na test:///default"}, "ont le même nom"),
        ("libvirt", {"settings.hosts": ""}, "Hôtes : rien n'est indiqué"),
        ("cloud", {}, "fake, libvirt"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field_and_line(operator, kind, form, said):
    _, client, token = operator
    client.set_cookie("sirocco_language", "fr")
    answer = client.post("/providers", data={"csrf": token, "name": "mine", "kind": kind, **form})
    assert answer.status_code == 400
    assert said in answer.text.replace("&#39;", "'"), answer.text[-3000:]


def test_a_refused_form_comes_back_with_what_was_ticked(operator):
    _, client, token = operator
    form = {"csrf": token, "name": "mine", "kind": "libvirt", "settings.hosts": "one", "settings.shared_network": "yes"}
    page = client.post("/providers", data=form).text
    assert 'name="settings.shared_network" value="yes" checked' in page
    assert 'name="settings.shared_storage" value="yes">' in page


def far(given):
    """What a connector of somebody else's might check."""
    if given.get("region", "north") not in {"north", "south"}:
        raise SettingError("region", why="it is one of {choices}", choices="north, south")


FAR = ProviderKind(
    "far",
    "Far away",
    (
        Setting("region", Value.TEXT, "Region", "Where it is.", example="north"),
        Setting("token", Value.SECRET, "Token", required=True),
    ),
    far,
)


@pytest.fixture
def far_away(monkeypatch):
    known = registry.kind
    monkeypatch.setattr(registry, "names", lambda: ("far", "fake", "libvirt"))
    monkeypatch.setattr(registry, "kind", lambda name: FAR if name == "far" else known(name))


def test_a_kind_states_its_fields_itself_its_secrets_included(operator, far_away):
    world, client, token = operator
    page = client.get("/providers/new?kind=far").text
    assert "Far away" in page
    assert 'name="settings.region" type="text" value="north"' in page
    assert 'name="secrets.token" type="password" value=""' in page
    form = {"csrf": token, "name": "mine", "kind": "far", "settings.region": "south"}
    refused = client.post("/providers", data=form)
    assert refused.status_code == 400
    assert "Token: it is empty." in refused.text
    assert client.post("/providers", data=form | {"secrets.token": "canary"}).status_code == 303
    provider_id, settings = settings_of(world, "mine")
    assert settings == {"region": "south"}
    with world.reading(world.operator) as tx:
        assert providers.secrets_of(tx, providers.get(tx, provider_id)) == {"token": "canary"}
    page = client.get(f"/providers/{provider_id}").text
    assert 'name="settings.region" type="text" value="south"' in page
    assert "canary" not in page
    saved = {"csrf": token, "name": "mine", "version": fields(page)["version"], "settings.region": "west"}
    refused = client.post(f"/providers/{provider_id}", data=saved)
    assert (refused.status_code, settings_of(world, "mine")[1]) == (400, {"region": "south"})
    assert "Region: it is one of north, south." in refused.text


def test_the_page_of_a_provider_that_does_not_answer_says_why_in_the_readers_language(operator):
    world, client, _ = operator
    silence = ConnectorError(Fault.TRANSIENT, why="host {host} does not answer: {said}", host="h9", said="no route")
    with world.cmdb.writing(world.operator) as tx:
        provider = tx.session.get_one(Provider, world.provider_id)
        faults.unreachable(provider, silence)
    client.set_cookie("sirocco_language", "fr")
    page = client.get(f"/providers/{world.provider_id}").text.replace("&#39;", "'")
    assert "<span>L'hôte h9 ne répond pas : no route</span>" in page
    with world.cmdb.writing(world.operator) as tx:
        tx.session.get_one(Provider, world.provider_id).fault = "as a release before wrote it"
    assert '<span lang="en">as a release before wrote it</span>' in client.get(f"/providers/{world.provider_id}").text
