"""The local hypervisor under the supervisor: started where it is wanted and possible, and again when it dies."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import structlog

from sirocco.hypervisor import local, requirements
from sirocco.hypervisor.layout import HypervisorError
from sirocco.ops.settings import Settings
from sirocco.ops.words import worded

_LOOK = 2.0

log = structlog.get_logger(__name__)

Changed = Callable[[int | None, str, str, int], None]


class LocalHypervisor:
    """A private libvirtd with QEMU in the home, kept alive. ``changed`` hears pid, health, address and restarts."""

    def __init__(self, settings: Settings, say: Callable[[str], None], changed: Changed) -> None:
        self._root, self._wanted = settings.libvirt, settings.provider != "fake"
        self._say, self._changed = say, changed
        self._restarts = 0
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it; where that is impossible say why, and what serves instead."""
        if not self._wanted:
            return
        self._say(worded("Starting the local hypervisor ..."))
        try:
            self._tell(await asyncio.to_thread(local.start, self._root))
        except HypervisorError as error:
            self._say(worded("No local hypervisor: {error}", error=error))
            if requirements.test_driver():
                self._say(worded("Using libvirt's test driver instead: machines are pretended."))
            else:
                self._say(worded("Using the fake provider instead: machines are pretended."))
        else:
            self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the machines and the daemon; disks and definitions stay."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeping
        try:
            await asyncio.to_thread(local.stop, self._root)
        except HypervisorError as error:
            self._say(worded("The local hypervisor did not stop cleanly: {error}", error=error))

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            state = await asyncio.to_thread(local.status, self._root)
            if state["running"]:
                continue
            log.warning("process ended", process="hypervisor")
            self._restarts += 1
            try:
                state = await asyncio.to_thread(local.start, self._root)
            except HypervisorError as error:
                log.error("hypervisor cannot be started", reason=str(error))  # noqa: TRY400 - the message is complete
            self._tell(state)

    def _tell(self, state: dict[str, Any]) -> None:
        pid = state["hosts"][0]["pid"] if state["hosts"] else None
        address = state["provider"]["settings"]["hosts"][0]["uri"] if state["hosts"] else ""
        self._changed(pid, "healthy" if state["running"] else "unhealthy", address, self._restarts)


def first_provider(settings: Settings) -> dict[str, Any]:
    """The provider to register at first start: ``kind`` and ``settings``, the best this machine can do."""
    fake = {"kind": "fake", "settings": {"store": str(settings.fake / "cloud.sqlite")}}
    if settings.provider == "fake":
        return fake
    state = local.status(settings.libvirt)
    if state["running"]:
        return dict(state["provider"])
    if requirements.test_driver():
        return {"kind": "libvirt", "settings": {"hosts": [{"name": "test", "uri": "test:///default"}]}}
    return fake


def pretends(settings: Settings) -> bool:
    """Whether the first provider only plays to boot what it is given."""
    first = first_provider(settings)
    return first["kind"] != "libvirt" or str(first["settings"]["hosts"][0]["uri"]).startswith("test:")
