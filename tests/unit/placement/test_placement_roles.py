"""Sets of VMs that want hosts of their own: contradictions are refuted, placements found on a hundred hosts."""

from dataclasses import replace

import numpy as np
import pytest

from placement.answer import Status
from placement.constraints.fence import Fence
from placement.constraints.gather import Gather
from placement.constraints.lonely import Lonely
from placement.constraints.max_online import MaxOnline
from placement.constraints.mostly_spread import MostlySpread
from placement.constraints.split import Split
from placement.constraints.split_among import SplitAmong
from placement.constraints.spread import Spread
from placement.costs import costs_of
from placement.draft import Draft
from placement.engine import solve
from placement.generate import Recipe, generate
from placement.greedy import Greedy
from placement.instance import Instance, Mode, Term
from placement.pools import Pools
from placement.problem import Problem
from placement.repair import Repair
from placement.roles import simpler

ALL = frozenset(range(100))
RACKS = tuple(frozenset(range(20 * n, 20 * n + 20)) for n in range(5))


def refuted(model, *rules):
    problem = Problem(Instance(model, rules))
    return Pools(problem, costs_of(problem, Term.MIGRATED_MEMORY) * 0).contradictory()


def hundred(ratio, *rules):
    instance = generate(Recipe("pack", hosts=100, group=20, ratio=ratio, constrained=0))
    return replace(instance, constraints=rules)


@pytest.mark.parametrize(
    ("rules", "fewer"),
    [
        ((Lonely((0, 1)), Spread((0, 1)), Spread((2, 3, 4))), (Lonely((0, 1)), Spread((0, 1)), Spread((2, 3)))),
        ((Lonely((0, 1)), Lonely((2, 3)), Spread((0, 1)), Spread((2, 3))),
         (Lonely((0, 1)), Lonely((2, 3)), Spread((0, 1)))),
        ((Split(((0, 1, 2), (3, 4))), Spread((0, 1, 2)), Spread((3, 4))),
         (Split(((0, 1, 2), (3, 4))), Spread((0, 1, 2)))),
        ((Gather((0, 1)), Spread((1, 0))), (Gather((0, 1)), Spread((2, 0)))),
        ((Gather(tuple(range(6))),), (Gather(tuple(range(5))),)),
        ((SplitAmong(((0, 1), (2,)), (frozenset({0}), frozenset({1}))), Spread((0, 1))),
         (SplitAmong(((0, 1), (2,)), (frozenset({0, 2}), frozenset({1}))), Spread((0, 1)))),
        ((MostlySpread((0, 1, 2, 3), 4), MaxOnline(frozenset(range(4)), 3)),
         (MostlySpread((0, 1, 2, 3), 3), MaxOnline(frozenset(range(4)), 3))),
    ],
)  # fmt: skip
def test_pools_refute_sets_that_want_more_hosts_than_there_are(place, rules, fewer):
    model = place(0, 0, 1, 1, 2, 2)
    assert refuted(model, *rules)
    assert not refuted(model, *fewer)


@pytest.mark.parametrize(
    ("rules", "solvable"),
    [
        ((Lonely(tuple(range(90))), Spread(tuple(range(90)))), False),
        ((Lonely(tuple(range(60))), Spread(tuple(range(60)))), True),
        ((Lonely(tuple(range(60))), Spread(tuple(range(60))), MaxOnline(ALL, 65)), False),
        ((Split((tuple(range(60)), tuple(range(60, 120)))),), True),
        ((Split((tuple(range(60)), tuple(range(60, 120)))), Spread(tuple(range(60))), Spread(tuple(range(60, 120)))),
         False),
        (tuple(Gather(tuple(range(3 * n, 3 * n + 3))) for n in range(30)), True),
        ((SplitAmong(tuple(tuple(range(30 * n, 30 * n + 30)) for n in range(5)), RACKS),), True),
        ((SplitAmong(tuple(tuple(range(9 * n, 9 * n + 9)) for n in range(6)), RACKS),), False),
        ((MostlySpread(tuple(range(30)), 15), *(Fence(v, frozenset(range(14))) for v in range(30))), False),
    ],
)  # fmt: skip
def test_a_hundred_hosts_are_divided_or_refused(rules, solvable):
    answer = solve(hundred(3, *rules), Mode.REPAIR)
    assert (answer.plan is not None) is solvable
    assert solvable or answer.status is Status.INFEASIBLE
    assert not answer.violations


