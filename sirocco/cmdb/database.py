"""Opening the database: SQLite tuned for several processes, or PostgreSQL by URL."""

import sqlite3
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session, sessionmaker

_BUSY_MILLIS = 20_000
_PAGES_KEPT = -500
"""Of SQLite's cache, in KiB for each of the many connections; the system caches the file once for all."""

_MAPPED = 256 * 1024 * 1024
"""Bytes of the file at most; what lies beyond is read as ever."""


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's events below say BEGIN, not the driver
    settings = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")
    for pragma in (*settings, f"busy_timeout={_BUSY_MILLIS}", f"cache_size={_PAGES_KEPT}"):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("nfkd", 1, _nfkd, deterministic=True)


def _map_file(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute(f"PRAGMA mmap_size={_MAPPED}")


def _nfkd(text: str | None) -> str | None:
    """Compatibility decomposition (Unicode annex 15), which PostgreSQL has of its own."""
    return text if text is None or text.isascii() else unicodedata.normalize("NFKD", text)


def _begin(connection: Connection) -> None:
    """A writer takes the lock at once: a transaction that reads first and writes later would lose the race."""
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _turn(url: URL) -> AbstractContextManager[object]:
    """SQLite has one writer at a time and lets others poll: threads of one process wait for their turn instead."""
    return threading.Lock() if url.get_backend_name() == "sqlite" else nullcontext()


class Database:
    """Sessions on one database; safe to share between threads, to be opened anew after a fork.

    ``mapped`` is for a process that lists much: it reads SQLite's file where the system keeps it instead of copying
    page by page, which takes a third off the counting of 100,000 rows and shows in its resident memory.
    """

    def __init__(self, url: str | URL, *, pool_size: int = 16, mapped: bool = False) -> None:
        self.url = make_url(url)
        embedded = self.url.get_backend_name() == "sqlite"
        self.engine: Engine = create_engine(
            self.url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=not embedded
        )
        if embedded:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin)
            if mapped:
                event.listen(self.engine, "connect", _map_file)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._readers = sessionmaker(self.engine.execution_options(read_only=True), expire_on_commit=False)
        self._turn = _turn(self.url)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits at the end, or rolls everything back."""
        with self._turn, self._sessions.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reading only: it blocks nobody."""
        with self._readers() as session:
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
