"""What a disk image really is, told by its own header before any tool opens it."""

from dataclasses import dataclass
from pathlib import Path

from ovf.disk_headers import DiskHeader, Format, probe
from ovf.errors import OvfError

FORMATS = frozenset(form.value for form in Format)
"""Formats of images that can be brought in, in qemu-img's words."""


class ImageError(Exception):
    """An image cannot be used; the message says what, why and what to do."""


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
        raise ImageError(f"{path.name}: format {declared!r} is not one of {', '.join(sorted(FORMATS))}")
    header = read_header(path)
    if header.format.value != declared:
        message = f"{path.name} is declared as {declared}, but its header says {header.format.value}"
        raise ImageError(f"{message}: state the true format, or convert the image where it comes from")
    if header.parent or header.extents:
        other = header.parent or header.extents[0][0]
        raise ImageError(f"{path.name} keeps data in another file ({other[:80]!r}): bring in a self-contained image")
    return Inspected(path, declared, path.stat().st_size, header.capacity)


def read_header(path: Path) -> DiskHeader:
    """An image's header; ``ImageError`` for what cannot be read or should not be."""
    try:
        with path.open("rb") as stream:
            return probe(stream, path.name)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from error
    except OvfError as error:
        raise ImageError(str(error)) from error
