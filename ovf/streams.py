"""Files that come in chunks or compressed, as one stream (DSP0243 2.1, clause 7.1)."""

import io
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from ovf.errors import RefusedError

GZIP_MAGIC = b"\x1f\x8b"
_BLOCK = 2**18


class Watched:
    """A stream that reports what was read of it."""

    def __init__(self, stream: BinaryIO, report: Callable[[int], None]) -> None:
        self._stream = stream
        self._report = report

    def read(self, count: int) -> bytes:
        """Read and report."""
        data = self._stream.read(count)
        self._report(len(data))
        return data


class Joined(io.RawIOBase):
    """Chunks read one after the other; each is opened when its turn comes and closed behind it."""

    def __init__(self, openers: Iterator[Callable[[], BinaryIO]]) -> None:
        super().__init__()
        self._openers = openers
        self._current: BinaryIO | None = None

    def readable(self) -> bool:
        """Chunks are for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer from the current chunk, or the next one with content."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        while True:
            if self._current is None:
                opener = next(self._openers, None)
                if opener is None:
                    return 0
                self._current = opener()
            data = self._current.read(len(view))
            if data:
                view[: len(data)] = data
                return len(data)
            self._current.close()
            self._current = None

    def close(self) -> None:
        """Close the chunk that is open."""
        if self._current is not None:
            self._current.close()
        super().close()


class Gunzip(io.RawIOBase):
    """The content of a gzip stream (RFC 1952, several members allowed), at most ``most`` bytes of it.

    A bomb is stopped when it passes the limit, having used one block of memory.
    """

    def __init__(self, source: BinaryIO, most: int, name: str) -> None:
        super().__init__()
        self._source = source
        self._most = most
        self._name = name
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._waiting = b""
        self._produced = 0
        self._fresh = True

    def readable(self) -> bool:
        """Content is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer with the next piece of content."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        while True:
            if not self._waiting:
                self._waiting = self._source.read(_BLOCK)
            if not self._waiting:
                return self._at_end()
            data = self._inflated(len(view))
            self._produced += len(data)
            if self._produced > self._most:
                raise RefusedError(
                    f"unpacks to more than {self._most} bytes", where=self._name, remedy="this may be a gzip bomb"
                )
            if data:
                view[: len(data)] = data
                return len(data)

    def close(self) -> None:
        """Close what is unpacked as well."""
        self._source.close()
        super().close()

    def _inflated(self, room: int) -> bytes:
        if self._inflate.eof:
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
            self._fresh = True
        try:
            data = self._inflate.decompress(self._waiting, room)
        except zlib.error:
            raise RefusedError("is not what gzip wrote", where=self._name, remedy="fetch it again") from None
        self._fresh = False
        self._waiting = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        return data

    def _at_end(self) -> int:
        if not self._inflate.eof and not self._fresh:
            raise RefusedError("ends in the middle of its gzip stream", where=self._name, remedy="fetch it again")
        return 0
