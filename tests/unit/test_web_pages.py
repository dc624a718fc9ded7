"""Every page of the portal for every role: it answers, says who may, and tells the browser what to refuse."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy.exc import OperationalError

from sirocco.cmdb.models import Machine
from sirocco.contracts.states import Role
from sirocco.domain.principal import SYSTEM
from sirocco.services import machines, tenants, users, volumes
from tests.portal import PASSWORD, PEOPLE, furnish, portal_app, sign_in
from tests.world import a_cmdb, populate
from web.views import AREAS


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    home = tmp_path_factory.mktemp("portal")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        world = populate(cmdb)
        yield world, furnish(world), portal_app(cmdb, home)


@pytest.fixture
def app(furnished):
    return furnished[2]


@pytest.fixture
def client(app):
    return app.test_client()


def unsafe_routes(app, visited):
    """Every route that changes something, with ids filled in."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("portal.") and "POST" in rule.methods:
            path = rule.rule.replace("<action>", "start")
            area = rule.endpoint.split(".")[1].removesuffix("_actions").removesuffix("_console").removesuffix("s")
            yield rule.endpoint, path.replace("<id>", visited.ids.get(area, visited.ids["machine"]))


def posted(page: str) -> list[str]:
    """Every form of a page that changes something."""
    return re.findall(r'<form[^>]* method="post".*?</form>', page, re.DOTALL)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", PEOPLE)
def test_every_page_answers_with_headers_and_without_inline_code(furnished, client, name, language):
    _, visited, _ = furnished
    sign_in(client, name)
    client.set_cookie("sirocco_language", language)
    for path in visited.pages(PEOPLE[name]):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert f'<html lang="{language}"' in answer.text, path
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'"), path
        assert "unsafe" not in policy, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store", path
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text), path
        assert all('name="once"' in form or "/sign-out" in form for form in posted(answer.text)), path
        assert not re.search(r'(?:src|href)="https?://(?!127\.0\.0\.1:8233)', answer.text), path


def test_the_terminal_page_has_a_nonce_of_its_own_each_time(furnished, client):
    _, visited, _ = furnished
    sign_in(client, "bob")
    path = f"/machines/{visited.ids['machine']}/console"
    first, second = (client.get(path) for _ in range(2))
    nonces = [re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])[1] for answer in (first, second)]
    assert nonces[0] != nonces[1]
    assert f'data-nonce="{nonces[0]}"' in first.text


def test_without_a_session_every_page_leads_to_the_door(furnished, client):
    _, visited, _ = furnished
    for path in visited.pages(Role.OPERATOR):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, "/sign-in"), path


@pytest.mark.parametrize(
    ("came", "back"),
    [("http://localhost/networks/new?x=1", "/networks/new?x=1"), ("http://evil.example/networks", None), ("", None)],
)
def test_a_form_sent_after_the_session_ended_is_said_to_be_undone(client, came, back):
    answer = client.post("/networks", data={"name": "lost"}, headers={"Referer": came})
    door = urlsplit(answer.headers["Location"])
    asked = parse_qs(door.query)
    assert (answer.status_code, door.path, asked.get("next", [None])[0]) == (303, "/sign-in", back)
    assert "What you sent was not done" in client.get(answer.headers["Location"]).text


@pytest.mark.parametrize("end", ["disabled", "deleted"])
@pytest.mark.parametrize("name", ["wanda", "oscar"])
def test_a_session_ends_with_its_tenant_and_the_door_stays_open(furnished, client, name, end):
    world = furnished[0]
    with world.writing(SYSTEM) as tx:
        tenant = tenants.create(tx, f"closing {name} {end}")
        users.create(tx, f"{name} {end}", PASSWORD, roles={tenant.id: Role.MEMBER}, operator=name == "oscar")
    token = sign_in(client, f"{name} {end}")
    assert client.post("/account/tenant", data={"csrf": token, "tenant": tenant.id}).status_code == 303
    with world.writing(SYSTEM) as tx:
        tenants.delete(tx, tenant.id) if end == "deleted" else tenants.update(tx, tenant.id, {"enabled": False})
    assert client.get("/machines").headers["Location"] == "/sign-in?next=/machines"
    lost = client.post("/credentials", data={"csrf": token, "name": "lost", "password": "x"})
    assert lost.headers["Location"] == "/sign-in?done=expired"
    page = client.get("/sign-in")
    assert page.status_code == 200
    door = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    answer = client.post("/sign-in", data={"csrf": door, "name": f"{name} {end}", "password": PASSWORD})
    if name == "oscar":
        assert answer.status_code == 303
        assert client.get("/machines").status_code == 200
    else:
        assert answer.status_code == 403
        assert "no role in a tenant that is enabled" in answer.text


