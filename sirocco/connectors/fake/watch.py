"""Watching the pretend cloud: its list of changes is read on, a few times a second."""

import threading
from collections.abc import Callable

from sirocco.connectors.fake.store import Store
from sirocco.connectors.ports import ConnectorError, Kind, Ref

EVERY_SECONDS = 0.1


class FakeWatch:
    """A thread that reports each change once its moment has come."""

    def __init__(self, store: Store, clock: Callable[[], float], changed: Callable[[Ref], None]) -> None:
        self._store, self._clock, self._changed = store, clock, changed
        self._seen = self._newest()
        self._ahead: list[tuple[float, Ref]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-watch", daemon=True)
        self._thread.start()

    def _newest(self) -> int:
        with self._store.read() as db:
            return int(db.execute("SELECT COALESCE(MAX(seq), 0) FROM change").fetchone()[0])

    def _run(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            try:
                due = self._due()
            except ConnectorError:
                if self._store.closed:
                    return
                continue
            for ref in due:
                self._changed(ref)

    def _due(self) -> list[Ref]:
        with self._store.read() as db:
            rows = db.execute(
                "SELECT seq, kind, id, at FROM change WHERE seq > ? ORDER BY seq", (self._seen,)
            ).fetchall()
        if rows:
            self._seen = rows[-1][0]
        self._ahead += [(at, Ref(Kind(kind), native_id)) for _, kind, native_id, at in rows]
        now = self._clock()
        due = [ref for at, ref in self._ahead if at <= now]
        self._ahead = [(at, ref) for at, ref in self._ahead if at > now]
        return list(dict.fromkeys(due))

    def close(self) -> None:
        """End the subscription; nothing is reported afterwards, unless called from the report itself."""
        self._over.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()
