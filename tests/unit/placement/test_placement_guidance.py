"""How constraints guide the search: hosts left open, the exact model, pools of like hosts, the order of actions."""

from dataclasses import replace

import numpy as np
import pytest

from placement.constraints.among import Among
from placement.constraints.fence import Fence
from placement.constraints.gather import Gather
from placement.constraints.lonely import Lonely
from placement.constraints.max_online import MaxOnline
from placement.constraints.max_spare_resources import MaxSpareResources
from placement.constraints.min_spare_resources import MinSpareResources
from placement.constraints.mostly_spread import MostlySpread
from placement.constraints.online import Online
from placement.constraints.resource_capacity import ResourceCapacity
from placement.constraints.running import Running
from placement.constraints.running_capacity import RunningCapacity
from placement.constraints.split import Split
from placement.constraints.split_among import SplitAmong
from placement.constraints.spread import Spread
from placement.costs import costs_of
from placement.cpsat import Translation
from placement.draft import Draft
from placement.instance import Instance, Term
from placement.pools import Pools
from placement.problem import Problem

HALVES = frozenset({0, 1}), frozenset({2, 3})
BOTH = frozenset({0, 1})
ALL = frozenset(range(4))


def left_open(model, rule, host, vm):
    """Hosts that a constraint leaves to a VM, where the others are placed as given (-1: not yet)."""
    problem = Problem(Instance(model, (rule, *(Running(v) for v in range(model.n_vms)))))
    allowed = np.ones(model.n_hosts, dtype=np.bool_)
    rule.mask(vm, Draft(problem, host), allowed)
    return np.flatnonzero(allowed).tolist()


def exact(model, *rules):
    """Hosts in the exact model, None where it finds a contradiction."""
    problem = Problem(Instance(model, rules))
    return Translation(Draft(problem, problem.start), problem.running).solve(1.0).host


def refuted(model, *rules):
    """Whether pools of like hosts find a contradiction."""
    problem = Problem(Instance(model, rules))
    return Pools(problem, costs_of(problem, Term.ENERGY)).contradictory()


def sent(vm, *hosts):
    return Fence(vm, frozenset(hosts))


def test_only_continuous_sets_are_kept_where_they_started(place):
    model = place(0, 0)
    for rule, elsewhere, kept in (
        (Among((0, 1), HALVES), [2, 3], [0, 1]),
        (SplitAmong(((0, 1),), HALVES), [2, 3], [0, 1]),
        (Gather((0, 1)), [2], [0]),
    ):
        assert left_open(model, rule, [2, -1], 1) == elsewhere
        lasting = replace(rule, continuous=True)
        assert left_open(model, lasting, [-1, -1], 1) == kept
        assert left_open(model, lasting, [2, -1], 1) == []


def test_nobody_who_runs_keeps_no_set_in_place(place):
    for rule in (
        Among((0, 1), HALVES, continuous=True),
        Gather((0, 1), continuous=True),
        SplitAmong(((0, 1),), HALVES, continuous=True),
    ):
        assert left_open(place(-1, -1), rule, [-1, -1], 1) == [0, 1, 2, 3]


def test_members_look_at_strangers_and_strangers_at_members(place):
    model = place(0, 1, -1)
    assert left_open(model, Lonely((0, 2)), [0, 1, -1], 2) == [0, 2, 3]
    assert left_open(model, Lonely((0, 1)), [0, 1, -1], 2) == [2, 3]


def test_those_not_placed_yet_close_no_host(place):
    assert left_open(place(0, -1, -1), Split(((0, 1), (2,))), [0, -1, -1], 2) == [1, 2, 3]
    assert left_open(place(1, -1), SplitAmong(((0,), (1,)), HALVES), [1, -1], 1) == [2, 3]
    assert left_open(place(1, -1), SplitAmong(((0,), (1,)), HALVES), [-1, -1], 1) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("rule", "possible", "not_possible"),
    [
        (Among((0, 1), HALVES), (2, 3), (1, 2)),
        (Among((0, 1), HALVES, continuous=True), (0, 1), (2, 3)),
        (Among((0, 1), (frozenset({0}), frozenset({1}), HALVES[1])), (2, 3), (0, 1)),
        (Gather((0, 1)), (2, 2), (2, 3)),
        (Lonely((0,)), (2, 3), (2, 2)),
        (MostlySpread((0, 1), 2), (2, 3), (2, 2)),
        (RunningCapacity(frozenset({2}), 1), (2, 3), (2, 2)),
        (ResourceCapacity(frozenset({2}), 0, 2), (2, 3), (2, 2)),
        (MaxOnline(ALL, 1), (2, 2), (2, 3)),
        (Split(((0,), (1,))), (2, 3), (2, 2)),
        (Spread((0, 1)), (2, 3), (2, 2)),
        (SplitAmong(((0,), (1,)), HALVES), (0, 2), (0, 1)),
        (SplitAmong(((0,), (1,)), (frozenset({0}), ALL - {0}), continuous=True), (0, 2), (2, 0)),
    ],
)
def test_the_exact_model_knows_what_is_possible(place, rule, possible, not_possible):
    model = place(0, 1)
    assert exact(model, rule, *(sent(vm, host) for vm, host in enumerate(possible))) == list(possible)
    assert exact(model, rule, *(sent(vm, host) for vm, host in enumerate(not_possible))) is None


