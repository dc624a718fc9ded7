import numpy as np
import pytest

from placement.leases import (
    Accepted,
    Action,
    Image,
    Images,
    Kind,
    LeaseError,
    Overheads,
    Policies,
    Reason,
    Refused,
    Reservation,
    Settings,
    equal_hosts,
    resources,
)
from placement.leases.policies import (
    AcceptAll,
    Adaptive,
    AllOf,
    Constant,
    Free,
    Greedy,
    NoAdvance,
    NoPreemption,
    NoPreference,
    Offer,
    Peak,
    UserLimits,
    parse_policy,
    parse_pricing,
)
from placement.leases.slots import SlotTable

HOUR = 3600


def limited(make, **limits):
    return make(policies=Policies(admission=UserLimits(**limits)))


def test_limit_on_the_number_of_leases(make, ask):
    scheduler = limited(make, leases=1)
    assert isinstance(scheduler.submit(ask(1, 1, 100, user="ann"), 0), Accepted)
    refused = scheduler.submit(ask(2, 1, 100, user="ann"), 0)
    assert (refused.reason, refused.text) == (Reason.POLICY, "the user has 1 leases and may have 1; end one first")
    assert isinstance(scheduler.submit(ask(3, 1, 100, user="bob"), 0), Accepted)
    assert isinstance(scheduler.submit(ask(4, 1, 100, user="ann"), 200), Accepted)


def test_limit_on_node_hours(make, ask):
    scheduler = limited(make, node_hours=4)
    scheduler.submit(ask(1, 3, HOUR), 0)
    assert "6 node-hours" in scheduler.submit(ask(2, 3, HOUR), 0).text
    assert "needs an end" in scheduler.submit(ask(3, 1, None, Kind.IMMEDIATE), 0).text
    assert isinstance(scheduler.submit(ask(4, 1, HOUR), 0), Accepted)


def test_limit_on_length_and_notice(make, ask):
    scheduler = limited(make, length=HOUR, shortest_notice=100, longest_notice=1000)
    assert "3600 s at most" in scheduler.submit(ask(1, 1, HOUR + 1), 0).text
    assert "3600 s at most" in scheduler.submit(ask(2, 1, None, Kind.IMMEDIATE), 0).text
    assert "need 100 s" in scheduler.submit(ask(3, 1, 60, Kind.ADVANCE, start=99), 0).text
    assert "1000 s ahead" in scheduler.submit(ask(4, 1, 60, Kind.ADVANCE, start=1001), 0).text
    assert isinstance(scheduler.submit(ask(5, 1, 60, Kind.ADVANCE, start=500), 0), Accepted)
    assert isinstance(scheduler.submit(ask(6, 1, HOUR), 0), Accepted)


def test_limit_on_stacking(make, ask):
    scheduler = limited(make, gap=50)
    scheduler.submit(ask(1, 1, 100, Kind.ADVANCE, start=100), 0)
    scheduler.submit(ask(2, 1, 100), 0)
    for start in (60, 240):
        assert "50 s apart" in scheduler.submit(ask(f"near-{start}", 1, 10, Kind.ADVANCE, start=start), 0).text
    for start in (40, 250):
        assert isinstance(scheduler.submit(ask(f"far-{start}", 1, 10, Kind.ADVANCE, start=start), 0), Accepted)
    assert "apart" in scheduler.submit(ask(9, 1, None, Kind.ADVANCE, start=30), 0).text


def test_rules_add_up(ask):
    rules = AllOf((AcceptAll(), NoAdvance(), UserLimits(length=1)))
    assert "no advance" in rules.refusal(ask(1, kind=Kind.ADVANCE, start=5), list, 0)
    assert "at most" in rules.refusal(ask(1), list, 0)
    assert AllOf((AcceptAll(),)).refusal(ask(1), list, 0) == ""


@pytest.mark.parametrize(
    ("pricing", "offer", "price"),
    [
        (Free(), Offer(2, 0, HOUR), 0),
        (Constant(3.0), Offer(2, 0, HOUR, displaced=0.5), 7.5),
        (Peak(1.0, 2.0, 8, 20), Offer(1, 0, 8 * HOUR), 8),
        (Peak(1.0, 2.0, 8, 20), Offer(1, 7 * HOUR, 2 * HOUR), 3),
        (Peak(1.0, 2.0, 8, 20), Offer(2, 0, 48 * HOUR), 2 * (48 + 24)),
        (Peak(1.0, 2.0, 8, 20, offset=HOUR), Offer(1, 7 * HOUR, HOUR, displaced=1.0), 3),
        (Adaptive(1.0, 3.0), Offer(1, 0, HOUR, load=0.5), 2),
    ],
)
def test_prices(pricing, offer, price):
    assert pricing.price(offer) == pytest.approx(price)


