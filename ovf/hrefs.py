"""References to files: what may be opened, and under which names it is looked for (DSP0243 2.1, clause 7.1)."""

import posixpath
import re
from enum import Enum
from urllib.parse import unquote, urlsplit

from ovf.errors import RefusedError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")

_SCHEMES = frozenset(
    {"data", "dict", "file", "ftp", "ftps", "gopher", "jar", "javascript", "ldap", "nbd", "nfs", "rbd"}
)


class Kind(Enum):
    """What a reference points to."""

    MISSING = "missing"
    LOCAL = "local"
    REMOTE = "remote"
    UNSAFE = "unsafe"


def classify(href: str) -> Kind:
    """Whether a reference stays inside the package, goes to a web server, or must not be followed.

    >>> classify("disks/a.vmdk"), classify("../etc/passwd"), classify("file:///etc/passwd")
    (<Kind.LOCAL: 'local'>, <Kind.UNSAFE: 'unsafe'>, <Kind.UNSAFE: 'unsafe'>)
    """
    if not href.strip():
        return Kind.MISSING
    if _SCHEME.match(href) and not _DRIVE.match(href):
        return _web(href)
    return Kind.LOCAL if all(_is_inside(name) for name in candidates(href)) else Kind.UNSAFE


def _web(href: str) -> Kind:
    """A reference with a colon: a web address, another scheme, or a plain name such as ``disk 1: data.vmdk``."""
    try:
        parts = urlsplit(href)
        host = parts.hostname
    except ValueError:
        return Kind.UNSAFE
    if parts.scheme.lower() in {"http", "https"}:
        return Kind.REMOTE if host else Kind.UNSAFE
    is_url = parts.netloc or parts.path.startswith(("/", "\\")) or parts.scheme.lower() in _SCHEMES
    return Kind.UNSAFE if is_url or not _is_inside(href) else Kind.LOCAL


def _is_inside(name: str) -> bool:
    if name.startswith(("/", "\\", "~")) or _DRIVE.match(name) or "\0" in name:
        return False
    return ".." not in re.split(r"[\\/]", name)


def candidates(href: str) -> list[str]:
    """The names a file may have in the package: as written first, then with percent signs decoded."""
    decoded = unquote(href)
    names = [href, decoded] if decoded != href else [href]
    return [posixpath.normpath(name) if name else name for name in names if "\0" not in name] or [href]


def safe_member(name: str) -> str:
    """A member's name, normalised.

    Raises:
        RefusedError: the name is absolute, leaves the package or is empty.
    """
    plain = name.removeprefix("./")
    if not plain or plain == "." or not _is_inside(plain) or any(ord(letter) < 32 for letter in plain):
        raise RefusedError(f"the name {name[:100]!r} leaves the package or cannot be used", remedy="pack it again")
    return posixpath.normpath(plain)
