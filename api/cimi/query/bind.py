"""Conditions on CIMI's attributes to conditions on records, or evaluated on documents where no table holds them."""

import operator
import unicodedata
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import cast

from api.cimi.codec.validate import moment
from api.cimi.codec.wire import Wire
from api.cimi.model.attribute import Attribute, Type, Value, Values
from api.cimi.model.kind import CIMI, Kind
from api.cimi.query.parameters import Parameters
from sirocco.contracts.errors import SiroccoError
from sirocco.domain.query import AllOf, AnyOf, Comparison, Condition, Contains, Order, PropertyIs, Query
from sirocco.domain.query import Value as Term

_NO_COLUMN = ""
_OPS: dict[str, Callable[[Term, Term], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def bound(kind: Kind, parameters: Parameters, wire: Wire) -> Query:
    """The query on the kind's table; attributes become columns, unknown ones match nothing."""
    order = tuple(
        Order(attribute.column, wanted.descending)
        for wanted in parameters.order
        if (attribute := kind.attribute(wanted.attribute, wire.version)) and attribute.column
    )
    where = _bound(kind, parameters.where, wire) if parameters.where else None
    first, last = (2, 1) if parameters.empty else (parameters.first, parameters.last)
    return Query(where, order, first, last)


def _bound(kind: Kind, where: Condition, wire: Wire) -> Condition:
    match where:
        case AllOf(parts):
            return AllOf(tuple(_bound(kind, part, wire) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_bound(kind, part, wire) for part in parts))
        case Comparison(name, op, value):
            attribute = kind.attribute(name, wire.version)
            if attribute is None or not attribute.column or attribute.secret:
                return Comparison(_NO_COLUMN, op, value)
            return Comparison(attribute.column, op, _stored(attribute, value, wire))
        case PropertyIs(key, op, value) if '"' in key or "\\" in key:
            return Comparison(_NO_COLUMN, op, value)  # such a key cannot be written as a JSON path
        case _:
            return where


def _stored(attribute: Attribute, value: Term, wire: Wire) -> Term:
    """A value as the column has it: in its units, an id for a reference, the last word of a type's URI."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * attribute.factor
    if not isinstance(value, str):
        return value
    if attribute.type is Type.MOMENT:
        return _as_moment(value)
    if attribute.under:
        return value.removeprefix(f"{CIMI.format(version=wire.version)}/{attribute.under}/")
    if attribute.type is Type.REFERENCE or attribute.name == "id":
        return (wire.relative(value) or value).rpartition("/")[2]
    return value


def _as_moment(value: str) -> Term:
    """Known clients put dates in quotes."""
    try:
        return moment(value, "$filter")
    except SiroccoError:
        return value


def narrowed(kind: Kind, documents: Sequence[Values], parameters: Parameters, wire: Wire) -> tuple[list[Values], int]:
    """The documents that ``parameters`` ask for, and how many match in all."""
    where = parameters.where
    found = [one for one in documents if where is None or _holds(kind, where, one, wire)]
    for wanted in reversed(parameters.order):
        if kind.attribute(wanted.attribute, wire.version):
            found.sort(key=partial(_key, wanted.attribute), reverse=wanted.descending)
    if parameters.empty:
        return [], len(found)
    return found[parameters.first - 1 : parameters.last or None], len(found)


def _key(name: str, document: Values) -> tuple[bool, Term]:
    value = _plain(document.get(name))
    return value is not None, unicodedata.normalize("NFKD", value) if isinstance(value, str) else value or 0


def _plain(value: Value) -> Term | None:
    if isinstance(value, dict):
        value = value.get("href")
    return None if isinstance(value, list | dict | float) or value is None else value


def _holds(kind: Kind, where: Condition, document: Values, wire: Wire) -> bool:
    match where:
        case AllOf(parts):
            return all(_holds(kind, part, document, wire) for part in parts)
        case AnyOf(parts):
            return any(_holds(kind, part, document, wire) for part in parts)
        case PropertyIs(key, op, value):
            held = cast("Values", document.get("properties") or {}).get(key)
            return held is not None and (held == value) == (op == "=")
        case Comparison(name, op, value):
            attribute = kind.attribute(name, wire.version)
            return attribute is not None and not attribute.secret and _compares(attribute, document, op, value, wire)
        case Contains():
            return False


def _compares(attribute: Attribute, document: Values, op: str, value: Term, wire: Wire) -> bool:
    held = _plain(document.get(attribute.name))
    held = str(held) if isinstance(held, StrEnum) else held
    wanted = value
    if isinstance(value, str) and attribute.type in {Type.REFERENCE, Type.URI}:
        wanted = wire.relative(value) or value
    if isinstance(value, str) and attribute.type is Type.MOMENT:
        wanted = _as_moment(value)
    return held is not None and type(held) is type(wanted) and _OPS[op](held, wanted)