def test_adaptive_prices_follow_the_load(make, ask):
    scheduler = make(policies=Policies(pricing=Adaptive(1.0, 2.0)))
    first = scheduler.submit(ask(1, 2, HOUR, Kind.ADVANCE, start=0), 0)
    second = scheduler.submit(ask(2, 2, HOUR, Kind.ADVANCE, start=0), 0)
    assert first.price < second.price <= 4.0


def test_greedy_prefers_quiet_small_steady_hosts():
    table = SlotTable(np.array([[100], [100], [200], [100]]))
    table.reserve(Reservation("a", "a", Action.RUN, 0, 100, ((0, (50,)),)))
    table.reserve(Reservation("b", "b", Action.RUN, 50, 100, ((1, (50,)),)))
    scores = Greedy().scores(table, 0, 100)
    assert scores.tolist() == [0.5 * 0.75 + 0.25 * 0.5 + 0.25, 0.5 + 0.125 + 0.125, 0.5 + 0.25, 0.5 + 0.125 + 0.25]
    assert NoPreference().scores(table, 0, 100) is None


def test_greedy_places_by_score(make, ask, finish):
    scheduler = make(policies=Policies(hosts=Greedy()), hosts=equal_hosts(3, resources(cpu=200)))
    one = resources(cpu=100)
    scheduler.submit(ask(1, 1, 1000, needs=one), 0)
    assert scheduler.submit(ask(2, 1, 1000, needs=one), 0).hosts == ("host-2",)
    assert scheduler.submit(ask(3, 2, 1000, Kind.ADVANCE, start=10, needs=one), 0).hosts == ("host-3", "host-3")
    finish(scheduler)


def test_policies_by_name():
    policies = Policies()
    for text, kind, made in [
        ("no-ARs", "admission", NoAdvance),
        ("no-preemption", "preemption", NoPreemption),
        ("hosts=greedy", "hosts", Greedy),
        ("admission=placement.leases.policies:UserLimits", "admission", UserLimits),
    ]:
        assert isinstance(getattr(parse_policy(policies, text), kind), made)
    for text in ("nothing", "hosts=no-ARs", "pricing=x:Y", "hosts=nowhere:X", "hosts=placement.leases:Nothing"):
        with pytest.raises(LeaseError, match="policy"):
            parse_policy(policies, text)


def test_pricing_by_name():
    assert parse_pricing("free") == Free()
    assert parse_pricing("constant:0.5") == Constant(0.5)
    assert parse_pricing("peak:1:3:9:17") == Peak(1.0, 3.0, 9, 17)
    assert parse_pricing("adaptive:1") == Adaptive(1.0)
    for text in ("cheap", "constant", "constant:x", "constant:-1", "constant:inf", "free:1", "constant:1:2:3:4"):
        with pytest.raises(LeaseError, match="pricing"):
            parse_pricing(text)


def test_images_on_their_way_are_no_load(make, ask):
    settings = Settings(images=Images.TRANSFER, overheads=Overheads(bandwidth=100))
    scheduler = make(settings, Policies(pricing=Adaptive(1.0, 2.0)))
    scheduler.submit(ask(1, 1, 3600, Kind.ADVANCE, start=1000), 0)
    late = ask(2, 1, 3600, Kind.ADVANCE, start=5000, image=Image("i", 1024))
    scheduler.submit(late, 0)
    third = scheduler.submit(ask(3, 1, 3600, Kind.ADVANCE, start=4800), 0)
    assert third.price == pytest.approx(1.5)


def test_prices_are_refused_by_users(make, ask):
    scheduler = make(policies=Policies(pricing=Constant(1.0)))
    assert isinstance(scheduler.submit(ask(1, highest_rate=0.9), 0, offers=False), Refused)
    assert isinstance(scheduler.submit(ask(2, highest_rate=1.0), 0), Accepted)
