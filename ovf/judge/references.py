"""Rules for files, disks, networks and message bundles (DSP0243 2.1, clauses 7.1, 9.1, 9.2, 9.13, 10.2)."""

import re
from collections.abc import Iterator

from ovf.findings import Issue
from ovf.hrefs import Kind, classify
from ovf.judge.context import Context, circular, repeated
from ovf.limits import EXBIBYTE
from ovf.model import Disk, File
from ovf.sizes import capacity_bytes, property_key
from ovf.units import parse_unit

_COMPRESSIONS = frozenset({"", "identity", "gzip"})


def judge(context: Context) -> Iterator[Issue]:
    """Everything wrong with what the envelope declares."""
    package = context.package
    for file in package.files:
        yield from _file(context, file)
    yield from (Issue("file.id-duplicate", one.at, one.id) for one in repeated(package.files, lambda file: file.id))
    yield from (Issue("file.href-duplicate", one.at, one.href) for one in repeated(package.files, lambda one: one.href))
    for disk in package.disks:
        yield from _disk(context, disk)
    yield from (Issue("disk.id-duplicate", one.at, one.id) for one in repeated(package.disks, lambda disk: disk.id))
    yield from _chains(package.disks)
    yield from _networks(context)
    for bundle in package.strings:
        if bundle.file_ref and bundle.file_ref not in context.files:
            yield Issue("file.bundle-unknown", bundle.at, bundle.file_ref)


def _file(context: Context, file: File) -> Iterator[Issue]:
    if not file.id:
        yield Issue("file.id-missing", file.at, file.href)
    kind = classify(file.href)
    if kind is Kind.MISSING:
        yield Issue("file.href-missing", file.at, file.id)
    elif kind is Kind.UNSAFE:
        yield Issue("file.href-unsafe", file.at, file.href)
    elif kind is Kind.REMOTE:
        yield Issue("file.href-remote", file.at, file.href)
    if file.size is not None and file.size >= EXBIBYTE:
        yield Issue("file.size-impossible", file.at, str(file.size))
    if file.compression.lower() not in _COMPRESSIONS:
        yield Issue("file.compression-unknown", file.at, file.compression)
    if file.chunk_size and (file.size or 0) > file.chunk_size * context.limits.chunks:
        yield Issue("file.chunks-too-many", file.at, file.href)


def _disk(context: Context, disk: Disk) -> Iterator[Issue]:
    if not disk.id:
        yield Issue("disk.id-missing", disk.at)
    if disk.file_ref and disk.file_ref not in context.files:
        yield Issue("disk.file-ref-unknown", disk.at, disk.file_ref)
    if disk.file_ref and not disk.format:
        yield Issue("disk.format-missing", disk.at, disk.id)
    unit = parse_unit(disk.units)
    if unit is None:
        yield Issue("unit.malformed", disk.at, disk.units)
    elif unit.base not in {"byte", "bit"}:
        yield Issue("unit.kind", disk.at, disk.units)
    else:
        yield from _capacity(context, disk)


def _capacity(context: Context, disk: Disk) -> Iterator[Issue]:
    if not disk.capacity:
        yield Issue("disk.capacity-missing", disk.at, disk.id)
        return
    key = property_key(disk.capacity)
    if key is None and not re.fullmatch(r"\d{1,30}", disk.capacity):
        yield Issue("disk.capacity-malformed", disk.at, disk.capacity)
        return
    if key is not None and key not in context.properties:
        yield Issue("disk.capacity-property-unknown", disk.at, key)
        return
    default = (context.properties[key].value or "").strip() if key is not None else disk.capacity
    if key is not None and not default:
        return
    if not re.fullmatch(r"\d{1,30}", default):
        yield Issue("disk.capacity-property-value", disk.at, default)
        return
    size = capacity_bytes(default, disk.units)
    if size == 0:
        yield Issue("disk.capacity-zero", disk.at, disk.id)
    if size > context.limits.disk_bytes:
        yield Issue("disk.capacity-impossible", disk.at, f"{size} bytes")
    yield from _populated(disk, size)


def _populated(disk: Disk, size: int) -> Iterator[Issue]:
    populated = disk.populated_size
    if populated is not None and populated >= EXBIBYTE:
        yield Issue("disk.populated-impossible", disk.at, str(populated))
    elif populated is not None and populated > size:
        yield Issue("disk.populated-larger", disk.at, f"{populated} of {size} bytes")


def _chains(disks: list[Disk]) -> Iterator[Issue]:
    by_id = {disk.id: disk for disk in disks}
    loops = circular({disk.id: disk.parent_ref for disk in disks if disk.parent_ref})
    for disk in disks:
        if not disk.parent_ref:
            continue
        parent = by_id.get(disk.parent_ref)
        if parent is None:
            yield Issue("disk.parent-unknown", disk.at, disk.parent_ref)
        elif disk.id in loops:
            yield Issue("disk.parent-cycle", disk.at, disk.id)
        elif (parent.capacity, parent.units) != (disk.capacity, disk.units) and _size(parent) != _size(disk):
            yield Issue("disk.parent-capacity", disk.at, f"{disk.id} and {parent.id}")


def _size(disk: Disk) -> int:
    return capacity_bytes(disk.capacity, disk.units) if disk.capacity.isdecimal() else -1


def _networks(context: Context) -> Iterator[Issue]:
    networks = context.package.networks
    yield from (Issue("network.name-missing", network.at) for network in networks if not network.name)
    yield from (Issue("network.duplicate", one.at, one.name) for one in repeated(networks, lambda one: one.name))
