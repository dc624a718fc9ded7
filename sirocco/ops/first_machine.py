"""Deploying the first machine through the public API, with progress: what any client would do."""

import json
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sirocco.ops.errors import OperationError
from sirocco.ops.settings import Settings
from sirocco.ops.words import language, worded

NAME = "first"
_MEMORY = 128 * 1024  # CIMI counts memory in KiB
_JOB_SECONDS = 600.0
_LOOK = 0.25

Say = Callable[[str], None]
Document = dict[str, Any]


class FirstMachineError(OperationError):
    """The first machine could not be deployed; the message is the API's own."""


@dataclass(frozen=True, slots=True)
class FirstMachine:
    """What was deployed: its name, URI and the address it reported, if any."""

    name: str
    uri: str
    address: str

    def as_data(self) -> dict[str, str]:
        """For the status file."""
        return asdict(self)


def deploy(settings: Settings, user: str, password: str, patience: float, say: Say) -> FirstMachine:
    """Ask for a machine on the default network, wait until it runs, and ``patience`` seconds for its address.

    A machine asked for before is found again.
    """
    api = _Api(settings.portal, user, password)
    entry = api.get(f"{settings.portal}/cimi/cloudEntryPoint")
    machines = entry["machines"]["href"]
    found = api.get(f"{machines}?$filter=name='{NAME}'").get("machines")
    machine = found[0] if found else _machine(api, entry, say)
    return FirstMachine(NAME, machine["id"], _address(api, machine, patience, say))


def _machine(api: "_Api", entry: Document, say: Say) -> Document:
    image = api.get(entry["machineImages"]["href"])["machineImages"][0]
    template = {
        "machineConfig": {"cpu": 1, "memory": _MEMORY},
        "machineImage": {"href": image["id"]},
        "initialState": "STARTED",
    }
    made = api.post(entry["machines"]["href"], {"name": NAME, "machineTemplate": template})
    return _done(api, made, worded("machine {name}", name=NAME), say)


def _done(api: "_Api", made: "_Made", what: str, say: Say) -> Document:
    """Follow a job to its end; the resource it made. FirstMachineError with the job's message when it fails."""
    told, end = "", time.monotonic() + _JOB_SECONDS
    while True:
        job = api.get(made.job)
        state = worded(job["state"].capitalize()).lower()
        line = f"  {what}: {state} {job.get('progress', 0)} % {job.get('statusMessage', '')}".rstrip()
        if line != told:
            say(line)
            told = line
        if job["state"] == "SUCCESS":
            return api.get(made.resource)
        if job["state"] in {"FAILED", "STOPPED"} or time.monotonic() > end:
            reason = job.get("statusMessage") or job["state"]
            raise FirstMachineError("{what}: {cause}", what=what, cause=reason)
        time.sleep(_LOOK)


def _address(api: "_Api", machine: Document, patience: float, say: Say) -> str:
    """The first address that the machine's guest was given; empty when none shows in time."""
    say(worded("  waiting for its address ..."))
    end = time.monotonic() + patience
    while time.monotonic() < end:
        for interface in _items(api, machine["networkInterfaces"]):
            for entry in _items(api, interface["addresses"]):
                if ip := api.get(entry["address"]["href"]).get("ip"):
                    return str(ip)
        time.sleep(_LOOK)
    return ""


def _items(api: "_Api", collection: Document) -> list[Document]:
    """What a collection holds: the one list of objects in its document that is not about operations."""
    document = api.get(collection["href"])
    lists = [value for key, value in document.items() if isinstance(value, list) and key != "operations"]
    return lists[0] if lists else []


@dataclass(frozen=True, slots=True)
class _Made:
    resource: str
    job: str


class _Api:
    """The smallest client of the API that deserves the name."""

    def __init__(self, base: str, user: str, password: str) -> None:
        self._base = base
        proof = b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {proof}",
            "Accept": "application/json",
            "Accept-Language": language(),
        }

    def get(self, uri: str) -> Document:
        """The document at an address."""
        return dict(json.loads(self._ask("GET", uri, None)[0]))

    def post(self, uri: str, document: Document) -> _Made:
        """Ask for a resource, once however often it is asked; the resource and its job."""
        _, headers = self._ask("POST", uri, document)
        return _Made(headers["Location"], headers["CIMI-Job-URI"])

    def _ask(self, method: str, uri: str, document: Document | None) -> tuple[bytes, Any]:
        data = None if document is None else json.dumps(document).encode()
        headers = {**self._headers, "Content-Type": "application/json", "Idempotency-Key": "first-start"}
        request = urllib.request.Request(uri.replace(" ", "%20"), data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own portal
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            raise FirstMachineError("{what}: {cause}", what=f"{method} {uri}", cause=_reason(error)) from error
        except OSError as error:
            raise FirstMachineError("{what}: {cause}", what=f"{method} {uri}", cause=error) from error


def _reason(error: urllib.error.HTTPError) -> str:
    """The API's own words."""
    try:
        return str(json.load(error)["statusMessage"])
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
