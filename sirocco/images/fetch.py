"""The one downloader: resumable, bounded, and blind to everything that is not meant for it.

A name is resolved once and the connection made to the very address that was judged, so that a second answer of the
name server changes nothing; every redirect is judged anew. No proxy, cookie or credential of ours is ever used.
"""

import fcntl
import hashlib
import http.client
import ipaddress
import json
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path
from urllib.parse import urljoin

from sirocco.contracts.errors import SiroccoError, explained
from sirocco.domain.sources import PORTS, Source, Trust, outside, source
from sirocco.images.inspect import ImageError

_CHUNK = 1 << 18
_SILENCE = 30.0
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_SPARE = 1 << 30

Progress = Callable[[float], None]


class SilentSourceError(Exception):
    """The source cannot be reached right now, or stopped in the middle: worth another try, which goes on from there.

    ``why`` and ``details`` are as in ``ImageError``.
    """

    def __init__(self, *, why: str, **details: object) -> None:
        self.details = {"why": why, **{name: str(value) for name, value in details.items()}}
        super().__init__(explained(self.details)["why"])


@dataclass(frozen=True, slots=True)
class Limits:
    """What a download may take: bytes, seconds for one try, and which sources inside the house it may come from."""

    largest: int = 32 << 30
    seconds: float = 4 * 3600.0
    trust: Trust = field(default_factory=Trust)


