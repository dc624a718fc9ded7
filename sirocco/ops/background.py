"""The supervisor in the background: started with patience, stopped with patience."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from sirocco.ops import status
from sirocco.ops.errors import OperationError
from sirocco.ops.lock import AlreadyRunningError, running
from sirocco.ops.settings import Settings, prepare_home
from sirocco.ops.words import worded

LOG = "supervisor.log"
_LOOK = 0.1
_STOP_SECONDS = 120.0

Say = Callable[[str], None]


def start(settings: Settings, say: Say) -> None:
    """Start a supervisor that outlives us; pass its words on until it is ready. OperationError if it ends first."""
    prepare_home(settings)
    if running(settings):
        raise AlreadyRunningError(settings)
    path = settings.log / LOG
    with path.open("ab") as output:
        begin = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "sirocco.admin", "up", "--logged"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "SIROCCO_LOG_FORMAT": "json" if settings.log_format == "auto" else settings.log_format},
        )
    with path.open() as words:
        words.seek(begin)
        while process.poll() is None and not _ready(settings, process.pid):
            _pass_on(words.read(), say)
            time.sleep(_LOOK)
        _pass_on(words.read(), say)
    if process.returncode is not None:
        raise OperationError("Sirocco did not start; {path} tells more", path=path)


def stop(settings: Settings, say: Say) -> None:
    """Ask the supervisor to stop and wait until it has; nothing running is fine."""
    pid = _supervisor(settings)
    if pid is None:
        say(worded("Sirocco does not run."))
        return
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + _STOP_SECONDS
    while running(settings):
        if time.monotonic() > end:
            told = {"pid": pid, "seconds": f"{_STOP_SECONDS:.0f}"}
            raise OperationError("the supervisor (pid {pid}) has not stopped within {seconds} s", **told)
        time.sleep(_LOOK)
    say(worded("Stopped."))


def _supervisor(settings: Settings) -> int | None:
    known = status.read(settings, running=running(settings))
    return known["supervisor"]["pid"] if known["running"] else None


def _ready(settings: Settings, pid: int) -> bool:
    known = status.read(settings, running=running(settings))
    return bool(known["ready"] and known["supervisor"]["pid"] == pid)


def _pass_on(text: str, say: Say) -> None:
    """Words for people; structured log lines stay in the file."""
    for line in text.splitlines():
        if line and not line.startswith("{"):
            say(line)