def test_the_door_leads_back_to_the_page_that_was_wanted_and_nowhere_else(furnished, client):
    sign_in(client, "bob")
    assert client.get("/sign-in?next=/volumes").headers["Location"] == "/volumes"
    for foreign in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"):
        assert client.get("/sign-in", query_string={"next": foreign}).headers["Location"] == "/"


def test_csrf_every_unsafe_route(furnished, app, client):
    _, visited, _ = furnished
    sign_in(client, "olga")
    tried = 0
    for endpoint, path in unsafe_routes(app, visited):
        if endpoint in {"portal.door.report", "portal.engine.decode"}:
            continue  # change nothing
        for form in ({}, {"csrf": "wrong"}):
            answer = client.post(path, data=form)
            assert answer.status_code == 403, (endpoint, path)
            assert "csrf" in answer.text, endpoint
        tried += 1
    assert tried > 30


def test_a_form_sent_by_another_site_is_refused_even_with_the_token(furnished, client):
    token = sign_in(client, "bob")
    form = {"csrf": token, "name": "key"}
    assert client.post("/api-keys", data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/api-keys", data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 201


def test_every_area_states_a_role_for_every_route(app):
    free = {"door", "engine"}  # sign-in, reports, payloads: they check for themselves
    for area in AREAS:
        if area.name not in free:
            endpoints = {
                rule.endpoint.split(".")[-1] for rule in app.url_map.iter_rules() if f".{area.name}." in rule.endpoint
            }
            assert endpoints == set(area.roles), area.name


@pytest.mark.parametrize("name", [name for name, role in PEOPLE.items() if role != Role.OPERATOR])
def test_a_page_above_ones_role_is_refused_with_the_role_it_needs(furnished, client, name):
    _, visited, _ = furnished
    sign_in(client, name)
    mine = set(visited.pages(PEOPLE[name]))
    for path in set(visited.pages(Role.OPERATOR)) - mine:
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "forbidden" in answer.text, path


def test_a_viewer_can_change_nothing(furnished, app, client):
    world, visited, _ = furnished
    token = sign_in(client, "vera")
    with world.reading() as tx:
        before = tx.session.query(Machine).count()
    for endpoint, path in unsafe_routes(app, visited):
        area = endpoint.split(".")[1]
        if area in {"door", "engine", "account", "keys"}:
            continue  # one's own session, account and keys
        assert client.post(path, data={"csrf": token, "name": "x"}).status_code == 403, endpoint
    with world.reading() as tx:
        assert tx.session.query(Machine).count() == before


def test_cookies_are_out_of_reach(furnished, app):
    client = app.test_client()
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in", base_url="https://sirocco.test").text)[1]
    form = {"csrf": token, "name": "bob", "password": "correct horse"}
    answer = client.post("/sign-in", data=form, base_url="https://sirocco.test")
    session = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("sirocco_session="))
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(session.split("; "))


def test_signing_in_changes_the_session_and_signing_out_ends_it(furnished, app):
    client = app.test_client()
    client.set_cookie("sirocco_session", "planted")
    token = sign_in(client, "vera")
    assert client.get_cookie("sirocco_session").value != "planted"
    other = app.test_client()
    sign_in(other, "vera")
    answer = client.post("/sign-out", data={"csrf": token, "everywhere": "yes"})
    assert answer.headers["Location"].startswith("/sign-in")
    assert client.get("/").status_code == 303
    assert other.get("/").status_code == 303


def test_a_wrong_password_is_refused_without_saying_which_part_was_wrong(furnished, app):
    texts = set()
    for name in ("bob", "nobody"):
        client = app.test_client()
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in").text)[1]
        answer = client.post("/sign-in", data={"csrf": token, "name": name, "password": "wrong"})
        assert answer.status_code == 401
        texts.add(re.search(r'role="alert">(.*?)<small', answer.text, re.DOTALL)[1])
    assert len(texts) == 1


@pytest.mark.parametrize(("language", "sentence"), [("en", "There is no machine"), ("fr", "Introuvable : machine")])
def test_an_error_says_code_cause_remedy_and_request(furnished, client, language, sentence):
    sign_in(client, "bob")
    client.set_cookie("sirocco_language", language)
    answer = client.get("/machines/nowhere")
    assert answer.status_code == 404
    assert sentence in answer.text
    assert "not-found" in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_a_template_that_is_gone_is_named_in_words(client):
    sign_in(client, "bob")
    client.set_cookie("sirocco_language", "fr")
    assert "modèle de machine nowhere" in client.get("/machines/new?template=nowhere").text