def fetch(wanted: Source, target: Path, limits: Limits, progress: Progress | None = None) -> None:
    """Bring the content to ``target``; what an earlier try left there is gone on with, if the source says it can be.

    ``progress`` hears a share from 0 to 1 where the size is known. Raises ``ImageError`` for a source that is refused,
    too large, or other than its digest says (nothing is left behind then), ``SilentSourceError`` for one that may
    answer later.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with target.open("ab+") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SilentSourceError(why="an earlier try is still at work") from error
        try:
            _Download(wanted, part, limits, progress).run()
        except ssl.SSLCertVerificationError as error:
            why = "{host} cannot prove who it is: {fault}"
            raise ImageError(why=why, host=wanted.host, fault=error.verify_message) from error
        except (OSError, http.client.HTTPException) as error:
            raise SilentSourceError(
                why="{host}: {said}", host=wanted.host, said=str(error) or type(error).__name__
            ) from error
        except ImageError:
            discard(target)
            raise


def discard(target: Path) -> None:
    """Forget what was fetched; absent already is success."""
    target.unlink(missing_ok=True)
    _notes(target).unlink(missing_ok=True)


def _notes(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


class _Download:
    """One try: the request that goes on from what is there, and its content."""

    def __init__(self, wanted: Source, part: BufferedRandom, limits: Limits, progress: Progress | None) -> None:
        self._wanted, self._part, self._limits, self._progress = wanted, part, limits, progress
        self._path = Path(part.name)
        self._until = time.monotonic() + limits.seconds

    def run(self) -> None:
        have, validator = self._earlier()
        headers = {"Accept-Encoding": "identity", "User-Agent": "sirocco"}
        if have and validator:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        with _answer(self._wanted, headers, self._limits.trust) as answer:
            have = have if answer.status == 206 and _starts_at(answer) == have else self._anew(answer)
            self._take(answer, have)
        self._verify()

    def _earlier(self) -> tuple[int, str]:
        """How much of this very source is there, and what tells whether the source is still the same."""
        try:
            notes = json.loads(_notes(self._path).read_text())
        except (FileNotFoundError, ValueError):
            return 0, ""
        validator = notes.get("validator", "") if notes.get("url") == self._wanted.url else ""
        return self._path.stat().st_size, validator

    def _anew(self, answer: http.client.HTTPResponse) -> int:
        if answer.status != 200:
            raise ImageError(why="{host} answered {status}", host=self._wanted.host, status=answer.status)
        self._part.truncate(0)
        tag = answer.headers.get("ETag", "")
        validator = tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
        _notes(self._path).write_text(json.dumps({"url": self._wanted.url, "validator": validator}))
        return 0

    def _take(self, answer: http.client.HTTPResponse, have: int) -> None:
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            why = "{host} sends the image packed: give the address of the image itself"
            raise ImageError(why=why, host=self._wanted.host)
        size = have + answer.length if answer.length is not None else 0
        self._check_room(size, have)
        while chunk := answer.read1(_CHUNK):
            have += len(chunk)
            if have > self._limits.largest:
                raise ImageError(why="the image is larger than {most_size}", most_size=self._limits.largest)
            if time.monotonic() > self._until:
                why = "the image takes longer than {seconds} seconds"
                raise ImageError(why=why, seconds=round(self._limits.seconds))
            self._part.write(chunk)
            if self._progress is not None:
                self._progress(have / size if size else 0.0)
        self._part.flush()
        if have < size:
            why = "{host} stopped after {have_size} of {whole_size}"
            raise SilentSourceError(why=why, host=self._wanted.host, have_size=have, whole_size=size)

    def _check_room(self, size: int, have: int) -> None:
        if size > self._limits.largest:
            why = "the image has {whole_size}; {most_size} are the most"
            raise ImageError(why=why, whole_size=size, most_size=self._limits.largest)
        free = shutil.disk_usage(self._path.parent).free
        if size - have > free - _SPARE:
            why = "the image has {whole_size}; the image store has room for {room_size}"
            raise ImageError(why=why, whole_size=size, room_size=max(free - _SPARE, 0))

    def _verify(self) -> None:
        if not self._wanted.digest:
            return
        algorithm, _, digits = self._wanted.digest.partition(":")
        self._part.seek(0)
        found = hashlib.file_digest(self._part, algorithm).hexdigest()
        if found != digits:
            why = "the content's {algorithm} is {found}, not {digits}: it is not what was asked for"
            raise ImageError(why=why, algorithm=algorithm, found=found, digits=digits)


def _starts_at(answer: http.client.HTTPResponse) -> int:
    unit, _, where = answer.headers.get("Content-Range", "").partition(" ")
    first = where.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdecimal() else -1


@contextmanager
def _answer(wanted: Source, headers: dict[str, str], trust: Trust) -> Iterator[http.client.HTTPResponse]:
    """The first answer that is no redirect."""
    for _ in range(_REDIRECTS + 1):
        connection = _connect(wanted, trust)
        try:
            connection.request("GET", wanted.path, headers=headers)
            answer = connection.getresponse()
            if answer.status in _PASSING:
                raise SilentSourceError(why="{host} answered {status}", host=wanted.host, status=answer.status)
            if answer.status not in _MOVED:
                yield answer
                return
            wanted = _moved(wanted, answer)
        finally:
            connection.close()
    raise ImageError(why="{host} redirects more than {most} times", host=wanted.host, most=_REDIRECTS)


def _moved(wanted: Source, answer: http.client.HTTPResponse) -> Source:
    try:
        return source(urljoin(wanted.url, answer.headers.get("Location", "")), wanted.digest)
    except SiroccoError as refusal:
        why = "{host} redirects to what is refused: {because}"
        raise ImageError(why=why, host=wanted.host, because=refusal.details["why"]) from refusal


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, whatever the name means by now."""

    def __init__(self, wanted: Source, address: str) -> None:
        super().__init__(wanted.host, wanted.port, timeout=_SILENCE)
        self._wanted, self._address = wanted, address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self._wanted.port), _SILENCE)
        if self._wanted.secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._wanted.host)


def _connect(wanted: Source, trust: Trust) -> _Pinned:
    """A connection to an address that may be reached; ``ImageError`` if the name has any other."""
    try:
        found = socket.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise ImageError(why="{host} is no host name", host=wanted.host[:80]) from error
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise ImageError(why="there is no host {host}", host=wanted.host[:80]) from error
        raise
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if trust.knows(wanted.host, wanted.port) or all(map(trust.includes, addresses)):
        return _Pinned(wanted, str(addresses[0]))
    if wanted.port not in PORTS:
        why = "images are not fetched from port {port}; an operator can trust {host}"
        raise ImageError(why=why, port=wanted.port, host=wanted.host)
    if not all(map(outside, addresses)):
        why = "{host} is inside the house: an operator can trust it by the setting image_sources"
        raise ImageError(why=why, host=wanted.host)
    return _Pinned(wanted, str(addresses[0]))
