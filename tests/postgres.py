"""A private PostgreSQL for tests: Debian's binaries, an unprivileged user, a Unix socket in a directory of its own.

Nothing listens on TCP, so there is no port to race for. ``initdb`` runs once per version and user; later clusters copy
its result. Disks are not flushed: commits survive the death of the server, which tests try, not that of the machine.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import LOCK_EX, flock
from itertools import count
from pathlib import Path

import psycopg
import pytest

_TEMPLATES = Path(__file__).resolve().parents[1] / ".make"
_UNPRIVILEGED = "nobody"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "logging_collector": "off",
}


def binaries() -> Path | None:
    """The folder of Debian's newest PostgreSQL programs, 15 or later; None where there are none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    newest = max(found, key=lambda path: int(path.parent.name), default=None)
    return newest if newest and int(newest.parent.name) >= 15 else None


@dataclass
class Cluster:
    """A running server, reached as superuser ``sirocco`` through a socket in ``home``."""

    home: Path
    programs: Path
    process: subprocess.Popen[bytes] | None = None
    _names: Iterator[int] = field(default_factory=count)

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+psycopg://sirocco@/{database}?host={self.home}"

    def create_database(self) -> str:
        """A new empty database; its address."""
        name = f"test_{os.getpid()}_{next(self._names)}"
        with psycopg.connect(self._dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def start(self) -> None:
        """Start the server and return when it answers."""
        options = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
        command = [str(self.programs / "postgres"), "-D", str(self.home / "data"), "-k", str(self.home), *options]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(_unprivileged(command), cwd=self.home, stdout=log, stderr=log)
        self._await_answer()

    def stop(self) -> None:
        """Stop in order, as an administrator would; harmless when it has ended."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut would; ``start`` recovers."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self.process:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def _dsn(self) -> str:
        return f"user=sirocco dbname=postgres host={self.home}"

    def _await_answer(self) -> None:
        assert self.process
        ready = [str(self.programs / "pg_isready"), "-q", "-h", str(self.home), "-t", "30"]
        while subprocess.run(ready, check=False).returncode:
            if self.process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start: {(self.home / 'log').read_text()[-2000:]}")
            time.sleep(0.02)  # pg_isready answers at once while there is no socket yet


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A fresh cluster, stopped and removed at the end; skips the test where PostgreSQL is not installed."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL 15 or later is not installed (Debian package postgresql-15; `make setup`)")
    home = Path(tempfile.mkdtemp(prefix="sirocco-pg-"))
    running = Cluster(home, programs)
    try:
        shutil.copytree(_template(programs), home / "data")
        _give_away(home)
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(home)


def _template(programs: Path) -> Path:
    """A freshly initialised data directory for this version, made once."""
    _TEMPLATES.mkdir(exist_ok=True)
    made = _TEMPLATES / f"postgresql-{programs.parent.name}"
    with (_TEMPLATES / "postgresql.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not made.exists():
            _initdb(programs, made)
    return made


def _initdb(programs: Path, made: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sirocco-initdb-") as scratch:
        _give_away(Path(scratch))
        data = Path(scratch, "data")
        options = ["-A", "trust", "-U", "sirocco", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(
            _unprivileged([str(programs / "initdb"), "-D", str(data), *options]),
            cwd=scratch,
            check=True,
            capture_output=True,
        )
        partial = made.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(data, partial)
        partial.rename(made)


def _unprivileged(command: list[str]) -> list[str]:
    """The command under a user PostgreSQL accepts (never root), ended when the tests die."""
    identity = ["--reuid", _UNPRIVILEGED, "--regid", "nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *identity, "--pdeathsig", "INT", *command]


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, _UNPRIVILEGED, "nogroup")
