"""A short run of every fuzz target, so that a broken target or an easy crash is noticed at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.ovf.__main__ import TARGETS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("target", TARGETS)
def test_fuzz_target(target):
    pytest.importorskip("atheris", reason="atheris comes with the development requirements")
    command = [sys.executable, "-m", "tests.fuzz.ovf", "2", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ok" in done.stdout
