"""Packs files into an OVA or a folder, always with a manifest, and takes an OVA apart (clauses 5.1, 5.3, 5.4).

The descriptor comes first, then manifest and certificate, then the files in the order of References. The same
input gives the same bytes: no times, no owners.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ovf import manifest, tar
from ovf.archive import members
from ovf.errors import OvfError, RefusedError
from ovf.hrefs import safe_member
from ovf.limits import DEFAULT, Limits
from ovf.signature import sign
from ovf.streams import Watched

_COPY = 2**20
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Piece:
    """A file to pack: its name in the package, its size in bytes, and how to open it."""

    name: str
    size: int
    open: Callable[[], BinaryIO]

    @classmethod
    def of_path(cls, name: str, path: Path) -> "Piece":
        """A piece from a file on disk."""
        return cls(name, path.stat().st_size, lambda: path.open("rb"))


@dataclass(frozen=True)
class Signer:
    """A private key and its certificate chain, both in PEM, the signer's own certificate first."""

    key: bytes
    certificates: bytes


def pack(
    descriptor: bytes,
    stem: str,
    pieces: Iterable[Piece],
    target: Path,
    *,
    digest: str = "SHA256",
    signer: Signer | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a package: an OVA if the target ends in ``.ova``, else a folder.

    Each file is read twice, for the manifest that comes before it and to be copied; progress counts both.

    Raises:
        OvfError: a file changed while it was packed, or the key cannot be used; nothing half-written stays.
    """
    pieces = list(pieces)
    first = head(descriptor, stem, pieces, digest, signer=signer, progress=progress)
    if target.suffix.lower() == ".ova":
        _write_archive(target, first, pieces, progress)
    else:
        _write_folder(target, first, pieces, progress)


def head(
    descriptor: bytes,
    stem: str,
    pieces: list[Piece],
    digest: str,
    *,
    signer: Signer | None = None,
    progress: Progress | None = None,
) -> list[tuple[str, bytes]]:
    """Descriptor, manifest and certificate by name."""
    running = manifest.new_digest(digest)
    running.update(descriptor)
    entries = [manifest.Entry(digest, f"{stem}.ovf", running.hexdigest())]
    for piece in pieces:
        with piece.open() as stream:
            found, size = manifest.digests(_watched(stream, piece.name, progress), [digest])
        if size != piece.size:
            raise OvfError(f"has {size} bytes instead of {piece.size}", where=piece.name)
        entries.append(manifest.Entry(digest, piece.name, found[digest]))
    listing = manifest.render(entries)
    head = [(f"{stem}.ovf", descriptor), (f"{stem}.mf", listing)]
    if signer is not None:
        head.append((f"{stem}.cert", sign(listing, f"{stem}.mf", signer.key, signer.certificates, digest)))
    return head


def _watched(stream: BinaryIO, name: str, progress: Progress | None) -> manifest.Readable:
    return stream if progress is None else Watched(stream, lambda count: progress(name, count))


def _write_archive(target: Path, head: list[tuple[str, bytes]], pieces: list[Piece], progress: Progress | None) -> None:
    partial = target.with_name(f".{target.name}.partial")
    try:
        with partial.open("wb") as output:
            for name, data in head:
                output.write(tar.header(name, len(data)) + data + bytes(tar.padding(len(data))))
            for piece in pieces:
                output.write(tar.header(piece.name, piece.size))
                _copy(piece, output, progress)
                output.write(bytes(tar.padding(piece.size)))
            output.write(bytes(2 * tar.BLOCK))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _write_folder(target: Path, head: list[tuple[str, bytes]], pieces: list[Piece], progress: Progress | None) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name, data in head:
        (target / name).write_bytes(data)
    for piece in pieces:
        path = target / safe_member(piece.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as output:
            _copy(piece, output, progress)


def _copy(piece: Piece, output: BinaryIO, progress: Progress | None) -> None:
    """Copy exactly the announced number of bytes."""
    left = piece.size
    with piece.open() as opened:
        stream = _watched(opened, piece.name, progress)
        while block := stream.read(min(_COPY, left)):
            output.write(block)
            left -= len(block)
    if left:
        raise OvfError(f"ended {left} bytes early", where=piece.name)


def unpack(
    source: Path,
    target: Path,
    *,
    limits: Limits = DEFAULT,
    resume: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write the members of an OVA as files of a new folder, one after the other; the bytes written.

    A member that was not written to its end is removed. To ``resume`` an earlier run means to keep the files it wrote
    whole, told by their length, and to go on with the first other member.

    Raises:
        UnreadableError: no archive, damaged or cut short.
        RefusedError: a member no package may hold, a file that exists, or not enough room.
    """
    there = sum(path.lstat().st_size for path in target.rglob("*") if path.is_file()) if resume else 0
    if source.stat().st_size - there > shutil.disk_usage(target.parent).free:
        raise RefusedError("there is not enough room to unpack it", where=str(target))
    target.mkdir(exist_ok=True)
    written = 0
    with source.open("rb") as stream:
        for member, reader in members(stream, limits, where=source.name):
            path = target / PurePosixPath(member.name)
            _make_parents(path, target)
            if not (resume and _is_there(path, member.size)):
                written += _save(path, reader, progress, member.name)  # type: ignore[arg-type]
            elif progress is not None:
                progress(member.name, member.size)
    return written


def _is_there(path: Path, size: int) -> bool:
    """Whether an earlier run wrote this file whole; what it left unfinished is removed."""
    if not path.is_file() or path.is_symlink():
        return False
    whole = path.stat().st_size == size
    if not whole:
        path.unlink()
    return whole


def _make_parents(path: Path, root: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise RefusedError("would be written outside the folder", where=path.name)


def _save(path: Path, reader: BinaryIO, progress: Progress | None, name: str) -> int:
    written = 0
    stream = _watched(reader, name, progress)
    try:
        output = path.open("xb")
    except FileExistsError:
        raise RefusedError("exists already and is not overwritten", where=str(path)) from None
    try:
        with output:
            while block := stream.read(_COPY):
                output.write(block)
                written += len(block)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return written