def test_the_exact_model_leaves_those_out_that_do_not_run(place):
    model = place(0, -1)
    for rule in Gather((0, 1)), MostlySpread((0, 1), 2), SplitAmong(((0,), (1,)), (frozenset({3}),)):
        assert exact(model, rule, sent(0, 3)) == [3, -1]


def test_the_exact_model_counts_spare_room(place):
    two = place(0, 1, hosts=2)
    online = Online(0), Online(1)
    assert exact(two, MinSpareResources(BOTH, 0, 16)) is not None
    assert exact(two, MinSpareResources(BOTH, 0, 17)) is None
    assert exact(two, MaxSpareResources(BOTH, 0, 16), *online) is not None
    assert exact(two, MaxSpareResources(BOTH, 0, 15), *online) is None


@pytest.mark.parametrize(
    ("room", "fine", "wrong"),
    [
        (9, [Spread((0, 1))], [Spread((0, 1, 2))]),
        (4, [Among((0, 1), (frozenset({0}), frozenset({1})))], [Among((0, 1, 2), (frozenset({0}), frozenset({1})))]),
        (4, [Gather((0, 1))], [Gather((0, 1, 2))]),
        (9, [ResourceCapacity(BOTH, 0, 6)], [ResourceCapacity(BOTH, 0, 5)]),
        (9, [RunningCapacity(BOTH, 3)], [RunningCapacity(BOTH, 2)]),
        (4, [MaxOnline(BOTH, 2)], [MaxOnline(BOTH, 1)]),
        (9, [MinSpareResources(BOTH, 0, 12)], [MinSpareResources(BOTH, 0, 13)]),
        (9, [MaxSpareResources(BOTH, 0, 12), Online(0), Online(1)],
         [MaxSpareResources(BOTH, 0, 11), Online(0), Online(1)]),
        (9, [MinSpareResources(BOTH, 1, 16)], [MinSpareResources(BOTH, 1, 17)]),
        (9, [MaxSpareResources(BOTH, 1, 16), Online(0), Online(1)],
         [MaxSpareResources(BOTH, 1, 15), Online(0), Online(1)]),
        (9, [MinSpareResources(frozenset({0}), 0, 9)], [MinSpareResources(frozenset({0}), 0, 10)]),
        (9, [MaxSpareResources(frozenset({0}), 0, 3), Online(0)], [MaxSpareResources(frozenset({0}), 0, 2), Online(0)]),
        (9, [MostlySpread((0, 1, 2), 2)], [MostlySpread((0, 1, 2), 2), sent(0, 1), sent(1, 1), sent(2, 1)]),
        (9, [Lonely((0,)), sent(1, 1)], [Lonely((0,)), Lonely((1,))]),
        (9, [Split(((0,), (1,)))], [Split(((0,), (1,), (2,)))]),
        (9, [SplitAmong(((0,), (1,)), (frozenset({0}), frozenset({1})))],
         [SplitAmong(((0,), (1,)), (frozenset({0}), frozenset({1}))), sent(0, 1), sent(1, 1)]),
        (9, [SplitAmong(((0,), (1, 2)), (frozenset({0}), frozenset({1}))), sent(0, 0)],
         [SplitAmong(((0,), (1, 2)), (frozenset({0}), frozenset({1}))), sent(0, 0), sent(1, 0)]),
        (9, [SplitAmong(((1, 2),), (frozenset({0}), frozenset({1}))), sent(1, 0), sent(2, 0)],
         [SplitAmong(((1, 2),), (frozenset({0}), frozenset({1}))), sent(1, 0), sent(2, 1)]),
    ],
    ids=lambda value: value[0].id if isinstance(value, list) else "",
)  # fmt: skip
def test_pools_refute_what_two_hosts_cannot_do(build, room, fine, wrong):
    """Three VMs of 2 on two hosts, with just enough of everything and with too little by one."""
    model = build([(room, 11)] * 2, [(2, 2)] * 3, [0, 1, 1])
    assert not refuted(model, *fine)
    assert refuted(model, *wrong)


def test_pools_ask_no_host_for_vms_that_do_not_run(place):
    assert not refuted(place(0, -1), MostlySpread((0, 1), 2))
    assert not refuted(place(0, -1), SplitAmong(((0,), (1,)), (BOTH,)))


def test_order_keeps_apart_those_who_must_not_meet_and_nobody_else(place, solved):
    moves = sent(0, 1), sent(1, 2)
    for rule, seconds in (
        (Spread((0, 1), continuous=True), 20),
        (Split(((0,), (1,)), continuous=True), 20),
        (Lonely((0,), continuous=True), 20),
        (Lonely((0, 1), continuous=True), 10),
        (Split(((0, 1),), continuous=True), 10),
    ):
        assert solved(place(0, 1), rule, *moves).plan.makespan == seconds
