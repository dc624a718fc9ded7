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
        raise _malformed(why="it is not UTF-8 at byte {byte}", byte=fault.start) from fault
    except RecursionError as fault:
        raise _malformed(why="it is nested too deeply") from fault
    except json.JSONDecodeError as fault:
        why = "it is no JSON at line {line}, column {column}"
        raise _malformed(why=why, line=fault.lineno, column=fault.colno) from fault
    except ValueError as fault:
        raise _malformed(why="a number has too many digits") from fault
    if not isinstance(value, dict):
        raise _malformed(why="it is not an object")
    _check_depth(value, DEPTH)
    return cast("Values", value)


def _malformed(*, why: str, **details: object) -> SiroccoError:
    return SiroccoError(MALFORMED, format="JSON", why=why, **details)


def _object(pairs: list[tuple[str, Value]]) -> Values:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _malformed(why="{name} stands twice in one object", name=twice[:100])
    return found


def _constant(name: str) -> Value:
    raise _malformed(why="{name} is no JSON number", name=name)


def _check_depth(value: Value, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise _malformed(why="it is nested more than {most} deep", most=DEPTH)
    for entry in value.values() if isinstance(value, dict) else value:
        _check_depth(entry, left - 1)
