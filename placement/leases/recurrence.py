"""Recurring leases: a rule of RFC 5545 becomes a list of starts."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr

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
