"""The disks of a package: what their content really is, and how to hand it to a converter (clauses 7.1 and 9.1)."""

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ovf.convert import Source
from ovf.disk_headers import DiskHeader, Format, declared_format, probe
from ovf.errors import RefusedError
from ovf.findings import Issue
from ovf.hrefs import Kind, classify
from ovf.limits import MIB
from ovf.model import Disk, File
from ovf.opened import OpenPackage
from ovf.remote import RemotePolicy, fetch
from ovf.sizes import capacity_bytes
from ovf.storage import Extent

_HEAD = 4 * MIB
_COPY = 2**20


def header_issues(opened: OpenPackage, file: File) -> Iterator[Issue]:
    """What is wrong with the content of a file that serves as a disk, told by its header alone."""
    served = opened.disks_by_file.get(file.id)
    if not served:
        return
    disk = served[0]
    try:
        header, is_whole = _peek(opened, file)
        _accept(opened, disk, file, header)
    except RefusedError as error:
        yield Issue("package.disk-format", disk.at, str(error))
        return
    known = is_whole or header.format is not Format.RAW
    if known and disk.capacity.isdecimal() and header.capacity != capacity_bytes(disk.capacity, disk.units):
        stated = capacity_bytes(disk.capacity, disk.units)
        yield Issue("package.disk-capacity", disk.at, f"{header.capacity} bytes, {stated} are declared")


def _peek(opened: OpenPackage, file: File) -> tuple[DiskHeader, bool]:
    """The header of a disk file, and whether the whole file was in reach (it is not when packed or in chunks)."""
    key = (file.href, file.chunk_size)
    if key not in opened.headers:
        opened.headers[key] = _probed(opened, file)
    return opened.headers[key]


def _probed(opened: OpenPackage, file: File) -> tuple[DiskHeader, bool]:
    if file.chunk_size is None and not opened.is_compressed(file):
        with opened.stored(file) as stream:
            return probe(stream, file.href, opened.limits), True
    with opened.content(file) as stream:
        head = io.BytesIO()
        while head.tell() < _HEAD and (block := stream.read(min(_COPY, _HEAD - head.tell()))):
            head.write(block)
        return probe(head, file.href, opened.limits), head.tell() < _HEAD


def _accept(opened: OpenPackage, disk: Disk, file: File, header: DiskHeader) -> None:
    """Refuse an image that is not what it is declared to be, or that reaches outside the package.

    Raises:
        RefusedError: what was just said.
    """
    declared = declared_format(disk.format)
    if declared is not None and declared is not header.format:
        raise RefusedError(
            f"is {header.format.value}, the descriptor declares {declared.value}",
            where=file.href,
            remedy="export again",
        )
    if header.parent:
        parent = _parent_file(opened, disk)
        if parent is None or PurePosixPath(header.parent).name != PurePosixPath(parent.href).name:
            raise RefusedError(f"is a difference to {header.parent[:80]!r} outside the package", where=file.href)
    elif disk.parent_ref and _parent_file(opened, disk) is not None:
        raise RefusedError("is declared as a difference but names no parent", where=file.href)
    for name, _ in header.extents:
        if _listed(opened, file, name) is None:
            raise RefusedError(f"keeps its data in {name[:80]!r}, which the package does not list", where=file.href)


def _parent_file(opened: OpenPackage, disk: Disk) -> File | None:
    parent = opened.disks.get(disk.parent_ref)
    return opened.files.get(parent.file_ref) if parent is not None else None


def _listed(opened: OpenPackage, file: File, name: str) -> File | None:
    return opened.files_by_href.get(str(PurePosixPath(file.href).parent / name))


def source(opened: OpenPackage, disk: Disk, workspace: Path, remote: RemotePolicy | None = None) -> Source:
    """A disk ready for conversion: in place where it lies plainly, else unpacked into the workspace.

    Raises:
        RefusedError: the content is not what was declared, dangerous, or larger than declared.
    """
    file = opened.files.get(disk.file_ref)
    if file is None:
        raise RefusedError("has no file", where=f"disk {disk.id}")
    extent = _extent(opened, file, workspace, remote)
    with extent.path.open("rb") as stream:
        header = probe(_window(opened, file, extent, stream), file.href, opened.limits)
    _accept(opened, disk, file, header)
    flat = None
    for name, _ in header.extents:
        data = _listed(opened, file, name)
        flat = _extent(opened, data, workspace, remote) if data is not None else None
    parent = None
    if header.parent:
        above = opened.disks[disk.parent_ref]
        parent = _alone(source(opened, above, workspace, remote), workspace)
    return Source(extent, header, flat, parent)


def _alone(parent: Source, workspace: Path) -> Source:
    """A parent as a file of its own: qemu-img finds the parent of a difference by file name only."""
    extent = parent.extent
    if extent.offset == 0:
        return parent
    target = workspace / f"parent-{len(list(workspace.iterdir()))}"
    with extent.path.open("rb") as stream, target.open("wb") as output:
        stream.seek(extent.offset)
        left = extent.size
        while block := stream.read(min(_COPY, left)):
            output.write(block)
            left -= len(block)
    return replace(parent, extent=Extent(target, 0, extent.size))


def _window(opened: OpenPackage, file: File, extent: Extent, stream: io.BufferedReader) -> io.BufferedIOBase:
    if extent.offset == 0 and extent.size == extent.path.stat().st_size:
        return stream
    return opened.stored(file)  # type: ignore[return-value]


def fetched(file: File, workspace: Path, policy: RemotePolicy) -> Path:
    """A file from another host, copied into the workspace.

    Raises:
        RefusedError: the operator does not allow its host, or it is compressed or in chunks there.
    """
    if file.chunk_size is not None or file.compression.lower() not in {"", "identity"}:
        raise RefusedError("is fetched plain only", where=file.href[:100])
    target = workspace / f"fetched-{len(list(workspace.iterdir()))}"
    with target.open("wb") as output:
        size = fetch(file.href, output, policy)
    if file.size is not None and size != file.size:
        raise RefusedError(f"has {size} bytes, {file.size} are claimed", where=file.href[:100])
    return target


def _extent(opened: OpenPackage, file: File, workspace: Path, remote: RemotePolicy | None) -> Extent:
    if classify(file.href) is Kind.REMOTE:
        path = fetched(file, workspace, remote or RemotePolicy())
        return Extent(path, 0, path.stat().st_size)
    if file.chunk_size is None and not opened.is_compressed(file):
        return opened.storage.extent(opened.locate(file)[0])
    target = workspace / f"unpacked-{len(list(workspace.iterdir()))}"
    with opened.content(file) as stream, target.open("wb") as output:
        shutil.copyfileobj(stream, output, _COPY)
    return Extent(target, 0, target.stat().st_size)
