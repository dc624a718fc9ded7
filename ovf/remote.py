"""Fetches files that a descriptor keeps on a web server, only from hosts the operator names (clause 7.1).

A descriptor must not make the importer talk to its own network: every address a name stands for has to be
public, the connection goes to the very address that was checked, and each redirect is checked again.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit

from ovf.errors import OvfError, RefusedError
from ovf.limits import GIB

_BLOCK = 2**20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_WAIT = 30.0


@dataclass(frozen=True)
class RemotePolicy:
    """Hosts that may be fetched from, and the caps on one file; ``private`` lets them be inside the own network."""

    hosts: frozenset[str] = frozenset()
    most_bytes: int = 64 * GIB
    seconds: float = 4 * 3600.0
    redirects: int = 3
    private: bool = False


def fetch(url: str, output: BinaryIO, policy: RemotePolicy) -> int:
    """Copy what a web address holds and return its size in bytes.

    Raises:
        RefusedError: the address is not allowed, or the answer is too large or too slow.
        OvfError: the server does not answer properly.
    """
    deadline = time.monotonic() + policy.seconds
    for _ in range(policy.redirects + 1):
        if time.monotonic() > deadline:
            raise RefusedError("is larger or slower than allowed", where=url[:200])
        parts = _checked(url, policy)
        connection = _connection(parts, _address(parts, policy), deadline)
        try:
            target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            connection.request("GET", target, headers={"Host": parts.netloc, "Accept-Encoding": "identity"})
            answer = connection.getresponse()
            if answer.status in _REDIRECTS:
                url = urljoin(url, answer.headers.get("Location", ""))
                continue
            if answer.status != http.HTTPStatus.OK:
                raise OvfError(f"the server answers {answer.status}", where=url[:200])
            return _copy(answer, output, url, policy, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise OvfError(f"cannot be fetched: {error}", where=url[:200]) from None
        finally:
            connection.close()
    raise RefusedError(f"redirects more than {policy.redirects} times", where=url[:200])


def _checked(url: str, policy: RemotePolicy) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        raise RefusedError("is no web address", where=url[:200]) from None
    if not usable or parts.username is not None or any(ord(letter) < 33 for letter in url):
        raise RefusedError("is no plain http or https address", where=url[:200])
    if (parts.hostname or "").lower() not in policy.hosts:
        raise RefusedError("lies on a host that is not allowed", where=url[:200], remedy="ask the operator to allow it")
    return parts


def _address(parts: SplitResult, policy: RemotePolicy) -> tuple[str, int]:
    """The checked address to connect to."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OvfError(f"the host cannot be found: {error}", where=parts.netloc) from None
    addresses = [str(one[4][0]) for one in found]
    if not policy.private and not all(ipaddress.ip_address(one.partition("%")[0]).is_global for one in addresses):
        raise RefusedError("stands for an address that is not public", where=parts.netloc)
    return addresses[0], port


def _connection(parts: SplitResult, address: tuple[str, int], deadline: float) -> http.client.HTTPConnection:
    wait = min(_LONGEST_WAIT, max(deadline - time.monotonic(), 0.001))
    connection = http.client.HTTPConnection(parts.hostname or "", address[1], timeout=wait)
    try:
        plain = socket.create_connection(address, wait)
        if parts.scheme == "https":
            plain = ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)
    except OSError as error:
        raise OvfError(f"cannot be reached: {error}", where=parts.netloc) from None
    connection.sock = plain
    return connection


def _copy(answer: http.client.HTTPResponse, output: BinaryIO, url: str, policy: RemotePolicy, deadline: float) -> int:
    size = 0
    while block := answer.read1(_BLOCK):
        size += len(block)
        if size > policy.most_bytes or time.monotonic() > deadline:
            raise RefusedError("is larger or slower than allowed", where=url[:200])
        output.write(block)
    return size
