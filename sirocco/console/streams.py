"""Server-sent events: one look at the database serves all listeners; each gets what its principal may see."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sirocco.cmdb.models import Event
from sirocco.cmdb.transaction import Cmdb
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.services import events, providers

_LOOK_EVERY = 0.2
_KEEP_ALIVE = 15.0
_MOST_WAITING = 1000
_FIGURES = b'data: {"resource_kind": "figures", "resource_id": ""}\n\n'
_OVERLAP = 200
"""Ids are given out before they are committed: this many below the highest are looked at again."""


@dataclass(eq=False, slots=True)
class Listener:
    """One open stream."""

    principal: Principal
    waiting: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(_MOST_WAITING))

    def may_see(self, event: Event) -> bool:
        """Own tenant's events, or all."""
        return self.principal.everywhere or event.tenant_id == self.principal.tenant_id

    def offer(self, event: Event | None) -> None:
        """Hand an event over, or (None) the news that figures were measured.

        A listener that does not keep up loses the oldest, not the memory of the process.
        """
        if self.waiting.full():
            self.waiting.get_nowait()
        self.waiting.put_nowait(event)


class Broadcast:
    """Looks for new events and hands them to the listeners."""

    def __init__(self, cmdb: Cmdb) -> None:
        self._cmdb = cmdb
        self._listeners: set[Listener] = set()
        self._sent: deque[int] = deque(maxlen=4 * _OVERLAP)
        self._highest = 0
        self._measured: datetime | None = None

    def count(self, user_id: str) -> int:
        """How many streams a user has open."""
        return sum(listener.principal.user_id == user_id for listener in self._listeners)

    async def run(self) -> None:
        """Look for ever."""
        self._highest = await asyncio.to_thread(self._newest)
        self._measured = await asyncio.to_thread(self._newest_probe)
        self._sent.extend(event.id for event in await asyncio.to_thread(self._since, self._highest - _OVERLAP))
        while True:
            if self._listeners:
                found, measured = await asyncio.to_thread(self._look)
                self._hand_out(found)
                self._tell_measured(measured)
            await asyncio.sleep(_LOOK_EVERY)

    def _look(self) -> tuple[list[Event], datetime | None]:
        return self._since(self._highest - _OVERLAP), self._newest_probe()

    def _newest_probe(self) -> datetime | None:
        with self._cmdb.reading(SYSTEM) as tx:
            return providers.newest_probe(tx)

    def _newest(self) -> int:
        with self._cmdb.reading(SYSTEM) as tx:
            return events.newest(tx)

    def _since(self, last: int) -> list[Event]:
        with self._cmdb.reading(SYSTEM) as tx:
            return events.since(tx, last, limit=2 * _OVERLAP)

    def _hand_out(self, found: Iterable[Event]) -> None:
        sent = set(self._sent)
        for event in found:
            self._highest = max(self._highest, event.id)
            if event.id in sent:
                continue
            self._sent.append(event.id)
            for listener in self._listeners:
                if listener.may_see(event):
                    listener.offer(event)

    def _tell_measured(self, measured: datetime | None) -> None:
        """Figures are no events and are not kept as such: whoever shows some is told that there are new ones."""
        if measured != self._measured:
            for listener in self._listeners:
                listener.offer(None)
        self._measured = measured

    def missed(self, principal: Principal, last: int) -> list[Event]:
        """What a listener that comes back has not seen."""
        with self._cmdb.reading(principal) as tx:
            return events.since(tx, last)

    async def listen(self, principal: Principal, last: int) -> AsyncIterator[bytes]:
        """The stream's bytes: first what was missed since ``last``, then what happens."""
        listener = Listener(principal)
        self._listeners.add(listener)
        try:
            yield b"retry: 1000\n\n"
            missed = await asyncio.to_thread(self.missed, principal, last)
            sent = {event.id for event in missed}
            for event in missed:
                yield _framed(event)
            while True:
                try:
                    heard = await asyncio.wait_for(listener.waiting.get(), _KEEP_ALIVE)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if heard is None:
                    yield _FIGURES
                elif heard.id > last and heard.id not in sent:
                    yield _framed(heard)
        finally:
            self._listeners.discard(listener)


def _framed(event: Event) -> bytes:
    body = {
        "id": event.id,
        "type": event.type,
        "resource_kind": event.resource_kind,
        "resource_id": event.resource_id,
        "resource_name": event.resource_name,
        "job_id": event.job_id,
        "content": event.content,
        "outcome": event.outcome,
        "timestamp": event.timestamp.isoformat(),
    }
    return f"id: {event.id}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
