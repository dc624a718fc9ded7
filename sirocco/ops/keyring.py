"""The key ring: what seals secrets in the CMDB and payloads in the engine.

A ring is a small file of 256-bit keys, one of them current. Nothing is sealed with a ring's key itself: each purpose
has a key derived from it (HKDF-SHA256, RFC 5869). Rotation adds a key; the older ones stay to open what they sealed.
Sealing is AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; the key's id is bound as associated data.
"""

import hashlib
import hmac
import json
import os
import secrets
import threading
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sirocco.ops.errors import OperationError

_NONCE = 12
_PURPOSE, _MARKS = "cmdb", "marks"


class KeyRingError(OperationError, ValueError):
    """The key ring cannot be read, or holds no key that opens this."""


class SealBrokenError(ValueError):
    """A sealed value was changed, or belongs to another place than the one it was found in."""


class KeyRing:
    """Keys by id, read from a file and read again when the file changes; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._stamp = (0, 0)
        self._current = ""
        self._keys: dict[str, bytes] = {}
        self._ciphers: dict[tuple[str, str], AESGCM] = {}
        self._refresh()

    @classmethod
    def at(cls, path: Path) -> Self:
        """The ring in this file, made with a first key if there is no such file."""
        if not path.exists():
            _publish(path, "k1", {"k1": secrets.token_bytes(32)}, replace=False)
        return cls(path)

    @property
    def current(self) -> str:
        """The id of the key that seals from now on."""
        self._refresh()
        return self._current

    @property
    def ids(self) -> tuple[str, ...]:
        """All key ids, oldest first."""
        self._refresh()
        return tuple(self._keys)

    def rotate(self) -> str:
        """Add a key and make it current; its id."""
        self._refresh()
        new = f"k{max(int(name[1:]) for name in self._keys) + 1}"
        _publish(self.path, new, {**self._keys, new: secrets.token_bytes(32)}, replace=True)
        return new

    def cipher(self, key_id: str, purpose: str) -> AESGCM:
        """The cipher of a key for a purpose; KeyRingError for a key that is not on the ring."""
        self._refresh()
        cipher = self._ciphers.get((key_id, purpose))
        return cipher or self._ciphers.setdefault((key_id, purpose), AESGCM(self._derive(key_id, purpose)))

    def digest(self, key_id: str, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA256 with a key for a purpose; KeyRingError for a key that is not on the ring."""
        self._refresh()
        return hmac.digest(self._derive(key_id, purpose), data, hashlib.sha256)

    def _derive(self, key_id: str, purpose: str) -> bytes:
        if key_id not in self._keys:
            told = {"key": key_id, "path": self.path}
            raise KeyRingError("key {key!r} is not on the ring {path}; restore the ring that held it", **told)
        return HKDF(SHA256(), 32, salt=None, info=f"sirocco {purpose}".encode()).derive(self._keys[key_id])

    def _refresh(self) -> None:
        with self._guard:
            try:
                seen = self.path.stat()
                stamp = (seen.st_ino, seen.st_mtime_ns)
                if stamp != self._stamp:
                    self._current, self._keys = _read(self.path)
                    self._ciphers, self._stamp = {}, stamp
            except OSError as error:
                raise KeyRingError(
                    "cannot read the key ring {path}: {cause}", path=self.path, cause=error.strerror
                ) from error


class Sealer:
    """Seals the CMDB's secrets, each to its place: tenant, record and field are associated data."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def seal(self, plain: str, *place: str) -> str:
        """The secret as it is stored: key id, a point, and nonce and ciphertext in base 64."""
        key_id, nonce = self._ring.current, os.urandom(_NONCE)
        data = self._ring.cipher(key_id, _PURPOSE).encrypt(nonce, plain.encode(), _bound(key_id, *place))
        return f"{key_id}.{b64encode(nonce + data).decode()}"

    def open(self, sealed: str, *place: str) -> str:
        """The secret; SealBrokenError if it was altered or moved, KeyRingError if its key is missing."""
        key_id, _, text = sealed.partition(".")
        cipher = self._ring.cipher(key_id, _PURPOSE)
        try:
            data = b64decode(text, validate=True)
            return cipher.decrypt(data[:_NONCE], data[_NONCE:], _bound(key_id, *place)).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError(f"{'/'.join(place)} was altered, or sealed for another place") from error

    def mark(self, data: bytes, like: str = "") -> str:
        """What tells the same data again without telling the data: key id, a point, and a keyed hash in base 64.

        ``like`` is an earlier mark to compare with: its key is used, so a rotation in between does not matter.
        """
        key_id = like.partition(".")[0] or self._ring.current
        return f"{key_id}.{b64encode(self._ring.digest(key_id, _MARKS, data)).decode()}"

    def outdated(self, sealed: str) -> bool:
        """Whether a value is sealed with an older key than the current one."""
        return sealed.partition(".")[0] != self._ring.current


def _bound(*names: str) -> bytes:
    """Associated data: the names with their lengths, so that no two places look alike."""
    return b"".join(len(name.encode()).to_bytes(4, "big") + name.encode() for name in names)


def _read(path: Path) -> tuple[str, dict[str, bytes]]:
    try:
        ring = json.loads(path.read_text())
        keys = {str(name): b64decode(key, validate=True) for name, key in ring["keys"].items()}
        current = str(ring["current"])
        if current in keys and all(len(key) == 32 for key in keys.values()):
            return current, keys
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyRingError("{path} is not a key ring; restore it from a backup", path=path) from error
    raise KeyRingError("the key ring {path} is incomplete; restore it from a backup", path=path)


def _publish(path: Path, current: str, keys: dict[str, bytes], *, replace: bool) -> None:
    """Write the ring, readable by its owner only, so that others see the old one or the new one, never a part.

    Of several first processes exactly one makes the ring; the others take what it made.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    content = {"current": current, "keys": {name: b64encode(key).decode() for name, key in keys.items()}}
    descriptor = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            scratch.replace(path)
        else:
            _link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def _link(scratch: Path, path: Path) -> None:
    try:
        path.hardlink_to(scratch)
    except FileExistsError:
        return
