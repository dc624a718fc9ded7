"""A progress bar on the terminal, for work that takes longer than a moment."""

import sys
import time
from types import TracebackType
from typing import Self

_WIDTH = 30
_PAUSE = 0.1


class Bar:
    """Shows how far a piece of work is; silent when the error output is no terminal.

    Args:
        total: bytes to come, 0 when shares are reported instead.
    """

    def __init__(self, total: int = 0) -> None:
        self._total = total
        self._done = 0
        self._shown = 0.0
        self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            sys.stderr.write("\r" + " " * 78 + "\r")
            sys.stderr.flush()

    def advance(self, name: str, count: int) -> None:
        """Some more bytes of this file are done."""
        self._done += count
        self.share(name, self._done / self._total if self._total else 0.0)

    def share(self, name: str, share: float) -> None:
        """This share (0 to 1) of a file is done."""
        now = time.monotonic()
        if not sys.stderr.isatty() or now - self._shown < _PAUSE:
            return
        self._shown, self._drawn = now, True
        filled = int(min(share, 1.0) * _WIDTH)
        bar = "#" * filled + "." * (_WIDTH - filled)
        shown = "".join(letter if letter.isprintable() else "?" for letter in name[-30:])
        sys.stderr.write(f"\r[{bar}] {min(share, 1.0):4.0%} {shown:<30}")
        sys.stderr.flush()
