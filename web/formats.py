"""How pages write sizes, moments, states and errors in the reader's language."""

from datetime import datetime

from babel.dates import format_datetime
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import get_locale, gettext
from markupsafe import Markup

from sirocco.contracts.errors import SiroccoError, catalogue, fill
from web import words
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


def message(refusal: SiroccoError) -> str:
    """A refusal's sentence in the reader's language."""
    text = fill(say(refusal.problem.message), _details(refusal.details))
    return text[:1].upper() + text[1:]


def remedy(refusal: SiroccoError) -> str:
    """What to do about a refusal, in the reader's language."""
    return fill(say(refusal.problem.remedy), _details(refusal.details))


def _details(details: dict[str, str]) -> dict[str, str]:
    """Words that are codes are said in the reader's language; names and figures stay."""
    return {name: _detail(name, value) for name, value in details.items()}


def _detail(name: str, value: str) -> str:
    if name in {"state", "needed"}:
        return ", ".join(str(words.sign(part).word).lower() for part in value.split(", "))
    if name in {"kind", "action", "role", "resource"}:
        return str(words.word(value)).lower()
    return say(value) if name == "why" else value


def job_error(code: str, details: dict[str, object]) -> SiroccoError | None:
    """What a job failed with, as a refusal; None for a job without an error."""
    problem = catalogue().get(code)
    return SiroccoError(problem, **details) if problem else None


def set_up(app: Flask) -> None:
    """Give templates their formats."""
    app.jinja_env.filters.update(
        amount=amount,
        message=message,
        moment=moment,
        number=number,
        percent=percent,
        remedy=remedy,
        say=say,
        size=size,
        word=words.word,
    )
    app.jinja_env.globals.update(span=span, sign=words.sign, job_error=job_error, action_icons=words.ICONS)
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
