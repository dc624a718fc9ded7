"""The whole way in a real browser on a real installation: create, watch, type, stop, delete; in both languages.

With ``PICTURES=docs/images`` the way also takes the pictures of README and guide.
"""

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sirocco.cmdb.models import Job, JobStep, UsageSample
from sirocco.contracts.states import JobState, Role
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.domain.query import Comparison, Query
from sirocco.services import events, hosts, jobs, machines, networks, providers, templates, tenants, users
from tests.browser.conftest import Watch, violations
from tests.hypervisor import a_hypervisor, offer_tiny
from tests.installation import Installation, free_port, until
from tests.world import MIB

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
PATIENT = 30_000
NO_TRAFFIC = dict.fromkeys(("read", "written", "received", "sent"), 0)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
NEIGHBOURS = {"web-1": "STARTED", "web-2": "STARTED", "database": "STARTED", "build-agent": "STOPPED"}

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
    """An installation with the fake provider, where a tenant has some machines already."""
    installation = Site(tmp_path_factory.mktemp("sirocco"))
    try:
        installation.open()
        world = installation.populate()
        with world.writing(SYSTEM) as tx:
            sizes(tx)
        for name, state in NEIGHBOURS.items():
            with world.writing() as tx:
                job = machines.create(tx, world.machine(name=name, initial_state=state))[1]
            assert installation.settle(job.id).state == JobState.SUCCESS
        installation.world = world
        yield installation
    finally:
        installation.stop()


@pytest.fixture(scope="module")
def real_site(tmp_path_factory):
    """An installation with a hypervisor whose guests boot."""
    with a_hypervisor(1) as hypervisor:
        installation = Site(tmp_path_factory.mktemp("sirocco"))
        try:
            installation.open()
            _furnish(installation, hypervisor)
            yield installation
        finally:
            installation.stop()


def _furnish(installation, hypervisor) -> None:
    with installation.cmdb.writing(SYSTEM) as tx:
        tenant = tenants.create(tx, "acme")
        user = users.create(tx, "bob", "correct horse", roles={tenant.id: Role.MEMBER})
        providers.create(tx, "local", "libvirt", hypervisor["provider"]["settings"])
        offer_tiny(tx, installation.settings.images)
        sizes(tx)

    def probed():
        with installation.cmdb.reading(SYSTEM) as tx:
            return hosts.page(tx).items

    until(probed, "the host is known")
    operator = Principal(user.id, "bob", tenant.id, Role.OPERATOR, everywhere=True)
    with installation.cmdb.writing(operator) as tx:
        wanted = networks.NetworkRequest("default", cidr=hypervisor["network"]["cidr"], nat=True, shared=True)
        job = networks.create(tx, wanted)[1]
    assert installation.settle(job.id).state == JobState.SUCCESS


def sizes(tx) -> None:
    for name, cpu, memory in (("tiny", 1, 128 * MIB), ("small", 1, 512 * MIB), ("medium", 2, 2048 * MIB)):
        content = {"cpu": cpu, "memory": memory // 1024}
        templates.create(tx, "MachineConfiguration", content, name=name, shared=True)


@pytest.fixture
def open_page(chromium, watch):
    """Opens a site in a language."""
    contexts = []

    def opened(site, language):
        context = chromium.new_context(
            base_url=site.url("portal"),
            locale=language,
            reduced_motion="reduce",
            color_scheme="light",
            viewport={"width": 1280, "height": 760},
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENT)
        watch.over(page)
        return page

    yield opened
    for context in contexts:
        context.close()


def sign_in(page: Page, path: str) -> None:
    page.goto(path)
    page.fill("[name=name]", "bob")
    page.fill("[name=password]", "correct horse")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")


def is_live(page: Page) -> None:
    expect(page.locator("[data-stream]")).to_have_attribute("data-state", "live", timeout=PATIENT)


def picture(page: Page, name: str) -> None:
    """For README and guide, when they are asked for."""
    if folder := os.environ.get("PICTURES"):
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=Path(folder) / f"{name}.png")


