"""From what an update sets to what services change."""

from collections.abc import Iterable
from typing import Any

from api.cimi.model.attribute import Access, Attribute, Type, Value, Values
from api.cimi.model.kind import Kind

_DEFAULTS: dict[Type, Any] = {Type.MAP: {}, Type.DATA: {}, Type.BOOLEAN: False}


def full(kind: Kind, values: Values, version: int) -> Values:
    """A full update: what is absent is reset, except for what a resource cannot be without."""
    absent = {attribute.name: None for attribute in _editable(kind, version) if not attribute.kept}
    return absent | values


def partial(kind: Kind, values: Values, select: Iterable[str], version: int) -> Values:
    """An update of the selected attributes only; one that is selected but absent is reset."""
    known = {attribute.name for attribute in _editable(kind, version) if not attribute.kept}
    return {name: None for name in select if name in known} | values


def columns(kind: Kind, values: Values, version: int) -> dict[str, Any]:
    """The values by column, in the record's units; a reset attribute gets its type's empty value."""
    return {
        attribute.column: _stored(attribute, values[attribute.name])
        for attribute in _editable(kind, version)
        if attribute.column and attribute.name in values
    }


def _editable(kind: Kind, version: int) -> list[Attribute]:
    return [attribute for attribute in kind.shown(version) if attribute.access >= Access.EDIT]


def _stored(attribute: Attribute, value: Value) -> Any:
    if value is None:
        return _DEFAULTS.get(attribute.type, "")
    return value * attribute.factor if isinstance(value, int) and attribute.factor > 1 else value
