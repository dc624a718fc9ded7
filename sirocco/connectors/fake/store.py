"""The far end's memory: one SQLite file that outlives us and is safe for many processes and threads at once."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sirocco.connectors.ports import ConnectorError, Fault

VERSION = 1
PATIENCE = 60.0  # seconds to wait for other writers

Transaction = AbstractContextManager[sqlite3.Connection]

_SCHEMA = """
CREATE TABLE host (
    name TEXT PRIMARY KEY, cores INTEGER NOT NULL, memory INTEGER NOT NULL, disk INTEGER NOT NULL,
    used_cores INTEGER NOT NULL DEFAULT 0, used_memory INTEGER NOT NULL DEFAULT 0, used_disk INTEGER NOT NULL DEFAULT 0
) STRICT;
-- body holds until ready, next from then on, the object is gone from ends on
CREATE TABLE object (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, token TEXT NOT NULL, body TEXT NOT NULL,
    next TEXT, ready REAL, ends REAL
) STRICT;
CREATE UNIQUE INDEX object_by_token ON object (kind, token) WHERE token <> '';
CREATE INDEX object_by_kind ON object (kind, ends);
CREATE INDEX object_ended ON object (ends) WHERE ends IS NOT NULL;
CREATE TABLE task (
    token TEXT PRIMARY KEY, verb TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, request TEXT NOT NULL,
    started REAL NOT NULL, ready REAL NOT NULL, before TEXT, fault TEXT, message TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX task_by_object ON task (id, ready);
CREATE INDEX task_by_end ON task (ready);
-- capacity that comes free at a moment
CREATE TABLE release (
    at REAL NOT NULL, token TEXT NOT NULL, host TEXT NOT NULL,
    cores INTEGER NOT NULL, memory INTEGER NOT NULL, disk INTEGER NOT NULL
) STRICT;
CREATE INDEX release_by_time ON release (at);
-- which object (a machine) needs which other one, and as what
CREATE TABLE link (user TEXT NOT NULL, used TEXT NOT NULL, role TEXT NOT NULL, ends REAL) STRICT;
CREATE INDEX link_by_used ON link (used, ends);
CREATE INDEX link_by_user ON link (user);
CREATE TABLE address (
    network TEXT NOT NULL, number INTEGER NOT NULL, mac TEXT NOT NULL, machine TEXT NOT NULL, ends REAL,
    PRIMARY KEY (network, number)
) STRICT;
CREATE INDEX address_by_mac ON address (network, mac);
CREATE INDEX address_by_machine ON address (machine);
CREATE TABLE change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL
) STRICT;
CREATE TABLE call (verb TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (verb, kind)) STRICT;
CREATE TABLE rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trouble TEXT NOT NULL, verb TEXT NOT NULL, kind TEXT NOT NULL,
    nth INTEGER NOT NULL, times INTEGER NOT NULL, seen INTEGER NOT NULL DEFAULT 0,
    fault TEXT NOT NULL, seconds REAL NOT NULL, message TEXT NOT NULL
) STRICT;
"""


def _refusal(error: sqlite3.Error) -> ConnectorError:
    if "locked" in str(error) or "busy" in str(error):
        return ConnectorError(Fault.TRANSIENT, "Busy", 0.5, why="the pretend cloud is busy")
    return ConnectorError(Fault.INTERNAL, "Store", why="the pretend cloud's store failed: {said}", said=error)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        # The switch to WAL does not wait for other processes that switch at the same moment.
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                db.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        db.execute("PRAGMA synchronous = NORMAL")
        _prepare(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("BEGIN IMMEDIATE")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")
    if version not in {0, VERSION}:
        raise ConnectorError(
            Fault.INVALID,
            "Store",
            why="the store {path} is of form {form}, this version reads {known}: name another file or remove it",
            path=path,
            form=version,
            known=VERSION,
        )


class Store:
    """An open store; one connection, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _connect(path)
        except (OSError, sqlite3.Error) as error:
            raise ConnectorError(
                Fault.INVALID, "Store", why="the store {path} cannot be opened: {said}", path=path, said=error
            ) from error
        self._lock = threading.RLock()
        self._closed = False

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                raise ConnectorError(Fault.INTERNAL, "Closed", why="this connector has been closed")
            try:
                self._db.execute(begin)
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise _refusal(error) from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def write(self) -> Transaction:
        """A transaction that sees and keeps everything, alone among all processes."""
        return self._transaction("BEGIN IMMEDIATE")

    def read(self) -> Transaction:
        """A consistent view."""
        return self._transaction("BEGIN")

    @property
    def closed(self) -> bool:
        """Whether the store has been closed."""
        return self._closed

    def close(self) -> None:
        """Close the file; later calls are refused."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._db.close()
