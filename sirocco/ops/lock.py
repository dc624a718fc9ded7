"""One supervisor per home: a lock that the kernel releases with its holder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from sirocco.ops.errors import OperationError
from sirocco.ops.settings import Settings

_LOCK = "supervisor.lock"


class AlreadyRunningError(OperationError):
    """Another supervisor runs on this home."""

    def __init__(self, settings: Settings) -> None:
        text = "Sirocco runs already on {home}; `siroccod status` shows it, `siroccod down` stops it"
        super().__init__(text, home=settings.home)


@contextmanager
def sole(settings: Settings) -> Iterator[None]:
    """Hold the home's lock, which the kernel releases with the process; AlreadyRunningError if another holds it."""
    with (settings.run / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(settings) from None
        yield


def running(settings: Settings) -> bool:
    """Whether a supervisor holds the home's lock."""
    try:
        with sole(settings):
            return False
    except AlreadyRunningError:
        return True
    except FileNotFoundError:
        return False
