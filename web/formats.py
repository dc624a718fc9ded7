"""How pages write sizes, moments, states and errors in the reader's language."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from babel.dates import format_datetime
from flask import Flask
from flask_babel import get_locale, gettext
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from sirocco.cmdb.models import Event, Job
from sirocco.contracts.states import JobState
from web import failures, words
from web.amounts import amount, number, percent, size
from web.language import say


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


_BROWSERS = (("Firefox/", "Firefox"), ("Edg/", "Edge"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def browser(agent: str) -> str:
    """A browser by name and system; what nobody knows is said as it said itself."""
    name = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if name and system:
        return str(gettext("%(browser)s on %(system)s", browser=name, system=system))
    return name or agent or str(gettext("unknown"))


def ended(job: Job) -> bool:
    """Whether nothing more will happen."""
    return JobState(job.state).ended


def event_sign(event: Event) -> words.Sign:
    """How an event looks: as the state that was reached, or as what was done."""
    if event.outcome != "Success":
        return words.Sign("", "bad", "bad")
    if state := event.content.get("state"):
        return words.sign(state)
    icon = {"create": "plus", "delete": "delete"}.get(event.content.get("change", ""), "edit")
    return words.Sign("", "off", icon)


_FILTERS: dict[str, Callable[..., Any]] = {
    "amount": amount,
    "browser": browser,
    "capability": words.capability,
    "change": words.change,
    "message": failures.message,
    "moment": moment,
    "number": number,
    "percent": percent,
    "remedy": failures.remedy,
    "say": say,
    "size": size,
    "step": words.step,
    "word": words.word,
}


def _at_run_time(form: Callable[..., Any]) -> Callable[..., Any]:
    """Keep Jinja from working ``form`` out when it compiles: that would be in its first reader's language."""

    @pass_context
    def apply(_context: Context, *given: Any, **named: Any) -> Any:
        return form(*given, **named)

    return apply


def set_up(app: Flask) -> None:
    """Give templates their formats."""
    for name, form in _FILTERS.items():
        app.jinja_env.filters[name] = _at_run_time(form)
    app.jinja_env.globals.update(
        span=span, sign=words.sign, event_sign=event_sign, ended=ended, failure=failures.of, action_icons=words.ICONS
    )
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
