"""Numbers and sizes as the reader's language writes them."""

from babel.numbers import format_decimal
from flask_babel import get_locale, gettext

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(amount: float | None) -> str:
    """Bytes with the largest unit that fits: 1.5 GiB."""
    if amount is None:
        return "∞"
    value, unit = float(amount), 0
    while abs(value) >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{number(round(value, 1))} {_unit(unit)}"


def _unit(index: int) -> str:
    french = str(get_locale()) == "fr"
    return _UNITS[index].replace("B", "o") if french else _UNITS[index]


def number(value: float) -> str:
    """A number with the language's marks."""
    return str(format_decimal(value, locale=str(get_locale() or "en")))


def percent(share: float) -> str:
    """A share of one as a percentage without decimals."""
    return str(gettext("%(number)s %%", number=number(round(share * 100))))


def amount(resource: str, value: int | None) -> str:
    """A quota's figure: bytes for memory and capacity, pieces otherwise, a sign for unlimited."""
    if value is None:
        return "∞"
    return size(value) if resource in {"memory", "capacity"} else number(value)
