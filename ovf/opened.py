"""A package that can be read: its descriptor, and its files joined and unpacked (DSP0243 2.1, clauses 5 and 7.1)."""

import contextlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from ovf.disk_headers import DiskHeader
from ovf.errors import RefusedError, UnreadableError
from ovf.hrefs import Kind, candidates, classify
from ovf.limits import DEFAULT, MIB, Limits
from ovf.model import Disk, EnvironmentFilesSection, File, Package, Strings
from ovf.reader import Reading, read, read_strings
from ovf.sizes import capacity_bytes
from ovf.storage import Folder, Storage, open_storage
from ovf.streams import GZIP_MAGIC, Gunzip, Joined


@dataclass
class OpenPackage:
    """A package that can be read: where it lies and what its descriptor says."""

    storage: Storage
    descriptor_name: str
    reading: Reading = field(repr=False)
    data: bytes = field(repr=False)
    limits: Limits = DEFAULT
    is_bare: bool = False
    headers: dict[tuple[str, int | None], tuple[DiskHeader, bool]] = field(default_factory=dict, init=False, repr=False)
    _located: dict[tuple[str, int | None], list[str]] = field(default_factory=dict, init=False, repr=False)
    _whole: set[tuple[str, int | None]] = field(default_factory=set, init=False, repr=False)
    _packed: dict[tuple[str, int | None], bool] = field(default_factory=dict, init=False, repr=False)

    @property
    def package(self) -> Package:
        """The model."""
        return self.reading.package

    def sibling(self, ending: str) -> str:
        """The name of the manifest or certificate, empty when there is none; its own stem is preferred."""
        wanted = str(PurePosixPath(self.descriptor_name).with_suffix(ending)).lower()
        found = [name for name in self.storage.names() if name.lower().endswith(ending)]
        exact = next((name for name in found if name.lower() == wanted), "")
        return exact or ("" if self.is_bare or len(found) != 1 else found[0])

    @cached_property
    def files(self) -> dict[str, File]:
        """The files by id."""
        return {file.id: file for file in self.package.files}

    @cached_property
    def files_by_href(self) -> dict[str, File]:
        """The files by href, the first of several."""
        return {file.href: file for file in reversed(self.package.files)}

    @cached_property
    def disks(self) -> dict[str, Disk]:
        """The disks by id."""
        return {disk.id: disk for disk in self.package.disks}

    @cached_property
    def disks_by_file(self) -> dict[str, list[Disk]]:
        """The disks each file serves."""
        found: dict[str, list[Disk]] = {}
        for disk in self.package.disks:
            if disk.file_ref:
                found.setdefault(disk.file_ref, []).append(disk)
        return found

    @cached_property
    def manifest_bytes(self) -> bytes | None:
        """The manifest, None when there is none."""
        return self._small(self.sibling(".mf"), self.limits.manifest_bytes)

    @cached_property
    def certificate_bytes(self) -> bytes | None:
        """The certificate file, None when there is none."""
        return self._small(self.sibling(".cert"), MIB)

    def _small(self, name: str, most: int) -> bytes | None:
        if not name:
            return None
        if (self.storage.size(name) or 0) > most:
            raise RefusedError(f"has more than {most} bytes", where=name)
        with self.storage.open(name) as stream:
            return stream.read()

    def locate(self, file: File) -> list[str]:
        """The names a reference has in the package, one per chunk: the literal name first, then the decoded one.

        Raises:
            RefusedError: the reference is unsafe, remote or leads to nothing.
        """
        key = (file.href, file.chunk_size)
        if key not in self._located:
            self._located[key] = self._find(file)
        return self._located[key]

    def _find(self, file: File) -> list[str]:
        kind = classify(file.href)
        if kind is not Kind.LOCAL:
            raise RefusedError(f"the reference {file.href[:80]!r} is {kind.value}", where=file.id)
        folder = str(PurePosixPath(self.descriptor_name).parent)
        for name in candidates(file.href):
            path = name if folder == "." else f"{folder}/{name}"
            if self.storage.size(path) is not None:
                return [path]
            if file.chunk_size is not None and (chunks := self._chunks(path)):
                return chunks
        raise RefusedError("is not in the package", where=file.href[:100], remedy="add the file")

    def _chunks(self, path: str) -> list[str]:
        names: list[str] = []
        for number in range(self.limits.chunks + 1):
            name = f"{path}.{number:09d}"
            if self.storage.size(name) is None:
                return names
            names.append(name)
        raise RefusedError(f"comes in more than {self.limits.chunks} chunks", where=path)

    def stored(self, file: File) -> BinaryIO:
        """A file as it is stored, its chunks joined."""
        names = self.locate(file)
        if len(names) == 1 and file.chunk_size is None:
            return self.storage.open(names[0])
        self.check_chunks(file, names)
        openers = (lambda name=name: self.storage.open(name) for name in names)
        return cast("BinaryIO", Joined(iter(openers)))

    def check_chunks(self, file: File, names: list[str]) -> None:
        """Every chunk but the last has the stated size, the last at most that (clause 7.1).

        Raises:
            RefusedError: a chunk has another length.
        """
        key = (file.href, file.chunk_size)
        if key in self._whole:
            return
        sizes = [self.storage.size(name) or 0 for name in names]
        if any(size != file.chunk_size for size in sizes[:-1]) or sizes[-1] > (file.chunk_size or 0):
            raise RefusedError(f"its chunks are not {file.chunk_size} bytes long", where=file.href[:100])
        self._whole.add(key)

    def content(self, file: File) -> BinaryIO:
        """A file's content: chunks joined and unpacked, never more than its disk may hold."""
        stream = self.stored(file)
        if not self.is_compressed(file):
            return stream
        return cast("BinaryIO", Gunzip(stream, self._most(file), file.href[:100]))

    def is_compressed(self, file: File) -> bool:
        """Whether a file is compressed; its content decides.

        Raises:
            RefusedError: the descriptor says otherwise (clause 7.1).
        """
        key = (file.href, file.chunk_size)
        if key not in self._packed:
            with self.stored(file) as stream:
                self._packed[key] = stream.read(2) == GZIP_MAGIC
        found = self._packed[key]
        declared = file.compression.lower() == "gzip"
        if declared != found and (declared or file.id in self.disks_by_file):
            raise RefusedError("is compressed" if found else "is not compressed", where=file.href[:100])
        return declared

    def _most(self, file: File) -> int:
        sizes = [
            capacity_bytes(disk.capacity, disk.units)
            for disk in self.disks_by_file.get(file.id, [])
            if disk.capacity.isdecimal()
        ]
        if sizes:
            return min(max(sizes) + max(sizes) // 8 + 64 * MIB, self.limits.disk_bytes)
        stored = sum(self.storage.size(name) or 0 for name in self.locate(file))
        return min(stored * self.limits.gzip_ratio + MIB, self.limits.file_bytes)

    def bundle(self, file: File) -> Strings | None:
        """The message bundle in a file (clause 10.2); None when the file cannot be had.

        Raises:
            UnreadableError: it is no message bundle.
        """
        try:
            with self.content(file) as stream:
                return read_strings(stream.read(self.limits.descriptor_bytes + 1), self.limits)
        except RefusedError:
            return None

    @property
    def bundle_files(self) -> list[File]:
        """The files that hold message bundles."""
        names = dict.fromkeys(strings.file_ref for strings in self.package.strings)
        return [self.files[name] for name in names if name in self.files]

    def bundles(self) -> tuple[Strings, ...]:
        """The external message bundles that can be read."""
        found = []
        for file in self.bundle_files:
            with contextlib.suppress(UnreadableError):
                found.append(self.bundle(file))
        return tuple(one for one in found if one is not None)

    def environment_files(self, system: str) -> dict[str, bytes]:
        """The extra files a system's environment holds, by path (2.x, clause 9.11).

        Raises:
            RefusedError: a file is missing, or has more than a MiB.
        """
        found: dict[str, bytes] = {}
        wanted = [content for content in self.package.walk() if content.id == system]
        for section in (one for content in wanted for one in content.of(EnvironmentFilesSection)):
            for one in section.files:
                if one.file_ref not in self.files:
                    raise RefusedError("is not listed in References", where=one.file_ref)
                with self.content(self.files[one.file_ref]) as stream:
                    data = stream.read(MIB + 1)
                if len(data) > MIB:
                    raise RefusedError(f"has more than {MIB} bytes", where=one.path)
                found[one.path] = data
        return found


def open_package(path: Path | str, limits: Limits = DEFAULT) -> OpenPackage:
    """Open a descriptor, an archive or a folder.

    Raises:
        UnreadableError: it is no package.
        RefusedError: it is one that must not be opened.
    """
    path = Path(path)
    storage, name = open_storage(path, limits)
    try:
        with storage.open(name) as stream:
            data = stream.read(limits.descriptor_bytes + 1)
    except RefusedError as error:
        raise UnreadableError(error.what, where=name) from None
    is_bare = isinstance(storage, Folder) and not path.is_dir()
    return OpenPackage(storage, name, read(data, limits, where=name), data, limits, is_bare)
