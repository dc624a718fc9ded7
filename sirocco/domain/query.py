"""A question to a collection: conditions, order and range, as CIMI defines them (DSP0263 2.0.0, 4.1.6)."""

from dataclasses import dataclass
from datetime import datetime

Value = str | int | bool | datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """``attribute op value`` with op one of ``= != < <= > >=``."""

    attribute: str
    op: str
    value: Value


@dataclass(frozen=True, slots=True)
class PropertyIs:
    """``property['key'] op 'value'`` with op ``=`` or ``!=``."""

    key: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Contains:
    """The attribute's text holds ``text``, whatever the case (the portal's search)."""

    attribute: str
    text: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part holds at least."""

    parts: "tuple[Condition, ...]"


Condition = Comparison | PropertyIs | Contains | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key."""

    attribute: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Filter, sort, then cut from ``first`` to ``last`` (1-based, both included, ``last`` 0 = to the end)."""

    where: Condition | None = None
    order: tuple[Order, ...] = ()
    first: int = 1
    last: int = 0


EVERYTHING = Query()
