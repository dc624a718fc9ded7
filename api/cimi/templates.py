"""Templates by value, by reference, and by reference with overriding attributes (4.2.1.1)."""

from typing import cast

from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange
from api.cimi.model import KINDS
from api.cimi.model.attribute import Attribute, Type, Value, Values
from api.cimi.model.kind import COMMON, Kind
from sirocco.services import templates

_WORDS = frozenset(attribute.name for attribute in COMMON)


def resolved(exchange: Exchange, kind: Kind, value: Values, where: str) -> Values:
    """The template's attributes with every template and configuration inside it resolved too.

    What is given beside an ``href`` replaces the referenced attribute whole; None erases it. Nothing is kept.
    """
    given = dict(value)
    href = given.pop("href", None)
    held: Values = dict(templates.get(exchange.tx, kind.name, id_of(href)).content) if href else {}
    held |= {name: entry for name, entry in given.items() if name not in _WORDS}
    found: Values = {name: entry for name, entry in held.items() if entry is not None}
    for attribute in kind.shown(exchange.wire.version):
        if attribute.name in found and _nests(attribute):
            found[attribute.name] = _inner(exchange, attribute, found[attribute.name], f"{where}.{attribute.name}")
    return found


def _inner(exchange: Exchange, attribute: Attribute, value: Value, where: str) -> Value:
    if isinstance(value, list):
        return [_inner(exchange, attribute, entry, f"{where}[{index}]") for index, entry in enumerate(value)]
    given = cast("Values", value)
    beside = {part.name: given[part.name] for part in attribute.parts if part.name in given}
    return resolved(exchange, KINDS[attribute.kind], given, where) | beside


def template_of(exchange: Exchange, kind: Kind, values: Values) -> Values:
    """The resolved template of a create message."""
    template = values.get(kind.template)
    if not isinstance(template, dict):
        raise invalid(kind.template, why="it is missing")
    return resolved(exchange, KINDS[f"{kind.name}Template"], template, kind.template)


def id_of(value: object) -> str:
    """The id that a reference or its href names; empty for none."""
    href = value.get("href") if isinstance(value, dict) else value
    return str(href or "").rpartition("/")[2]


def needed(values: Values, name: str, where: str) -> object:
    """A value that the resolved template must hold."""
    if values.get(name) is None:
        raise invalid(f"{where}.{name}", why="it is missing, here and in what is referred to")
    return values[name]


def words(values: Values) -> tuple[str, str, dict[str, str]]:
    """Name, description and properties of a message."""
    properties = cast("dict[str, str]", values.get("properties") or {})
    return str(values.get("name") or ""), str(values.get("description") or ""), properties


def _nests(attribute: Attribute) -> bool:
    return attribute.type is Type.REFERENCE and attribute.embeddable and attribute.kind in templates.KINDS
