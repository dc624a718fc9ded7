"""Building the front end beside pages that are open."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from web.assets import STATIC

WEB = STATIC.parent
MONTH = 31 * 86400

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (WEB / "node_modules").is_dir(),
    reason="node and the front-end packages are not installed: run `make setup`",
)


@pytest.fixture
def front(tmp_path):
    """A copy of the front end's sources."""
    shutil.copytree(WEB / "assets", tmp_path / "assets")
    for name in ("build.mjs", "package.json", "tsconfig.json"):
        shutil.copy(WEB / name, tmp_path / name)
    (tmp_path / "node_modules").symlink_to(WEB / "node_modules")
    return tmp_path


def built(front: Path, style: str) -> dict[str, str]:
    """What the manifest says once the style was changed and everything built."""
    with (front / "assets" / "css" / "app.css").open("a") as sheet:
        sheet.write(style)
    subprocess.run(["node", "build.mjs"], cwd=front, check=True, capture_output=True)
    return json.loads((front / "static" / "manifest.json").read_text())


def files(front: Path) -> set[str]:
    return {path.name for path in (front / "static").iterdir()}


def test_what_open_pages_use_stays_for_a_month(front):
    first = built(front, "")
    second = built(front, ".second{color:red}")
    third = built(front, ".third{color:red}")
    assert len({one["app.css"] for one in (first, second, third)}) == 3
    assert files(front) >= {*first.values(), *second.values(), *third.values(), "manifest.json"}
    old = time.time() - MONTH
    for name in (first["app.css"], third["app.js"]):
        os.utime(front / "static" / name, (old, old))
    last = built(front, ".last{color:red}")
    assert first["app.css"] not in files(front)
    assert files(front) >= {second["app.css"], third["app.css"], third["app.js"], *last.values()}


def test_what_was_current_until_now_counts_from_now(front):
    first = built(front, "")
    old = time.time() - MONTH
    os.utime(front / "static" / first["app.css"], (old, old))
    second = built(front, ".second{color:red}")
    assert files(front) >= {first["app.css"], second["app.css"]}
