"""The same request as text: for the command line and for any HTTP client."""

import json
from dataclasses import dataclass
from shlex import quote

from flask import g

from sirocco.cmdb.models import Machine

_ACTIONS = ("start", "stop", "restart", "pause", "suspend")
_URI = "http://schemas.dmtf.org/cimi/1"


@dataclass(frozen=True, slots=True)
class Text:
    """One request in two notations."""

    action: str
    command: str
    http: str


def machine_texts(machine: Machine) -> list[Text]:
    """What can be asked of a machine, as commands to copy."""
    path = f"/cimi/machines/{machine.id}"
    texts = [Text("show", f"sirocco machine show {machine.id}", _curl("GET", path))]
    for action in _ACTIONS:
        body = {"resourceURI": f"{_URI}/Action", "action": f"{_URI}/action/{action}"}
        texts.append(Text(action, f"sirocco machine {action} {machine.id} --wait", _curl("POST", path, body)))
    texts.append(Text("delete", f"sirocco machine delete {machine.id} --wait", _curl("DELETE", path)))
    return texts


def _curl(method: str, path: str, body: dict[str, str] | None = None) -> str:
    parts = ["curl", "--user", quote(g.signed.user.name), "--request", method, "--header", "'Accept: application/json'"]
    if body:
        parts += ["--header", "'Content-Type: application/json'", "--data", quote(json.dumps(body))]
    return " ".join([*parts, quote(g.portal.settings.portal + path)])
