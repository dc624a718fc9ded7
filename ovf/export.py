"""Writes packages for a target: fitted, disks converted, schema-valid, with manifest and signature (clause 5)."""

import hashlib
import re
import struct
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ovf import disks
from ovf.convert import Source, Target, convert
from ovf.disk_headers import SECTOR
from ovf.errors import OvfError, RefusedError
from ovf.hrefs import Kind, classify
from ovf.limits import DEFAULT, Limits
from ovf.loss import Loss, adapt
from ovf.model import Disk, DiskSection, File, Package, SharedDiskSection
from ovf.opened import OpenPackage
from ovf.packing import Piece, Signer, pack
from ovf.parts import Section
from ovf.profiles import Profile
from ovf.reader import read
from ovf.remote import RemotePolicy
from ovf.validity import schema_issues
from ovf.writer import write

Progress = Callable[[str, float], None]
_FORMATS = {
    Target.STREAM_OPTIMIZED: ("vmdk", "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"),
    Target.QCOW2: ("qcow2", "http://www.gnome.org/~markmc/qcow-image-format.html"),
    Target.RAW: ("img", "http://www.dmtf.org/ovf/raw"),
}
_CID = re.compile(rb"(?<=\nCID=)[0-9a-fA-F]{1,8}\b")


@dataclass(frozen=True)
class Exported:
    """What was written: the package as the target has it, and everything that was lost."""

    package: Package
    losses: tuple[Loss, ...]


def export(
    opened: OpenPackage,
    target: Path,
    profile: Profile,
    *,
    signer: Signer | None = None,
    passwords: bool = False,
    remote: RemotePolicy | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write an opened package for another target.

    Raises:
        RefusedError: a disk that must not be opened, or a file that is missing.
        OvfError: conversion or writing failed; nothing half-written stays.
    """
    by_ref = {disk.file_ref: disk for disk in opened.package.disks if disk.file_ref}
    with tempfile.TemporaryDirectory(prefix="ovf-", dir=target.resolve().parent) as folder:
        workspace = Path(folder)

        def find(file: File) -> Source | Piece:
            if file.id in by_ref:
                return disks.source(opened, by_ref[file.id], workspace, remote)
            if classify(file.href) is Kind.REMOTE and remote is not None:
                return Piece.of_path(safe_stem(file.id), disks.fetched(file, workspace, remote))
            return _other(opened, file)

        return _Export(profile, signer, opened.limits, workspace, progress).run(opened.package, find, target, passwords)


def export_model(
    package: Package,
    sources: Mapping[str, Source | Piece],
    target: Path,
    profile: Profile,
    *,
    signer: Signer | None = None,
    limits: Limits = DEFAULT,
    passwords: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write a package from a model; ``sources`` holds an image or a plain file for each file id.

    Raises:
        OvfError: a file has no source, or conversion or writing failed.
    """
    with tempfile.TemporaryDirectory(prefix="ovf-", dir=target.resolve().parent) as folder:

        def find(file: File) -> Source | Piece:
            if file.id not in sources:
                raise OvfError("has no content to write", where=f"file {file.id}")
            return sources[file.id]

        return _Export(profile, signer, limits, Path(folder), progress).run(package, find, target, passwords)


def _other(opened: OpenPackage, file: File) -> Piece:
    """A file that is no disk, as it is stored."""
    if classify(file.href) is not Kind.LOCAL:
        raise RefusedError("lies on another host", where=file.href[:100], remedy="fetch it into the package first")
    size = sum(opened.storage.size(name) or 0 for name in opened.locate(file))
    return Piece(opened.locate(file)[0] if file.chunk_size is None else file.href, size, lambda: opened.stored(file))


@dataclass
class _Export:
    profile: Profile
    signer: Signer | None
    limits: Limits
    workspace: Path
    progress: Progress | None

    def run(
        self,
        package: Package,
        find: Callable[[File], Source | Piece],
        target: Path,
        passwords: bool,  # noqa: FBT001
    ) -> Exported:
        """Fit, convert, write."""
        fitted, losses = adapt(package, self.profile, passwords=passwords)
        stem = safe_stem(target.stem)
        pieces: list[Piece] = []
        files: list[File] = []
        for number, file in enumerate(fitted.files, 1):
            found = find(file)
            piece = found if isinstance(found, Piece) else self.image(found, f"{stem}-disk{number}")
            pieces.append(piece)
            compression = file.compression if isinstance(found, Piece) else ""
            files.append(replace(file, href=piece.name, size=piece.size, chunk_size=None, compression=compression))
        images = {file.id for file in fitted.files if any(disk.file_ref == file.id for disk in fitted.disks)}
        final = _with_files(fitted, tuple(files), images, _FORMATS[self.profile.disk][1])
        descriptor = write(final, self.profile.namespace)
        issues = schema_issues(read(descriptor))
        if issues:
            raise OvfError(f"the descriptor would not be valid: {issues[0].detail}", remedy="validate the package")
        report = self.packing(2 * sum(piece.size for piece in pieces))
        pack(descriptor, stem, pieces, target, digest=self.profile.digest, signer=self.signer, progress=report)
        return Exported(final, losses)

    def image(self, source: Source, stem: str) -> Piece:
        """A disk converted for the target."""
        ending, _ = _FORMATS[self.profile.disk]
        path = self.workspace / f"{stem}.{ending}"
        progress = self.progress
        report = None if progress is None else (lambda share: progress(path.name, share))
        convert(source, path, self.profile.disk, self.limits, report)
        if self.profile.disk is Target.STREAM_OPTIMIZED:
            settle_content_id(path)
        return Piece.of_path(path.name, path)

    def packing(self, total: int) -> Callable[[str, int], None] | None:
        """Tells the progress of packing this many bytes as a share."""
        progress, done = self.progress, 0
        if progress is None:
            return None

        def report(name: str, count: int) -> None:
            nonlocal done
            done += count
            progress(name, done / total)

        return report


def settle_content_id(path: Path) -> None:
    """Replace the random content id of a VMDK by one made from its name, so that equal input gives equal bytes.

    The text ends at its first NUL: behind it qemu-img leaves the end of a longer text that it wrote before.
    """
    number = int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:4], "big") & 0x7FFFFFFF
    with path.open("r+b") as stream:
        start, length = (SECTOR * count for count in struct.unpack_from("<QQ", stream.read(SECTOR), 28))
        stream.seek(start)
        text, found = _CID.subn(f"{number:08x}".encode(), stream.read(length).partition(b"\0")[0])
        if found != 1 or len(text) > length:
            raise OvfError("has no content id", where=path.name)
        stream.seek(start)
        stream.write(text.ljust(length, b"\0"))


def safe_stem(name: str) -> str:
    """A file name's stem without letters that break manifests, tar or shells."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "package"


def _with_files(package: Package, files: tuple[File, ...], images: set[str], uri: str) -> Package:
    """The package with its disks as they were written: new format, no parents, no claimed population."""

    def disk(one: Disk) -> Disk:
        if one.file_ref not in images:
            return one
        return replace(one, format=uri, parent_ref="", populated_size=None)

    def section(one: Section) -> Section:
        if isinstance(one, (DiskSection, SharedDiskSection)):
            return replace(one, disks=tuple(disk(each) for each in one.disks))
        return one

    return replace(package, files=files, sections=tuple(section(one) for one in package.sections))
