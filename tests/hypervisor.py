"""A private hypervisor for tests: daemons of their own with real guests, and the tiny image for them."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sirocco.cmdb.models import Image
from sirocco.cmdb.transaction import Transaction
from sirocco.hypervisor import local, requirements
from sirocco.images.build import build_tiny, missing_packages
from sirocco.services import images
from tests.world import MIB


@contextmanager
def a_hypervisor(count: int) -> Iterator[dict[str, Any]]:
    """``count`` hosts that run, gone afterwards; the test is skipped where none can run."""
    lacks = [*(f"{lack.what} ({lack.remedy})" for lack in requirements.missing()), *missing_packages()]
    if lacks:
        pytest.skip("a real hypervisor needs " + "; ".join(lacks))
    root = Path(tempfile.mkdtemp(prefix="sir"))
    try:
        yield local.start(root, hosts=count)
    finally:
        _tell(root)
        local.stop(root)
        shutil.rmtree(root, ignore_errors=True)


def _tell(root: Path) -> None:
    """Print how the machines there fare and what they said last: pytest shows it beside a test that failed."""
    provider = local.status(root).get("provider", {"settings": {"hosts": []}})
    for host in provider["settings"]["hosts"]:
        stats = ["virsh", "-q", "-c", host["uri"], "domstats", "--state", "--vcpu", "--interface"]
        print(host["name"], subprocess.run(stats, capture_output=True, text=True, check=False, timeout=30).stdout)
    for log in sorted(root.rglob("*.log")):
        print(log.name, *log.read_text(errors="replace").splitlines()[-20:], sep="\n  ")


def offer_tiny(tx: Transaction, folder: Path) -> Image:
    """The tiny image, built in ``folder`` and offered to all tenants."""
    tiny = build_tiny(folder)
    boot = {"kernel": str(tiny.kernel), "initrd": str(tiny.initrd), "cmdline": tiny.cmdline}
    file = images.ImageFile("tiny", str(tiny.disk), "qcow2", tiny.disk.stat().st_size, 64 * MIB, boot)
    return images.register(tx, file, shared=True)
