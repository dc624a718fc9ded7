"""The API over HTTP with the standard library alone: quick to start, nothing to install."""

import base64
import http.client
import json
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from sirocco_client.errors import ApiError, ClientError

_NAMESPACE = "http://schemas.dmtf.org/cimi/1"
_PAUSES = (0.0, 0.3, 1.0, 2.0)
_BUSY = 503
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Login:
    """Where and as whom: an API key, or a user name with a password; a tenant's name or id if not the first."""

    url: str
    key: str = ""
    user: str = ""
    password: str = ""
    tenant: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What proves who asks."""
        if self.key:
            proof = {"Authorization": f"Bearer {self.key}"}
        else:
            proof = {"Authorization": "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()}
        return proof | ({"tenantName": self.tenant} if self.tenant else {})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: Body

    @property
    def job(self) -> str:
        """The address of the job that a write became, empty if none."""
        return self.headers.get("cimi-job-uri", "")

    @property
    def location(self) -> str:
        """The address of what a write made, empty if nothing."""
        return self.headers.get("location", "")


class Api:
    """The resources of a server by their address, ``machines/<id>`` or absolute. Raises ApiError and ClientError."""

    def __init__(self, login: Login, *, language: str = "en", timeout: float = 60.0) -> None:
        self._login, self._language, self._timeout = login, language, timeout
        self._parts = _address(login.url)
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: str | int) -> Body:
        """One resource or collection; ``query`` as in ``filter="state='STARTED'"`` (without the dollar sign)."""
        asked = urlencode({f"${name}": value for name, value in query.items() if value != ""})
        return self.request("GET", f"{path}?{asked}" if asked else path).body

    def items(self, collection: str, key: str, **query: str | int) -> Iterator[Body]:
        """All items of a collection, page by page."""
        first = 1
        while True:
            page = self.get(collection, first=first, last=first + 199, **query)
            found = page.get(key, [])
            yield from found
            first += len(found)
            if not found or first > int(page.get("count", 0)):
                return

    def post(self, path: str, body: Body) -> Answer:
        """Create or act; repeated safely when no answer came, since it carries a key of its own."""
        return self.request("POST", path, body)

    def put(self, path: str, body: Body, *, select: str = "") -> Answer:
        """Replace a resource, or only the attributes that ``select`` names."""
        return self.request("PUT", f"{path}?{urlencode({'$select': select})}" if select else path, body)

    def delete(self, path: str) -> Answer:
        """Delete a resource."""
        return self.request("DELETE", path)

    def act(self, path: str, verb: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """Call an action of a resource."""
        action = {"resourceURI": f"{_NAMESPACE}/Action", "action": f"{_NAMESPACE}/action/{verb}"}
        return self.post(f"{path}/{verb}", action | dict(parameters or {}))

    def href(self, collection: str, resource_id: str) -> dict[str, str]:
        """A reference to a resource."""
        return {"href": f"{self._login.url.rstrip('/')}/cimi/{collection}/{resource_id}"}

    def request(self, method: str, path: str, body: Body | None = None) -> Answer:
        """One request; a write that got no answer is sent again with the same Idempotency-Key."""
        headers = self._headers(method)
        content = json.dumps(body).encode() if body is not None else None
        for pause in _PAUSES:
            time.sleep(pause)
            try:
                return self._send(method, self._target(path), content, headers)
            except (OSError, http.client.HTTPException) as error:
                self._forget_connection()
                fault: ClientError = self._unreachable(error)
                cause: Exception = error
            except ApiError as error:
                if error.http_status != _BUSY:
                    raise
                fault = cause = error
        raise fault from cause

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _headers(self, method: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Language": self._language, **self._login.headers}
        if method != "GET":
            headers |= {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        return headers

    def _target(self, path: str) -> str:
        if path.startswith(("http://", "https://")):
            parts = urlsplit(path)
            return f"{parts.path}?{parts.query}" if parts.query else parts.path
        root = self._parts.path.rstrip("/")
        return f"{root}/cimi/{quote(path, safe='/?=&%$+,:._-')}"

    def _send(self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = self._connected()
        try:
            connection.request(method, target, content, {name: value.encode() for name, value in headers.items()})
        except ValueError as error:
            remedy = "Check --tenant, SIROCCO_TENANT and SIROCCO_KEY"
            raise ClientError("this cannot be sent: {why}", remedy, why=error) from error
        response = connection.getresponse()
        raw = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        body = _parsed(raw, found)
        if response.status >= 400:
            raise ApiError(response.status, body, found.get("x-request-id", ""))
        if response.status >= 300 or (raw and not body):
            raise self._stranger()
        return Answer(response.status, found, body)

    def _stranger(self) -> ClientError:
        """Somebody else answers there: another program, or a proxy that sends elsewhere."""
        remedy = "Give the portal's address, like http://127.0.0.1:8080"
        return ClientError("{url} does not answer as Sirocco does", remedy, url=self._login.url)

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            host, port = self._parts.hostname or "", self._parts.port
            if self._parts.scheme == "https":
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)
            else:
                self._connection = http.client.HTTPConnection(host, port, timeout=self._timeout)
        return self._connection

    def _unreachable(self, error: Exception) -> ClientError:
        return ClientError(
            "no answer from {url}: {why}",
            "Is the server running? `siroccod status` tells on its machine.",
            url=self._login.url,
            why=error,
        )


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass  # a port that is no number, brackets that do not close
    raise ClientError("{text} is no address of a server", "Give one like http://127.0.0.1:8080", text=repr(url))


def _parsed(raw: bytes, headers: Mapping[str, str]) -> Body:
    if not raw or not headers.get("content-type", "").startswith("application/json"):
        return {}
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
