"""Sums over hosts that constraints limit: what they say is what the check says, and packing brings them about."""

from dataclasses import replace

import numpy as np
import pytest

from placement.constraints.base import Total
from placement.constraints.fence import Fence
from placement.constraints.max_spare_resources import MaxSpareResources
from placement.constraints.min_spare_resources import MinSpareResources
from placement.constraints.offline import Offline
from placement.constraints.resource_capacity import ResourceCapacity
from placement.constraints.running_capacity import RunningCapacity
from placement.costs import costs_of
from placement.draft import Draft
from placement.engine import solve
from placement.found import satisfied
from placement.generate import Recipe, generate
from placement.instance import Instance, Mode, Term
from placement.packing import Packing
from placement.problem import Problem
from placement.repair import Repair

PAIR = frozenset({0, 1})
RACKS = tuple(frozenset(range(20 * n, 20 * n + 20)) for n in range(5))
RULES = [
    ResourceCapacity(PAIR, 1, 4),
    RunningCapacity(PAIR, 2),
    MinSpareResources(PAIR, 0, 14),
    MaxSpareResources(PAIR, 0, 14),
]


SECOND = [MinSpareResources(PAIR, 1, 18), MaxSpareResources(PAIR, 1, 18)]


@pytest.mark.parametrize("rule", [*RULES, *SECOND], ids=lambda rule: rule.id)
def test_a_sum_is_astray_where_the_check_finds_fault(build, rule):
    random = np.random.default_rng(5)
    sizes = random.integers(1, 4, (5, 2)).tolist()
    verdicts = set()
    for _ in range(60):
        problem = Problem(Instance(build([(10, 12)] * 4, sizes, random.integers(0, 4, 5).tolist()), (rule,)))
        (total,) = problem.totals
        kept = not total.astray(np.array(total.of(problem.start)))
        assert kept == satisfied(problem, Draft(problem, problem.start), [True] * 4)
        verdicts.add(kept)
    assert verdicts == {True, False}


def test_a_sum_without_limits_takes_all_that_is_somewhere():
    total = Total(np.array([False, True]), np.array([3, 5]))
    assert total.of([-1, 1]) == 5
    assert total.of([0, -1]) == 0
    assert total.astray(np.array([0, 1, 10**12])).tolist() == [0, 0, 0]


def test_spare_is_that_of_the_hosts_left_online(place):
    rules = (MinSpareResources(PAIR, 0, 5), MaxSpareResources(PAIR, 0, 5), Offline(1))
    least, most = Problem(Instance(place(0, 2, online=[True, True, True, False]), rules)).totals
    assert (least.high, most.low) == (5, 5)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("seed", range(3))
def test_packing_brings_a_sum_about(place, rule, seed):
    start = [2, 2, 3, 3, 2] if isinstance(rule, MaxSpareResources) else [0, 0, 1, 1, 0]
    problem = Problem(Instance(place(*start), (rule,)))
    draft = Draft(problem, start)
    assert not satisfied(problem, draft, [True] * 4)
    assert Packing(problem, draft, np.random.default_rng(seed)).run()
    assert satisfied(problem, draft, [True] * 4)
    assert all((free >= 0).all() for free in draft.free)


def test_packing_gives_up_where_a_sum_cannot_be_reached(place):
    problem = Problem(Instance(place(2, 2), (MaxSpareResources(PAIR, 0, 14),)))
    assert not Packing(problem, Draft(problem, [2, 2]), np.random.default_rng(0)).run()
    nothing = Problem(Instance(place(), problem.constraints))
    assert not Packing(nothing, Draft(nothing, []), np.random.default_rng(0)).run()


def test_those_leave_that_can_go_elsewhere_and_those_that_are_cheap(place):
    model = place(0, 0, 0, memory=[1, 9, 5])
    found = Repair(*asked(model, RunningCapacity(frozenset({0}), 2), Fence(0, frozenset({0})))).quick_start()
    assert [host == 0 for host in found.placed] == [True, True, False]


def asked(model, *rules):
    problem = Problem(Instance(model, rules))
    return problem, costs_of(problem, Term.MIGRATED_MEMORY)


@pytest.mark.parametrize(
    ("mixed", "gap", "rules"),
    [
        (True, 0, (ResourceCapacity(RACKS[0], 0, 8000), RunningCapacity(RACKS[1], 60))),
        (False, 0, (MinSpareResources(RACKS[0], 1, 2000),)),
        (True, 0, (MinSpareResources(RACKS[0], 1, 2000),)),
        (False, 0.75, (MaxSpareResources(RACKS[0], 1, 100),)),
        (True, 0.75, (MaxSpareResources(RACKS[0], 1, 100),)),
    ],
    ids=["caps", "head-room", "head-room, kinds of host", "little head-room", "little head-room, kinds of host"],
)
def test_sums_over_racks_of_a_hundred_hosts_are_reached(mixed, gap, rules):
    instance = generate(Recipe("pack", hosts=100, group=20, mixed=mixed))
    answer = solve(replace(instance, constraints=(*instance.constraints, *rules)), Mode.REPAIR)
    assert not answer.violations
    assert answer.gap <= gap
    assert not answer.violations
