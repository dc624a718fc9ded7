"""Where a package lies: in a folder or in an archive (DSP0243 2.1, clauses 5.3 and 5.4)."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from ovf.archive import Member, MemberReader, members
from ovf.errors import RefusedError, UnreadableError
from ovf.hrefs import safe_member
from ovf.limits import DEFAULT, Limits
from ovf.streams import GZIP_MAGIC


@dataclass(frozen=True)
class Extent:
    """Where a file's bytes lie on disk: the path, the first byte, and how many."""

    path: Path
    offset: int
    size: int


class Storage(Protocol):
    """The files of a package by name."""

    path: Path

    def names(self) -> list[str]:
        """All names, in the order they lie there."""

    def size(self, name: str) -> int | None:
        """A file's size in bytes; None when there is no such file."""

    def open(self, name: str) -> BinaryIO:
        """A file's content, seekable."""

    def extent(self, name: str) -> Extent:
        """Where a file's bytes lie, for programs that read them themselves."""


class Folder:
    """A package as plain files; links that lead out of the folder are not followed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = path.resolve()

    def names(self) -> list[str]:
        """The files of the folder itself; sub-folders are looked into by name only."""
        return sorted(entry.name for entry in os.scandir(self.path) if entry.is_file(follow_symlinks=False))

    def size(self, name: str) -> int | None:
        """A file's size in bytes; None when there is no such ordinary file inside the folder."""
        try:
            path = self._path(name)
            status = path.lstat()
        except (OSError, RefusedError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def open(self, name: str) -> BinaryIO:
        """A file's content.

        Raises:
            RefusedError: the file is missing, is no ordinary file, or lies outside the folder.
        """
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise RefusedError(f"cannot be opened: {error.strerror}", where=name) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise RefusedError("is no ordinary file", where=name)
        return os.fdopen(descriptor, "rb")

    def extent(self, name: str) -> Extent:
        """The whole of a file."""
        with self.open(name) as stream:
            return Extent(self._path(name), 0, os.fstat(stream.fileno()).st_size)

    def _path(self, name: str) -> Path:
        path = self._root / safe_member(name)
        if not path.parent.resolve().is_relative_to(self._root):
            raise RefusedError("lies outside the package", where=name)
        return path


class Archive:
    """A package as an OVA, read in place."""

    def __init__(self, path: Path, limits: Limits = DEFAULT) -> None:
        self.path = path
        with path.open("rb") as stream:
            found = [member for member, _ in members(stream, limits, where=path.name)]
        self._members = {member.name: member for member in found}

    def names(self) -> list[str]:
        """The members in the order of the archive."""
        return list(self._members)

    def size(self, name: str) -> int | None:
        """A member's size in bytes."""
        member = self._find(name)
        return member.size if member else None

    def open(self, name: str) -> BinaryIO:
        """A member's content.

        Raises:
            RefusedError: there is no such member.
        """
        member = self._find(name)
        if member is None:
            raise RefusedError("is not in the archive", where=name)
        return cast("BinaryIO", _Owned(self.path.open("rb", buffering=0), member))

    def extent(self, name: str) -> Extent:
        """Where the member lies in the archive."""
        member = self._find(name)
        if member is None:
            raise RefusedError("is not in the archive", where=name)
        return Extent(self.path, member.data, member.size)

    def _find(self, name: str) -> Member | None:
        return self._members.get(safe_member(name))


class _Owned(MemberReader):
    """A member's reader that closes the archive with itself."""

    def __init__(self, archive: BinaryIO, member: Member) -> None:
        super().__init__(archive, member)
        self._owned = archive

    def close(self) -> None:
        self._owned.close()
        super().close()


def open_storage(path: Path, limits: Limits = DEFAULT) -> tuple[Storage, str]:
    """The storage behind a path (folder, archive or descriptor) and the descriptor's name in it.

    Raises:
        UnreadableError: nothing there, or no descriptor in it.
    """
    if path.is_dir():
        folder = Folder(path)
        return folder, _descriptor(folder.names(), path.name)
    if not path.is_file():
        raise UnreadableError("does not exist or is no ordinary file", where=str(path))
    with path.open("rb") as stream:
        head = stream.read(265)
    if head.startswith(GZIP_MAGIC):
        raise UnreadableError("is compressed as a whole", where=path.name, remedy="unpack it with gunzip first")
    if head[257:262] == b"ustar" or path.suffix.lower() == ".ova":
        archive = Archive(path, limits)
        return archive, _descriptor(archive.names(), path.name)
    return Folder(path.parent), path.name


def _descriptor(names: list[str], where: str) -> str:
    found = [name for name in names if name.lower().endswith(".ovf")]
    if not found:
        raise UnreadableError("contains no descriptor (.ovf)", where=where, remedy="is this an OVF package?")
    if len(found) > 1:
        raise UnreadableError(f"contains {len(found)} descriptors", where=where, remedy="name one of them")
    return found[0]
