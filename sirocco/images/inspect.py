"""What a disk image really is, told by its own header before any tool opens it."""

from dataclasses import dataclass
from pathlib import Path

from ovf.disk_headers import DiskHeader, Format, probe
from ovf.errors import OvfError
from sirocco.contracts.errors import explained

FORMATS = frozenset(form.value for form in Format)
"""Formats of images that can be brought in, in qemu-img's words."""


class ImageError(Exception):
    """An image cannot be used: ``why`` is a reason of the catalogue's manner, ``details`` fill its places."""

    def __init__(self, *, why: str, **details: object) -> None:
        self.details = {"why": why, **{name: str(value) for name, value in details.items()}}
        super().__init__(explained(self.details)["why"])


@dataclass(frozen=True, slots=True)
class Inspected:
    """An image that depends on no other file: format, bytes on disk and bytes as a disk."""

    path: Path
    format: str
    size: int
    capacity: int


def inspect(path: Path, declared: str) -> Inspected:
    """Look at an image that is declared to have this format; nothing is guessed and nothing else is opened.

    Raises ``ImageError`` for another format than declared, for one that reaches into other files (backing files, data
    files, extents, parents), and for damage: a guest may have written any header into its disk.
    """
    if declared not in FORMATS:
        raise ImageError(
            why="a format is one of {known}, not {declared}", known=", ".join(sorted(FORMATS)), declared=declared
        )
    header = read_header(path)
    if header.format.value != declared:
        raise ImageError(
            why="{file} is declared as {declared}, but its header says {found}: state the true format, or convert the"
            " image where it comes from",
            file=path.name,
            declared=declared,
            found=header.format.value,
        )
    if header.parent or header.extents:
        other = header.parent or header.extents[0][0]
        why = "{file} keeps data in another file, {other}: bring in a self-contained image"
        raise ImageError(why=why, file=path.name, other=other[:80])
    return Inspected(path, declared, path.stat().st_size, header.capacity)


def read_header(path: Path) -> DiskHeader:
    """An image's header; ``ImageError`` for what cannot be read or should not be."""
    try:
        with path.open("rb") as stream:
            return probe(stream, path.name)
    except OSError as error:
        raise ImageError(why="{file} cannot be read: {fault}", file=path.name, fault=error.strerror) from error
    except OvfError as error:
        raise ImageError(why="it is no image that can be read: {fault}", fault=error) from error
