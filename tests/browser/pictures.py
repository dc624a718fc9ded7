"""Takes the pictures of README and guide: ``python -m tests.browser.pictures``."""

import tempfile
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright
from sqlalchemy import select
from werkzeug.serving import make_server

from sirocco.cmdb.models import Address, Machine, NicAddress
from sirocco.domain.principal import SYSTEM
from tests.portal import PASSWORD, furnish, portal_app
from tests.world import World, a_cmdb, populate

PICTURES = Path(__file__).parents[2] / "docs" / "images"


def address_all(world: World) -> None:
    """Addresses as DHCP would have given them."""
    with world.writing(SYSTEM) as tx:
        for number, machine in enumerate(tx.session.scalars(select(Machine))):
            row = Address(tenant_id=machine.tenant_id, network_id=world.network_id, ip=f"10.96.0.{number + 11}")
            row.machine_id = machine.id
            tx.add(row)
            machine.nics[0].addresses.append(NicAddress(address_id=row.id))


def take(base: str, pages: dict[str, str]) -> None:
    """One picture of each page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        page = browser.new_page(base_url=base, viewport={"width": 1200, "height": 720}, locale="en-GB")
        page.goto("/sign-in")
        page.fill("[name=name]", "bob")
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.add_init_script(
            "document.addEventListener('DOMContentLoaded', () => document.querySelector('.pulse')?.remove())"
        )
        for name, path in pages.items():
            page.goto(path)
            page.evaluate("document.querySelector('.pulse').remove()")  # no stream runs here
            page.screenshot(path=PICTURES / f"{name}.png")
        browser.close()


def main() -> None:
    """A furnished portal, looked at."""
    home = Path(tempfile.mkdtemp())
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        world = populate(cmdb)
        ids = furnish(world).ids
        address_all(world)
        server = make_server("127.0.0.1", 0, portal_app(cmdb, home), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        take(f"http://127.0.0.1:{server.port}", {"machines": "/machines", "machine": f"/machines/{ids['machine']}"})
        server.shutdown()


if __name__ == "__main__":
    main()
