"""Templates, the load map, and what belongs to a provider, a network or an image, in the portal."""

import re
from html import unescape

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import Account, Host, Image, Location, NetworkPort, Template
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import HostState
from sirocco.domain.principal import SYSTEM
from sirocco.services import providers, templates
from tests.portal import furnish, portal_app, sign_in
from tests.world import GIB, a_cmdb, inventory, populate
from web import documents
from web.language import catalogue


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    home = tmp_path_factory.mktemp("portal")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        world = populate(cmdb)
        yield world, furnish(world).ids, portal_app(cmdb, home)


@pytest.fixture
def world(furnished):
    return furnished[0]


@pytest.fixture
def ids(furnished):
    return furnished[1]


@pytest.fixture
def client(furnished):
    return furnished[2].test_client()


def chosen(page: str, name: str) -> str:
    """The value that a select shows."""
    select = page.split(f'<select id="f-{name}"')[1].split("</select>", maxsplit=1)[0]
    return re.search(r'<option value="([^"]*)" selected', select)[1]


def value(page: str, name: str) -> str:
    return re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)[1]


def test_what_a_form_asks_for_is_kept_and_asked_for_again(world, client, ids):
    token = sign_in(client, "bob")
    sent = {
        "csrf": token,
        "name": "two disks",
        "image": world.image_id,
        "size": "own",
        "cpu": "3",
        "memory": "768",
        "boot_disk": "1,5",
        "disk": ["2", "4"],
        "network": world.network_id,
        "credential": ids["credential"],
        "user_data": "#cloud-config\nhostname: é",
        "initial_state": "STOPPED",
    }
    assert client.post("/templates/machine", data=sent).headers["Location"] == "/templates?done=created"
    with world.reading() as tx:
        row = templates.by_name(tx, "MachineTemplate", "two disks")
    page = client.get(f"/machines/new?template={row.id}").text
    for name in ("image", "network", "credential", "initial_state"):
        assert chosen(page, name) == sent[name], name
    assert (value(page, "cpu"), value(page, "memory"), value(page, "boot_disk")) == ("3", "768", "1.5")
    assert re.findall(r'name="disk"[^>]* value="([^"]+)"', page) == ["2", "4"]
    assert re.search(r'name="size" value="own" checked', page)
    assert "hostname: é</textarea>" in page


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("image", "Image : introuvable : image"),
        ("network", "Réseau : introuvable : réseau"),
        ("provider", "Fournisseur : introuvable : fournisseur"),
        ("host", "Hôte : introuvable : hôte"),
        ("volume", "Volumes : introuvable : volume"),
        ("credential", "Identité : introuvable : identité"),
    ],
)
def test_what_is_not_there_is_not_kept_in_a_template(world, client, field, told):
    token, gone = sign_in(client, "olga" if field == "host" else "bob"), new_id()
    client.set_cookie("sirocco_language", "fr")
    asked = {"csrf": token, "name": f"no {field}", "image": world.image_id, "size": "own", "cpu": "1", "memory": "512"}
    refused = client.post("/templates/machine", data=asked | {field: gone})
    assert refused.status_code == 400
    assert f"{told} {gone}." in unescape(refused.text)
    with world.reading() as tx:
        assert templates.by_name(tx, "MachineTemplate", f"no {field}") is None


def test_a_size_is_kept_and_referred_to(furnished, world, client):
    operator = furnished[2].test_client()
    token = sign_in(operator, "olga")
    sent = {"csrf": token, "name": "wide", "cpu": "12", "memory": "1024", "shared": "yes"}
    assert operator.post("/templates/size", data=sent).status_code == 303
    assert operator.post("/templates/size", data=sent | {"cpu": "9999"}).status_code == 400
    with world.reading() as tx:
        row = templates.by_name(tx, "MachineConfiguration", "wide")
    assert (row.tenant_id, row.content) == (None, {"cpu": 12, "memory": 2**20})
    token = sign_in(client, "bob")
    asked = {"csrf": token, "name": "by size", "image": world.image_id, "size": row.id, "network": ""}
    client.post("/templates/machine", data=asked)
    with world.reading() as tx:
        kept = templates.by_name(tx, "MachineTemplate", "by size")
    assert kept.content["machineConfig"] == {"href": f"machineConfigs/{row.id}"}
    assert documents.to_machine(kept.content)["size"] == row.id


def test_templates_that_the_api_left_incomplete_break_no_page(world, client):
    with world.writing() as tx:
        bare = templates.create(tx, "MachineConfiguration", {"cpu": 2}, name="bare")
        vague = templates.create(tx, "MachineTemplate", {"machineConfig": {"disks": [{}]}}, name="vague")
    token = sign_in(client, "bob")
    assert "bare" in client.get("/templates").text
    page = client.get(f"/machines/new?template={vague.id}")
    assert (page.status_code, bare.id in page.text) == (200, False)
    assert chosen(page.text, "network") == world.network_id, "a template without networks leaves the usual one"
    sent = {"csrf": token, "name": "n", "image": world.image_id, "size": bare.id, "network": ""}
    assert client.post("/machines", data=sent).status_code == 400


def test_a_template_for_volumes(world, client):
    token = sign_in(client, "bob")
    sent = {"csrf": token, "name": "logs", "capacity": "2", "filesystem": "ext4"}
    assert client.post("/templates/volume", data=sent).status_code == 303
    with world.reading() as tx:
        row = templates.by_name(tx, "VolumeTemplate", "logs")
    page = client.get(f"/volumes/new?template={row.id}").text
    assert (value(page, "capacity"), chosen(page, "filesystem")) == ("2", "ext4")
    assert row.content["volumeConfig"]["capacity"] * 1000 >= 2 * GIB


