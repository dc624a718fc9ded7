from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from placement.leases import Accepted, Change, Kind, LeaseError, LeaseState, Recurrence, Refused

DAY = 86400


def weekly(ask, rule="FREQ=DAILY;COUNT=4", start=1000, **more):
    return ask("r", 4, 100, Kind.RECURRING, start=start, recurrence=Recurrence(rule, **more))


def test_every_occurrence_is_an_advance_lease(make, ask, finish):
    scheduler = make()
    answer = scheduler.submit(weekly(ask, exceptions=(1000 + DAY,)), 0)
    assert isinstance(answer, Accepted)
    assert [o.lease for o in answer.occurrences] == ["r.1", "r.3", "r.4"]
    leases = finish(scheduler)
    assert leases["r.3"].runs == ((1000 + 2 * DAY, 1100 + 2 * DAY),)
    assert "r" not in leases


def test_all_or_none(make, ask):
    scheduler = make()
    scheduler.submit(ask("x", 1, 100, Kind.ADVANCE, start=1050 + DAY), 0)
    refused = scheduler.submit(weekly(ask), 0)
    assert isinstance(refused, Refused)
    assert refused.text.startswith("r.2: ")
    assert [lease.id for lease in scheduler.leases()] == ["x", "r"]
    assert scheduler.lease("r").state is LeaseState.REJECTED


def test_a_refused_series_says_who_blocks_it_and_what_would_do(make, ask):
    scheduler = make()
    scheduler.submit(ask("x", 1, 100, Kind.ADVANCE, start=1050 + DAY), 0)
    refused = scheduler.submit(weekly(ask, exceptions=(1000 + 2 * DAY,)), 0)
    assert [(b.lease, b.start) for b in refused.blockers] == [("x", 1050 + DAY)]
    offers = {offer.change: offer for offer in refused.alternatives}
    assert set(offers) == {Change.LATER, Change.SHORTER, Change.SMALLER}
    later = offers[Change.LATER]
    assert (later.start, later.end) == (1150, 1250 + 3 * DAY)
    assert later.request.recurrence.exceptions == (1150 + 2 * DAY,)
    assert (offers[Change.SHORTER].request.duration, offers[Change.SMALLER].request.nodes) == (50, 3)
    for offer in refused.alternatives:
        copy = type(scheduler).load(scheduler.save())
        taken = copy.submit(offer.request, 0)
        assert isinstance(taken, Accepted)
        assert [o.start for o in taken.occurrences] == [offer.start + day * DAY for day in (0, 1, 3)]


def test_or_those_that_can_be_had(make, ask):
    scheduler = make()
    scheduler.submit(ask("x", 1, 100, Kind.ADVANCE, start=1050 + DAY), 0)
    answer = scheduler.submit(weekly(ask, partial=True), 0)
    assert [isinstance(o, Accepted) for o in answer.occurrences] == [True, False, True, True]
    assert scheduler.lease("r.2").state is LeaseState.REJECTED


def test_nothing_to_have(make, ask):
    scheduler = make()
    refused = scheduler.submit(weekly(ask, "FREQ=DAILY;COUNT=1", exceptions=(1000,)), 0)
    assert "no occurrence" in refused.text
    scheduler.submit(ask("x", 1, None, Kind.IMMEDIATE), 0)
    request = ask("s", 4, 100, Kind.RECURRING, start=1000, recurrence=Recurrence("FREQ=DAILY;COUNT=2", partial=True))
    refused = scheduler.submit(request, 0)
    assert [offer.change for offer in refused.alternatives] == [Change.SMALLER]
    assert refused.alternatives[0].request.nodes == 3


def test_nine_oclock_stays_nine_oclock_when_clocks_change(make, ask):
    paris = ZoneInfo("Europe/Paris")
    origin = int(datetime(2026, 10, 23, 9, tzinfo=paris).timestamp())
    scheduler = make()
    answer = scheduler.submit(weekly(ask, "RRULE:FREQ=DAILY;COUNT=4", 0, zone="Europe/Paris", origin=origin), 0)
    starts = [o.start for o in answer.occurrences]
    assert starts == [0, DAY, 2 * DAY + 3600, 3 * DAY + 3600]


@pytest.mark.parametrize(
    ("rule", "more", "words"),
    [
        ("FREQ=SOMETIMES", {}, "cannot be read"),
        ("nonsense", {}, "cannot be read"),
        ("FREQ=DAILY;COUNT=1", {"zone": "Mars/Olympus"}, "cannot be read"),
        ("FREQ=DAILY", {}, "1000 occurrences"),
    ],
)
def test_rules_that_make_no_sense(make, ask, rule, more, words):
    scheduler = make()
    with pytest.raises(LeaseError, match=words):
        scheduler.submit(weekly(ask, rule, **more), 0)
    assert scheduler.leases() == []


def test_ids_of_occurrences_must_be_free(make, ask):
    scheduler = make()
    scheduler.submit(ask("r.2", 1, 5), 0)
    with pytest.raises(LeaseError, match=r"r\.2 exists"):
        scheduler.submit(weekly(ask), 0)
