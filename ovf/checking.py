"""Checks a package as a whole: manifest, signature, files, disks, descriptor (DSP0243 2.1, clause 5).

The bytes are verified before anything but the descriptor's own safe parse looks at them.
"""

import io
from collections.abc import Callable, Generator, Iterator
from pathlib import PurePosixPath

from ovf import disks, judge, manifest
from ovf.errors import RefusedError, UnreadableError
from ovf.findings import Finding, Issue, place
from ovf.hrefs import Kind, candidates, classify
from ovf.model import File
from ovf.opened import OpenPackage
from ovf.signature import Trust, TrustStore, Verdict, verify
from ovf.storage import Archive
from ovf.streams import Watched
from ovf.validity import schema_issues

Progress = Callable[[str, int], None]


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
        self._by_name: dict[str, list[manifest.Entry]] = {}
        self._done: dict[tuple[str, frozenset[str]], tuple[dict[str, str], int]] = {}
        self._sizes: dict[tuple[str, int | None], int] = {}

    def issues(self) -> Iterator[Issue]:
        """What is wrong with the package's bytes and files."""
        yield from self._manifest()
        yield from self._signature()
        for file in self._opened.package.files:
            if classify(file.href) is Kind.LOCAL:
                yield from self._file(file)
        yield from self._bundles()
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
        for entry in self._entries:
            self._by_name.setdefault(entry.name, []).append(entry)
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
            if file.chunk_size is not None:
                opened.check_chunks(file, names)
            key = (file.href, file.chunk_size)
            if key not in self._sizes:
                self._sizes[key] = yield from self._digests(file, names)
            opened.is_compressed(file)
            yield from disks.header_issues(opened, file)
        except RefusedError as error:
            yield Issue(_CODES.get(error.what.partition(" ")[0], "package.compression"), file.at, str(error))
            return
        if file.size is not None and self._sizes[key] != file.size:
            told = f"{file.href} has {self._sizes[key]} bytes, {file.size} are claimed"
            yield Issue("package.file-size", file.at, told)

    def _bundles(self) -> Iterator[Issue]:
        for file in self._opened.bundle_files:
            try:
                self._opened.bundle(file)
            except UnreadableError as error:
                yield Issue("package.bundle", file.at, error.what)

    def _digests(self, file: File, names: list[str]) -> Generator[Issue, None, int]:
        """Compare a file's digests with the manifest's; the value is the size in bytes. No file is read twice."""
        total = 0
        for name in names:
            spellings = dict.fromkeys([name, file.href, *candidates(file.href)]) if len(names) == 1 else [name]
            wanted = [entry for one in spellings for entry in self._by_name.get(one, [])]
            if not wanted:
                if self._entries:
                    yield Issue("package.manifest-uncovered", file.at, name)
                total += self._opened.storage.size(name) or 0
                continue
            found, size = self._digested(name, frozenset(entry.algorithm for entry in wanted))
            total += size
            if any(found[entry.algorithm] != entry.digest for entry in wanted):
                yield Issue("package.file-digest", file.at, name)
        return total

    def _digested(self, name: str, algorithms: frozenset[str]) -> tuple[dict[str, str], int]:
        key = (name, algorithms)
        if key not in self._done:
            with self._opened.storage.open(name) as stream:
                watched = Watched(stream, lambda count: self._progress(name, count))
                self._done[key] = manifest.digests(watched, algorithms)
        return self._done[key]

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


def signature_of(opened: OpenPackage, store: TrustStore) -> Verdict:
    """The worth of a package's signature: bytes, dates, chain and revocation, in this order."""
    if opened.certificate_bytes is None:
        return Verdict(Trust.UNSIGNED, detail="the package has no certificate")
    if opened.manifest_bytes is None:
        return Verdict(Trust.CORRUPT, detail="there is a certificate but no manifest")
    return verify(opened.manifest_bytes, opened.certificate_bytes, store)
