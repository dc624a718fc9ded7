"""The supervisor with the real Temporal server; Sirocco's own processes are stand-ins."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from sirocco.ops import engine, ports, status, temporal_server
from sirocco.ops.keyring import KeyRing
from sirocco.ops.lock import running
from sirocco.ops.settings import load

HERE = Path(__file__).parent
ROLES = {"temporal", "web", "console", "worker", "solver"}
CANARY = "canary-5b1f7c"


@workflow.defn(sandboxed=False)
class Careless:
    @workflow.run
    async def run(self, secret: str) -> str:
        raise ApplicationError(f"cannot use {secret}", secret)


@activity.defn
def unused() -> None:
    pass


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)
    return value


class Installation:
    """A supervisor in a process of its own, on a home of its own, without a terminal."""

    def __init__(self, home, *arguments, **environment):
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SIROCCO_", "TEMPORAL_"))},
            "SIROCCO_HOME": str(home),
            "SIROCCO_PROVIDER": "fake",
            **{f"SIROCCO_{key.upper()}": "0" for key in ("port", "console_port", "temporal_port", "temporal_ui_port")},
            **environment,
        }
        self.settings = load(home=home)
        self.output = home.parent / f"{home.name}.out"
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "run_stand_ins.py"), *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def status(self):
        return status.read(self.settings, running=running(self.settings))

    def processes(self):
        return {entry["role"]: entry for entry in self.status()["processes"]}

    def healthy(self, *, ready=True):
        assert self.process.poll() is None, self.output.read_text()
        known = self.status()
        roles = {entry["role"] for entry in known["processes"] if entry["health"] == "healthy"}
        return roles == ROLES and (known["ready"] or not ready)

    def stop(self, which=signal.SIGTERM):
        self.process.send_signal(which)
        return self.process.wait(60)


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(home="home", *arguments, **environment):
        (tmp_path / home).mkdir(exist_ok=True)
        started.append(Installation(tmp_path / home, *arguments, **environment))
        return started[-1]

    yield begin
    for installation in started:
        if installation.process.poll() is None:
            installation.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One installation for the tests that leave it as they found it."""
    installation = Installation(
        tmp_path_factory.mktemp("shared"), SIROCCO_ADMIN_PASSWORD=CANARY, SIROCCO_LOG_FORMAT="json"
    )
    try:
        until(installation.healthy)
        yield installation
    finally:
        code = installation.stop()
    assert code == 0


def _alive(pid):
    """Whether a process runs; one that has ended but was not yet collected by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_status_tells_every_process_with_pid_health_and_address(shared):
    for role, entry in shared.processes().items():
        assert _alive(entry["pid"])
        assert entry["health"] == "healthy"
        assert entry["restarts"] == 0
        assert bool(entry["address"]) == (role not in {"worker", "solver"})
    known = shared.status()
    assert known["supervisor"]["pid"] == shared.process.pid
    assert "Server" in known["versions"]["temporal"]
    with urllib.request.urlopen(known["addresses"]["portal"] + "/healthz") as answer:
        assert answer.status == 200


def test_everything_listens_on_loopback_only(shared):
    pids = {str(entry["pid"]) for entry in shared.processes().values()} | {str(shared.process.pid)}
    sockets = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = [line.split()[3] for line in sockets if any(f"pid={pid}," in line for pid in pids)]
    assert len(ours) >= 4
    assert {address.rpartition(":")[0] for address in ours} == {"127.0.0.1"}


def test_the_password_reaches_only_the_steps_that_need_it(shared):
    output = shared.output.read_text()
    assert f"password seen by migrate: {CANARY}" in output
    assert f"password seen by first-start: {CANARY}" in output
    assert "password seen by web: none" in (shared.settings.log / "web.log").read_text()
    assert CANARY not in (shared.settings.run / "status.json").read_text()


def test_pragmas_have_effect(shared):
    with sqlite3.connect(shared.settings.temporal / temporal_server.STORE) as store:
        assert store.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_timers_are_punctual(shared):
    """A timer of 50 ms takes about a second with the server's default; each run here has five, one after the other."""
    assert asyncio.run(_run_timers(shared)) < 2.5


@workflow.defn(sandboxed=False)
class Timers:
    @workflow.run
    async def run(self) -> float:
        begun = workflow.now()
        for _ in range(5):
            await workflow.sleep(0.05)
        return (workflow.now() - begun).total_seconds()


async def _run_timers(installation):
    client = await engine.connect(installation.settings, KeyRing.at(installation.settings.keyring))
    async with Worker(client, task_queue="timers", workflows=[Timers]):
        return await client.execute_workflow(Timers.run, id="timers", task_queue="timers")


