"""Dataclasses to plain data (dictionaries, lists, numbers, texts) and back, by their type hints."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from placement.leases.errors import LeaseError

T = TypeVar("T")


def to_plain(value: object) -> Any:
    """Plain data that JSON can hold; sets are sorted so that equal values give equal data."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value) if field.init}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset):
        return [to_plain(item) for item in sorted(value)]
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    return value


def from_plain(kind: type[T], data: object) -> T:
    """A value of `kind` from what `to_plain` gave.

    Raises:
        LeaseError: the data does not have the shape of `kind`.
    """
    try:
        value: T = _read(kind, data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LeaseError(f"the data is not a saved {getattr(kind, '__name__', kind)}: {error!r}") from error
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def _read(kind: Any, data: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return None if data is None else _read(next(a for a in arguments if a is not NoneType), data)
    if origin is tuple:
        each = arguments[:1] * len(data) if arguments[-1] is Ellipsis else arguments
        return tuple(_read(one, item) for one, item in zip(each, data, strict=True))
    if origin is frozenset:
        return frozenset(_read(arguments[0], item) for item in data)
    if is_dataclass(kind) and isinstance(kind, type):
        return kind(**{name: _read(hint, data[name]) for name, hint in _hints(kind).items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    return kind(data)
