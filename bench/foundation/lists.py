"""Lists of many machines, by API and portal."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

from sqlalchemy import insert

from bench.foundation.figure import Figure, at_most
from sirocco.cmdb.models import Machine, User
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import MachineState, Role
from sirocco.domain.principal import SYSTEM
from sirocco.identity import sessions
from sirocco.services import tenants, users
from tests.installation import Installation
from tests.world import MIB, World

LISTED, IN_PORTAL, PAGES = 100_000, 10_000, 100


def large(plant: Installation, world: World, token: str) -> list[Figure]:
    """A page of the API's list at many places, and the portal's first page."""
    fill(world, world.tenant_id, world.user_id, LISTED)
    bearer = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    pages = timed_get(plant.url(), "/cimi/machines?$first={first}&$last={last}", bearer, PAGES)
    with world.cmdb.writing(SYSTEM) as tx:
        tenant = tenants.create(tx, "portal")
        user = users.create(tx, "ann", "correct horse", roles={tenant.id: Role.MEMBER})
    fill(world, tenant.id, user.id, IN_PORTAL)
    with world.cmdb.writing(SYSTEM) as tx:
        cookie = sessions.open_session(tx, tx.session.get_one(User, user.id))
    shown = timed_get(plant.url(), "/machines", {"Cookie": f"sirocco_session={cookie}"}, 20)
    p95, median = statistics.quantiles(pages, n=20)[-1], statistics.median(pages)
    return [
        at_most(f"a page of 100 of {LISTED:,} machines, p95", p95, "ms", 50, f"median {median:.0f} ms"),
        at_most(f"portal list of {IN_PORTAL:,} machines, first byte, median", statistics.median(shown), "ms", 200),
    ]


def fill(world: World, tenant_id: str, user_id: str, many: int) -> None:
    """So many machines that were made yesterday, and that nothing is done to."""
    shared = {"tenant_id": tenant_id, "user_id": user_id, "cpu": 1, "memory": 128 * MIB, "image_id": world.image_id}
    shared |= {"state": MachineState.STARTED, "provider_id": world.provider_id}
    shared |= {"created": datetime.now(UTC) - timedelta(days=1)}
    with world.cmdb.writing(SYSTEM) as tx:
        for start in range(0, many, 5000):
            rows = [{"id": new_id(), "name": f"m-{number}", **shared} for number in range(start, start + 5000)]
            tx.session.execute(insert(Machine), rows)


def timed_get(url: str, path: str, headers: dict[str, str], times: int) -> list[float]:
    """Milliseconds to the first byte of each answer, one connection."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    found = []
    for number in range(times):
        begun = time.perf_counter()
        connection.request("GET", path.format(first=1 + number * 100, last=100 + number * 100), headers=headers)
        answer = connection.getresponse()
        found.append((time.perf_counter() - begun) * 1000)
        content = answer.read()
        assert answer.status == 200, content[:300]
    connection.close()
    return found
