"""Every page in a real browser: no barrier that axe knows, no broken policy, nothing foreign, no side scrolling."""

import re
import threading

import pytest
from playwright.sync_api import expect
from werkzeug.serving import WSGIRequestHandler, make_server

from sirocco.contracts.states import Role
from tests.browser.conftest import violations
from tests.installation import free_port, until
from tests.portal import PASSWORD, furnish, portal_app
from tests.world import a_cmdb, populate

pytestmark = pytest.mark.browser

SILENT = free_port()
"""Where nobody gives news: another installation on the machine must not."""


PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_arguments):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    home = tmp_path_factory.mktemp("portal")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        visited = furnish(populate(cmdb))
        app = portal_app(cmdb, home, console_port=SILENT)
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.port}", visited
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def reader(chromium, site, watch):
    contexts = []

    def open_as(name, **looks):
        context = chromium.new_context(base_url=site[0], reduced_motion="reduce", **looks)
        contexts.append(context)
        page = context.new_page()
        watch.over(page)
        page.goto("/sign-in")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_url(f"{site[0]}/")
        return page

    yield open_as
    for context in contexts:
        context.close()


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("language", ["en-GB", "fr-FR"])
def test_no_page_has_a_barrier_by_day_or_by_night(reader, site, watch, language, part):
    page = reader("olga", color_scheme="light", locale=language, viewport={"width": 1280, "height": 900})
    barriers = {}
    for path in site[1].pages(Role.OPERATOR)[part::4]:
        page.goto(path, wait_until="load")
        found = violations(page)
        if language == "en-GB":
            page.emulate_media(color_scheme="dark")  # colours change, which no other rule and no language minds
            page.evaluate(PAINTED)
            found += violations(page, "color-contrast")
            page.emulate_media(color_scheme="light")
        if found:
            barriers[path] = found
    assert barriers == {}
    assert watch.complaints == []
    assert watch.strangers(site[0], f"http://127.0.0.1:{SILENT}/", f"ws://127.0.0.1:{SILENT}/") == set()


def test_a_barrier_would_be_found(reader):
    page = reader("bob")
    page.goto("/machines/new")
    page.evaluate("document.querySelector('label[for=f-name]').remove()")
    page.evaluate("document.querySelector('h1').style.color = '#eee'")
    planted = {"label", "color-contrast"}
    until(
        lambda: {one.split(":")[0] for one in violations(page)} >= planted, "both are found once painted", patience=10
    )


