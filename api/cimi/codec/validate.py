"""Plain values to true ones: every attribute known, of its type, within its bounds; references made relative."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from api.cimi.codec.data import from_text
from api.cimi.codec.limits import ENTRIES
from api.cimi.codec.wire import Wire
from api.cimi.model import KINDS
from api.cimi.model.attribute import KB, KIB, Access, Attribute, Type, Value, Values
from sirocco.contracts.errors import INVALID, UNKNOWN_ATTRIBUTE, SiroccoError

UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LARGEST = (1 << 52) - 1
_ALWAYS_KNOWN = frozenset({"resourceURI", "operations"})


@dataclass(frozen=True, slots=True)
class Rules:
    """How strict to be.

    ``kind`` is named in refusals; ``textual`` reads numbers and booleans from text, as XML has them; ``level`` is what
    a consumer may set: attributes beyond it are known but ignored.
    """

    kind: str
    wire: Wire
    textual: bool
    level: Access


def check(attributes: tuple[Attribute, ...], raw: Values, rules: Rules, where: str = "") -> Values:
    """The values that may be set, true in type; None stands for an attribute to erase."""
    known = {attribute.name: attribute for attribute in attributes if rules.wire.version in attribute.versions}
    values: Values = {}
    for name, value in raw.items():
        if name in _ALWAYS_KNOWN:
            continue
        attribute = known.get(name)
        if attribute is None:
            raise SiroccoError(UNKNOWN_ATTRIBUTE, type=rules.kind, attribute=_quoted(where + name))
        if attribute.access >= rules.level:
            values[name] = _checked(attribute, value, rules, where + name)
    return values


def complete(attributes: tuple[Attribute, ...], values: Values, level: Access, where: str = "") -> None:
    """Refuse when an attribute that is needed is missing."""
    for attribute in attributes:
        if attribute.required and attribute.access >= level and values.get(attribute.name) is None:
            raise SiroccoError(INVALID, where=where + attribute.name, why="it is missing")


def invalid(where: str, *, why: str, **details: object) -> SiroccoError:
    """A refusal of one value; ``details`` fill the places of the reason."""
    return SiroccoError(INVALID, where=_quoted(where), why=why, **details)


def _quoted(name: str) -> str:
    """A name from outside, fit for any format and log."""
    return UNWRITABLE.sub("?", name)[:200]


def _checked(attribute: Attribute, value: Value, rules: Rules, where: str) -> Value:
    if value is None:
        return None
    if not attribute.many:
        return _one(attribute, value, rules, where)
    entries = value if isinstance(value, list) else None
    if entries is None:
        raise invalid(where, why="it is not an array")
    if len(entries) > ENTRIES:
        raise invalid(where, why="it has more than {most} entries", most=ENTRIES)
    return [_one(attribute, entry, rules, f"{where}[{index}]") for index, entry in enumerate(entries)]


def _one(attribute: Attribute, value: Value, rules: Rules, where: str) -> Value:
    match attribute.type:
        case Type.INTEGER:
            return _integer(attribute, value, rules, where)
        case Type.NUMBER:
            return _number(attribute, value, rules, where)
        case Type.BOOLEAN:
            return _boolean(value, rules, where)
        case Type.MOMENT:
            return moment(value, where)
        case Type.REFERENCE:
            return _reference(attribute, value, rules, where)
        case Type.STRUCTURE:
            structure = check(attribute.parts, _object(value, where), rules, f"{where}.")
            complete(attribute.parts, structure, rules.level, f"{where}.")
            return structure
        case Type.MAP:
            return _map(attribute, value, where)
        case Type.DATA:
            return _data(attribute, value, rules, where)
        case Type.COLLECTION:
            return None
        case _:
            return _text(attribute, value, where)


def _object(value: Value, where: str) -> Values:
    if not isinstance(value, dict):
        raise invalid(where, why="it is not an object")
    return value


def _text(attribute: Attribute, value: Value, where: str) -> str:
    if not isinstance(value, str):
        raise invalid(where, why="it is not a string")
    if len(value) > attribute.longest:
        raise invalid(where, why="it is longer than {most} characters", most=attribute.longest)
    if UNWRITABLE.search(value):
        raise invalid(where, why="it holds a character that cannot be written as XML")
    if attribute.values and value and value not in attribute.values:
        raise invalid(where, why="it is one of {choices}", choices=", ".join(attribute.values))
    if attribute.type is Type.HEX and not re.fullmatch("([0-9A-Fa-f]{2})*", value):
        raise invalid(where, why="it is not hexadecimal")
    return value


def _integer(attribute: Attribute, value: Value, rules: Rules, where: str) -> int:
    if rules.textual and isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST:
        value = int(value)  # JSON does not tell 1.0 from 1
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(where, why="it is not a whole number")
    return _bounded(attribute, value, where)


def _number(attribute: Attribute, value: Value, rules: Rules, where: str) -> float:
    if rules.textual and isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?", value):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise invalid(where, why="it is not a number")
    _bounded(attribute, int(max(min(value, _LARGEST + 1), -_LARGEST - 1)), where)
    return float(value)


_IN_BYTES = {"KiB": KIB, "kB": KB}
"""Units that an attribute is described by, in bytes."""


def _bounded(attribute: Attribute, value: int, where: str) -> int:
    lowest = -_LARGEST if attribute.minimum is None else attribute.minimum
    highest = _LARGEST if attribute.maximum is None else attribute.maximum
    if lowest <= value <= highest:
        return value
    if unit := _IN_BYTES.get(attribute.description):
        limits = {"low_size": lowest * unit, "high_size": highest * unit}
        raise invalid(where, why="it is not between {low_size} and {high_size}", **limits)
    raise invalid(where, why="it is not between {low} and {high}", low=lowest, high=highest)


def _boolean(value: Value, rules: Rules, where: str) -> bool:
    if rules.textual and value in {"true", "false", "1", "0"}:
        return value in {"true", "1"}
    if not isinstance(value, bool):
        raise invalid(where, why="it is neither true nor false")
    return value


def moment(value: Value, where: str) -> datetime:
    """A date and time; one without a zone is taken as UTC."""
    try:
        found = datetime.fromisoformat(cast("str", value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as fault:
        raise invalid(where, why="it is not a date and time as in 2026-05-25T13:30:15Z") from fault


def _map(attribute: Attribute, value: Value, where: str) -> Values:
    entries = _object(value, where)
    _check_keys(entries, where)
    for key, entry in entries.items():
        entries[key] = _text(attribute, "" if entry is None else entry, f"{where}.{_quoted(key)}")
    return entries


def _check_keys(entries: Values, where: str) -> None:
    if len(entries) > ENTRIES:
        raise invalid(where, why="it has more than {most} entries", most=ENTRIES)
    if any(not key or len(key) > 255 or UNWRITABLE.search(key) for key in entries):
        raise invalid(where, why="a key has 1 to 255 characters that can be written as XML")


def _data(attribute: Attribute, value: Value, rules: Rules, where: str) -> Values:
    entries = _object(value, where)
    if rules.textual:
        entries = {key: from_text(entry) if isinstance(entry, str) else entry for key, entry in entries.items()}
    return cast("Values", _plain(attribute, entries, where))


def _plain(attribute: Attribute, value: Value, where: str) -> Value:
    """Any JSON value whose texts can be written and whose numbers every reader keeps."""
    match value:
        case str():
            return _text(attribute, value, where)
        case bool() | None:
            return value
        case int() | float():
            if not -_LARGEST <= value <= _LARGEST:
                raise invalid(where, why="it is not between {low} and {high}", low=-_LARGEST, high=_LARGEST)
            return value
        case list():
            if len(value) > ENTRIES:
                raise invalid(where, why="it has more than {most} entries", most=ENTRIES)
            return [_plain(attribute, entry, f"{where}[{index}]") for index, entry in enumerate(value)]
        case _:
            entries = _object(value, where)
            _check_keys(entries, where)
            return {key: _plain(attribute, entry, f"{where}.{_quoted(key)}") for key, entry in entries.items()}


def _reference(attribute: Attribute, value: Value, rules: Rules, where: str) -> Values:
    """``{"href": ...}`` with what accompanies it, or the document itself where the attribute allows that."""
    given = dict(_object(value, where))
    href = given.pop("href", None)
    kind = KINDS[attribute.kind]
    if href is not None:
        href = _path(kind.path, href, rules, f"{where}.href")
    content = kind.shown(rules.wire.version) if attribute.embeddable else ()
    known = (*content, *(part for part in attribute.parts))
    if not attribute.embeddable:
        names = {part.name for part in attribute.parts}
        inlined = {shown.name for shown in kind.shown(rules.wire.version)} if href is not None else set()
        given = {name: entry for name, entry in given.items() if name in names or name not in inlined}
    inner = check(known, given, rules, f"{where}.")
    if href is None and not inner and not attribute.embeddable:
        raise invalid(where, why="it needs an href")
    return inner if href is None else {"href": href, **inner}


def _path(collection: str, href: Value, rules: Rules, where: str) -> str:
    path = rules.wire.relative(href) if isinstance(href, str) and len(href) <= 2048 else None
    if path is None or not re.fullmatch(rf"{collection}/[A-Za-z0-9._:-]{{1,64}}", path):
        raise invalid(where, why="it does not lead to one of {collection}", collection=rules.wire.href(collection))
    return path
