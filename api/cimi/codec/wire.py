"""Which of the two namespaces an exchange speaks, and where it takes place."""

import re
from dataclasses import dataclass
from functools import cached_property

from api.cimi.model.attribute import V1, V2

ROOT = "/cimi/"
_RESOURCE = re.compile(r"[A-Za-z]\w*(/[A-Za-z0-9._:-]+)*")


@dataclass(frozen=True)
class Wire:
    """``site`` is the address of the server without a final slash; references inside are relative to ``base``."""

    version: int
    site: str

    @cached_property
    def base(self) -> str:
        """The base URI; it ends in a slash."""
        return self.site + prefix(self.version)

    def href(self, path: str) -> str:
        """The absolute URI of a resource; what is absolute already stays as it is."""
        return path if not path or "://" in path else self.base + path

    def relative(self, href: str) -> str | None:
        """The path below the base of a reference into this cloud, in either version; None for any other."""
        path = href.strip()
        for start in (self.site, ""):
            for version in (V2, V1):
                root = start + prefix(version)
                if path.startswith(root):
                    return _checked(path.removeprefix(root))
        return _checked(path)


def prefix(version: int) -> str:
    """The path that all resources of a version lie below."""
    return ROOT if version == V1 else f"{ROOT}{version}/"


def _checked(path: str) -> str | None:
    return path if _RESOURCE.fullmatch(path) else None
