"""From where an image may be fetched: an address that a user gives must lead out of the house (OWASP API7, SSRF)."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

from sirocco.contracts.errors import INVALID, SiroccoError

PORTS: Final = frozenset({80, 443, 8080, 8443})
DIGESTS: Final = {"sha256": 64, "sha512": 128}
FORMATS: Final = frozenset({"qcow2", "raw", "vmdk", "vpc", "vhdx"})
"""Formats of images that can be brought in, in qemu-img's words."""
_LONGEST = 2048
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Source:
    """An address in its parts; ``digest`` is ``algorithm:hexadecimal digits`` of the content, empty when unknown."""

    url: str
    secure: bool
    host: str
    port: int
    path: str
    digest: str = ""

    @property
    def shown(self) -> str:
        """The address without its query, which may hold a key to it."""
        return self.url.partition("?")[0]


def source(url: str, digest: str = "", *, where: str = "imageLocation") -> Source:
    """The address to fetch; INVALID unless it is https, or http with a digest, and nothing is hidden in it."""
    parts = _split(url, where)
    if parts.scheme not in {"https", "http"}:
        raise SiroccoError(INVALID, where=where, why="images are fetched by https or http")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise SiroccoError(INVALID, where=where, why="it needs a host, and neither user nor password")
    _check_digest(digest)
    if parts.scheme == "http" and not digest:
        raise SiroccoError(INVALID, where=where, why="http needs a digest; state it, or use https")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    whole = url.partition("#")[0]
    return Source(whole, secure, parts.hostname, parts.port or (443 if secure else 80), path, digest.lower())


def _split(url: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SiroccoError(INVALID, where=where, why="it is no address") from None
    if len(url) > _LONGEST or not re.fullmatch(r"[\x21-\x7e]+", url) or "\\" in url:
        raise SiroccoError(INVALID, where=where, why="it is no address")
    return parts


def _check_digest(digest: str) -> None:
    algorithm, _, digits = digest.partition(":")
    if digest and (algorithm not in DIGESTS or not re.fullmatch(f"[0-9A-Fa-f]{{{DIGESTS[algorithm]}}}", digits)):
        raise SiroccoError(INVALID, where="digest", why="it is sha256: or sha512: and the digits of the content")


@dataclass(frozen=True, slots=True)
class Trust:
    """The hosts and networks that an operator trusts although they are inside; a trusted one may use any port."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[IpNetwork, ...] = field(default=())

    @classmethod
    def of(cls, entries: Iterable[str]) -> Self:
        """From names, ``name:port`` and CIDR ranges; ValueError for what is neither."""
        hosts, networks = set(), []
        for entry in filter(None, (entry.strip().lower() for entry in entries)):
            if "/" in entry:
                networks.append(ipaddress.ip_network(entry))
            elif re.fullmatch(r"[a-z0-9._-]+(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?", entry):
                hosts.add(entry)
            else:
                raise ValueError(f"{entry!r} is neither a host, host:port, nor a network in CIDR notation")
        return cls(frozenset(hosts), tuple(networks))

    def knows(self, host: str, port: int) -> bool:
        """Whether the host is trusted by its name."""
        name = f"[{host}]" if ":" in host else host
        return name.lower() in self.hosts or f"{name.lower()}:{port}" in self.hosts

    def includes(self, address: IpAddress) -> bool:
        """Whether the address lies in a trusted network."""
        return any(address.version == network.version and address in network for network in self.networks)


def outside(address: IpAddress) -> bool:
    """Whether an address is on the Internet, also when it is wrapped in another one."""
    inner = _wrapped(address)
    if inner is not None:
        return outside(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _wrapped(address: IpAddress) -> IpAddress | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
