"""A package as a whole: descriptor, manifest, certificate and files (DSP0243 2.1, clause 5).

The bytes are verified before anything but the descriptor's own safe parse looks at them.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from ovf import judge, manifest
from ovf.errors import RefusedError, UnreadableError
from ovf.findings import Finding, Issue, place
from ovf.hrefs import Kind, candidates, classify
from ovf.limits import DEFAULT, MIB, Limits
from ovf.model import File, Package, Strings
from ovf.reader import Reading, read, read_strings
from ovf.signature import Trust, TrustStore, Verdict, verify
from ovf.sizes import capacity_bytes
from ovf.storage import Archive, Folder, Storage, open_storage
from ovf.streams import GZIP_MAGIC, Gunzip, Joined
from ovf.validity import schema_issues

Progress = Callable[[str, int], None]


@dataclass
class OpenPackage:
    """A package that can be read: where it lies and what its descriptor says."""

    storage: Storage
    descriptor_name: str
    reading: Reading = field(repr=False)
    data: bytes = field(repr=False)
    limits: Limits = DEFAULT
    is_bare: bool = False

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
        names = []
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
        self._check_chunks(file, names)
        openers = (lambda name=name: self.storage.open(name) for name in names)
        return cast("BinaryIO", Joined(iter(openers)))

    def _check_chunks(self, file: File, names: list[str]) -> None:
        sizes = [self.storage.size(name) or 0 for name in names]
        if any(size != file.chunk_size for size in sizes[:-1]) or sizes[-1] > (file.chunk_size or 0):
            raise RefusedError(f"its chunks are not {file.chunk_size} bytes long", where=file.href[:100])

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
        with self.stored(file) as stream:
            found = stream.read(2) == GZIP_MAGIC
        declared = file.compression.lower() == "gzip"
        if declared != found and (declared or any(disk.file_ref == file.id for disk in self.package.disks)):
            raise RefusedError("is compressed" if found else "is not compressed", where=file.href[:100])
        return declared

    def _most(self, file: File) -> int:
        sizes = [
            capacity_bytes(disk.capacity, disk.units)
            for disk in self.package.disks
            if disk.file_ref == file.id and disk.capacity.isdecimal()
        ]
        if sizes:
            return min(max(sizes) + max(sizes) // 8 + 64 * MIB, self.limits.disk_bytes)
        stored = sum(self.storage.size(name) or 0 for name in self.locate(file))
        return min(stored * self.limits.gzip_ratio + MIB, self.limits.file_bytes)

    def bundles(self) -> tuple[Strings, ...]:
        """The external message bundles that can be read (clause 10.2)."""
        files = {file.id: file for file in self.package.files}
        found = []
        for bundle in self.package.strings:
            file = files.get(bundle.file_ref)
            if file is not None and classify(file.href) is Kind.LOCAL:
                with self.content(file) as stream:
                    found.append(read_strings(stream.read(self.limits.descriptor_bytes + 1), self.limits))
        return tuple(found)


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


def check(
    opened: OpenPackage,
    *,
    strict: bool = False,
    store: TrustStore | None = None,
    progress: Progress | None = None,
    file: str = "",
) -> list[Finding]:
    """Everything found in a package: its bytes, its descriptor and its files."""
    checker = _Checker(opened, store, progress)
    issues = [*checker.issues(), *opened.reading.issues, *judge.judge(opened.package, opened.limits)]
    issues += schema_issues(opened.reading) if strict else []
    return place(issues, opened.reading.document.place, strict=strict, file=file or opened.descriptor_name)


class _Checker:
    def __init__(self, opened: OpenPackage, store: TrustStore | None, progress: Progress | None) -> None:
        self._opened = opened
        self._store = store
        self._progress = progress or (lambda _name, _bytes: None)
        self._entries: tuple[manifest.Entry, ...] = ()
        self._covered: set[str] = set()

    def issues(self) -> Iterator[Issue]:
        """What is wrong with the package's bytes and files."""
        yield from self._manifest()
        yield from self._signature()
        for file in self._opened.package.files:
            if classify(file.href) is Kind.LOCAL:
                yield from self._file(file)
        yield from self._leftovers()

    def _manifest(self) -> Iterator[Issue]:
        opened = self._opened
        try:
            data = opened.manifest_bytes
            self._entries = manifest.parse(data, opened.limits, where=opened.sibling(".mf")) if data else ()
        except RefusedError as error:
            yield Issue("package.manifest-malformed", detail=error.what)
            return
        if data is None:
            return
        if any(entry.algorithm == "SHA1" for entry in self._entries):
            yield Issue("package.manifest-weak")
        names = {opened.descriptor_name, PurePosixPath(opened.descriptor_name).name}
        ours = [entry for entry in self._entries if entry.name in names]
        if not ours:
            yield Issue("package.manifest-descriptor")
        found, _ = manifest.digests(io.BytesIO(opened.data), {entry.algorithm for entry in ours})
        if any(found[entry.algorithm] != entry.digest for entry in ours):
            yield Issue("package.descriptor-digest", detail=opened.descriptor_name)

    def _signature(self) -> Iterator[Issue]:
        if self._opened.manifest_bytes is None:
            return
        verdict = signature_of(self._opened, self._store or TrustStore())
        told = f"{verdict.signer} {verdict.detail}".strip()
        code = {
            Trust.UNSIGNED: "package.unsigned",
            Trust.CORRUPT: "package.signature",
            Trust.EXPIRED: "package.certificate",
            Trust.REVOKED: "package.certificate",
            Trust.UNTRUSTED: "package.untrusted",
        }.get(verdict.trust)
        if code is not None and (verdict.trust is not Trust.UNSIGNED or self._store is not None):
            yield Issue(code, detail=told)

    def _file(self, file: File) -> Iterator[Issue]:
        opened = self._opened
        try:
            names = opened.locate(file)
        except RefusedError:
            yield Issue("package.file-absent" if opened.is_bare else "package.file-missing", file.at, file.href)
            return
        try:
            size = yield from self._digests(file, names)
            if file.chunk_size is not None:
                opened._check_chunks(file, names)  # noqa: SLF001 -- the package's own reader
            opened.is_compressed(file)
        except RefusedError as error:
            yield Issue(_CODES.get(error.what.partition(" ")[0], "package.compression"), file.at, str(error))
            return
        if file.size is not None and size != file.size:
            yield Issue("package.file-size", file.at, f"{file.href} has {size} bytes, {file.size} are claimed")

    def _digests(self, file: File, names: list[str]) -> Iterator[Issue]:
        """Compare a file's digests with the manifest's; the value is the size in bytes."""
        total = 0
        for name in names:
            wanted = [entry for entry in self._entries if entry.name in {name, file.href, *candidates(file.href)}]
            wanted = wanted if len(names) == 1 else [entry for entry in self._entries if entry.name == name]
            if not wanted:
                if self._entries:
                    yield Issue("package.manifest-uncovered", file.at, name)
                total += self._opened.storage.size(name) or 0
                continue
            self._covered |= {entry.name for entry in wanted}
            with self._opened.storage.open(name) as stream:
                found, size = manifest.digests(self._watched(name, stream), {entry.algorithm for entry in wanted})
            total += size
            if any(found[entry.algorithm] != entry.digest for entry in wanted):
                yield Issue("package.file-digest", file.at, name)
        return total

    def _watched(self, name: str, stream: BinaryIO) -> BinaryIO:
        return cast("BinaryIO", _Watched(stream, lambda count: self._progress(name, count)))

    def _leftovers(self) -> Iterator[Issue]:
        """Manifest lines without a file, members nobody names, and the order of an archive (clause 5.3)."""
        opened = self._opened
        ours = {opened.descriptor_name, opened.sibling(".mf"), opened.sibling(".cert")}
        for entry in self._entries:
            if opened.storage.size(entry.name) is None and not opened.is_bare:
                yield Issue("package.manifest-extra", detail=entry.name)
        if not isinstance(opened.storage, Archive):
            return
        named = {entry.name for entry in self._entries} | ours
        for file in opened.package.files:
            try:
                named.update(opened.locate(file))
            except RefusedError:
                continue
        names = opened.storage.names()
        for name in names:
            if name not in named:
                yield Issue("package.unlisted", detail=name)
        if names[0] != opened.descriptor_name:
            yield Issue("package.order", detail=f"{names[0]} comes first")


_CODES = {"its": "package.chunk-missing"}


class _Watched:
    """A stream that reports what was read of it."""

    def __init__(self, stream: BinaryIO, report: Callable[[int], None]) -> None:
        self._stream = stream
        self._report = report

    def read(self, count: int) -> bytes:
        """Read and report."""
        data = self._stream.read(count)
        self._report(len(data))
        return data


def signature_of(opened: OpenPackage, store: TrustStore) -> Verdict:
    """The worth of a package's signature: bytes, dates, chain and revocation, in this order."""
    if opened.certificate_bytes is None:
        return Verdict(Trust.UNSIGNED, detail="the package has no certificate")
    if opened.manifest_bytes is None:
        return Verdict(Trust.CORRUPT, detail="there is a certificate but no manifest")
    return verify(opened.manifest_bytes, opened.certificate_bytes, store)