@pytest.mark.parametrize("path", ["/machines?sort=name", "/jobs?q=e", "/images?type=IMAGE", "/users", "/hosts"])
def test_a_page_behind_the_last_leads_to_the_last(client, path):
    sign_in(client, "olga")
    mark = "&" if "?" in path else "?"
    answer = client.get(f"{path}{mark}page=99")
    assert answer.status_code == 303
    last = client.get(answer.headers["Location"])
    assert last.status_code == 200
    assert 'class="pager"' in last.text
    asked = path.partition("?")[2]
    assert asked in answer.headers["Location"]
    assert client.get(f"{path}{mark}q=nothingofthisname&page=99", follow_redirects=True).status_code == 200


def test_a_fault_of_ours_shows_no_trace(furnished, client, monkeypatch):
    sign_in(client, "bob")
    monkeypatch.setattr(volumes, "page", lambda *_: 1 / 0)
    answer = client.get("/volumes")
    assert answer.status_code == 500
    assert not re.search("ZeroDivision|Traceback", answer.text)
    assert answer.headers["X-Request-Id"] in answer.text


def test_another_tenants_machine_does_not_exist(furnished, app):
    world, visited, _ = furnished
    with world.writing(SYSTEM) as tx:
        tenant = tenants.create(tx, "initech")
        users.create(tx, "iris", "correct horse", roles={tenant.id: Role.MEMBER})
    client = app.test_client()
    token = sign_in(client, "iris")
    for path in visited.pages(Role.MEMBER):
        if any(
            visited.ids[one] in path for one in ("machine", "volume", "network", "credential", "job", "failed", "bulk")
        ):
            assert client.get(path).status_code == 404, path
    stopped = client.post(f"/machines/{visited.ids['machine']}/actions/stop", data={"csrf": token})
    assert stopped.status_code == 404


def test_names_are_never_read_as_markup(furnished, app):
    world, _, _ = furnished
    with world.writing() as tx:
        machine, _ = machines.create(tx, world.machine(name='"><script>alert(1)</script>'))
    client = app.test_client()
    sign_in(client, "bob")
    for path in ("/", "/machines", f"/machines/{machine.id}", "/jobs", "/events", "/search?q=script"):
        assert "<script>alert" not in client.get(path).text, path


@pytest.mark.parametrize(("language", "said"), [("en", "API key created"), ("fr", "Clé d&#39;API : création")])
def test_an_abbreviation_stays_one_at_the_head_of_an_event(furnished, app, language, said):
    world, _, _ = furnished
    with world.writing() as tx:
        users.create_key(tx, "mine")
    client = app.test_client()
    sign_in(client, "bob")
    client.set_cookie("sirocco_language", language)
    assert said in client.get("/events").text


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "There is no page /nowhere"), ("fr", "Introuvable : page /nowhere")]
)
@pytest.mark.parametrize("name", ["", "bob"])
def test_an_address_that_no_route_has_is_answered_by_a_page_of_ours(client, language, sentence, name):
    if name:
        sign_in(client, name)
    client.set_cookie("sirocco_language", language)
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert sentence in answer.text
    assert ('href="/machines"' in answer.text) == bool(name), "the menu is for those who are signed in"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Request-Id"] in answer.text
    assert client.post("/nowhere").status_code == 404
    assert client.get("/nowhere", headers={"Accept": "application/json"}).json["code"] == "not-found"


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "Something went wrong"), ("fr", "Quelque chose s'est mal passé")]
)
def test_a_fault_outside_of_the_pages_is_answered_by_a_page_of_ours(furnished, tmp_path, language, sentence):
    app = portal_app(furnished[0].cmdb, tmp_path)
    app.add_url_rule("/broken", view_func=lambda: 1 / 0)
    answer = app.test_client().get("/broken", headers={"Accept-Language": language, "Accept": "text/html"})
    assert answer.status_code == 500
    assert sentence in html.unescape(answer.text)
    assert not re.search("ZeroDivision|Traceback", answer.text)
    assert answer.headers["X-Request-Id"] in answer.text


@pytest.mark.parametrize("when", ["at once", "after the reader is known"])
def test_a_database_that_does_not_answer_is_said_so_without_the_menu(furnished, client, monkeypatch, when):
    world, _, _ = furnished
    sign_in(client, "bob")
    reading, calls = world.cmdb.reading, iter(range(9))

    def fails(who):
        if when == "at once" or next(calls):
            raise OperationalError("SELECT 1", {}, Exception("database is locked"))
        return reading(who)

    monkeypatch.setattr(world.cmdb, "reading", fails)
    monkeypatch.setattr(volumes, "page", lambda *_: 1 / 0)
    answer = client.get("/volumes")
    assert answer.status_code == (503 if when == "at once" else 500)
    assert 'href="/machines"' not in answer.text
    assert "database is locked" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
