"""What a request's query parameters ask for; unknown parameters are ignored (4.1.6)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from api.cimi.codec.limits import FILTER
from api.cimi.codec.validate import invalid
from api.cimi.query.filter import parse
from sirocco.domain.query import AllOf, Condition, Order

_LARGEST = 2**31 - 1
_DEEPEST = 4
_EVERY = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Parameters:
    """``select`` None means everything; ``expand`` holds names or ``*``; ``last`` 0 means to the end.

    Names may be paths, as in ``machines/name``: attributes of what an attribute holds.
    """

    where: Condition | None = None
    order: tuple[Order, ...] = ()
    first: int = 1
    last: int = 0
    empty: bool = False
    select: frozenset[str] | None = None
    expand: frozenset[str] = field(default_factory=frozenset)

    def selects(self, name: str) -> bool:
        """Whether an attribute is asked for."""
        return self.select is None or name in self.select or any(one.startswith(f"{name}/") for one in self.select)

    def expands(self, name: str) -> bool:
        """Whether a reference is to be inlined."""
        return name in self.expand or "*" in self.expand or any(one.startswith(f"{name}/") for one in self.expand)

    def inside(self, name: str) -> "Parameters":
        """What is asked for inside an attribute: what follows its name in paths."""
        select = None if self.select is None else _following(self.select, name) or None
        return Parameters(select=select, expand=_following(self.expand, name))


def _following(paths: frozenset[str], name: str) -> frozenset[str]:
    return frozenset(path.removeprefix(f"{name}/") for path in paths if path.startswith(f"{name}/"))


def read(given: Mapping[str, Sequence[str]]) -> Parameters:
    """The parameters of a request, by name with all their values."""
    first, last = _position(given, "$first"), _position(given, "$last")
    return Parameters(
        where=_where(given.get("$filter", ())),
        order=_order(given.get("$orderby", ())),
        first=max(first or 1, 1),
        last=last if last and last > 0 else 0,
        empty=last is not None and last < max(first or 1, 1),
        select=_select(given.get("$select")),
        expand=_names("$expand", given.get("$expand", ()))
        | (_EVERY if "" in given.get("$expand", ()) else frozenset()),
    )


def _where(filters: Sequence[str]) -> Condition | None:
    conditions = [parse(text) for text in filters]
    return reduce(lambda one, other: AllOf((one, other)), conditions) if conditions else None


def _position(given: Mapping[str, Sequence[str]], name: str) -> int | None:
    """The first value; a number beyond all collections is as good as their end."""
    text = next(iter(given.get(name, ())), None)
    if text is None:
        return None
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,30}\s*", text, re.ASCII):
        raise invalid(name, why="it is not a whole number")
    return max(min(int(text), _LARGEST), -1)


def _order(texts: Sequence[str]) -> tuple[Order, ...]:
    orders = []
    for part in _split("$orderby", texts):
        name, _, direction = part.partition(":")
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or direction not in {"", "asc", "desc"}:
            raise invalid("$orderby", why="each part is an attribute, or attribute:asc or attribute:desc")
        orders.append(Order(name, direction == "desc"))
    return tuple(orders)


def _select(texts: Sequence[str] | None) -> frozenset[str] | None:
    names = _names("$select", texts or ())
    return None if texts is None or "*" in names else names


def _names(where: str, texts: Sequence[str]) -> frozenset[str]:
    names = frozenset(_split(where, texts))
    if any(name.count("/") >= _DEEPEST for name in names):
        raise invalid(where, why="a path has {most} names at most", most=_DEEPEST)
    return names


def _split(where: str, texts: Sequence[str]) -> list[str]:
    if sum(map(len, texts)) > FILTER:
        raise invalid(where, why="it is longer than {most} characters", most=FILTER)
    return [part for text in texts for raw in text.split(",") if (part := raw.strip())]
