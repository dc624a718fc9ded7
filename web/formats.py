"""How pages write sizes, moments, states and errors in the reader's language."""

from datetime import datetime

from babel.dates import format_datetime
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import get_locale, gettext
from markupsafe import Markup

from web import failures, words
from web.language import say

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


def moment(value: datetime | None, *, ago: bool = True) -> Markup:
    """A moment: written in full, said as a distance by the browser."""
    if value is None:
        return Markup("&ndash;")
    text = format_datetime(value, "medium", locale=str(get_locale() or "en")) + " UTC"
    mark = " data-ago" if ago else ""
    return Markup('<time datetime="{}"{}>{}</time>').format(value.isoformat(), Markup(mark), text)  # noqa: S704 - fixed marks


def span(start: datetime, end: datetime | None) -> str:
    """How long something took."""
    if end is None:
        return ""
    seconds = max((end - start).total_seconds(), 0)
    if seconds < 60:
        return str(gettext("%(seconds)s s", seconds=number(round(seconds, 1))))
    return str(gettext("%(minutes)s min %(seconds)s s", minutes=int(seconds // 60), seconds=int(seconds % 60)))


def set_up(app: Flask) -> None:
    """Give templates their formats."""
    app.jinja_env.filters.update(
        amount=amount,
        message=failures.message,
        moment=moment,
        number=number,
        percent=percent,
        remedy=failures.remedy,
        say=say,
        size=size,
        word=words.word,
        step=words.step,
        change=words.change,
        capability=words.capability,
    )
    app.jinja_env.globals.update(span=span, sign=words.sign, failure=failures.of, action_icons=words.ICONS)
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
