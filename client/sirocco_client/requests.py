"""From options to a request's body."""

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sirocco_client.catalogue import Field, Resource
from sirocco_client.errors import ClientError
from sirocco_client.nouns import BY_COLLECTION
from sirocco_client.wire import Api, Body

_UNITS = {
    "": 1,
    "B": 1,
    "K": 2**10,
    "M": 2**20,
    "G": 2**30,
    "T": 2**40,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
}
_IN = {"B": 1, "KiB": 2**10, "kB": 10**3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])iB|([kKMGT])B|([KMGT])|B)?")
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?:\.[a-z]+)?")

_OBJECT = "Give an object like '{example}', or @FILE"
_EXAMPLE = '{"cpu": 1}'


def resource_id(api: Api, resource: Resource, wanted: str) -> str:
    """An id as it is, or the id of the one resource that has this name."""
    if resource.named == "id" or _ID.fullmatch(wanted):
        return wanted
    if resource.named == "quota":
        tenant, _, counted = wanted.rpartition(".")
        return f"{resource_id(api, BY_COLLECTION['tenants'], tenant)}.{counted}"
    mark = '"' if "'" in wanted else "'"
    found = api.get(resource.collection, filter=f"{resource.named}={mark}{wanted}{mark}", last=3).get(resource.key, [])
    if len(found) == 1:
        return str(found[0]["id"]).rsplit("/", 1)[-1]
    if not found:
        raise ClientError(
            "there is no {kind} named {name}",
            "`sirocco {kind} list` shows them",
            kind=resource.command,
            name=repr(wanted),
        )
    raise ClientError(
        "{count} of them are named {name}",
        "Use an id: `sirocco {kind} list --ids`",
        count=len(found),
        kind=resource.command,
        name=repr(wanted),
    )


def size(text: str, unit: str) -> int:
    """A size like 512MiB, 2G (binary), 10GB (decimal) or in plain bytes, told in ``unit`` (B, KiB, kB), rounded up."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ClientError("{text} is no size", "Write it like 512MiB, 2GiB or 10GB", text=repr(text))
    number, binary, decimal, short = match.groups()
    factor = _UNITS[binary or short or ""] if not decimal else _UNITS[decimal.lower()]
    return -int(-float(number) * factor // _IN[unit])


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise ClientError("{text} is no KEY=VALUE", "Write it like color=blue", text=repr(text))
    return key, value


def _plain(text: str) -> Any:
    """JSON where the text can be read as such, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json(text: str) -> Any:
    content = _text(text[1:]) if text.startswith("@") else text
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ClientError("this is no JSON: {why}", _OBJECT, why=error, example=_EXAMPLE) from error
    if not isinstance(found, dict):
        raise ClientError("this is no JSON object", _OBJECT, example=_EXAMPLE)
    return found


def _moment(days: int) -> str:
    """So many days from now, as the API writes moments."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86_400))


def limit(text: str) -> int | None:
    """A ceiling: a number, a size in bytes, or None for no end."""
    if text == "unlimited":
        return None
    if _SIZE.fullmatch(text) is None:
        raise ClientError("{text} is no ceiling", "Give a number, a size like 16GiB, or: unlimited", text=repr(text))
    return int(text) if text.isdecimal() else size(text, "B")


def _reference(api: Api, collection: str, wanted: str) -> dict[str, str]:
    return api.href(collection, resource_id(api, BY_COLLECTION[collection], wanted))


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ClientError("cannot read {path}: {why}", "Check the path", path=path, why=error.strerror) from error


def _text(path: str) -> str:
    try:
        return _read(path).decode().strip()
    except UnicodeDecodeError as error:
        raise ClientError("{path} is no text in UTF-8", "Check that it is the file you mean", path=path) from error


def value(api: Api, field: Field, given: Any) -> Any:
    """An option's value as the API takes it."""
    kind, _, detail = field.kind.partition(":")
    if field.many:
        return _many(api, kind, detail, given)
    readers: dict[str, Callable[[], Any]] = {
        "ref": lambda: _reference(api, detail, given),
        "url": lambda: _reference(api, detail, given)["href"],
        "size": lambda: size(given, detail),
        "json": lambda: _json(given),
        "file": lambda: base64.b64encode(_read(given)).decode(),
        "content": lambda: _text(given),
        "days": lambda: _moment(given),
        "limit": lambda: limit(given),
    }
    return readers.get(kind, lambda: given)()


def _many(api: Api, kind: str, detail: str, given: tuple[str, ...]) -> Any:
    match kind:
        case "map":
            return dict(map(_pair, given))
        case "data":
            return {key: _plain(text) for key, text in map(_pair, given)}
        case "ref":
            return [_reference(api, detail, one) for one in given]
        case "nic":
            return [{detail: _reference(api, f"{detail}s", one), "state": "ACTIVE"} for one in given]
        case "disk":
            return [{"capacity": size(one, "kB"), "format": "qcow2"} for one in given]
        case _:
            return [{"tenant": _reference(api, "tenants", key), "role": role} for key, role in map(_pair, given)]


def parameter(field: Field) -> str:
    """The name under which an option's value arrives; none is one of Python's words."""
    return f"given_{field.option.replace('-', '_')}"


def body(api: Api, fields: tuple[Field, ...], options: Mapping[str, Any]) -> Body:
    """The body that the given options make; what was not given is not in it."""
    made: Body = {}
    for field in fields:
        given = options.get(parameter(field))
        if given is None or given == () or (field.kind == "bool" and not given):
            continue
        content = value(api, field, given)
        if field.attribute:
            _put(made, field.attribute.split("."), content)
        else:
            made |= content
    return made


def _put(body: Body, path: list[str], content: Any) -> None:
    for name in path[:-1]:
        body = body.setdefault(name, {})
    known = body.get(path[-1])
    if isinstance(content, dict) and isinstance(known, dict):
        known |= content
    elif isinstance(content, list) and isinstance(known, list):
        known += content
    else:
        body[path[-1]] = content
