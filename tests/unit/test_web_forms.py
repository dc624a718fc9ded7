"""What people do in the portal: ask, act, be refused and try again, without scripts."""

import html
import re
import shlex
import shutil
from dataclasses import replace
from itertools import pairwise

import pytest

import api
from sirocco.cmdb.models import Job, Machine, Volume
from sirocco.contracts.errors import SiroccoError
from sirocco.contracts.states import JobState, Role
from sirocco.domain.principal import SYSTEM
from sirocco.identity.principals import authenticate_key
from sirocco.identity.sessions import redeem_ticket
from sirocco.services import jobs, machines, placement, settlement, tenants, users
from tests.portal import PASSWORD, furnish, portal_app, sign_in
from tests.world import GIB, MIB, a_cmdb, populate


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A furnished world to copy: its folder, what is in it, and where."""
    home = tmp_path_factory.mktemp("model")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        world = populate(cmdb)
        visited = furnish(world)
    return home, world, visited


@pytest.fixture
def furnished(model, tmp_path):
    home, world, visited = model
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    with a_cmdb(f"sqlite:///{tmp_path / 'cmdb.sqlite'}", tmp_path) as cmdb:
        yield replace(world, cmdb=cmdb), visited, portal_app(cmdb, tmp_path)


@pytest.fixture
def world(furnished):
    return furnished[0]


@pytest.fixture
def ids(furnished):
    return furnished[1].ids


@pytest.fixture
def client(furnished):
    return furnished[2].test_client()


def made(world, name) -> Machine:
    with world.reading() as tx:
        machine = tx.session.query(Machine).where(Machine.name == name).one()
        tx.session.refresh(machine, ["disks", "nics", "volumes"])  # read before the transaction ends
        return machine


def test_the_form_for_a_machine_needs_nothing_but_a_click(world, client):
    token = sign_in(client, "bob")
    page = client.get("/machines/new").text
    form = page.split('action="/machines"')[1].split("</form>")[0]
    assert len(re.findall(r"<(?:input|select|textarea)[^>]* required", form)) <= 4
    name = re.search(r'name="name"[^>]*value="([^"]+)"', form)[1]
    size = re.search(r'name="size" value="([^"]+)" checked', form)[1]
    sent = {"csrf": token, "name": name, "image": world.image_id, "size": size, "network": world.network_id}
    answer = client.post("/machines", data=sent)
    machine = made(world, name)
    assert answer.headers["Location"] == f"/machines/{machine.id}"
    assert (machine.cpu, machine.memory, machine.nics[0].network_id) == (1, 128 * MIB, world.network_id)
    assert "Creating" in client.get(answer.headers["Location"]).text


def test_the_advanced_part_reaches_the_machine(world, client, ids):
    token = sign_in(client, "bob")
    sent = {
        "csrf": token,
        "name": "advanced",
        "image": world.image_id,
        "size": "own",
        "cpu": "3",
        "memory": "768",
        "boot_disk": "1,5",
        "disk": ["2", ""],
        "user_data": "#cloud-config\r\nhostname: x",
        "credential": ids["credential"],
        "volume": [ids["volume"]],
        "initial_state": "STOPPED",
        "network": "",
    }
    assert client.post("/machines", data=sent).status_code == 303
    machine = made(world, "advanced")
    assert (machine.cpu, machine.memory, machine.initial_state) == (3, 768 * MIB, "STOPPED")
    assert [disk.capacity for disk in machine.disks] == [3 * GIB // 2, 2 * GIB]
    assert machine.user_data == b"#cloud-config\nhostname: x"
    assert machine.nics == []
    assert [use.volume_id for use in machine.volumes] == [ids["volume"]]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"name": ""}, 400, "empty"),
        ({"size": "own", "cpu": "many"}, 400, "not a number"),
        ({"size": "own", "cpu": "1.5", "memory": "128"}, 400, "not a whole number"),
        ({"size": "own", "cpu": "9999", "memory": "128"}, 400, "between 1 and 256"),
        ({"image": "nowhere"}, 404, "not-found"),
        ({"boot_disk": "0.001"}, 400, "needs"),
        ({"disk": ["1", "0.000001"]}, 400, 'id="h-disks"'),
    ],
)
def test_a_refused_form_comes_back_filled_in_with_the_reason(world, client, change, status, said):
    token = sign_in(client, "bob")
    size = re.search(r'name="size" value="([^"]+)" checked', client.get("/machines/new").text)[1]
    sent = {"csrf": token, "name": "kept", "image": world.image_id, "size": size, "description": "what I wrote"}
    answer = client.post("/machines", data=sent | change)
    assert answer.status_code == status
    assert said in answer.text
    assert 'value="what I wrote"' in answer.text
    with world.reading() as tx:
        assert tx.session.query(Machine).where(Machine.name == "kept").count() == 0


def test_a_quota_refusal_names_the_figures_in_the_readers_language(world, client):
    with world.writing(SYSTEM) as tx:
        tenants.set_quota(tx, world.tenant_id, {"machines": 1})
    token = sign_in(client, "bob")
    client.set_cookie("sirocco_language", "fr")
    sent = {"csrf": token, "name": "n", "image": world.image_id, "size": "own", "cpu": "1", "memory": "128"}
    answer = client.post("/machines", data=sent)
    assert answer.status_code == 403
    assert "Le quota « machines » serait dépassé" in answer.text


def test_an_operation_that_is_not_possible_stays_visible_with_its_reason(client, ids):
    sign_in(client, "vera")
    page = client.get(f"/machines/{ids['machine']}").text
    assert len(re.findall(r'aria-disabled="true"', page)) >= 15
    assert "This needs the role member" in page
    assert "This needs the role operator" in page


def test_acting_makes_a_job_and_a_second_one_is_refused_by_name(world, client, ids):
    token = sign_in(client, "bob")
    act = f"/machines/{ids['machine']}/actions/"
    assert client.post(f"{act}stop", data={"csrf": token}).status_code == 303
    refused = client.post(f"{act}snapshot", data={"csrf": token, "name": "s"})
    assert refused.status_code == 409
    with world.reading() as tx:
        assert tx.session.get_one(Machine, ids["machine"]).job_id in refused.text


def test_many_machines_are_one_job_with_a_result_for_each(world, client, ids):
    token = sign_in(client, "bob")
    sent = {"csrf": token, "action": "stop", "machine": [ids["machine"], ids["broken"]]}
    answer = client.post("/machines/bulk", data=sent)
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).text
    assert {"several machines", "amber-12", "gust-77"} <= set(re.findall("several machines|amber-12|gust-77", page))
    with world.reading() as tx:
        parent = answer.headers["Location"].rsplit("/", 1)[1]
        states = {job.target_id: job.state for job in tx.session.query(Job).where(Job.parent_id == parent)}
    assert states == {ids["machine"]: JobState.QUEUED, ids["broken"]: JobState.FAILED}


def test_somebody_elses_edit_is_not_overwritten(client, ids):
    token = sign_in(client, "bob")
    path = f"/machines/{ids['machine']}/edit"
    version = re.search(r'name="version" value="(\d+)"', client.get(path).text)[1]
    sent = {"csrf": token, "version": version, "name": "first"}
    assert client.post(path, data=sent).status_code == 303
    assert client.post(path, data=sent | {"name": "second"}).status_code == 412
    assert "first" in client.get(f"/machines/{ids['machine']}").text


def test_lists_search_filter_sort_and_remember_how_many_rows(world, client):
    with world.writing() as tx:
        for number in range(30):
            machines.create(tx, world.machine(name=f"row-{number:02}"))
    sign_in(client, "bob")

    def names(query):
        page = client.get(f"/machines?{query}").text
        return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page)

    assert names("q=row-&sort=name")[:2] == ["row-00", "row-01"]
    assert names("q=row-&sort=-name")[0] == "row-29"
    assert len(names("q=row-")) == 25
    assert len(names("q=row-&page=2")) == 5
    assert len(names("q=row-&rows=50")) == 30
    assert len(names("q=row-")) == 30, "the choice of rows is remembered"
    assert names("state=ERROR") == ["gust-77"]
    assert names("q=%25") == []
    assert len(names("sort=nonsense&page=-1&rows=7&q=row")) == 30


def test_a_new_api_key_is_shown_once_and_works(world, client):
    token = sign_in(client, "bob")
    answer = client.post("/api-keys", data={"csrf": token, "name": "ci", "days": "7"})
    key = re.search(r"<code>(sk_[^<]+)</code>", answer.text)[1]
    with world.reading(SYSTEM) as tx:
        assert authenticate_key(tx, key)[0].name == "bob"
    assert key not in client.get("/api-keys").text


def test_a_secret_is_never_shown_again(client):
    token = sign_in(client, "bob")
    sent = {"csrf": token, "name": "c", "password": "hunter2-hunter2"}
    answer = client.post("/credentials", data=sent)
    assert "hunter2" not in client.get(answer.headers["Location"]).text
    refused = client.post("/credentials", data=sent | {"public_key": "nonsense"})
    assert refused.status_code == 400
    assert "hunter2" not in refused.text


def test_changing_ones_password_ends_the_other_sessions_and_keeps_this_one(furnished, client):
    other = furnished[2].test_client()
    sign_in(other, "bob")
    token = sign_in(client, "bob")
    sent = {"csrf": token, "current": PASSWORD, "password": "another horse"}
    assert client.post("/account/password", data=sent | {"current": "wrong"}).status_code == 400
    assert client.post("/account/password", data=sent).status_code == 303
    assert client.get("/").status_code == 200
    assert other.get("/").status_code == 303


def test_changing_ones_password_leaves_the_tenant_one_works_in_and_the_browsers_name(world, client, ids):
    with world.writing(SYSTEM) as tx:
        users.update(tx, world.user_id, {"roles": {world.tenant_id: Role.MEMBER, ids["tenant"]: Role.MEMBER}})
    token = sign_in(client, "bob")
    for tenant_id in (world.tenant_id, ids["tenant"]):
        client.post("/account/tenant", data={"csrf": token, "tenant": tenant_id})
        sent = {"csrf": token, "current": PASSWORD, "password": PASSWORD}
        assert client.post("/account/password", data=sent, headers={"User-Agent": "Firefox/1 Linux"}).status_code == 303
        page = client.get("/account").text
        assert f'<option value="{tenant_id}" selected>' in page
        assert "Firefox on Linux" in page
        token = re.search(r'name="csrf" value="([^"]+)"', page)[1]


def test_a_console_ticket_is_for_this_session_and_a_running_machine(world, client, ids):
    token = sign_in(client, "bob")
    answer = client.post(f"/machines/{ids['machine']}/console/ticket", data={"csrf": token})
    with world.writing(SYSTEM) as tx:
        assert redeem_ticket(tx, answer.json["ticket"], ids["broken"]) is None
    answer = client.post(f"/machines/{ids['machine']}/console/ticket", data={"csrf": token})
    with world.writing(SYSTEM) as tx:
        assert redeem_ticket(tx, answer.json["ticket"], ids["machine"]) is not None
    with world.writing(SYSTEM) as tx:
        assert redeem_ticket(tx, answer.json["ticket"], ids["machine"]) is None
    headers = {"Accept": "application/json"}
    refused = client.post(f"/machines/{ids['broken']}/console/ticket", data={"csrf": token}, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (409, "wrong-state")


def test_the_requests_to_copy_do_what_they_say(furnished, world, client, ids):
    api.mount(furnished[2], world.cmdb)
    sign_in(client, "bob")
    page = client.get(f"/machines/{ids['machine']}").text
    texts = [shlex.split(html.unescape(text)) for text in re.findall(r"<code>(curl [^<]+)</code>", page)]
    stop = next(text for text in texts if any("action/stop" in part for part in text))
    assert stop[:3] == ["curl", "--user", "bob"]
    headers = dict(part.split(": ") for flag, part in pairwise(stop) if flag == "--header")
    body = next(part for flag, part in pairwise(stop) if flag == "--data")
    answer = client.open(stop[-1], method="POST", data=body, headers=headers, auth=("bob", PASSWORD))
    assert answer.status_code == 202, answer.text
    assert made(world, "amber-12").state == "STOPPING"


def test_search_finds_by_name_and_by_address_what_the_reader_may_see(world, client, ids):
    sign_in(client, "bob")
    page = client.get("/search?q=amber").text
    assert f"/machines/{ids['machine']}" in page
    assert "/networks/" in client.get("/search?q=10.96.0").text
    assert "/hosts/" not in client.get("/search?q=h1").text


def test_theme_language_and_tenant_are_remembered(furnished):
    client = furnished[2].test_client()
    client.get("/preferences?theme=dark&back=/")
    client.get("/preferences?language=fr&back=/")
    page = client.get("/sign-in").text
    assert 'lang="fr" data-theme="dark"' in page
    token = sign_in(client, "olga")
    client.post("/account/language", data={"csrf": token, "language": "en"})
    other = furnished[2].test_client()
    other.set_cookie("sirocco_language", "fr")
    sign_in(other, "olga")
    assert "Sign out" in other.get("/").text, "the user's own language counts in every browser"


@pytest.mark.parametrize("page", ["machines", "volumes", "networks", "credentials"])
def test_an_operator_who_sees_all_tenants_is_told_whose_a_new_thing_will_be(world, client, page):
    told = "It will belong to the tenant acme."
    token = sign_in(client, "olga")
    assert told in client.get(f"/{page}/new").text
    client.post("/account/tenant", data={"csrf": token, "tenant": world.tenant_id})
    assert told not in client.get(f"/{page}/new").text, "the tenant was chosen"


def form_of(page: str, action: str) -> dict[str, str]:
    """What a form of the page would send if nobody changed it: its hidden fields."""
    form = page.split(f'action="{action}"')[1].split("</form>", maxsplit=1)[0]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def test_a_form_that_is_sent_twice_has_its_effect_once(world, client, ids):
    sign_in(client, "bob")
    sent = form_of(client.get("/volumes/new").text, "/volumes") | {"name": "twice", "capacity": "1"}
    first, second = (client.post("/volumes", data=sent) for _ in range(2))
    assert (second.status_code, second.headers["Location"]) == (first.status_code, first.headers["Location"])
    with world.reading() as tx:
        assert tx.session.query(Volume).where(Volume.name == "twice").count() == 1
    stop = form_of(client.get(f"/machines/{ids['machine']}").text, f"/machines/{ids['machine']}/actions/stop")
    answers = [client.post(f"/machines/{ids['machine']}/actions/stop", data=stop) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    with world.reading() as tx:
        assert tx.session.query(Job).where(Job.target_id == ids["machine"], Job.action == "stop").count() == 1


def test_a_form_that_was_changed_after_it_was_sent_is_another_one(world, client):
    sign_in(client, "bob")
    sent = form_of(client.get("/volumes/new").text, "/volumes") | {"capacity": "1"}
    for name in ("one", "two"):
        assert client.post("/volumes", data=sent | {"name": name}).status_code == 303
    with world.reading() as tx:
        assert tx.session.query(Volume).where(Volume.name.in_(["one", "two"])).count() == 2


def test_a_new_key_that_is_asked_for_twice_is_one_key_and_shown_both_times(client):
    sign_in(client, "bob")
    sent = form_of(client.get("/api-keys").text, "/api-keys") | {"name": "ci", "days": "7"}
    keys = {re.search(r"<code>(sk_[^<]+)</code>", client.post("/api-keys", data=sent).text)[1] for _ in range(2)}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cidr": "10.96.0.0/25"}, "10.96.0.0/25 chevauche un autre réseau de ce fournisseur"),
        ({"cidr": "8.8.8.0/24"}, "Plage d'adresses : 8.8.8.0/24 n'est pas un "),
        ({"mtu": "12"}, "MTU : 12 n'est pas entre 576 et 9216"),
        ({"name": "n" * 300}, "Nom : la valeur dépasse 255 caractères"),
    ],
)
def test_a_reason_is_said_in_the_readers_language(client, change, said):
    token = sign_in(client, "bob")
    client.set_cookie("sirocco_language", "fr")
    answer = client.post("/networks", data={"csrf": token, "name": "n", "reach": "nat"} | change)
    assert answer.status_code == 400
    assert said in html.unescape(answer.text)


def test_why_placement_refused_is_said_in_the_readers_language(world, client):
    with world.writing() as tx:
        machine, job = machines.create(tx, world.machine(name="vast", cpu=64))
    with world.writing(SYSTEM) as tx, pytest.raises(SiroccoError) as refused:
        placement.place_machine(tx, tx.session.get_one(Machine, machine.id))
    with world.writing(SYSTEM) as tx:
        settlement.failed(tx, jobs.get(tx, job.id), refused.value.problem.code, refused.value.details)
    sign_in(client, "bob")
    client.set_cookie("sirocco_language", "fr")
    for page in (f"/machines/{machine.id}", f"/jobs/{job.id}", "/events", "/"):
        assert "trop peu de cœurs libres (2 hôtes)" in html.unescape(client.get(page).text), page