def test_search_attributes_are_known(shared):
    address = shared.processes()["temporal"]["address"]
    program = temporal_server.program(shared.settings)
    listed = subprocess.run(
        [program, "operator", "search-attribute", "list", "--address", address],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in ("SiroccoTenant", "SiroccoResource", "SiroccoProvider", "SiroccoJob"):
        assert name in listed


def test_retention_is_thirty_days(shared):
    address = shared.processes()["temporal"]["address"]
    program = temporal_server.program(shared.settings)
    told = subprocess.run(
        [program, "operator", "namespace", "describe", "-n", "default", "--address", address],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "2592000s" in told.replace("720h0m0s", "2592000s")


def test_no_secret_reaches_the_store(shared):
    """Input, failure message and failure details of a workflow are sealed in the file; its id is not."""
    raised = asyncio.run(_fail(shared))
    assert raised == f"cannot use {CANARY}"
    content = b"".join(path.read_bytes() for path in shared.settings.temporal.glob("temporal.db*"))
    assert b"careless-one" in content
    assert CANARY.encode() not in content


async def _fail(installation):
    client = await engine.connect(installation.settings, KeyRing.at(installation.settings.keyring))
    async with Worker(client, task_queue="canary", workflows=[Careless]):
        with pytest.raises(WorkflowFailureError) as failed:
            await client.execute_workflow(Careless.run, CANARY, id="careless-one", task_queue="canary")
    return failed.value.cause.message


def test_a_second_server_cannot_take_the_store(shared):
    with pytest.raises(temporal_server.EngineError, match="another Temporal server"):
        temporal_server.lock(shared.settings.temporal)


def test_a_second_supervisor_is_refused(shared, tmp_path):
    second = Installation(shared.settings.home)
    assert second.process.wait(60) == 1
    assert "runs already" in second.output.read_text()
    assert shared.healthy()


def test_ports_belong_to_whom_we_think(shared):
    entry = shared.processes()["temporal"]
    port = int(entry["address"].rpartition(":")[2])
    assert ports.owned_by(entry["pid"], port)
    assert not ports.owned_by(shared.process.pid, port)


def test_every_killed_process_comes_back_with_the_same_address(start):
    installation = start()
    until(installation.healthy)
    before = installation.processes()
    for entry in before.values():
        os.kill(entry["pid"], signal.SIGKILL)
    until(lambda: all(entry["restarts"] == 1 for entry in installation.processes().values()))
    until(installation.healthy)
    after = installation.processes()
    for role in ROLES:
        assert after[role]["pid"] != before[role]["pid"]
        assert after[role]["address"] == before[role]["address"]
    assert installation.stop() == 0


def test_no_caller_is_refused_while_the_web_process_restarts(start):
    installation = start()
    until(installation.healthy)
    portal = installation.status()["addresses"]["portal"]
    for _ in range(5):
        os.kill(installation.processes()["web"]["pid"], signal.SIGKILL)
        with urllib.request.urlopen(f"{portal}/healthz", timeout=30) as answer:
            assert answer.status == 200
        until(installation.healthy)


def test_silence_is_seen(start):
    installation = start()
    until(installation.healthy)
    (installation.settings.home / "hang-solver").touch()
    until(lambda: installation.processes()["solver"]["health"] == "unhealthy")
    (installation.settings.home / "hang-solver").unlink()
    until(installation.healthy)


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_stop_leaves_no_process_and_the_next_start_has_the_same_data_and_addresses(start, which):
    installation = start()
    until(installation.healthy)
    ring = installation.settings.keyring.read_text()
    known = installation.status()
    assert installation.stop(which) == 0
    assert not [entry for entry in known["processes"] if _alive(entry["pid"])]
    assert installation.status()["running"] is False
    assert installation.status()["processes"] == []
    again = start()
    until(again.healthy)
    assert again.status()["addresses"] == known["addresses"]
    assert again.settings.keyring.read_text() == ring


def test_stop_during_start(start):
    installation = start()
    until(lambda: "temporal" in installation.processes())
    pids = [entry["pid"] for entry in installation.processes().values() if entry["pid"]]
    assert installation.stop() == 0
    assert not [pid for pid in pids if _alive(pid)]


def test_children_end_with_a_killed_supervisor_and_the_next_one_takes_over(start):
    installation = start()
    until(installation.healthy)
    entries = installation.status()["processes"]
    installation.stop(signal.SIGKILL)
    assert installation.status()["running"] is False
    again = start()
    until(again.healthy)
    until(lambda: not [entry for entry in entries if _alive(entry["pid"])])


def test_a_process_that_cannot_start_is_told_with_its_log(start):
    installation = start("home", "solver")
    assert installation.process.wait(120) == 1
    output = installation.output.read_text()
    assert "Error: solver did not start" in output
    assert str(installation.settings.log / "solver.log") in output
    assert installation.status()["processes"] == []


def test_a_port_asked_for_by_name_and_taken_is_told(start, shared):
    taken = shared.status()["addresses"]["portal"].rpartition(":")[2]
    installation = start("other", SIROCCO_PORT=taken)
    assert installation.process.wait(60) == 1
    assert f"127.0.0.1:{taken} (SIROCCO_PORT)" in installation.output.read_text()


def test_a_store_of_another_version_is_moved_aside(start):
    installation = start()
    until(installation.healthy)
    installation.stop()
    folder = installation.settings.temporal
    (folder / "version").write_text("temporal version 0.1")
    marked = (folder / temporal_server.STORE).stat().st_ino
    again = start()
    until(again.healthy)
    assert (folder / temporal_server.STORE).stat().st_ino != marked
    assert marked in {path.stat().st_ino for path in folder.glob("temporal.db.*")}
    assert "store is of another version" in again.output.read_text()


def test_status_is_valid_at_every_moment(start):
    installation = start()
    path = installation.settings.run / "status.json"
    until(path.exists)
    seen = 0
    while not installation.healthy():
        json.loads(path.read_text())
        seen += 1
    assert seen > 10
