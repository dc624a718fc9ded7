"""Measure the branches of the modules that promise all of them, each by its own tests; fail below 100 %."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """Modules (patterns of files) and the tests that reach every branch of them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


PROMISES = (
    Promise(
        tuple(f"placement/leases/{name}.py" for name in ("slots", "scheduler", "profile", "claims")),
        ("tests/unit/leases", "--ignore=tests/unit/leases/test_lease_random_operations.py"),
    ),
    Promise(
        (*(f"ovf/{name}.py" for name in ("archive", "tar", "manifest", "disk_headers", "checking")), "ovf/judge/*"),
        ("tests/unit/ovf", "tests/security/ovf"),
    ),
    Promise(
        (
            "placement/constraints/*",
            *(f"placement/{name}.py" for name in ("checker", "replay", "network_use")),
            "placement/formats/*",
        ),
        ("tests/unit/placement",),
    ),
)


def main() -> int:
    """Exit status: 0 if every promise is kept."""
    return max(_measured(promise) for promise in PROMISES)


def _measured(promise: Promise) -> int:
    with tempfile.TemporaryDirectory() as folder:
        data = f"--data-file={folder}/coverage"
        coverage = (sys.executable, "-m", "coverage")
        included = f"--include={','.join(promise.modules)}"
        run = subprocess.run(
            [*coverage, "run", "--branch", data, included, "-m", "pytest", "-q", *promise.tests], check=False
        )
        report = subprocess.run([*coverage, "report", data, "--fail-under=100"], check=False)
    return run.returncode or report.returncode


if __name__ == "__main__":
    sys.exit(main())
