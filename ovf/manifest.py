"""Manifests: the digests of a package's files (DSP0243 2.1, clause 5.1).

The canonical line is ``SHA256(name)= hex``; blanks, letter case, hyphens and line ends vary in practice and are
read, as are several algorithms in one manifest.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ovf.errors import RefusedError
from ovf.limits import DEFAULT, Limits

ALGORITHMS = {"SHA1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_LINE = re.compile(r"\s*SHA-?(1|256|384|512)\s*\(\s*(.+?)\s*\)\s*=\s*([0-9A-Fa-f]+)\s*", re.IGNORECASE)
_BLOCK = 2**20


class Digest(Protocol):
    """A running digest, as hashlib makes it."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""

    def hexdigest(self) -> str:
        """The digest so far, in lower-case hexadecimal digits."""


class Readable(Protocol):
    """What gives bytes."""

    def read(self, count: int, /) -> bytes:
        """At most this many bytes, none at the end."""


@dataclass(frozen=True)
class Entry:
    """A file's digest: algorithm (``SHA256``), name, and lower-case hexadecimal digits."""

    algorithm: str
    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.algorithm}({self.name})= {self.digest}"


def new_digest(algorithm: str) -> Digest:
    """An empty digest of this algorithm."""
    return hashlib.new(ALGORITHMS[algorithm], usedforsecurity=algorithm != "SHA1")


def parse_line(line: str) -> Entry | None:
    """One line, or None when it is none.

    >>> parse_line("sha-1 (a.ovf) = DA39A3EE5E6B4B0D3255BFEF95601890AFD80709").algorithm
    'SHA1'
    """
    match = _LINE.fullmatch(line)
    return Entry(f"SHA{match.group(1)}", match.group(2), match.group(3).lower()) if match else None


def parse(data: bytes, limits: Limits = DEFAULT, *, where: str = "manifest") -> tuple[Entry, ...]:
    """The entries of a manifest.

    Raises:
        RefusedError: a line that is no entry, a digest of the wrong length, or two digests for one file.
    """
    if len(data) > limits.manifest_bytes:
        raise RefusedError(f"has more than {limits.manifest_bytes} bytes", where=where)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedError("is not UTF-8", where=where, remedy="write it again") from None
    entries: dict[tuple[str, str], Entry] = {}
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if not line.strip():
            continue
        entry = parse_line(line)
        if entry is None or len(entry.digest) != 2 * hashlib.new(ALGORITHMS[entry.algorithm]).digest_size:
            raise RefusedError(
                f"line {number} is no digest: {line[:60]!r}", where=where, remedy="write lines like SHA256(name)= hex"
            )
        if entries.setdefault((entry.name, entry.algorithm), entry) != entry:
            raise RefusedError(f"line {number} contradicts an earlier line for {entry.name!r}", where=where)
    return tuple(entries.values())


def digests(stream: Readable, algorithms: Iterable[str]) -> tuple[dict[str, str], int]:
    """The digests of a stream read to its end, by algorithm, and its length in bytes."""
    running = {name: new_digest(name) for name in algorithms}
    size = 0
    while block := stream.read(_BLOCK):
        size += len(block)
        for digest in running.values():
            digest.update(block)
    return {name: digest.hexdigest() for name, digest in running.items()}, size


def render(entries: Iterable[Entry]) -> bytes:
    """The canonical manifest: one line per file, in the order given."""
    return "".join(f"{entry}\n" for entry in entries).encode("utf-8")
