"""What a kind of provider is opened with, as fields of a form; what has no field of its own stays in folded JSON."""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from sirocco.connectors.kinds import Column, Measure, ProviderKind, Setting, Value
from sirocco.contracts.errors import INVALID, SiroccoError
from web import forms

_GIB = 2**30


def shown(kind: ProviderKind, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields show for these settings, by where they are; ``settings`` is the JSON of all the rest."""
    rest: dict[str, Any] = deepcopy(dict(settings))
    fields = {one.where: _shown(one, _taken(rest, one.name)) for one in _plain(kind)}
    for one in kind.settings:
        if one.value is Value.LINES and (more := _beyond(one, settings.get(one.name, ()))):
            rest[one.name] = more
    return fields | {"settings": json.dumps(rest, indent=2, ensure_ascii=False) if rest else ""}


def _plain(kind: ProviderKind) -> Iterable[Setting]:
    return (one for one in kind.settings if one.value is not Value.SECRET)


def _taken(rest: dict[str, Any], path: str) -> Any:
    """The value at a path, which is not there any more; an object that held nothing else is gone with it."""
    first, _, below = path.partition(".")
    if not below:
        return rest.pop(first, None)
    inner = rest.get(first, {})
    value = _taken(inner, below)
    if not inner:
        rest.pop(first, None)
    return value


def _shown(one: Setting, value: Any) -> Any:
    match one.value:
        case Value.LINES:
            return "\n".join(_line(one.columns, entry) for entry in value or ())
        case Value.CHOICE:
            return value or one.choices[0][0]
        case Value.FLAG:
            return bool(value)
    return "" if value is None else value


def _line(columns: tuple[Column, ...], entry: Mapping[str, Any]) -> str:
    words = ((column, entry[column.name]) for column in columns if entry.get(column.name))
    return " ".join(f"{word / _GIB:.15g}" if column.measure is Measure.GIB else str(word) for column, word in words)


def _beyond(one: Setting, entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What entries hold beside their columns, told by the first of these; empty when none holds anything."""
    key, known = one.columns[0].name, {column.name for column in one.columns[1:]}
    more = [{name: value for name, value in entry.items() if name not in known} for entry in entries]
    return more if any(set(entry) - {key} for entry in more) else []


def read(kind: ProviderKind) -> dict[str, Any]:
    """The settings that the form makes: its fields over its JSON."""
    found = json_object("settings")
    for one in _plain(kind):
        value = _read(one, found.get(one.name))
        if value is not None:
            _put(found, one.name, value)
    return found


def secrets(kind: ProviderKind) -> dict[str, str]:
    """The secrets that the form holds: its fields over its JSON."""
    found = {name: str(value) for name, value in json_object("secrets").items()}
    fields = {one.name: forms.secret(one.where) for one in kind.settings if one.value is Value.SECRET}
    return found | {name: value for name, value in fields.items() if value}


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    first, _, below = path.partition(".")
    if not below:
        found[first] = value
        return
    inner = found.setdefault(first, {})
    if not isinstance(inner, dict):
        raise SiroccoError(INVALID, where=f"settings.{first}", why="it is not a JSON object")
    _put(inner, below, value)


def _read(one: Setting, more: Any) -> Any:
    """A field's value; None for one that says no more than the default."""
    if one.required and one.value is not Value.LINES:
        forms.needed(one.where)
    match one.value:
        case Value.LINES:
            return _entries(one, more if isinstance(more, list) else []) or ([] if one.required else None)
        case Value.CHOICE:
            value = forms.text(one.where)
            return None if value in {"", one.choices[0][0]} else value
        case Value.FLAG:
            return forms.ticked(one.where) or None
        case Value.NUMBER:
            return forms.figure(one.where) if forms.text(one.where) else None
    return forms.text(one.where) or None


def _entries(one: Setting, more: Iterable[Any]) -> list[dict[str, Any]]:
    """A line's entry, with what the JSON holds of the one of the same name."""
    key = one.columns[0].name
    beside = {str(entry.get(key)): entry for entry in more if isinstance(entry, dict)}
    lines = [line.split() for line in forms.text(one.where).splitlines() if line.strip()]
    entries = [_entry(one, number, words) for number, words in enumerate(lines, 1)]
    return [beside.get(entry[key], {}) | entry for entry in entries]


def _entry(one: Setting, number: int, words: list[str]) -> dict[str, Any]:
    fitting = sum(column.required for column in one.columns) <= len(words) <= len(one.columns)
    try:
        entry = {column.name: _word(column, word) for column, word in zip(one.columns, words, strict=False)}
    except (ValueError, OverflowError):
        fitting = False
    if not fitting:
        wanted = " ".join(column.name if column.required else f"[{column.name}]" for column in one.columns)
        why = "line {line} is not made of: {wanted}"
        raise SiroccoError(INVALID, where=one.where, why=why, line=number, wanted=wanted)
    return entry


def _word(column: Column, word: str) -> Any:
    match column.measure:
        case Measure.COUNT:
            return int(word)
        case Measure.GIB:
            return round(float(word) * _GIB)
    return word


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
