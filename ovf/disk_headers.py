"""Tells a disk image's format by its own header, and what would make it dangerous to open.

No tool is asked to guess: a guest may write any header into a raw disk, and a tool that believes it would open
host files named there (CVE-2024-32498, CVE-2022-47951, CVE-2015-1851).
"""

import io
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO

from ovf.errors import RefusedError
from ovf.limits import DEFAULT, Limits

SECTOR = 512
_PATH = re.compile(r"[\\/:]")
_HEAD = 64 * 1024


class Format(Enum):
    """Formats a disk of a package may have; the value is qemu-img's name."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VMDK = "vmdk"
    VHD = "vpc"
    VHDX = "vhdx"


@dataclass(frozen=True)
class DiskHeader:
    """What a header says.

    ``capacity`` is in bytes. ``parent`` names the image this one is a difference to, ``extents`` the files that
    hold the data of a flat VMDK with their sizes in bytes; both must lie in the package. ``detail`` is the sub-format.
    """

    format: Format
    capacity: int
    detail: str = ""
    parent: str = ""
    extents: tuple[tuple[str, int], ...] = ()


def probe(stream: BinaryIO | io.BufferedIOBase, name: str, limits: Limits = DEFAULT) -> DiskHeader:
    """Read the header of a seekable image.

    Raises:
        RefusedError: a format that is not taken, damage, or features that reach outside the image.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    head = stream.read(min(_HEAD, size))
    for magic, offset, reader in _READERS:
        if head[offset : offset + len(magic)] == magic:
            header = reader(_Image(stream, name, size, head))
            break
    else:
        header = _fixed_vhd(_Image(stream, name, size, head)) or DiskHeader(Format.RAW, size)
    if header.capacity > limits.disk_bytes:
        raise RefusedError(f"claims to hold {header.capacity} bytes", where=name, remedy="export the disk again")
    return header


@dataclass(frozen=True)
class _Image:
    stream: BinaryIO | io.BufferedIOBase
    name: str
    size: int
    head: bytes

    def fail(self, what: str) -> RefusedError:
        """The error that refuses this image."""
        return RefusedError(what, where=self.name, remedy="export the disk again as one self-contained image")

    def unpack(self, form: str, offset: int) -> tuple[int, ...]:
        """Numbers at an offset, for headers that must be there."""
        data = self.at(offset, struct.calcsize(form))
        return struct.unpack(form, data)

    def at(self, offset: int, count: int) -> bytes:
        """Bytes at an offset, all of them."""
        if offset + count <= len(self.head):
            return self.head[offset : offset + count]
        if offset + count > self.size:
            raise self.fail("ends inside its own header")
        self.stream.seek(offset)
        data = self.stream.read(count)
        if len(data) != count:
            raise self.fail("ends inside its own header")
        return data


def _qcow2(image: _Image) -> DiskHeader:
    """QCOW versions 2 and 3 (QEMU, docs/interop/qcow2.txt)."""
    version, backing, backing_size, bits, capacity, crypt = image.unpack(">IQIIQI", 4)
    if version not in {2, 3}:
        raise image.fail(f"is QCOW version {version}")
    if crypt:
        raise image.fail("is encrypted")
    if not 9 <= bits <= 21:
        raise image.fail("has an impossible cluster size")
    length = 72
    if version == 3:
        (features,) = image.unpack(">Q", 72)
        (length,) = image.unpack(">I", 100)
        _qcow2_features(image, features)
    _qcow2_extensions(image, length, min(backing or 1 << bits, 1 << bits, image.size))
    parent = _qcow2_parent(image, backing, backing_size)
    return DiskHeader(Format.QCOW2, capacity, f"qcow2 v{version}", parent)


def _qcow2_features(image: _Image, features: int) -> None:
    """Incompatible features: dirty, compression type and extended L2 are harmless, the rest is not."""
    if features & 0x2:
        raise image.fail("is marked as corrupt")
    if features & 0x4:
        raise image.fail("keeps its data in an external file")
    if features & ~0x1F:
        raise image.fail(f"needs unknown features ({features:#x})")


def _qcow2_extensions(image: _Image, offset: int, end: int) -> None:
    for _ in range(64):
        if offset + 8 > end:
            return
        kind, length = image.unpack(">II", offset)
        if kind == 0:
            return
        if kind == 0x44415441:
            raise image.fail("names an external data file")
        offset += 8 + length + (-length % 8)
    raise image.fail("has too many header extensions")


def _qcow2_parent(image: _Image, offset: int, size: int) -> str:
    if not offset:
        return ""
    if not 0 < size <= 1023:
        raise image.fail("names its backing file in an impossible way")
    return image.at(offset, size).decode("utf-8", "replace")