def test_a_broken_policy_would_be_noticed(reader, watch):
    page = reader("bob")
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://elsewhere.invalid/'}))")
    until(lambda: page.title() and watch.complaints, "the browser complains", patience=10)
    assert "img-src" in watch.complaints[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_door_has_no_barrier(chromium, site, watch, theme):
    page = chromium.new_context(base_url=site[0], color_scheme=theme).new_page()
    watch.over(page)
    page.goto("/sign-in")
    assert violations(page) == []
    page.fill("[name=name]", "nobody")
    page.fill("[name=password]", "wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert violations(page) == []
    assert watch.complaints == []


@pytest.mark.parametrize("part", range(2))
def test_no_page_scrolls_sideways_or_has_a_barrier_at_320_pixels(reader, site, part):
    page = reader("olga", locale="fr-FR", viewport={"width": 320, "height": 640})
    wide, barriers = [], {}
    for path in site[1].pages(Role.OPERATOR)[part::2]:
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
        if found := violations(page):
            barriers[path] = found
    assert (wide, barriers) == ([], {})


def test_the_menu_opens_on_a_narrow_screen(reader):
    page = reader("bob", viewport={"width": 320, "height": 640})
    page.get_by_role("link", name="Menu").click()
    page.get_by_role("link", name="Volumes", exact=True).click()
    page.wait_for_url("**/volumes")


@pytest.mark.parametrize("width", [320, 780, 1280])
def test_the_operations_of_a_machine_are_on_the_screen(reader, site, width):
    page = reader("bob", locale="fr-FR", viewport={"width": width, "height": 700})
    page.goto(f"/machines/{site[1].ids['machine']}")
    page.locator("main summary", has_text="Plus").click()
    sheet = page.locator("main .sheet").bounding_box()
    assert sheet["x"] >= 0
    assert sheet["x"] + sheet["width"] <= width
    assert sheet["y"] + sheet["height"] <= 700
    page.get_by_role("link", name="Supprimer").click()
    page.wait_for_selector("dialog#dialog[open]")
    expect(page.locator("details.menu[open]")).to_have_count(0)


@pytest.mark.parametrize("width", [780, 1000, 1280])
def test_no_list_scrolls_sideways_between_telephone_and_desk(reader, width):
    page = reader("olga", locale="fr-FR", viewport={"width": width, "height": 700})
    lists = ("machines", "volumes", "images", "networks", "templates", "jobs", "users", "hosts", "providers", "quotas")
    wide = []
    for path in lists:
        page.goto(f"/{path}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    assert wide == []


def test_a_refused_form_begins_where_it_is_wrong(reader):
    page = reader("bob")
    page.goto("/networks/new")
    page.fill("[name=cidr]", "8.8.8.0/24")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    expect(page.locator(":focus")).to_have_attribute("name", "cidr")


def test_the_keyboard_reaches_everything(reader, site):
    page = reader("bob")
    page.goto("/machines")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_id("main")
    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette[open]")
    page.keyboard.type("amber")
    page.wait_for_selector("#palette .found a")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/machines/*")
    page.locator("details.menu summary", has_text="More").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Resize")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Resize")).to_be_hidden()


def tab_to(page, name: str) -> None:
    """Press Tab until what is focused has this name."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText.trim()") == name:
            return
    raise AssertionError(f"Tab never reaches {name}")


def test_a_machine_is_made_and_another_ended_without_a_mouse(reader, site):
    page = reader("bob")
    page.goto("/machines")
    tab_to(page, "New machine")
    page.keyboard.press("Enter")
    expect(page.locator("[name=name]")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("by-keyboard")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("by-keyboard")
    page.goto(f"/machines/{site[1].ids['spare']}")
    tab_to(page, "More")
    page.keyboard.press("Enter")
    tab_to(page, "Delete")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog#dialog[open]")
    expect(page.locator(":focus")).to_have_text("Delete")
    page.keyboard.press("Enter")
    expect(page.locator(".headline .state")).to_have_text("Deleting")


def test_a_form_opens_in_a_dialog_and_escape_leaves_it(reader, site, watch):
    page = reader("bob")
    page.goto(f"/machines/{site[1].ids['machine']}")
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Take a snapshot").click()
    page.wait_for_selector("dialog#dialog[open]")
    expect(page.locator("dialog input[name=name]")).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("dialog#dialog[open]")).to_have_count(0)
    assert watch.complaints == []


def settled(page) -> None:
    """Wait until htmx has put in what it asked for; the policy of the pages refuses waiting by a script."""
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def test_a_list_is_searched_while_typing_and_ticked_rows_bring_the_bulk_bar(reader):
    page = reader("bob")
    page.goto("/machines")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    page.fill("#q", "amber")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("q=amber&state=&sort=-created$"))
    with page.expect_response(re.compile("q=amber")):  # leaving the field asks again, and the tick outlives the answer
        page.check("#list tbody input[type=checkbox]")
    settled(page)
    expect(page.locator("[data-chosen]")).to_have_text("1")
    expect(page.locator("#list tbody input[type=checkbox]")).to_be_checked()
    expect(page.get_by_role("button", name="Restart")).to_be_visible()


def test_news_leave_a_search_as_it_is(reader):
    page = reader("bob")
    page.goto("/machines")
    everything = page.locator("#list tbody tr").count()
    page.fill("#q", "amber")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    with page.expect_response(re.compile("q=amber")):
        page.evaluate("document.querySelector('[data-live]').dispatchEvent(new Event('refresh'))")
    settled(page)
    expect(page.locator("#list tbody tr")).to_have_count(1)
    page.fill("#q", "")
    expect(page.locator("#list tbody tr")).to_have_count(everything)


def test_a_text_is_copied_where_the_browser_has_no_clipboard_for_pages(reader, site, watch):
    """Over plain http beyond loopback; here the page's own is taken away."""
    page = reader("bob")
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    machine = site[1].ids["machine"]
    page.goto(f"/machines/{machine}")
    page.evaluate("document.addEventListener('copy', () => (document.title = String(getSelection())))")
    page.get_by_role("button", name="Copy id").click()
    expect(page.locator("#announcement")).to_have_text("Copied.")
    assert page.title() == machine
    assert page.locator("textarea.unseen").count() == 0
    assert not watch.complaints


def test_lists_pages_and_forms_work_without_scripts(chromium, site):
    context = chromium.new_context(base_url=site[0], java_script_enabled=False)
    page = context.new_page()
    page.goto("/machines")
    page.fill("[name=name]", "bob")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/machines")
    page.fill("main [name=q]", "dune")
    page.click("main .tools button")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    page.goto("/machines/new")
    page.fill("[name=name]", "plain")
    page.click("main form button.primary")
    expect(page.locator("h1")).to_have_text("plain")
    context.close()