def test_a_template_is_renamed_and_forgotten_by_those_who_own_it(world, client, ids):
    token = sign_in(client, "bob")
    path = f"/templates/machine/{ids['machine template']}"
    version = value(client.get(f"{path}/edit").text, "version")
    assert client.post(f"{path}/edit", data={"csrf": token, "version": version, "name": "web"}).status_code == 303
    assert ">web</th>" in client.get("/templates").text
    assert client.get(f"/templates/volume/{ids['machine template']}/edit").status_code == 404
    assert client.get(f"/templates/nonsense/{new_id()}/edit").status_code == 404
    with world.reading() as tx:
        shared = next(row.id for row in templates.sizes(tx) if row.tenant_id is None)
    assert client.post(f"/templates/size/{shared}/delete", data={"csrf": token}).status_code == 403
    assert client.post(f"{path}/delete", data={"csrf": token}).status_code == 303
    with world.reading() as tx:
        assert tx.find(Template, ids["machine template"]) is None


def test_locations_and_accounts_of_a_provider(world, client):
    token = sign_in(client, "olga")
    parts = f"/providers/{world.provider_id}"
    refused = client.post(f"{parts}/locations", data={"csrf": token, "name": "paris", "country": "F1"})
    assert (refused.status_code, "ISO 3166-1" in refused.text) == (400, True)
    client.post(f"{parts}/locations", data={"csrf": token, "name": "paris", "country": "fr"})
    client.post(f"{parts}/accounts", data={"csrf": token, "name": "main", "login": "acme", "secret": "hunter2-hunter2"})
    page = client.get(parts).text
    assert "paris" in page
    assert "hunter2" not in page
    with world.reading(world.operator) as tx:
        place = tx.session.query(Location).where(Location.name == "paris").one()
        account = tx.session.query(Account).where(Account.name == "main").one()
    assert (place.country, account.login) == ("FR", "acme")
    sent = {"csrf": token, "version": place.version, "name": "lyon", "country": "FR"}
    assert client.post(f"/locations/{place.id}", data=sent).status_code == 303
    sent = {"csrf": token, "version": account.version, "name": "main", "login": "acme-2"}
    assert client.post(f"/accounts/{account.id}", data=sent).status_code == 303
    with world.reading(world.operator) as tx:
        assert providers.location(tx, place.id).name == "lyon"
        changed = providers.account(tx, account.id)
        assert (changed.login, changed.enabled, changed.secret) == ("acme-2", False, account.secret)
    for path in (f"/locations/{place.id}", f"/accounts/{account.id}"):
        assert client.post(f"{path}/delete", data={"csrf": token}).status_code == 303
        assert client.get(path).status_code == 404


def test_a_port_is_kept_and_given_up(world, client, ids):
    token = sign_in(client, "bob")
    path = f"/networks/{ids['network']}"
    assert client.post(f"{path}/actions/port", data={"csrf": token, "name": "spare"}).status_code == 303
    assert "spare" in client.get(path).text
    with world.reading() as tx:
        port = tx.session.query(NetworkPort).where(NetworkPort.name == "spare").one()
    assert client.post(f"/ports/{port.id}/delete", data={"csrf": token}).status_code == 303
    assert "spare" not in client.get(path).text


def test_an_image_is_asked_for_by_its_address(world, client):
    token = sign_in(client, "bob")
    sent = {"csrf": token, "url": "https://images.example/tiny.qcow2", "format": "qcow2", "name": "from afar"}
    answer = client.post("/images", data=sent)
    assert answer.status_code == 303, answer.text
    assert "Creating" in client.get(answer.headers["Location"]).text
    refused = client.post("/images", data=sent | {"url": "ftp://images.example/x", "description": "kept"})
    assert (refused.status_code, 'value="kept"' in refused.text) == (400, True)
    with world.reading() as tx:
        assert tx.session.query(Image).where(Image.name == "from afar").count() == 1


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"url": ""}, "Address"),
        ({"url": "ftp://images.example/x"}, "Address"),
        ({"format": "zip"}, "Format"),
        ({"digest": "nonsense"}, "Checksum"),
    ],
)
def test_a_refused_image_names_the_field_as_its_form_does(client, change, label):
    token, field = sign_in(client, "bob"), catalogue("fr").gettext(label)
    client.set_cookie("sirocco_language", "fr")
    sent = {"csrf": token, "url": "https://images.example/tiny.qcow2", "format": "qcow2"} | change
    page = client.post("/images", data=sent).text
    assert re.search(rf'<label for="f-{next(iter(change))}">{field}\b', page)
    assert f"<strong>{field}\xa0:" in page or f"<strong>{field} :" in page


def test_hundreds_of_hosts_fit_on_the_load_map_and_the_table_is_paged(tmp_path):
    with a_cmdb(f"sqlite:///{tmp_path / 'cmdb.sqlite'}", tmp_path) as cmdb:
        world = populate(cmdb, machines_hosts=[inventory(f"node-{number:03}") for number in range(300)])
        furnish(world)
        with world.writing(SYSTEM) as tx:
            away, full = tx.session.scalars(select(Host).order_by(Host.name)).all()[-2:]
            away.state, full.memory_claimed = HostState.MAINTENANCE, int(full.memory * 0.95)
        client = portal_app(cmdb, tmp_path).test_client()
        sign_in(client, "olga")
        page = client.get("/hosts").text
    dense = page.split('class="hostmap dense"')[1].split("</ul>")[0]
    assert dense.count("<li") == 300
    assert re.search(r'class="full"><a [^>]*title="node-299: full, 95 % of its scarcest"><span[^>]*>95<', dense)
    assert re.search(r'class="away"><a [^>]*title="node-298: takes no machines', dense)
    assert page.split("<tbody>")[1].count("<tr") == 25