def _vmdk_sparse(image: _Image) -> DiskHeader:
    """Hosted sparse extents (VMware, Virtual Disk Format 5.0): monolithicSparse and streamOptimized."""
    version, _, capacity, grain, offset, length = image.unpack("<IIQQQQ", 4)
    if version not in {1, 2, 3} or grain < 1 or grain > 2**16 or grain & (grain - 1):
        raise image.fail(f"is a VMDK of unknown version {version} or with an impossible grain size")
    if not offset or not 0 < length <= 128:
        raise image.fail("is a VMDK without a description of itself")
    text = image.at(offset * SECTOR, length * SECTOR).split(b"\0", 1)[0]
    description = _vmdk_description(image, text)
    if description.kind not in {"monolithicSparse", "streamOptimized"}:
        raise image.fail(f"is a VMDK of type {description.kind[:40]!r}")
    if len(description.extents) != 1 or description.extents[0][0] != "SPARSE":
        raise image.fail("is a VMDK whose data lies in other files")
    if _PATH.search(description.extents[0][1]):
        raise image.fail(f"is a VMDK that names the host file {description.extents[0][1][:80]!r}")
    return DiskHeader(Format.VMDK, capacity * SECTOR, description.kind, description.parent)


def _vmdk_text(image: _Image) -> DiskHeader:
    """A descriptor file of its own; only monolithicFlat with its data inside the package is taken."""
    description = _vmdk_description(image, image.head.split(b"\0", 1)[0])
    if image.size > _HEAD or description.kind != "monolithicFlat" or description.parent:
        raise image.fail(f"is a VMDK descriptor of type {description.kind[:40]!r}")
    extents = []
    for kind, name, sectors in description.extents:
        if kind != "FLAT" or _PATH.search(name):
            raise image.fail(f"is a VMDK that names {name[:80]!r}")
        extents.append((name, sectors * SECTOR))
    if len(extents) != 1:
        raise image.fail("is a flat VMDK in more than one piece")
    return DiskHeader(Format.VMDK, extents[0][1], description.kind, "", tuple(extents))


@dataclass(frozen=True)
class _Description:
    kind: str
    parent: str
    extents: tuple[tuple[str, str, int], ...]


_EXTENT = re.compile(r'(?:RW|RDONLY|NOACCESS)\s+(\d{1,15})\s+(\w+)(?:\s+"([^"]*)")?(?:\s+\d+)?.*')


def _vmdk_description(image: _Image, data: bytes) -> _Description:
    text = data.decode("utf-8", "replace")
    settings: dict[str, str] = {}
    extents = []
    for line in text.splitlines():
        plain = line.strip()
        if match := _EXTENT.fullmatch(plain):
            extents.append((match.group(2), match.group(3) or "", int(match.group(1))))
        elif plain.startswith(("RW ", "RDONLY ", "NOACCESS ")):
            raise image.fail(f"has a malformed VMDK extent {plain[:60]!r}")
        elif "=" in plain and not plain.startswith("#"):
            key, _, value = plain.partition("=")
            settings[key.strip()] = value.strip().strip('"')
    is_child = settings.get("parentCID", "ffffffff").lower() != "ffffffff"
    parent = settings.get("parentFileNameHint", "")
    if is_child and not parent:
        raise image.fail("is a difference to an unnamed image")
    return _Description(settings.get("createType", ""), parent, tuple(extents))


def _dynamic_vhd(image: _Image) -> DiskHeader:
    """Dynamic VHD: a copy of the footer comes first (Microsoft, Virtual Hard Disk Image Format)."""
    return _vhd(image, 0)


def _fixed_vhd(image: _Image) -> DiskHeader | None:
    if image.size < SECTOR or image.size % SECTOR or image.at(image.size - SECTOR, 8) != b"conectix":
        return None
    return _vhd(image, image.size - SECTOR)


def _vhd(image: _Image, offset: int) -> DiskHeader:
    (capacity,) = image.unpack(">Q", offset + 48)
    (kind,) = image.unpack(">I", offset + 60)
    footer = image.at(offset, SECTOR)
    (stated,) = struct.unpack(">I", footer[64:68])
    if stated != ~(sum(footer) - sum(footer[64:68])) & 0xFFFFFFFF:
        if offset:
            return DiskHeader(Format.RAW, image.size)
        raise image.fail("is a VHD with a damaged header")
    if kind == 4:
        raise image.fail("is a VHD that is a difference to another image")
    if kind not in {2, 3} or (kind == 2) != bool(offset):
        raise image.fail(f"is a VHD of unknown type {kind}")
    if offset and capacity > image.size:
        raise image.fail("is a fixed VHD shorter than its capacity")
    return DiskHeader(Format.VHD, capacity, "fixed" if offset else "dynamic")


