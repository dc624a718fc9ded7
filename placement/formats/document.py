"""JSON documents from files that nobody vouches for."""

import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from placement.errors import InputError

LARGEST_DOCUMENT = 1 << 28
"""Bytes that a document may have once unpacked (256 MiB)."""
GZIP = b"\x1f\x8b"
REPEATED = (b'"parts"', b'"pParts"', b'"nodes"')
"""Keys under which BtrPlace repeats the same long lists of numbers again and again."""
NUMBERS = b"0123456789,[] \t\r\n"


class Document:
    """A parsed document; lists of numbers that its text repeats are parsed once and shared.

    `root` is the top-level object. `shared(value)` turns what stands in the place of such a list back into the list.
    """

    def __init__(self, text: bytes) -> None:
        self._lists: list[Any] = []
        self._known: dict[bytes, bytes] = {}
        reduced = self._share(text)
        try:
            root = json.loads(reduced, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
        except InputError:
            raise
        except RecursionError:
            raise InputError("the document is nested too deeply to be an instance or a plan") from None
        except UnicodeDecodeError:
            raise InputError("the document is not UTF-8 text") from None
        except json.JSONDecodeError as error:
            raise InputError(
                f"the document is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
            ) from None
        except ValueError as error:
            raise InputError(f"the document holds a number that cannot be used: {error}") from None
        if not isinstance(root, dict):
            raise InputError("the document must be a JSON object at its top level")
        self.root: dict[str, Any] = root

    def _share(self, text: bytes) -> bytes:
        pieces, done = [], 0
        for key in REPEATED:
            position = text.find(key)
            while position >= 0:
                found = self._list_after(text, position + len(key), b"]" if key == b'"nodes"' else b"]]")
                if found:
                    start, end = found
                    pieces.append((start, end))
                position = text.find(key, position + len(key))
        reduced = []
        for start, end in sorted(pieces):
            reduced += [text[done:start], self._token(text[start:end])]
            done = end
        return b"".join([*reduced, text[done:]])

    def _list_after(self, text: bytes, position: int, close: bytes) -> tuple[int, int] | None:
        """Where the list of numbers begins and ends that follows a key; none where something else follows."""
        start = position
        while text[start : start + 1] in (b" ", b":"):
            start += 1
        if text[start : start + 1] != b"[":
            return None
        for known in self._known:
            if text.startswith(known, start):
                return start, start + len(known)
        end = text.find(close, start) + len(close)
        if len(self._known) < 64 < end - start and not text[start:end].translate(None, NUMBERS):
            self._known[text[start:end]] = b""
            return start, end
        return None

    def _token(self, text: bytes) -> bytes:
        token = self._known[text]
        if not token:
            try:
                self._lists.append(json.loads(text))
            except (ValueError, RecursionError):
                raise InputError(f"the document holds a malformed list: {text[:40].decode()}...") from None
            token = self._known[text] = b'"@%d"' % (len(self._lists) - 1)
        return token

    def shared(self, value: Any) -> Any:
        """The list that a value stands for, or the value itself."""
        if (
            isinstance(value, str)
            and value.startswith("@")
            and value[1:].isdigit()
            and int(value[1:]) < len(self._lists)
        ):
            return self._lists[int(value[1:])]
        return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"key {twice!r} occurs twice in one object")
    return found


def _refuse_constant(name: str) -> None:
    raise InputError(f"{name} is not a number that can be used")


def read_bytes(path: Path, largest: int = LARGEST_DOCUMENT) -> bytes:
    """The content of a file, unpacked if it is gzip; InputError where it cannot be read or is larger than allowed."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
            file.seek(0)
            if not packed:
                data = file.read(largest + 1)
            else:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    data = unpacked.read(largest + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: the gzip data are damaged or cut off ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    if len(data) > largest:
        raise InputError(f"{path}: larger than {largest >> 20} MiB once unpacked")
    return data


def read_document(path: Path) -> Document:
    """The JSON object in a file; InputError says what is wrong and where."""
    try:
        return Document(read_bytes(path))
    except InputError as error:
        raise InputError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None


def write_document(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, packed where the name ends in .gz; the same content gives the same bytes."""
    data = json.dumps(content, separators=(",", ":")).encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, 6, mtime=0)
    path.write_bytes(data)


def whole(value: Any, where: str, least: int = 0) -> int:
    """A whole number from `least` up; InputError says where it is not."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 1 << 40:  # noqa: PLR0124
        raise InputError(f"{where}: {str(value)[:40]!r} is not a usable number")
    if value != int(value) or value < least:
        raise InputError(f"{where}: {value!r} must be a whole number of at least {least}")
    return int(value)


def real(value: Any, where: str) -> float:
    """A finite number of at least 0; InputError says where it is not."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1 << 40:
        raise InputError(f"{where}: {str(value)[:40]!r} is not a number from 0 up")
    return float(value)


TYPE_NAMES = {"dict": "an object", "list": "a list", "str": "text"}


def entry(value: Any, key: str, where: str, kind: type) -> Any:
    """`value[key]`, an object, list or text as asked; InputError says where it is missing or something else."""
    if not isinstance(value, dict):
        raise InputError(f"{where}: an object is expected")
    if not isinstance(value.get(key), kind):
        raise InputError(f"{where}.{key}: {TYPE_NAMES[kind.__name__]} is expected")
    return value[key]
