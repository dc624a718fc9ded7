"""An OVA as a sequence of members, read forward and never unpacked as a whole (DSP0243 2.1, clause 5.3)."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ovf import tar
from ovf.errors import RefusedError, UnreadableError
from ovf.hrefs import safe_member
from ovf.limits import DEFAULT, Limits

_COPY = 2**20


@dataclass(frozen=True)
class Member:
    """A file in the archive: where its header begins (``start``), its content (``data``), the next one (``end``)."""

    name: str
    size: int
    start: int
    data: int
    end: int


class MemberReader(io.RawIOBase):
    """The content of one member as a stream; seekable where the archive is."""

    def __init__(self, archive: BinaryIO, member: Member) -> None:
        super().__init__()
        self._archive = archive
        self._member = member
        self._position = 0

    def readable(self) -> bool:
        """Members are for reading."""
        return True

    def seekable(self) -> bool:
        """As the archive itself."""
        return self._archive.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move inside the member."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._member.size}[whence]
        self._position = min(max(base + offset, 0), self._member.size)
        return self._position

    def readinto(self, buffer: object) -> int:
        """Fill the buffer with what is left of the member, as far as it goes."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        wanted = min(len(view), self._member.size - self._position)
        if self._archive.seekable():
            self._archive.seek(self._member.data + self._position)
        got = self._archive.read(wanted)
        if len(got) < wanted:
            raise UnreadableError("ends in the middle of a member", where=self._member.name, remedy="fetch it again")
        view[: len(got)] = got
        self._position += len(got)
        return len(got)

    def skip_rest(self) -> None:
        """Read to the end of the member, for streams that cannot seek."""
        while self.read(_COPY):
            pass


def members(
    stream: BinaryIO, limits: Limits = DEFAULT, *, start: int = 0, where: str = "archive"
) -> Iterator[tuple[Member, MemberReader]]:
    """The members of an archive, each with a reader that is valid until the next one is asked for.

    A stream that can seek is moved to ``start``, any other must be there already; so reading can be resumed at
    the ``end`` of the last member seen.

    Raises:
        UnreadableError: no tar archive, damaged or cut short.
        RefusedError: a member no package may hold, a name used twice, or more than the limits allow.
    """
    walker = _Walker(stream, limits, start, where)
    names: set[str] = set()
    while (member := walker.next()) is not None:
        if member.name in names:
            raise RefusedError(f"contains {member.name!r} twice", where=where, remedy="pack it again")
        names.add(member.name)
        if len(names) > limits.members:
            raise RefusedError(f"contains more than {limits.members} files", where=where)
        reader = MemberReader(stream, member)
        yield member, reader
        walker.leave(member, reader)


class _Walker:
    def __init__(self, stream: BinaryIO, limits: Limits, start: int, where: str) -> None:
        self._stream = stream
        self._limits = limits
        self._where = where
        self._position = start
        self._length = stream.seek(0, io.SEEK_END) if stream.seekable() else None
        self._entries = 0
        if self._length is not None:
            stream.seek(start)

    def next(self) -> Member | None:
        """The next file, with its long name and size; None at the end."""
        start = self._position
        name, size = "", None
        while (header := self._header()) is not None:
            if header.kind == b"L":
                name = self._extra(header.size).split(b"\0", 1)[0].decode("utf-8", "replace")
            elif header.kind in {b"x", b"g"}:
                records = tar.parse_pax(self._extra(header.size), self._where)
                name, size = records.get("path", name), self._number(records.get("size"), size)
            elif not header.is_file:
                safe_member(header.name.rstrip("/"))
                start = self._position
            else:
                return self._member(name or header.name, header.size if size is None else size, start)
        return None

    def _number(self, text: str | None, default: int | None) -> int | None:
        if text is None:
            return default
        if not text.isdecimal() or len(text) > 20:
            raise RefusedError(f"states the size {text[:30]!r}", where=self._where, remedy="fetch it again")
        return int(text)

    def _header(self) -> tar.Header | None:
        self._entries += 1
        if self._entries > 4 * self._limits.members:
            raise RefusedError("contains more headers than a package needs", where=self._where)
        block = self._take(tar.BLOCK)
        if not block.strip(b"\0"):
            if not block and self._position == 0:
                raise UnreadableError("is empty", where=self._where)
            return None
        return tar.parse(block, self._where)

    def _take(self, count: int) -> bytes:
        data = self._stream.read(count)
        self._position += len(data)
        return data

    def _extra(self, size: int) -> bytes:
        if size > self._limits.header_bytes:
            raise RefusedError(f"has a header of {size} bytes", where=self._where, remedy="pack it again")
        data = self._take(size + tar.padding(size))
        if len(data) < size:
            raise UnreadableError("ends in the middle of a header", where=self._where, remedy="fetch it again")
        return data[:size]

    def _member(self, name: str, size: int, start: int) -> Member:
        end = self._position + size + tar.padding(size)
        if self._length is not None and self._position + size > self._length:
            raise UnreadableError(
                f"states {size} bytes for {name[:80]!r} but ends before", where=self._where, remedy="fetch it again"
            )
        if end > self._limits.package_bytes:
            raise RefusedError("is larger than any package may be", where=self._where)
        return Member(safe_member(name), size, start, self._position, end)

    def leave(self, member: Member, reader: MemberReader) -> None:
        """Go on behind the member, whatever was read of it."""
        if self._length is None:
            reader.skip_rest()
            self._stream.read(tar.padding(member.size))
        else:
            self._stream.seek(member.end)
        self._position = member.end
