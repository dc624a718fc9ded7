"""A machine's serial console over a WebSocket: bytes both ways, cut within a second when the right to it ends."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from sirocco.cmdb.models import Machine
from sirocco.cmdb.transaction import Cmdb
from sirocco.connectors.clouds import Clouds
from sirocco.connectors.ports import ConnectorError, Console, Kind, Ref
from sirocco.console.access import holder
from sirocco.contracts.errors import SiroccoError, explained
from sirocco.contracts.states import Role
from sirocco.domain.principal import SYSTEM
from sirocco.identity.sessions import redeem_ticket

_CHECK_EVERY = 1.0
_LISTEN = 0.5
# The portal says these codes in its reader's language.
_REVOKED = 4401
_REFUSED = 4403
_UNAVAILABLE = 4409
_ENDED = 4410

log = structlog.get_logger(__name__)


class Refused(Exception):  # noqa: N818 - it is no error that somebody is refused
    """No console for this caller."""


class SerialConsoles:
    """Opens consoles for those who hold a ticket. ``translate`` is given a language and a text of the catalogues.

    Bytes are the guest's; why there is no console comes as one text, before the socket is closed.
    """

    def __init__(self, cmdb: Cmdb, clouds: Clouds, translate: Callable[[str, str], str]) -> None:
        self._cmdb, self._clouds, self._translate = cmdb, clouds, translate

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its ticket to its end."""
        machine_id, ticket = socket.path_params["machine_id"], socket.query_params.get("ticket", "")
        await socket.accept()
        try:
            session_id = await asyncio.to_thread(self._redeem, ticket, machine_id)
            console = await asyncio.to_thread(self._open, session_id, machine_id)
        except (Refused, SiroccoError):
            await socket.close(_REFUSED)
            return
        except ConnectorError as error:
            await socket.send_text(self._reason(error, socket.query_params.get("language", "")))
            await socket.close(_UNAVAILABLE)
            return
        try:
            await self._join(socket, console, session_id, machine_id)
        finally:
            await asyncio.to_thread(console.close)

    def _reason(self, error: ConnectorError, language: str) -> str:
        return explained(error.details, partial(self._translate, language))["why"]

    def _redeem(self, ticket: str, machine_id: str) -> str:
        with self._cmdb.writing(SYSTEM) as tx:
            row = redeem_ticket(tx, ticket, machine_id)
        if row is None:
            raise Refused
        return row.session_id

    def _open(self, session_id: str, machine_id: str) -> Console:
        provider_id, native_id = self._machine(session_id, machine_id)
        return self._clouds.of(provider_id).connector.console(Ref(Kind.MACHINE, native_id))

    def _machine(self, session_id: str, machine_id: str) -> tuple[str, str]:
        """Where the machine is, if the session's user may still use its console."""
        with self._cmdb.reading(SYSTEM) as tx:
            principal = holder(tx, session_id)
        if principal is None or not principal.may(Role.MEMBER):
            raise Refused
        with self._cmdb.reading(principal) as tx:
            machine = tx.get(Machine, machine_id)
            return machine.provider_id or "", machine.native_id or ""

    async def _join(self, socket: WebSocket, console: Console, session_id: str, machine_id: str) -> None:
        tasks = {
            asyncio.create_task(_to_browser(socket, console)),
            asyncio.create_task(_to_guest(socket, console)),
            asyncio.create_task(self._until_revoked(session_id, machine_id)),
        }
        done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        revoked = any(isinstance(task.exception(), Refused) for task in done)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the browser may have gone first
            await socket.close(_REVOKED if revoked else _ENDED)

    async def _until_revoked(self, session_id: str, machine_id: str) -> None:
        while True:
            await asyncio.sleep(_CHECK_EVERY)
            try:
                await asyncio.to_thread(self._machine, session_id, machine_id)
            except (Refused, SiroccoError):
                raise Refused from None


async def _to_browser(socket: WebSocket, console: Console) -> None:
    while True:
        try:
            data = await asyncio.to_thread(console.receive, _LISTEN)
        except EOFError:
            return
        if data:
            await socket.send_bytes(data)


async def _to_guest(socket: WebSocket, console: Console) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes") or (message.get("text") or "").encode()
        await asyncio.to_thread(console.send, data)
