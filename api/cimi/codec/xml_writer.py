"""Documents to XML: /1 in the order and the names of DSP8009, /2 with wrapped arrays (5.5.11, 5.5.12)."""

from datetime import datetime
from typing import cast

from lxml import etree
from lxml.etree import _Element

from api.cimi.codec.data import to_text
from api.cimi.codec.wire import Wire
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, Attribute, Type, Value, Values
from api.cimi.model.kind import CIMI, SIROCCO, Kind


def write_document(kind: Kind, values: Values, wire: Wire) -> bytes:
    """A resource."""
    root = _root(kind.name, kind.namespace(wire.version))
    _fill(root, kind, values, wire)
    return _dump(root)


def write_collection(kind: Kind, values: Values, wire: Wire) -> bytes:
    """A collection of ``kind``: ``values`` hold id, count, items and operations."""
    root = _root("Collection", CIMI.format(version=wire.version))
    root.set("resourceURI", f"{kind.uri(wire.version)}Collection")
    _members(root, kind, values, wire)
    return _dump(root)


def _root(name: str, namespace: str) -> _Element:
    names: dict[str | None, str] = {None: namespace}
    if namespace != SIROCCO:
        names["s"] = SIROCCO
    return etree.Element(f"{{{namespace}}}{name}", nsmap=names)  # type: ignore[arg-type]  # None is the default's key


def _dump(root: _Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _child(parent: _Element, name: str, namespace: str) -> _Element:
    return etree.SubElement(parent, f"{{{namespace}}}{name}")


def _fill(parent: _Element, kind: Kind, values: Values, wire: Wire) -> None:
    """The attributes in the kind's order, operations, and what is Sirocco's own last."""
    namespace = kind.namespace(wire.version)
    common, rest, foreign = _split(kind, wire.version)
    first, then = (_operations, _attributes) if kind.operations_first else (_attributes, _operations)
    _attributes(parent, common, values, wire, namespace)
    first(parent, rest, values, wire, namespace)
    then(parent, rest, values, wire, namespace)
    _attributes(parent, foreign, values, wire, SIROCCO)


def _split(kind: Kind, version: int) -> tuple[tuple[Attribute, ...], tuple[Attribute, ...], tuple[Attribute, ...]]:
    shown = kind.shown(version)
    foreign = tuple(a for a in shown if a.extension or (a.foreign and version == V1))
    own = tuple(a for a in shown if a not in foreign)
    beginning = 6 if kind.common else 0
    return own[:beginning], own[beginning:], foreign


def _attributes(
    parent: _Element, attributes: tuple[Attribute, ...], values: Values, wire: Wire, namespace: str
) -> None:
    for attribute in attributes:
        if attribute.secret or wire.version not in attribute.versions:
            continue
        value = values.get(attribute.name)
        if attribute.always and wire.version == V1 and value is None:
            _child(parent, attribute.local, namespace)
        elif value not in (None, "", [], {}) or (attribute.name == "id" and attribute.name in values):
            _write(parent, attribute, value, wire, namespace)


def _operations(
    parent: _Element, _attributes: tuple[Attribute, ...], values: Values, wire: Wire, namespace: str
) -> None:
    operations = cast("list[Values]", values.get("operations") or [])
    if operations and wire.version != V1:
        parent = _child(parent, "operations", namespace)
    for operation in operations:
        element = _child(parent, "operation", namespace)
        element.set("rel", str(operation["rel"]))
        element.set("href", wire.href(str(operation["href"])))
        if "available" in operation:
            element.set("available", _text(operation["available"]))


def _write(parent: _Element, attribute: Attribute, value: Value, wire: Wire, namespace: str) -> None:
    if attribute.type in {Type.MAP, Type.DATA}:
        for entry in value if isinstance(value, list) else [value]:
            _map(parent, attribute, cast("Values", entry), wire, namespace)
        return None
    if not isinstance(value, list):
        return _one(parent, attribute, value, wire, namespace)
    if wire.version != V1 and attribute.type is not Type.REFERENCE:
        parent = _child(parent, attribute.name.removeprefix("sirocco_"), namespace)
    for entry in value:
        _one(parent, attribute, entry, wire, namespace)
    return None


def _map(parent: _Element, attribute: Attribute, value: Values, wire: Wire, namespace: str) -> None:
    if wire.version != V1 or attribute.name != "properties":
        parent = _child(parent, attribute.name.removeprefix("sirocco_"), namespace)
    for key, entry in value.items():
        element = _child(parent, "property", namespace)
        element.set("key", key)
        element.text = to_text(entry) if attribute.type is Type.DATA else _text(entry)


def _one(parent: _Element, attribute: Attribute, value: Value, wire: Wire, namespace: str) -> None:
    if attribute.flat:
        parent.set(attribute.name, _text(value))
        return
    if attribute.body:
        parent.text = _text(value)
        return
    element = _child(parent, attribute.local, namespace)
    if not isinstance(value, dict):
        element.text = wire.href(str(value)) if attribute.name == "id" else _text(value)
    elif attribute.type is Type.STRUCTURE:
        _attributes(element, attribute.parts, value, wire, namespace)
    else:
        _linked(element, attribute, value, wire)


def _linked(element: _Element, attribute: Attribute, value: Values, wire: Wire) -> None:
    """A reference or a collection: its href, what accompanies it, and its content when that is inlined."""
    if "href" in value:
        element.set("href", wire.href(str(value["href"])))
    _attributes(element, attribute.parts, value, wire, "")
    kind = KINDS.get(attribute.kind)
    if kind is None:
        return
    if attribute.type is Type.COLLECTION:
        _members(element, kind, value, wire, operations=wire.version != V1 or kind.operations_inlined)
    else:
        _fill(element, kind, value, wire)


def _members(parent: _Element, kind: Kind, values: Values, wire: Wire, *, operations: bool = True) -> None:
    namespace = CIMI.format(version=wire.version)
    if "id" in values:
        _child(parent, "id", namespace).text = wire.href(str(values["id"]))
    if "count" in values:
        _child(parent, "count", namespace).text = _text(values["count"])
    items = cast("list[Values]", values.get("items") or [])
    holder = _child(parent, kind.items, namespace) if items and wire.version != V1 else parent
    for item in items:
        _fill(_child(holder, kind.name, kind.namespace(wire.version)), kind, item, wire)
    if operations:
        _operations(parent, (), values, wire, namespace)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)
