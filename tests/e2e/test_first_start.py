"""``siroccod up`` as a newcomer without a hypervisor meets it: everything real except the cloud, which is played."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from urllib.parse import quote

import pytest


class Installation:
    def __init__(self, home):
        self.home = home
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SIROCCO_", "TEMPORAL_"))},
            "SIROCCO_HOME": str(home),
            "SIROCCO_PROVIDER": "fake",
            **{f"SIROCCO_{key}": "0" for key in ("PORT", "CONSOLE_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")},
        }

    def siroccod(self, *arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "sirocco.admin", *arguments],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def status(self):
        return json.loads(self.siroccod("status", "--json").stdout)

    def get(self, path, password):
        proof = b64encode(f"admin:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {proof}", "Accept": "application/json"}
        address = self.status()["addresses"]["portal"] + path
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    installation = Installation(tmp_path_factory.mktemp("installation") / "home")
    try:
        installation.first = installation.siroccod("up", "--detach")
        yield installation
    finally:
        stopped = installation.siroccod("down")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n")
    assert installation.status()["running"] is False


@pytest.fixture
def password(up):
    return (up.home / "secrets" / "first-password").read_text()


def test_the_newcomer_is_told_all_that_is_needed(up, password):
    assert up.first.returncode == 0, up.first.stdout + up.first.stderr
    told = up.first.stdout
    assert up.status()["addresses"]["portal"] in told
    assert told.count(password) == 1
    assert up.status()["first_machine"]["address"] in told
    assert "Three things to try:" in told
    assert "machine first: success 100 %" in told


def test_every_process_is_healthy_and_the_first_machine_known(up):
    known = up.status()
    assert {entry["role"]: entry["health"] for entry in known["processes"]} == dict.fromkeys(
        ("temporal", "web", "console", "worker", "solver"), "healthy"
    )
    assert known["ready"]
    assert known["first_machine"]["name"] == "first"


def test_the_machine_is_in_the_api_and_at_the_far_end(up, password):
    machines = up.get("/cimi/machines", password)["machines"]
    assert [(machine["name"], machine["state"]) for machine in machines] == [("first", "STARTED")]
    held = json.loads(up.siroccod("inventory", "--provider", "local", "--json").stdout)
    assert [(machine["state"], machine["ours"]) for machine in held["machines"]] == [("STARTED", True)]


def test_there_are_sizes_to_choose_from(up, password):
    sizes = up.get("/cimi/machineConfigs", password)["machineConfigurations"]
    assert [(one["name"], one["cpu"], one["memory"] >> 10) for one in sizes] == [
        ("S", 1, 512),
        ("M", 2, 2048),
        ("L", 4, 8192),
    ]


def test_a_long_filter_comes_in(up, password):
    wanted = " or ".join(f"name='machine number {number}'" for number in range(99)) + " or name='first'"
    assert len(wanted) < 4096 < len(quote(wanted))
    assert up.get(f"/cimi/machines?$filter={quote(wanted)}", password)["count"] == 1


def test_a_wrong_password_opens_nothing(up, password):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        up.get("/cimi/machines", password[::-1])


def test_no_secret_lies_about(up, password):
    """Neither password nor key is in any file but its own, logs and databases included."""
    ring = json.loads((up.home / "secrets" / "keyring.json").read_text())["keys"]["k1"]
    for path in up.home.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            content = path.read_bytes()
            assert ring.encode() not in content, path
            assert password.encode() not in content, path


def test_the_next_start_is_quick_and_has_the_same_data(up, password):
    known = up.status()
    assert up.siroccod("down").returncode == 0
    again = up.siroccod("up", "--detach")
    assert again.returncode == 0, again.stdout + again.stderr
    assert password not in again.stdout
    assert "Three things" not in again.stdout
    assert f"  Machine    first, started, {known['first_machine']['address']}\n" in again.stdout
    assert f"  Password   kept in {up.home / 'secrets' / 'first-password'}; " in again.stdout
    assert "Next to try:" in again.stdout
    assert up.status()["addresses"] == known["addresses"]
    assert up.status()["first_machine"] == known["first_machine"]
    assert [machine["name"] for machine in up.get("/cimi/machines", password)["machines"]] == ["first"]


def test_a_second_start_is_refused_in_words(up):
    refused = up.siroccod("up", "--detach")
    assert refused.returncode == 1
    assert "runs already" in refused.stderr
    assert "`siroccod down` stops it" in refused.stderr
