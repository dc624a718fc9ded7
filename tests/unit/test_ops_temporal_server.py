import os
import subprocess
import sys
from pathlib import Path

import pytest

from sirocco.ops import temporal_server as server
from sirocco.ops.engine import EngineUnknownError, address, announce
from sirocco.ops.settings import load, prepare_home


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_BIN"):
        monkeypatch.delenv(name, raising=False)
    made = load(home=tmp_path / "home")
    prepare_home(made)
    return made


def _store(folder, version=None):
    for suffix in ("", "-wal", "-shm"):
        (folder / f"temporal.db{suffix}").write_text(f"content{suffix}")
    if version:
        (folder / "version").write_text(version)


def test_a_store_of_this_version_stays(settings):
    _store(settings.temporal, "1")
    assert server.prepare_store(settings.temporal, "1") is None
    assert (settings.temporal / "temporal.db").read_text() == "content"


@pytest.mark.parametrize("known", ["0", None])
def test_a_store_of_another_or_unknown_version_goes_aside_whole(settings, known):
    _store(settings.temporal, known)
    moved = server.prepare_store(settings.temporal, "1")
    assert not list(settings.temporal.glob("temporal.db"))
    assert [moved.with_name(moved.name + suffix).read_text() for suffix in ("", "-wal", "-shm")] == [
        "content",
        "content-wal",
        "content-shm",
    ]
    assert server.prepare_store(settings.temporal, "1") is None


def test_the_lock_lives_as_long_as_the_process_that_inherited_it(settings):
    held = server.lock(settings.temporal)
    child = subprocess.Popen(["sleep", "600"], pass_fds=(held,))
    os.close(held)
    with pytest.raises(server.EngineError, match="another Temporal server"):
        server.lock(settings.temporal)
    child.kill()
    child.wait()
    os.close(server.lock(settings.temporal))


def test_a_lock_that_is_about_to_be_released_is_waited_for(settings):
    held = server.lock(settings.temporal)
    child = subprocess.Popen(["sleep", "0.5"], pass_fds=(held,))
    os.close(held)
    os.close(server.lock(settings.temporal, patience=30))
    child.wait()


def test_the_installed_program_is_used_unless_another_is_named(settings):
    assert server.program(settings) == str(Path(sys.executable).parent / "temporal")
    assert server.program(load(home=settings.home, temporal_bin="/opt/temporal")) == "/opt/temporal"
    assert "Server" in server.version(server.program(settings))


@pytest.mark.parametrize("program", ["/nonexistent/temporal", "/bin/false"])
def test_a_program_that_does_not_run_is_told(program):
    with pytest.raises(server.EngineError, match=program):
        server.version(program)


def test_nothing_secret_is_on_the_command_line(settings):
    told = " ".join(server.command(settings, 1, 2))
    assert "--ip 127.0.0.1" in told
    assert "password" not in told


def test_the_engine_is_the_named_one_else_the_embedded_one(settings):
    with pytest.raises(EngineUnknownError, match="TEMPORAL_ADDRESS"):
        address(settings)
    announce(settings, "127.0.0.1:5")
    assert address(settings) == "127.0.0.1:5"
    assert address(load(home=settings.home, temporal_address="far:7233")) == "far:7233"
