"""Signs of life: processes with a port answer ``GET /healthz``, the others touch a file every second."""

import os
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from sirocco.ops.settings import Settings, reachable

BEAT = 1.0
LATE = 10.0


def beat(settings: Settings, role: str) -> None:
    """Say that this process does its work; call it about once a second, from the loop that would hang."""
    sign = _sign(settings, role)
    scratch = sign.with_name(f"{sign.name}.{os.getpid()}")
    scratch.write_text(str(os.getpid()))
    scratch.replace(sign)


def alive(settings: Settings, role: str, pid: int) -> bool:
    """Whether the process with this pid has given a sign within the last seconds."""
    try:
        sign = _sign(settings, role)
        return time.time() - sign.stat().st_mtime < LATE and sign.read_text() == str(pid)
    except OSError:
        return False


def works(settings: Settings, role: str) -> bool:
    """Whether the process of a role on this machine works, whichever pid it has: the only one of its role here."""
    served = {"web": settings.port, "console": settings.console_port}
    if role in served:
        return answers(f"http://{reachable(settings.host)}:{served[role]}/healthz")
    try:
        pid = int(_sign(settings, role).read_text())
    except (OSError, ValueError):
        return False
    return alive(settings, role, pid)


def keep_beating(settings: Settings, role: str) -> threading.Event:
    """Beat from a thread of its own until the returned event is set; for work that has no loop of its own."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(BEAT):
            beat(settings, role)

    beat(settings, role)
    threading.Thread(target=run, name="heartbeat", daemon=True).start()
    return ended


def answers(url: str, *, timeout: float = 5.0) -> bool:
    """Whether a GET of this address succeeds in time."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:  # noqa: S310 - our own loopback address
            return bool(response.status == 200)
    except (OSError, urllib.error.HTTPError, ValueError):
        return False


def _sign(settings: Settings, role: str) -> Path:
    return settings.run / f"{role}.alive"