@pytest.mark.parametrize(
    ("rules", "gap"),
    [
        ((Lonely(tuple(range(60))), MaxOnline(ALL, 80)), 0.05),
        (tuple(Lonely(tuple(range(6 * n, 6 * n + 6))) for n in range(10)), 0.1),
        ((Split(tuple(tuple(range(30 * n, 30 * n + 30)) for n in range(10))),), 0.02),
    ],
    ids=["one set on eighty hosts", "ten sets", "ten parts"],
)
def test_sets_are_divided_at_little_more_than_the_bound(rules, gap):
    answer = solve(hundred(6, *rules), Mode.REPAIR)
    assert not answer.violations
    assert answer.gap < gap


@pytest.mark.parametrize(
    ("recipe", "rules"),
    [
        (Recipe("pack", hosts=100, group=20, mixed=True), (Split((tuple(range(150)), tuple(range(150, 300)))),)),
        (Recipe("flavours", hosts=100),
         (SplitAmong(tuple(tuple(range(30 * n, 30 * n + 30)) for n in range(4)), RACKS),)),
        (Recipe("flavours", hosts=100), tuple(Gather(tuple(range(3 * n, 3 * n + 3))) for n in range(60))),
    ],
    ids=["split", "splitAmong", "gather"],
)  # fmt: skip
def test_sets_on_servers_of_three_kinds_are_placed_at_least_cost(recipe, rules):
    answer = solve(replace(generate(recipe), constraints=rules), Mode.REPAIR)
    assert answer.status is Status.OPTIMAL


def test_hosts_that_go_offline_are_given_to_nobody():
    instance = generate(Recipe("pack", hosts=100, group=20, mixed=True))
    rules = (Lonely(tuple(range(60))), MaxOnline(ALL, 80))
    answer = solve(replace(instance, constraints=(*instance.constraints, *rules)), Mode.REPAIR)
    assert not answer.violations
    assert sum(answer.online) == 80


def test_a_set_is_brought_to_every_host_though_spread_and_among_bind_it():
    instance = generate(Recipe("pack", hosts=100, group=20))
    rule = MostlySpread(tuple(range(120)), 100)
    answer = solve(replace(instance, constraints=(*instance.constraints, rule)), Mode.REPAIR)
    assert not answer.violations
    assert set(answer.host[:120]) == set(ALL)


def test_hosts_of_their_own_are_chosen_where_little_moves(place):
    model = place(0, 0, 1, 1, 1, memory=[9, 1, 4, 1, 4])
    problem = Problem(Instance(model, (MostlySpread((0, 1, 2, 3, 4), 4),)))
    costs = costs_of(problem, Term.MIGRATED_MEMORY)
    placed = Repair(next(simpler(problem, costs)), costs, roles=False).quick_start().placed
    assert placed[0] == 0
    assert {1, 3} == {vm for vm, host in enumerate(placed) if host in {2, 3}}


def test_every_placement_of_a_simpler_problem_keeps_the_rules_asked(place):
    rules = (
        Lonely((0, 1)),
        Spread((2, 3)),
        Gather((4, 5)),
        SplitAmong(((2,), (4, 5)), (frozenset({0, 1}), frozenset({2, 3}))),
    )
    model = place(0, 1, 0, 1, 2, 3)
    problem = Problem(Instance(model, rules))
    costs = costs_of(problem, Term.MIGRATED_MEMORY)
    found = next(simpler(problem, costs))
    assert not any(isinstance(rule, (Lonely, Gather, SplitAmong)) for rule in found.constraints)
    placed = Repair(found, costs).run().placed
    alone = {placed[0], placed[1]}
    assert not alone.intersection(placed[2:])
    assert placed[4] == placed[5]
    assert (placed[2] in {0, 1}) != (placed[4] in {0, 1})


def test_nothing_is_divided_where_no_rule_asks_for_it(place):
    problem = Problem(Instance(place(0, 1), (Spread((0, 1)),)))
    assert list(simpler(problem, costs_of(problem, Term.MIGRATED_MEMORY))) == []


def test_a_vm_takes_the_host_of_a_peer_that_can_go_elsewhere(build):
    model = build([(4, 4)] * 2, [(2, 2), (2, 2)], [0, -1])
    problem = Problem(Instance(model, (Spread((0, 1)), Fence(1, frozenset({0})))))
    problem.runs[:] = True
    problem.running = [0, 1]
    draft = Draft(problem, [0, -1])
    greedy = Greedy(problem, draft, costs_of(problem, Term.MIGRATED_MEMORY), np.ones(2))
    assert not greedy.place(1)
    assert greedy.push(1)
    assert draft.host == [1, 0]
