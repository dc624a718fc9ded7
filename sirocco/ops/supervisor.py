"""Keeping processes: started in order, watched, started again when they die or hang, stopped in reverse order.

It knows nothing of what the processes do: a table of roles says how each is started and how its health is asked.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import structlog

from sirocco.ops.errors import OperationError

_ASK_STARTING = 0.1
_ASK_RUNNING = 2.0
_HANGS_AFTER = 60.0
_WINDOW = 60.0
_FREE_DEATHS = 5
_SHORTEST_WAIT = 0.05
_LONGEST_WAIT = 30.0
_TRIES = 3
_LOG_LIMIT = 20 * 2**20

log = structlog.get_logger(__name__)


class Health(StrEnum):
    """How a process is."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    WAITING = "waiting"
    STOPPED = "stopped"


class StartError(OperationError):
    """A process did not become healthy; the message names its log."""


@dataclass(frozen=True, slots=True)
class Role:
    """A process to keep.

    ``healthy`` is asked with the process's pid, from a thread. ``stop_within`` seconds after SIGTERM it is killed.
    ``sweep`` ends what a dead process leaves in its process group. ``before`` runs before every start and may return
    further descriptors to hand on, which are closed here once the process has them.
    """

    name: str
    command: tuple[str, ...]
    healthy: Callable[[int], bool]
    address: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    before: Callable[[], tuple[int, ...]] = tuple
    stop_within: float = 20.0
    start_within: float = 120.0
    sweep: bool = True


@dataclass
class Child:
    """One kept process and what is known of it."""

    role: Role
    log: Path
    changed: Callable[[], None]
    health: Health = Health.STOPPED
    starts: int = 0
    _fault: Exception | None = None
    process: asyncio.subprocess.Process | None = None
    _deaths: deque[float] = field(default_factory=deque)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process's id while it lives."""
        return self.process.pid if self.process and self.process.returncode is None else None

    async def start(self) -> None:
        """Start it and return when it is healthy; StartError when it keeps dying or takes too long."""
        self._task = asyncio.create_task(self._keep(), name=self.role.name)
        end = time.monotonic() + self.role.start_within
        while self.health is not Health.HEALTHY:
            if self._task.done() or self.starts > _TRIES or time.monotonic() > end:
                if self._fault:
                    raise StartError("{role} did not start: {cause}", role=self.role.name, cause=self._fault)
                ends = {"log": self.log, "words": _tail(self.log)}
                raise StartError("{role} did not start: its log {log} ends:\n{words}", role=self.role.name, **ends)
            await asyncio.sleep(_ASK_STARTING)

    async def stop(self) -> None:
        """SIGTERM, time to finish, SIGKILL; returns when it has ended."""
        self._stopping.set()
        if self._task:
            await asyncio.wait([self._task])
        self._set(Health.STOPPED)

    async def _keep(self) -> None:
        """Start it, and again whenever it ends, until told to stop."""
        while not self._stopping.is_set():
            process = await self._try_to_spawn()
            if process is None:
                await self._pause()
                continue
            watching = asyncio.create_task(self._watch(process))
            ended, told = asyncio.create_task(process.wait()), asyncio.create_task(self._stopping.wait())
            await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            watching.cancel()
            await asyncio.wait((watching,))
            if not ended.done():
                await self._end(process, ended)
            if self.role.sweep:
                _signal_group(process.pid)
            if not self._stopping.is_set():
                log.warning("process ended", process=self.role.name, pid=process.pid, code=process.returncode)
                await self._pause()

    async def _end(self, process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
        _signal(process.pid, signal.SIGTERM)
        if not (await asyncio.wait((ended,), timeout=self.role.stop_within))[0]:
            log.warning("killed: it did not stop in time", process=self.role.name, seconds=self.role.stop_within)
            _signal(process.pid, signal.SIGKILL)
            await ended

    async def _pause(self) -> None:
        """Wait before the next start: next to nothing for the first deaths within a minute, then ever longer."""
        self._set(Health.WAITING)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), self._wait_before_restart())

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Ask for health; a process that hangs for long is killed, and so started again."""
        last = time.monotonic()
        while True:
            if await asyncio.to_thread(self.role.healthy, process.pid):
                last = time.monotonic()
                self._set(Health.HEALTHY)
            elif self.health is not Health.STARTING:
                self._set(Health.UNHEALTHY)
            patience = self.role.start_within if self.health is Health.STARTING else _HANGS_AFTER
            if time.monotonic() - last > patience:
                log.error("killed: it hangs", process=self.role.name, pid=process.pid, seconds=patience)
                _signal(process.pid, signal.SIGKILL)
            _keep_short(self.log)
            await asyncio.sleep(_ASK_RUNNING if self.health is Health.HEALTHY else _ASK_STARTING)

    async def _try_to_spawn(self) -> asyncio.subprocess.Process | None:
        self.starts += 1
        try:
            return await self._spawn()
        except Exception as error:
            log.exception("process cannot be started", process=self.role.name)
            self._fault = error
            return None

    async def _spawn(self) -> asyncio.subprocess.Process:
        """Start the process in a session of its own, so that a terminal's Ctrl-C reaches only the supervisor."""
        handed_on = await asyncio.to_thread(self.role.before)
        try:
            with self.log.open("ab") as output:
                self.process = await asyncio.create_subprocess_exec(
                    *("setpriv", "--pdeathsig", "TERM", "--", *self.role.command),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**os.environ, **self.role.environment},
                    pass_fds=(*self.role.descriptors, *handed_on),
                    start_new_session=True,
                )
        finally:
            for descriptor in handed_on:
                os.close(descriptor)
        self._set(Health.STARTING)
        return self.process

    def _wait_before_restart(self) -> float:
        now = time.monotonic()
        self._deaths.append(now)
        while self._deaths[0] < now - _WINDOW:
            self._deaths.popleft()
        return min(_LONGEST_WAIT, _SHORTEST_WAIT * 2.0 ** max(0, len(self._deaths) - _FREE_DEATHS))

    def _set(self, health: Health) -> None:
        if health is not self.health:
            self.health = health
            self.changed()


class Supervisor:
    """Keeps processes until told to stop. ``changed`` is called when any of them changes."""

    def __init__(self, logs: Path, changed: Callable[["Supervisor"], None]) -> None:
        self._tiers: list[list[Child]] = []
        self._logs, self._changed = logs, changed

    @property
    def children(self) -> tuple[Child, ...]:
        """All processes, in the order of their start."""
        return tuple(child for tier in self._tiers for child in tier)

    async def start(self, *roles: Role) -> None:
        """Start processes side by side and return when all are healthy."""
        started = [Child(role, self._logs / f"{role.name}.log", lambda: self._changed(self)) for role in roles]
        self._tiers.append(started)
        results = await asyncio.gather(*(child.start() for child in started), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def stop(self) -> None:
        """Stop all: those started together, together; those started last, first."""
        for tier in reversed(self._tiers):
            await asyncio.gather(*(child.stop() for child in tier))


def _signal(pid: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, which)


def _signal_group(pid: int) -> None:
    """End what a dead process left in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _tail(path: Path, size: int = 2000) -> str:
    try:
        return path.read_bytes()[-size:].decode(errors="replace").strip()
    except OSError:
        return ""


def _keep_short(path: Path) -> None:
    """Move a grown log to ``.1``. Its writers append, so they go on in the emptied file."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > _LOG_LIMIT:
            path.with_name(f"{path.name}.1").write_bytes(path.read_bytes())
            os.truncate(path, 0)
