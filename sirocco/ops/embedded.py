"""The whole product on one machine: which processes, in which order, on which ports, with which engine."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from socket import socket

from sirocco.ops import engine, ports, roles, status, temporal_server
from sirocco.ops.keyring import KeyRing
from sirocco.ops.local_hypervisor import LocalHypervisor
from sirocco.ops.lock import sole
from sirocco.ops.settings import Settings, prepare_home
from sirocco.ops.supervisor import Role, StartError, Supervisor
from sirocco.ops.words import worded

Say = Callable[[str], None]


class Embedded:
    """One installation under one supervisor. ``say`` tells people what happens; ``commands`` replaces programs."""

    def __init__(self, settings: Settings, say: Say, commands: dict[str, tuple[str, ...]] | None = None) -> None:
        self._settings, self._say = settings, say
        self._commands = {**_COMMANDS, **(commands or {})}
        self._status = status.Writer(settings)
        self._supervisor = Supervisor(settings.log, self._status.children_changed)
        self._hypervisor = LocalHypervisor(settings, say, self._status.hypervisor_changed)
        self._sockets: dict[str, socket] = {}
        self._addresses: dict[str, str] = {}
        self._told = asyncio.Event()

    async def run(self) -> int:
        """Start, keep, and stop when a signal asks for it; the exit status."""
        loop = asyncio.get_running_loop()
        for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(which, self._told.set)
        starting = asyncio.create_task(self._start())
        told = asyncio.create_task(self._told.wait())
        try:
            await asyncio.wait((starting, told), return_when=asyncio.FIRST_COMPLETED)
            if starting.done() and not starting.cancelled() and (fault := starting.exception()):
                raise fault
            await told
        finally:
            told.cancel()
            starting.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await starting
            await self._stop()
        return 0

    async def _start(self) -> None:
        settings = self._settings
        KeyRing.at(settings.keyring)
        self._sockets = {name: ports.claim(settings, name, settings.host) for name in ("port", "console_port")}
        bound = {name: opened.getsockname()[1] for name, opened in self._sockets.items()}
        self._settings = settings = settings.model_copy(update=bound)
        hypervisor = asyncio.create_task(self._hypervisor.start())
        await self._start_engine(bound)
        await self._once("migrate")
        await hypervisor
        self._say(worded("Starting portal, API, worker, solver and consoles ..."))
        await self._supervisor.start(*self._own_roles())
        self._status.publish({"portal": settings.portal, "console": settings.console, **self._addresses})
        self._say(worded("Portal and API: {address}", address=settings.portal))
        if "first-start" in self._commands:
            await self._once("first-start")
        self._status.ready()

    async def _start_engine(self, bound: dict[str, int]) -> None:
        settings = self._settings
        if settings.temporal_address:
            ports.remember(settings, bound)
            self._addresses = {"temporal": settings.temporal_address, "temporal_ui": settings.temporal_ui_url}
            return
        self._say(worded("Starting the workflow engine ..."))
        opened = {name: ports.claim(settings, name, "127.0.0.1") for name in ("temporal_port", "temporal_ui_port")}
        chosen = {name: one.getsockname()[1] for name, one in opened.items()}
        for one in opened.values():
            one.close()
        ports.remember(settings, {**bound, **chosen})
        port, ui_port = chosen["temporal_port"], chosen["temporal_ui_port"]
        self._addresses = {"temporal": f"127.0.0.1:{port}", "temporal_ui": f"http://127.0.0.1:{ui_port}"}
        await self._supervisor.start(self._engine_role(port, ui_port))
        await asyncio.to_thread(temporal_server.register, settings, self._addresses["temporal"])
        engine.announce(settings, self._addresses["temporal"])

    def _engine_role(self, port: int, ui_port: int) -> Role:
        release = temporal_server.version(temporal_server.program(self._settings))
        self._status.versions["temporal"] = release
        return roles.engine(self._settings, release, port, ui_port, self._say)

    def _own_roles(self) -> tuple[Role, ...]:
        environment = self._environment()
        web, console = (
            roles.served(name, self._commands[name], self._sockets[key], address, environment)
            for name, key, address in (
                ("web", "port", self._settings.portal),
                ("console", "console_port", self._settings.console),
            )
        )
        worker = roles.working(self._settings, "worker", self._commands["worker"], dict(environment))
        if self._settings.metrics_port:
            environment["SIROCCO_METRICS_PORT"] = str(self._settings.metrics_port + 1)
        solver = roles.working(self._settings, "solver", self._commands["solver"], dict(environment))
        return web, console, worker, solver

    def _environment(self) -> dict[str, str]:
        settings = self._settings
        return {
            "SIROCCO_HOME": str(settings.home),
            "SIROCCO_PORT": str(settings.port),
            "SIROCCO_CONSOLE_PORT": str(settings.console_port),
            "SIROCCO_ADMIN_PASSWORD": "",
            "TEMPORAL_ADDRESS": self._addresses["temporal"],
            "TEMPORAL_UI_URL": self._addresses["temporal_ui"],
        }

    async def _once(self, step: str) -> None:
        """Run a step that ends by itself; its words go where ours go. StartError when it fails."""
        environment = {**self._environment(), "SIROCCO_ADMIN_PASSWORD": _password(self._settings)}
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "TERM", "--", *self._commands[step]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        try:
            assert process.stdout  # noqa: S101 - for the type checker
            async for line in process.stdout:
                self._say(line.decode(errors="replace").rstrip())
            if await process.wait():
                raise StartError("{step} failed; what it said stands above", step=step)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()

    async def _stop(self) -> None:
        self._say(worded("Stopping ..."))
        await self._supervisor.stop()
        await self._hypervisor.stop()
        for opened in self._sockets.values():
            opened.close()
        self._status.stopped()
        self._say(worded("Stopped."))


_COMMANDS: dict[str, tuple[str, ...]] = {
    "migrate": (sys.executable, "-m", "sirocco.admin", "migrate"),
    "web": (sys.executable, "-m", "sirocco.server"),
    "worker": (sys.executable, "-m", "sirocco.worker"),
    "solver": (sys.executable, "-m", "sirocco.worker", "--solver"),
    "console": (sys.executable, "-m", "sirocco.console"),
    "first-start": (sys.executable, "-m", "sirocco.ops.first_start"),
}


def _password(settings: Settings) -> str:
    return settings.admin_password.get_secret_value()


def up(settings: Settings, say: Say) -> int:
    """Run in the foreground until told to stop."""
    prepare_home(settings)
    with sole(settings):
        return asyncio.run(Embedded(settings, say).run())
