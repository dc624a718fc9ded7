"""The whole way in a real browser on a real installation, in both languages: create, watch, type, stop, delete."""

import sys

import pytest
from playwright.sync_api import Page, expect

from sirocco.domain.principal import SYSTEM
from sirocco.services import templates
from tests.browser.conftest import violations
from tests.installation import Installation, free_port, until

pytestmark = pytest.mark.browser
PATIENT = 30_000

WORDS = {
    "en-GB": {
        "new": "New machine",
        "create": "Create the machine",
        "started": "Started",
        "stop": "Stop",
        "stopped": "Stopped",
        "more": "More",
        "delete": "Delete",
        "connected": "Connected.",
        "deleted": "Deleted.",
    },
    "fr-FR": {
        "new": "Nouvelle machine",
        "create": "Créer la machine",
        "started": "En marche",
        "stop": "Arrêter",
        "stopped": "À l'arrêt",
        "more": "Plus",
        "delete": "Supprimer",
        "connected": "Connecté.",
        "deleted": "C'est supprimé.",
    },
}


class Site(Installation):
    """An installation with portal and consoles, which know each other's ports."""

    def __post_init__(self) -> None:
        self.port, self.console_port = free_port(), free_port()
        super().__post_init__()

    def environment(self, **more: str) -> dict[str, str]:
        ports = {"SIROCCO_PORT": str(self.port), "SIROCCO_CONSOLE_PORT": str(self.console_port)}
        return super().environment(**ports, **more)

    def open(self) -> None:
        self.start()
        self.web_ports["portal"] = self.port
        self.spawn("portal", [sys.executable, "-m", "sirocco.server"])
        self.spawn("console", [sys.executable, "-m", "sirocco.console"])
        until(lambda: self.web_answers("portal"), "the portal answers")
        self.web_ports["console"] = self.console_port
        until(lambda: self.web_answers("console"), "the console process answers")

    @property
    def origins(self) -> tuple[str, str, str]:
        console = f"127.0.0.1:{self.console_port}/"
        return f"{self.url('portal')}/", f"http://{console}", f"ws://{console}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    installation = Site(tmp_path_factory.mktemp("sirocco"))
    try:
        installation.open()
        world = installation.populate()
        with world.writing(SYSTEM) as tx:
            templates.create(tx, "MachineConfiguration", {"cpu": 1, "memory": 131072}, name="tiny", shared=True)
        yield installation
    finally:
        installation.stop()


@pytest.fixture
def page(chromium, site, watch, request):
    context = chromium.new_context(base_url=site.url("portal"), locale=request.param, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENT)
    watch.over(page)
    yield page
    context.close()


def sign_in(page: Page) -> None:
    page.goto("/machines/new")
    page.fill("[name=name]", "bob")
    page.fill("[name=password]", "correct horse")
    page.keyboard.press("Enter")
    page.wait_for_url("**/machines/new")


def state(page: Page):
    return page.locator(".headline .state")


@pytest.mark.parametrize(("page", "words"), WORDS.items(), indirect=["page"], ids=WORDS)
def test_a_machine_s_whole_life(page, words, site, watch):
    sign_in(page)
    expect(page.locator("h1")).to_have_text(words["new"])
    name = page.input_value("[name=name]")
    page.get_by_role("button", name=words["create"]).click()
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("[data-stream]")).to_have_attribute("data-state", "live", timeout=PATIENT)
    expect(state(page)).to_have_text(words["started"], timeout=PATIENT)
    address = page.url
    assert violations(page) == []

    page.locator(".headline a[href$='/console']").click()
    expect(page.locator("#console-status")).to_contain_text(words["connected"], timeout=PATIENT)
    page.keyboard.type("hostname")
    page.keyboard.press("Enter")
    expect(page.locator("#terminal .xterm-rows")).to_contain_text(f"{name}$ hostname", timeout=PATIENT)
    assert violations(page) == []

    page.goto(address)
    page.locator(".headline > .actions > form button", has_text=words["stop"]).click()
    expect(state(page)).to_have_text(words["stopped"], timeout=PATIENT)
    page.locator("summary", has_text=words["more"]).click()
    page.locator(".sheet").get_by_role("link", name=words["delete"]).click()
    page.locator("dialog[open]").get_by_role("button", name=words["delete"]).click()
    page.wait_for_url("**/machines?done=deleted")
    expect(page.get_by_text(words["deleted"])).to_be_visible()
    expect(page.locator("#list")).not_to_contain_text(name)

    assert watch.complaints == []
    assert watch.strangers(*site.origins) == set()
