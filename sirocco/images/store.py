"""The image store: one folder of qcow2 files that stand by themselves, each with the kernel it boots, if any."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ovf.convert import Source, Target, convert
from ovf.errors import OvfError
from ovf.storage import Extent
from sirocco.images.inspect import ImageError, inspect, read_header

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Boot:
    """Kernel and initial RAM disk as files, and the kernel's command line."""

    kernel: Path
    initrd: Path
    cmdline: str


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image of the store: its qcow2 file, bytes on disk, bytes as a disk, and its kernel if it has one."""

    id: str
    path: Path
    size: int
    capacity: int
    boot: Boot | None = None


class ImageStore:
    """Images by id. An image that is there is whole: it appears by one rename."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(
        self, image_id: str, source: Path, image_format: str, boot: Boot | None = None, progress: Progress | None = None
    ) -> StoredImage:
        """Bring an image in under an id, as qcow2; there already is success.

        ``progress`` hears a share from 0 to 1. Raises ``ImageError`` for an image that is not what it is declared to
        be, that depends on other files, or that cannot be converted; nothing is left behind then.
        """
        known = self.get(image_id)
        if known is not None:
            return known
        inspect(source, image_format)
        for path in (boot.kernel, boot.initrd) if boot else ():
            if not path.is_file():
                raise ImageError(why="there is no file {file} to boot the image with", file=path)
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._file(image_id, f"part-{os.getpid()}")
        _convert(source, part, progress)
        self._keep_boot(image_id, boot)
        part.rename(self._file(image_id, "qcow2"))
        return self.require(image_id)

    def _keep_boot(self, image_id: str, boot: Boot | None) -> None:
        if boot is None:
            return
        files = {"kernel": self._file(image_id, "vmlinuz"), "initrd": self._file(image_id, "initrd")}
        shutil.copyfile(boot.kernel, files["kernel"])
        shutil.copyfile(boot.initrd, files["initrd"])
        described = asdict(Boot(files["kernel"], files["initrd"], boot.cmdline))
        self._file(image_id, "json").write_text(json.dumps(described, default=str))

    def incoming(self, image_id: str) -> Path:
        """Where an image is fetched to before it is looked at; closed to others."""
        return self._folder / "incoming" / self._file(image_id, "download").name

    def _file(self, image_id: str, suffix: str) -> Path:
        if not image_id or Path(image_id).name != image_id or image_id.startswith("."):
            raise ImageError(why="{id} is no id of an image", id=image_id)
        return self._folder / f"{image_id}.{suffix}"

    def get(self, image_id: str) -> StoredImage | None:
        """An image of the store, if it is there."""
        path = self._file(image_id, "qcow2")
        if not path.exists():
            return None
        header, described = read_header(path), self._file(image_id, "json")
        boot = None
        if described.exists():
            kept = json.loads(described.read_text())
            boot = Boot(Path(kept["kernel"]), Path(kept["initrd"]), kept["cmdline"])
        return StoredImage(image_id, path, path.stat().st_size, header.capacity, boot)

    def require(self, image_id: str) -> StoredImage:
        """An image of the store; ``ImageError`` when it is not there."""
        image = self.get(image_id)
        if image is None:
            raise ImageError(why="image {id} is not in the store: bring it in again", id=image_id)
        return image

    def remove(self, image_id: str) -> None:
        """Forget an image; absent already is success."""
        for suffix in ("qcow2", "vmlinuz", "initrd", "json"):
            self._file(image_id, suffix).unlink(missing_ok=True)

    def all(self) -> Iterator[StoredImage]:
        """All images, by id."""
        for path in sorted(self._folder.glob("*.qcow2")):
            image = self.get(path.stem)
            if image is not None:
                yield image


def _convert(source: Path, target: Path, progress: Progress | None) -> None:
    """As qcow2, whatever it was: a copy of qcow2 too is written anew, so that nothing hidden comes along."""
    extent = Extent(source, 0, source.stat().st_size)
    try:
        convert(Source(extent, read_header(source)), target, Target.QCOW2, progress=progress)
    except OvfError as error:
        raise ImageError(why="it is no image that can be read: {fault}", fault=error) from error