@dataclass
class Visitor:
    """Somebody who lives through a machine's life, in a language."""

    page: Page
    words: dict[str, str]
    patience: float = PATIENT

    def create(self) -> str:
        """A machine by four fields that are filled in already, watched until it runs and its address is known."""
        sign_in(self.page, "/machines/new")
        expect(self.page.locator("h1")).to_have_text(self.words["new"])
        name = self.page.input_value("[name=name]")
        self.page.get_by_role("button", name=self.words["create"]).click()
        expect(self.page.locator("h1")).to_have_text(name)
        is_live(self.page)
        self.shows("started")
        expect(self.page.locator(".facts").first).to_contain_text("10.", timeout=self.patience)
        return name

    def shows(self, state: str) -> None:
        expect(self.page.locator(".headline .state")).to_have_text(self.words[state], timeout=self.patience)

    def type(self, keys: str, answer: str) -> None:
        self.page.locator(".headline a[href$='/console']").click()
        expect(self.page.locator("#console-status")).to_contain_text(self.words["connected"], timeout=PATIENT)
        self.page.keyboard.press("Enter")
        self.page.keyboard.type(keys)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#terminal .xterm-rows")).to_contain_text(answer, timeout=PATIENT)

    def stop_and_delete(self) -> None:
        self.page.locator(".headline > .actions > form button", has_text=self.words["stop"]).click()
        self.shows("stopped")
        self.page.locator("summary", has_text=self.words["more"]).click()
        self.page.locator(".sheet").get_by_role("link", name=self.words["delete"]).click()
        self.page.locator("dialog[open]").get_by_role("button", name=self.words["delete"]).click()
        self.page.wait_for_url("**/machines?done=deleted", timeout=self.patience)
        expect(self.page.get_by_text(self.words["deleted"])).to_be_visible()


def nothing_amiss(watch: Watch, site: Site) -> None:
    assert watch.complaints == []
    assert watch.strangers(*site.origins) == set()


@pytest.mark.parametrize("language", WORDS)
def test_a_machine_s_whole_life(open_page, site, watch, language):
    page = open_page(site, language)
    visitor = Visitor(page, WORDS[language])
    name = visitor.create()
    address = page.url
    assert violations(page) == []
    if language == "en-GB":
        picture(page, "machine")
        page.goto("/machines")
        is_live(page)
        picture(page, "machines")
        page.goto(address)

    visitor.type("hostname", f"{name}$ hostname")
    assert violations(page) == []
    page.goto(address)
    visitor.stop_and_delete()
    expect(page.locator("#list")).not_to_contain_text(name)
    nothing_amiss(watch, site)


@pytest.mark.hypervisor
def test_a_real_machine_s_whole_life(open_page, real_site, watch):
    page = open_page(real_site, "en-GB")
    visitor = Visitor(page, WORDS["en-GB"], patience=240_000)
    visitor.create()
    address = page.url
    visitor.type("echo sirocco-$((6*7)) && uname -a", "sirocco-42")
    picture(page, "console")
    page.goto(address)
    visitor.stop_and_delete()
    nothing_amiss(watch, real_site)


def test_a_job_is_watched_step_by_step_and_a_quiet_page_asks_for_nothing(open_page, site):
    with site.world.writing() as tx:
        job = jobs.submit(tx, "ActOnMachine", "restart", machines.page(tx).items[0], arguments={"before": "STARTED"})
        job.due = NEVER
    page = open_page(site, "en-GB")
    sign_in(page, f"/jobs/{job.id}")
    is_live(page)
    for step, state in (("place", "RUNNING"), ("place", "SUCCESS"), ("restart", "RUNNING")):
        _note(site, job.id, step, state)
        expect(page.locator(".timeline li").last.get_by_role("img")).to_have_attribute(
            "aria-label", {"RUNNING": "Running", "SUCCESS": "Success"}[state], timeout=3_000
        )
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(4_000)
    assert asked == [], "a job at work, and nothing happens: the page waits for the stream"
    with site.world.writing() as tx:
        jobs.stop(tx, job.id)
    expect(page.locator(".headline .state")).to_have_text("Stopped", timeout=3_000)


def test_new_figures_of_a_machine_appear_by_themselves(open_page, site):
    with site.world.reading() as tx:
        machine = machines.page(tx, Query(Comparison("name", "=", "build-agent"))).items[0]
    page = open_page(site, "en-GB")
    sign_in(page, f"/machines/{machine.id}")
    is_live(page)
    assert page.locator("#use").count() == 0, "it never ran"
    with site.world.writing(SYSTEM) as tx:
        for second, cpu in ((10, 1), (5, 2), (0, 4)):
            at = tx.now - timedelta(seconds=second)
            tx.add(UsageSample(machine_id=machine.id, at=at, cpu_time=cpu * 10**9, memory=MIB, **NO_TRAFFIC))
        provider = providers.get(tx, site.world.provider_id)
        providers.probed(tx, provider, provider.api_version, provider.capabilities)
    expect(page.locator("#use tbody tr")).to_have_count(2, timeout=5_000)
    expect(page.locator("#figures [data-chart] canvas")).to_have_count(2)


def _note(site, job_id: str, step: str, state: str) -> None:
    """As a worker does."""
    with site.world.writing(SYSTEM) as tx:
        row = tx.session.get(JobStep, (job_id, step)) or tx.add(JobStep(job_id=job_id, name=step, state=state))
        row.state = state
        events.record(tx, tx.session.get_one(Job, job_id), "state", {"step": step, "state": state}, job_id=job_id)
