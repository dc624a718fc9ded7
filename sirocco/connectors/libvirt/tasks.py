"""Calls that may take long: begun at once, asked about later.

Every task can be begun again after a crash, as it finds what it did before; so a task that this process does not know
and whose effect does not show is reported as interrupted, and the caller makes the call again with the same token.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from sirocco.connectors.libvirt.errors import translated
from sirocco.connectors.ports import ConnectorError, Done, Fault, Op, OpStatus

_WORKERS = 16
_AT_ONCE = 0.5  # seconds a call may take before it is answered with PENDING
_KEPT = 4096  # ended tasks that are remembered
_GRACE = 30.0  # seconds in which another process may still be at work on a task that is unknown here
_SOON = 0.05  # seconds between two looks at a task of this process: looking costs nothing


class Cancelled(Exception):  # noqa: N818 - a way out, not an error
    """Raised inside a task whose caller asked it to end."""


@dataclass(slots=True)
class Progress:
    """How far a task is (0..1 when known), and whether it should end early."""

    share: float | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise ``Cancelled`` when the caller has asked for it."""
        if self.stopping.is_set():
            raise Cancelled


Work = Callable[[Progress], None]


class Tasks:
    """The tasks of one connector, in a bounded number of threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="libvirt-task")
        self._lock = threading.Lock()
        self._tasks: dict[tuple[str, str], tuple[Future[None], Progress]] = {}
        self._asked: dict[tuple[str, str], float] = {}

    def begin(self, op: Op, work: Work) -> Op:
        """Start, or join what the same token started; done at once if it is quick."""
        key = (op.verb, op.token)
        with self._lock:
            known = self._tasks.get(key)
            if known is None or known[0].done():
                self._forget_some()
                progress = Progress()
                known = self._tasks[key] = self._pool.submit(self._run, op, work, progress), progress
        wait([known[0]], _AT_ONCE)
        if not known[0].done():
            return replace(op, done=Done.PENDING)
        known[0].result()
        return replace(op, done=Done.OK)

    def _forget_some(self) -> None:
        ended = [key for key, (future, _) in self._tasks.items() if future.done()]
        for key in ended[: max(0, len(self._tasks) - _KEPT)]:
            del self._tasks[key]

    @staticmethod
    def _run(op: Op, work: Work, progress: Progress) -> None:
        with translated(
            why="{action} failed for {kind} {id}: {said}", action=op.verb, kind=op.ref.kind, id=op.ref.native_id
        ):
            try:
                work(progress)
            except Cancelled:
                raise ConnectorError(Fault.CONFLICT, why="the operation was cancelled") from None
            except (OSError, ValueError, LookupError, TypeError) as error:
                raise ConnectorError(
                    Fault.INTERNAL,
                    why="{action} failed for {kind} {id}: {said}",
                    action=op.verb,
                    kind=op.ref.kind,
                    id=op.ref.native_id,
                    said=repr(error),
                ) from error

    def poll(self, op: Op, has_effect: Callable[[Op], bool]) -> OpStatus:
        """How a task stands; of one that another process began, ``has_effect`` tells whether it has been done."""
        with self._lock:
            known = self._tasks.get((op.verb, op.token))
        if known is None:
            return self._unknown(op, has_effect)
        future, progress = known
        if not future.done():
            return OpStatus(Done.PENDING, progress.share, poll_after=_SOON)
        error = future.exception()
        if error is None:
            return OpStatus(Done.OK, 1.0)
        return OpStatus(Done.FAILED, error=error if isinstance(error, ConnectorError) else None)

    def _unknown(self, op: Op, has_effect: Callable[[Op], bool]) -> OpStatus:
        if op.done is Done.OK or has_effect(op):
            return OpStatus(Done.OK, 1.0)
        with self._lock:
            since = self._asked.setdefault((op.verb, op.token), time.monotonic())
        if time.monotonic() - since < _GRACE:
            return OpStatus(Done.PENDING)
        why = "the operation was interrupted: make the call again with its token"
        lost = ConnectorError(Fault.TRANSIENT, why=why)
        return OpStatus(Done.FAILED, error=lost)

    def cancel(self, op: Op) -> None:
        """Ask a task to end early."""
        with self._lock:
            known = self._tasks.get((op.verb, op.token))
        if known is not None:
            known[1].stopping.set()

    def close(self) -> None:
        """Take no more; what runs is asked to end."""
        with self._lock:
            for _, progress in self._tasks.values():
                progress.stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
