"""Debian's Chromium, driven by Playwright; and a watch for what a page must not do."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from web.assets import STATIC

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def chromium():
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's chromium is not installed")
    if not (STATIC / "manifest.json").exists():
        pytest.skip("the portal's assets are not built: make setup")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a browser complained about, and every address it asked."""

    complaints: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def over(self, page: Page) -> None:
        page.on("request", lambda request: self.asked.add(request.url))
        page.on("websocket", lambda socket: self.asked.add(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._note(page, message))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (broken) => "
            "console.error(`policy: ${broken.violatedDirective} ${broken.blockedURI} ${broken.sample}`))"
        )

    def _note(self, page: Page, message) -> None:
        if message.type == "error" and ("policy" in message.text.lower() or "TypeError" in message.text):
            self.complaints.append(f"{page.url}: {message.text}")

    def strangers(self, *ours: str) -> set[str]:
        """Addresses that are none of ours."""
        return {url for url in self.asked if not url.startswith((*ours, "data:", "blob:"))}


@pytest.fixture
def watch():
    return Watch()


def violations(page: Page, *only: str) -> list[str]:
    """What axe finds against WCAG 2.2 AA on a page, or against the rules named."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE.read_text())
    rules = [*only] or ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", rules)["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {[check['data'] for check in node['any']]}"
        for one in found
        for node in one["nodes"]
    ]
