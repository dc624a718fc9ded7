"""JSON to plain values: strict about syntax, nothing else."""

import json
from typing import cast

from api.cimi.codec.limits import DEPTH
from api.cimi.model.attribute import Value, Values
from sirocco.contracts.errors import MALFORMED, SiroccoError


def read(body: bytes) -> Values:
    """The object in ``body``; refuses other values, repeated names, unknown kinds of numbers, and great depth."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as fault:
        raise _malformed(f"it is not UTF-8 at byte {fault.start}") from fault
    except RecursionError as fault:
        raise _malformed("it is nested too deeply") from fault
    except ValueError as fault:
        raise _malformed(str(fault)) from fault
    if not isinstance(value, dict):
        raise _malformed("it is not an object")
    _check_depth(value, DEPTH)
    return cast("Values", value)


def _malformed(why: str) -> SiroccoError:
    return SiroccoError(MALFORMED, format="JSON", why=why)


def _object(pairs: list[tuple[str, Value]]) -> Values:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in one object")
    return found


def _constant(name: str) -> Value:
    raise ValueError(f"{name} is no JSON number")


def _check_depth(value: Value, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise _malformed(f"it is nested more than {DEPTH} deep")
    for entry in value.values() if isinstance(value, dict) else value:
        _check_depth(entry, left - 1)
