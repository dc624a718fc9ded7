import json

import pytest

from placement.leases import (
    Action,
    Image,
    Images,
    Kind,
    LeaseError,
    Overheads,
    Policies,
    Reservation,
    Scheduler,
    Settings,
    Suspension,
)
from placement.leases.plain import from_plain, to_plain


def busy(make, ask):
    """A scheduler with something of everything: images, a queue, suspension, a failed host, tokens, events."""
    overheads = Overheads(suspend_time=10, resume_time=10, bandwidth=100)
    scheduler = make(Settings(suspension=Suspension.ALL, images=Images.REUSE, overheads=overheads))
    scheduler.tick(0, [ask(1, 3, 1000, preemptible=True, image=Image("i", 100)), ask(2, 4, 10), ask(3, 4, 20)])
    scheduler.submit(ask(4, 3, 100, Kind.ADVANCE, start=300, image=Image("k", 100)), 50)
    scheduler.host_failed("host-4", 60)
    scheduler.table.commit("token", [Reservation("own", "own", Action.RUN, 5000, 5010, ((0, (1, 1, 0)),))])
    return scheduler


def test_what_is_loaded_is_equal_and_goes_on_equally(make, ask):
    scheduler = busy(make, ask)
    text = json.dumps(scheduler.save())
    loaded = Scheduler.load(json.loads(text))
    assert loaded == scheduler
    assert loaded.table == scheduler.table
    assert loaded.queue() == scheduler.queue()
    assert loaded.table.tokens() == scheduler.table.tokens()
    for each in (loaded, scheduler):
        each.host_repaired("host-4", 400)
        each.cancel("2", 450)
        each.tick(450)
        each.tick(6000)
        assert "own" not in each.table
    assert loaded.take_events() == scheduler.take_events()
    assert loaded == scheduler
    assert loaded != make()
    assert loaded != "something else"


def test_policies_are_given_anew(make, ask):
    scheduler = busy(make, ask)
    assert Scheduler.load(scheduler.save(), Policies()) == scheduler


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.pop("version"),
        lambda data: data.update(version=2),
        lambda data: data.pop("leases"),
        lambda data: data["leases"][0].pop("state"),
        lambda data: data["leases"][0].update(state="dancing"),
        lambda data: data["settings"].update(backfilling=7),
        lambda data: data.update(reservations=[1]),
    ],
)
def test_damaged_data_is_refused(make, ask, damage):
    data = busy(make, ask).save()
    damage(data)
    with pytest.raises(LeaseError):
        Scheduler.load(data)


def test_plain_data_is_plain():
    overheads = Overheads(suspend_rate=1.5)
    assert from_plain(Overheads, json.loads(json.dumps(to_plain(overheads)))) == overheads
    assert to_plain(frozenset({3, 1})) == [1, 3]
    assert to_plain({1: (2, None)}) == {"1": [2, None]}
    assert from_plain(tuple[str, int], ["a", 1]) == ("a", 1)
    assert from_plain(frozenset[int], [1, 2]) == frozenset({1, 2})
