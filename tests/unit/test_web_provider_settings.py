"""The form of a provider's settings: typed fields that make what the connectors take, and JSON for the rest."""

import pytest

from sirocco.connectors.fake import settings as fake
from sirocco.connectors.libvirt import settings as libvirt
from sirocco.services import providers
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
            "libvirt_hosts": "one qemu:///system\n\n two  qemu+ssh://root@two/system  tcp://10.0.0.2 ",
            "domain_type": "kvm",
            "forward_mode": "nat",
            "shared_storage": "yes",
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
            "store": "/tmp/cloud.sqlite",
            "fake_hosts": "a 8 16 100\nb 4 0.5 1",
            "delay": "0,5",
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
    again = {name: value for name, value in fields(page).items() if name in {*form, "shared_network"}}
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
        ("libvirt", {"libvirt_hosts": "one"}, "la ligne 1"),
        ("libvirt", {"libvirt_hosts": "a b c d"}, "la ligne 1"),
        ("fake", {"store": ""}, "Fichier du nuage simulé"),
        ("fake", {"store": "/x", "fake_hosts": "a 1 1 1\nb 1 much 1"}, "la ligne 2"),
        ("fake", {"store": "/x", "fake_hosts": "a 1 inf 1"}, "la ligne 1"),
        ("fake", {"store": "/x", "delay": "soon"}, "n'est pas un nombre"),
        ("fake", {"store": "/x", "settings": "{"}, "ligne 1, colonne 2"),
        ("fake", {"store": "/x", "settings": "[" * 100000}, "pas du JSON lisible"),
        ("fake", {"store": "/x", "settings": "[]"}, "objet JSON"),
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
    form = {"csrf": token, "name": "mine", "kind": "libvirt", "libvirt_hosts": "one", "shared_network": "yes"}
    page = client.post("/providers", data=form).text
    assert 'name="shared_network" value="yes" checked' in page
    assert 'name="shared_storage" value="yes">' in page
