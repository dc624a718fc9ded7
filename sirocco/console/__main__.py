"""The console process: ``python -m sirocco.console``."""

import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from sirocco.cmdb.database import Database
from sirocco.cmdb.transaction import Cmdb
from sirocco.connectors.clouds import Clouds
from sirocco.console.access import listener, portal_origin, trusted
from sirocco.console.serial import SerialConsoles
from sirocco.console.streams import Broadcast
from sirocco.ops.errors import OperationError
from sirocco.ops.keyring import KeyRing, Sealer
from sirocco.ops.listen import listening_socket
from sirocco.ops.logging import configure
from sirocco.ops.settings import Settings, load
from sirocco.ops.words import said
from sirocco.services import providers

_STREAMS_EACH = 8
_THREADS = 128
"""Each open console waits for its guest in a thread."""
_CHECK_EVERY = 1.0


def create_app(settings: Settings, cmdb: Cmdb) -> Starlette:
    """Event streams at ``/events``, consoles at ``/console/<machine>``, ``/healthz``."""
    broadcast = Broadcast(cmdb)
    consoles = SerialConsoles(cmdb, Clouds(providers.directory(cmdb)), _translated)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def events(request: Request) -> Response:
        signed = await asyncio.to_thread(listener, cmdb, request)
        if signed is None or not trusted(settings, request):
            return JSONResponse({"code": "unauthenticated"}, 401)
        if broadcast.count(signed.principal.user_id) >= _STREAMS_EACH:
            return JSONResponse({"code": "too-many-requests"}, 429, {"Retry-After": "5"})
        last = request.headers.get("last-event-id") or request.query_params.get("last", "0")
        stream = broadcast.listen(signed.principal, int(last) if last.isdecimal() else 0)
        headers = {
            "Access-Control-Allow-Origin": portal_origin(settings, request),
            "Access-Control-Allow-Credentials": "true",
            "Cache-Control": "no-store",
            "Vary": "Origin",
        }
        return StreamingResponse(_while_signed_in(cmdb, request, stream), 200, headers, "text/event-stream")

    async def console(socket: WebSocket) -> None:
        if trusted(settings, socket):
            await consoles.serve(socket)
        else:
            await socket.close(4403)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        looking = asyncio.create_task(broadcast.run())
        yield
        looking.cancel()

    routes = [Route("/healthz", healthz), Route("/events", events), WebSocketRoute("/console/{machine_id}", console)]
    return Starlette(routes=routes, lifespan=lifespan)


def _translated(language: str, text: str) -> str:
    from web.language import LANGUAGES, catalogue  # noqa: PLC0415 - the portal is loaded where words are needed, if ever

    return catalogue(language).gettext(text) if language in LANGUAGES else text


async def _while_signed_in(cmdb: Cmdb, request: Request, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream, ended within a second of the session's end."""
    waiting = asyncio.ensure_future(anext(stream))
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=_CHECK_EVERY)
            if done:
                yield waiting.result()
                waiting = asyncio.ensure_future(anext(stream))
            elif await asyncio.to_thread(listener, cmdb, request) is None:
                return
    finally:
        waiting.cancel()


def main() -> None:
    """Serve until told to stop."""
    try:
        settings = load()
        configure(settings, "console")
        cmdb = Cmdb(Database(settings.database), Sealer(KeyRing.at(settings.keyring)))
        config = uvicorn.Config(
            create_app(settings, cmdb),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
            ws_max_size=65536,
        )
        opened = listening_socket(settings.host, settings.console_port)
        uvicorn.Server(config).run([opened])
    except OperationError as error:
        sys.exit(said(error))


if __name__ == "__main__":
    main()