_VHDX_METADATA = bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e")
_VHDX_BAT = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")
_VHDX_FILE_PARAMETERS = bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b")
_VHDX_DISK_SIZE = bytes.fromhex("2442a52f1bcd7648b2115dbed83bf4b8")
_VHDX_KNOWN = {
    _VHDX_FILE_PARAMETERS,
    _VHDX_DISK_SIZE,
    bytes.fromhex("ab12cabee6b22345 93efc309e000c746".replace(" ", "")),
    bytes.fromhex("1dbf41816fa90947ba47f233a8faab5f"),
    bytes.fromhex("c748a3cd5d4471449cc9e9885251c556"),
}
_VHDX_PARENT_LOCATOR = bytes.fromhex("2d5fd3a80bb34d45abf7d3d84834ab0c")


def _vhdx(image: _Image) -> DiskHeader:
    """VHDX (Microsoft MS-VHDX): regions, then metadata; differences and unknown needs are refused."""
    metadata = 0
    for identity, offset, _, required in _table(image, 192 * 1024, b"regi", 8, 16):
        if identity == _VHDX_METADATA:
            metadata = offset
        elif identity != _VHDX_BAT and required & 1:
            raise image.fail("is a VHDX that needs an unknown region")
    if not metadata:
        raise image.fail("is a VHDX without metadata")
    capacity = -1
    for identity, offset, _, flags in _metadata(image, metadata):
        if identity == _VHDX_PARENT_LOCATOR:
            raise image.fail("is a VHDX that is a difference to another image")
        if identity not in _VHDX_KNOWN and flags & 4:
            raise image.fail("is a VHDX that needs unknown metadata")
        if identity == _VHDX_FILE_PARAMETERS and image.unpack("<II", metadata + offset)[1] & 2:
            raise image.fail("is a VHDX that is a difference to another image")
        if identity == _VHDX_DISK_SIZE:
            (capacity,) = image.unpack("<Q", metadata + offset)
    if capacity < 0:
        raise image.fail("is a VHDX without a size")
    return DiskHeader(Format.VHDX, capacity, "vhdx")


def _table(image: _Image, start: int, magic: bytes, count_at: int, first: int) -> list[tuple[bytes, int, int, int]]:
    if image.at(start, 4) != magic:
        raise image.fail("is a VHDX with a damaged region table")
    (count,) = image.unpack("<I", start + count_at)
    if count > 2047:
        raise image.fail("is a VHDX with too many regions")
    entries = (image.at(start + first + 32 * number, 32) for number in range(count))
    return [(one[:16], *struct.unpack("<QII", one[16:])) for one in entries]


def _metadata(image: _Image, start: int) -> list[tuple[bytes, int, int, int]]:
    if image.at(start, 8) != b"metadata":
        raise image.fail("is a VHDX with damaged metadata")
    (count,) = image.unpack("<H", start + 10)
    if count > 2047:
        raise image.fail("is a VHDX with too much metadata")
    entries = (image.at(start + 32 + 32 * number, 32) for number in range(count))
    return [(one[:16], *struct.unpack("<III", one[16:28])) for one in entries]


def _refuse(what: str) -> Callable[[_Image], DiskHeader]:
    def reader(image: _Image) -> DiskHeader:
        raise image.fail(f"is {what}, which is not taken")

    return reader


_READERS: tuple[tuple[bytes, int, Callable[[_Image], DiskHeader]], ...] = (
    (b"QFI\xfb", 0, _qcow2),
    (b"KDMV", 0, _vmdk_sparse),
    (b"# Disk DescriptorFile", 0, _vmdk_text),
    (b"conectix", 0, _dynamic_vhd),
    (b"vhdxfile", 0, _vhdx),
    (b"COWD", 0, _refuse("a VMDK of an ESX host (COWD)")),
    (b"QED\0", 0, _refuse("a QED image")),
    (b"\x7f\x10\xda\xbe", 64, _refuse("a VDI image")),
    (b"LUKS\xba\xbe", 0, _refuse("an encrypted image (LUKS)")),
    (b"WithoutFreeSpace", 0, _refuse("a Parallels image")),
    (b"WithouFreSpacExt", 0, _refuse("a Parallels image")),
    (b"Bochs Virtual HD Image", 0, _refuse("a Bochs image")),
    (b"#!/bin/sh\n#V2.0 Format\n", 0, _refuse("a cloop image")),
)

_DECLARED = (
    ("qcow", Format.QCOW2),
    ("vmdk", Format.VMDK),
    ("vhdx", Format.VHDX),
    ("vhd", Format.VHD),
    ("vpc", Format.VHD),
    ("raw", Format.RAW),
)


def declared_format(uri: str) -> Format | None:
    """The format a descriptor's URI stands for; None when it names none that is known (clause 9.1)."""
    text = uri.lower()
    return next((known for word, known in _DECLARED if word in text), None)
