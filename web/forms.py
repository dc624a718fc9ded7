"""Reading forms: texts, figures with their units, and refusals that name the field."""

from typing import Any

from flask import g, request

from sirocco.contracts.errors import INVALID, SiroccoError

_GIB = 2**30
_MIB = 2**20


def text(name: str, default: str = "") -> str:
    """A line of text, without blanks at its ends."""
    return request.form.get(name, default).strip()


def chosen(name: str) -> list[str]:
    """All values ticked or chosen under a name."""
    return [value for value in request.form.getlist(name) if value]


def ticked(name: str) -> bool:
    """Whether a box is ticked."""
    return request.form.get(name) == "yes"


def figure(name: str, default: float = 0) -> float:
    """A number as people of either language write it."""
    return _number(name, text(name), default)


def whole(name: str, default: int = 0) -> int:
    """A whole number."""
    value = figure(name, default)
    if value != int(value):
        raise SiroccoError(INVALID, where=name, why="it is not a whole number")
    return int(value)


def gib(name: str) -> int:
    """Gibibytes in a form, bytes inside; 0 when empty."""
    return round(figure(name) * _GIB)


def mib(name: str) -> int:
    """Mebibytes in a form, bytes inside; 0 when empty."""
    return round(figure(name) * _MIB)


def gibs(name: str) -> list[int]:
    """Several figures of gibibytes under one name, empty ones left out."""
    return [round(_number(name, value.strip(), 0) * _GIB) for value in chosen(name)]


def _number(name: str, value: str, default: float) -> float:
    if not value:
        return default
    try:
        number = float(value.replace(",", "."))
    except ValueError:
        raise SiroccoError(INVALID, where=name, why="it is not a number") from None
    if not abs(number) < 2**40:
        raise SiroccoError(INVALID, where=name, why="it is too large")
    return number


def suggest(fields: dict[str, Any]) -> None:
    """Fill the form of this page in with ``fields``, a list where a name has several."""
    g.suggested = fields


def filled(name: str, default: object = "") -> str:
    """What a field shows: what was sent when the form comes back, what a link or template suggests, or the default."""
    if request.method == "POST":
        return request.form.get(name, "")
    return request.args.get(name) or str(g.get("suggested", {}).get(name, default))


def several(name: str) -> list[str]:
    """As ``filled``, for a name that may have many values."""
    return request.form.getlist(name) if request.method == "POST" else list(g.get("suggested", {}).get(name, []))


def fault(*names: str) -> SiroccoError | None:
    """The refusal, if it is about one of these fields, or about an entry of one (``hosts[0].name``)."""
    refusal: SiroccoError | None = getattr(g, "refusal", None)
    where = refusal.details.get("where", "") if refusal is not None else ""
    return refusal if where in names or where.startswith(tuple(f"{name}[" for name in names)) else None


def needed(name: str) -> str:
    """A line of text that may not be empty."""
    value = text(name)
    if not value:
        raise SiroccoError(INVALID, where=name, why="it is empty")
    return value


def secret(name: str) -> str:
    """A password as typed, blanks included."""
    return request.form.get(name, "")
