"""Recurring leases: a rule of RFC 5545 becomes a list of starts."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr

from placement.leases.answers import Accepted, Alternative, Change
from placement.leases.errors import LeaseError
from placement.leases.model import Kind, Recurrence, Request

_MOST = 1000


def occurrences(request: Request, recurrence: Recurrence) -> list[Request]:
    """One advance request for each occurrence, numbered `id.1`, `id.2`, ...; exceptions keep their number.

    The rule counts in the zone's local time, so a lease at nine stays at nine when clocks change.

    Raises:
        LeaseError: the rule or the zone cannot be read, or it gives more than 1,000 occurrences.
    """
    starts = _starts(request, recurrence)
    if len(starts) > _MOST:
        raise LeaseError(f"lease {request.id}: the rule gives over {_MOST} occurrences; add COUNT or UNTIL to it")
    return [
        _occurrence(request, number, start)
        for number, start in enumerate(starts, 1)
        if start not in recurrence.exceptions
    ]


def _starts(request: Request, recurrence: Recurrence) -> list[int]:
    try:
        zone = ZoneInfo(recurrence.zone)
        first = datetime.fromtimestamp(recurrence.origin + (request.start or 0), zone).replace(tzinfo=None)
        rule = rrulestr(recurrence.rule.removeprefix("RRULE:"), dtstart=first, ignoretz=True)
        local = list(islice(rule, _MOST + 1))
    except (ValueError, TypeError, ZoneInfoNotFoundError) as error:
        raise LeaseError(f"lease {request.id}: the recurrence cannot be read ({error}); see RFC 5545, RRULE") from error
    return [int(time.replace(tzinfo=zone).astimezone(UTC).timestamp()) - recurrence.origin for time in local]


def _occurrence(request: Request, number: int, start: int) -> Request:
    return replace(request, id=f"{request.id}.{number}", kind=Kind.ADVANCE, start=start, recurrence=None)


def changed_series(series: Request, recurrence: Recurrence, one: Request, changed: Request) -> Request:
    """The series if every occurrence were changed in the way in which `changed` differs from its occurrence `one`."""
    shift = (changed.start or 0) - (one.start or 0)
    moved = replace(recurrence, exceptions=tuple(time + shift for time in recurrence.exceptions))
    return replace(
        series,
        start=(series.start or 0) + shift,
        duration=changed.duration,
        groups=changed.groups,
        clouds=changed.clouds,
        highest_rate=changed.highest_rate,
        recurrence=moved,
    )


def series_alternative(series: Request, taken: Accepted) -> Alternative:
    """The series as an alternative, from its first start to its last end."""
    had = [answer for answer in taken.occurrences if isinstance(answer, Accepted)]
    start, end = min(one.start or 0 for one in had), max(one.end or 0 for one in had)
    return Alternative(Change.LATER, series, start, end, taken.price)
