"""Documents to JSON: resourceURI always, empty values left out, true numbers and booleans (5.5)."""

import json
from datetime import datetime
from typing import cast

from api.cimi.codec.wire import Wire
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, Attribute, Type, Value, Values
from api.cimi.model.kind import Kind

_SPELT = {"typeURI": "typeUri"}
_NUMBERS = frozenset({int, float, bool})
_PLAIN = _NUMBERS | {str}
_LINKS = frozenset({Type.REFERENCE, Type.COLLECTION})
_ONLY_HREF = {"href"}
_ITEMS_SPELT = {"resourceMetadata": "resourceMetadatas"}


def write_document(kind: Kind, values: Values, wire: Wire) -> bytes:
    """A resource."""
    return _dump(_document(kind, values, wire))


def write_collection(kind: Kind, values: Values, wire: Wire) -> bytes:
    """A collection of ``kind``: ``values`` hold id, count, items and operations."""
    named: Values = {"resourceURI": f"{kind.uri(wire.version)}Collection"}
    return _dump(named | _members(kind, values, wire))


def _dump(document: Values) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _document(kind: Kind, values: Values, wire: Wire) -> Values:
    named: Values = {"resourceURI": kind.uri(wire.version)}
    return named | _attributes(kind.shown(wire.version), values, wire)


def _attributes(attributes: tuple[Attribute, ...], values: Values, wire: Wire) -> Values:
    out: Values = {}
    for attribute in attributes:
        value = values.get(attribute.name)
        if value is None or attribute.secret or wire.version not in attribute.versions:
            continue
        named = attribute.name == "id"
        encoded = value if type(value) in _PLAIN and not named else _encoded(attribute, value, wire)
        if encoded or type(encoded) in _NUMBERS or named:
            out[attribute.name] = encoded
    if wire.version == V1:
        out |= {spelt: out[name] for name, spelt in _SPELT.items() if name in out}
    if operations := values.get("operations"):
        out["operations"] = _operations(cast("list[Value]", operations), wire)
    return out


def _operations(operations: list[Value], wire: Wire) -> list[Value]:
    return [operation | {"href": wire.href(str(operation["href"]))} for operation in cast("list[Values]", operations)]


def _encoded(attribute: Attribute, value: Value, wire: Wire) -> Value:
    if isinstance(value, list):
        return [_one(attribute, entry, wire) for entry in value]
    return _one(attribute, value, wire)


def _one(attribute: Attribute, value: Value, wire: Wire) -> Value:
    if isinstance(value, str):
        return wire.href(value) if attribute.name == "id" else value
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, dict):
        return value
    if value.keys() == _ONLY_HREF and attribute.type in _LINKS:
        return _href(value, wire)
    match attribute.type:
        case Type.REFERENCE:
            return _reference(attribute, value, wire)
        case Type.COLLECTION:
            return _href(value, wire) | _members(KINDS[attribute.kind], value, wire)
        case Type.STRUCTURE:
            return _attributes(attribute.parts, value, wire)
        case _:
            return value


def _href(value: Values, wire: Wire) -> Values:
    return {"href": wire.href(str(value["href"]))} if "href" in value else {}


def _reference(attribute: Attribute, value: Values, wire: Wire) -> Values:
    kind = KINDS.get(attribute.kind)
    inlined = _attributes(kind.shown(wire.version), value, wire) if kind else {}
    return _href(value, wire) | inlined | _attributes(attribute.parts, value, wire)


def _members(kind: Kind, values: Values, wire: Wire) -> Values:
    out: Values = {}
    if "id" in values:
        out["id"] = wire.href(str(values["id"]))
    if "count" in values:
        out["count"] = values["count"]
    items: list[Value] = [_document(kind, item, wire) for item in cast("list[Values]", values.get("items") or [])]
    if items:
        out[kind.items] = items
        if kind.items in _ITEMS_SPELT:
            out[_ITEMS_SPELT[kind.items]] = items
    if operations := values.get("operations"):
        out["operations"] = _operations(cast("list[Value]", operations), wire)
    return out
