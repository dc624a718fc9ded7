"""What connectors are opened with, as fields of a form; what has no field of its own stays in the folded JSON."""

import json
from collections.abc import Mapping
from typing import Any

from sirocco.contracts.errors import INVALID, SiroccoError
from web import forms

_GIB = 2**30
DOMAIN_TYPES = ("auto", "kvm", "qemu")
FORWARD_MODES = ("nat", "open")
_TICKED = ("shared_storage", "shared_network")
_CHOSEN = {"domain_type": DOMAIN_TYPES[0], "forward_mode": FORWARD_MODES[0]}
_LINE = {"libvirt": ("name", "uri", "migrate_uri"), "fake": ("name", "cores", "memory", "disk")}


def shown(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The texts of the fields for these settings; ``settings`` is the JSON of all the rest."""
    rest, columns = dict(settings), _LINE[kind]
    hosts = list(rest.pop("hosts", []))
    fields: dict[str, Any] = {f"{kind}_hosts": "\n".join(_line(kind, host) for host in hosts)}
    if kind == "fake":
        delays = dict(rest.pop("delays", {}))
        fields |= {"store": rest.pop("store", ""), "delay": delays.pop("*", "")}
        rest |= {"delays": delays} if delays else {}
    else:
        fields |= {name: rest.pop(name, default) for name, default in _CHOSEN.items()}
        fields |= {name: rest.pop(name, False) for name in _TICKED}
    more = [{key: value for key, value in host.items() if key == "name" or key not in columns} for host in hosts]
    if any(len(host) > 1 for host in more):
        rest["hosts"] = more
    return fields | {"settings": json.dumps(rest, indent=2, ensure_ascii=False) if rest else ""}


def _line(kind: str, host: Mapping[str, Any]) -> str:
    parts = [host[name] for name in _LINE[kind] if host.get(name)]
    if kind == "fake":
        parts[2:] = [f"{size / _GIB:.15g}" for size in parts[2:]]
    return " ".join(map(str, parts))


def read(kind: str) -> dict[str, Any]:
    """The settings that the form makes: its fields over its JSON."""
    found = json_object("settings")
    more = {str(host.get("name")): host for host in found.pop("hosts", []) if isinstance(host, dict)}
    lines = [line.split() for line in forms.text(f"{kind}_hosts").splitlines() if line.strip()]
    hosts = [_host(kind, number, parts) for number, parts in enumerate(lines, 1)]
    if hosts or kind == "libvirt":
        found["hosts"] = [more.get(host["name"], {}) | host for host in hosts]
    return found | (_fake(found) if kind == "fake" else _libvirt())


def _host(kind: str, number: int, parts: list[str]) -> dict[str, Any]:
    if kind == "libvirt":
        if not 2 <= len(parts) <= 3:
            raise SiroccoError(
                INVALID, where="libvirt_hosts", why="line {line} is not a name and an address", line=number
            )
        return dict(zip(_LINE[kind], parts, strict=False))
    try:
        name, cores, memory, disk = parts
        sizes = {"memory": round(float(memory) * _GIB), "disk": round(float(disk) * _GIB)}
        return {"name": name, "cores": int(cores), **sizes}
    except (ValueError, OverflowError):
        why = "line {line} is not a name and three numbers: cores, GiB of memory, GiB of disk"
        raise SiroccoError(INVALID, where="fake_hosts", why=why, line=number) from None


def _libvirt() -> dict[str, Any]:
    chosen = {name: forms.text(name) for name, default in _CHOSEN.items() if forms.text(name) not in {"", default}}
    return chosen | {name: True for name in _TICKED if forms.ticked(name)}


def _fake(found: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"store": forms.needed("store")}
    if forms.text("delay"):
        made["delays"] = dict(found.get("delays", {})) | {"*": forms.figure("delay")}
    return made


def json_object(name: str) -> dict[str, Any]:
    """A JSON object typed into a form; empty when nothing was."""
    try:
        value = json.loads(forms.text(name) or "{}")
    except json.JSONDecodeError as error:
        raise SiroccoError(
            INVALID,
            where=name,
            why="it is not JSON at line {line}, column {column}",
            line=error.lineno,
            column=error.colno,
        ) from None
    except (ValueError, RecursionError):
        raise SiroccoError(INVALID, where=name, why="it is not JSON that can be read") from None
    if not isinstance(value, dict):
        raise SiroccoError(INVALID, where=name, why="it is not a JSON object")
    return value
