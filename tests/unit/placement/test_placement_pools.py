"""Pools of like hosts, packing to the last unit, and exchanges: what makes energy nearly exact on a hundred hosts."""

from dataclasses import replace

import numpy as np
import pytest

from placement.answer import Status
from placement.constraints.among import Among
from placement.constraints.gather import Gather
from placement.constraints.max_online import MaxOnline
from placement.constraints.max_spare_resources import MaxSpareResources
from placement.constraints.min_spare_resources import MinSpareResources
from placement.constraints.mostly_spread import MostlySpread
from placement.constraints.offline import Offline
from placement.constraints.resource_capacity import ResourceCapacity
from placement.constraints.running_capacity import RunningCapacity
from placement.constraints.spread import Spread
from placement.costs import costs_of
from placement.draft import Draft
from placement.engine import Options, solve
from placement.exchange import Exchange
from placement.generate import Recipe, generate
from placement.instance import Instance, Mode, Term
from placement.packing import Packing
from placement.pools import Pools
from placement.problem import Problem


def pooled(model, *rules):
    problem = Problem(Instance(model, rules))
    return Pools(problem, costs_of(problem, Term.ENERGY)).solve()


@pytest.mark.parametrize(("seed", "mixed"), [(1, True), (2, False), (3, True)])
def test_energy_with_spread_and_among_is_nearly_proved(seed, mixed):
    instance = generate(Recipe("pack", hosts=100, group=20, seed=seed, mixed=mixed))
    answer = solve(instance, Mode.ENERGY)
    assert not answer.violations
    assert answer.gap < 0.0012
    assert answer.proof == "pools of like hosts"


def test_as_many_hosts_are_online_as_a_spread_has_vms(place):
    model = place(0, 1, 2, 3)
    assert sum(pooled(model).online) == 1
    assert sum(pooled(model, Spread((0, 1, 2))).online) == 3


def test_vms_of_an_among_share_the_hosts_of_one_part(build):
    model = build([(4, 4)] * 4, [(2, 2)] * 4, [0, 1, 2, 3], memory=[1] * 4)
    parts = (frozenset({0, 1}), frozenset({2, 3}))
    free, bound = pooled(model), pooled(model, Among((0, 1, 2, 3), parts))
    assert sum(bound.online) == 2
    assert {tuple(bound.online[:2]), tuple(bound.online[2:])} == {(True, True), (False, False)}
    whole = pooled(model, Among((0, 1, 2, 3), parts), Spread((0, 1)), Spread((0, 2)))
    assert free.bound <= bound.bound <= whole.bound


def test_head_room_keeps_hosts_online_and_its_opposite_switches_them_off(place):
    every = frozenset(range(4))
    assert sum(pooled(place(0, 1, 2, 3), MinSpareResources(every, 0, 22)).online) == 3
    dear = place(0, 1, 2, 3, memory=[10**6] * 4)
    assert sum(pooled(dear).online) == 4
    assert sum(pooled(dear, MaxSpareResources(every, 0, 12)).online) == 2


@pytest.mark.parametrize("rule", [RunningCapacity(frozenset(range(4)), 3), ResourceCapacity(frozenset(range(4)), 1, 7)])
def test_caps_count_for_pools(place, rule):
    assert pooled(place(0, 1, 2, 3), rule) is None
    assert pooled(place(0, 1, 2, 3), replace(rule, amount=rule.amount + 1)) is not None


def test_nothing_is_said_where_even_pools_have_no_solution(place):
    assert pooled(place(0, 1, 2, 3), Spread((0, 1, 2)), MaxOnline(frozenset(range(4)), 2)) is None


def test_stays_only_count_where_the_host_is_online(place):
    model = place(0, 1, memory=[1000, 1000])
    costs = costs_of(Problem(Instance(model)), Term.ENERGY)
    one_moves = costs.of([0, 0], [True, False, False, False])
    assert pooled(model).bound == pytest.approx(one_moves, rel=1e-4)


def least_moved(model, *rules):
    problem = Problem(Instance(model, rules))
    return Pools(problem, costs_of(problem, Term.MIGRATED_MEMORY)).solve().bound


def test_a_set_that_comes_together_drives_others_out(build):
    model = build([(10, 10)] * 3, [(5, 5)] * 4, [0, 1, 0, 1], memory=[9, 9, 4, 5])
    assert least_moved(model, Gather((0, 1))) == pytest.approx(13, rel=1e-4)


def test_those_that_stay_together_are_on_one_host(place):
    model = place(0, 0, 1, memory=[7, 5, 9])
    assert least_moved(model, MostlySpread((0, 1, 2), 3)) == pytest.approx(5, rel=1e-4)
    assert least_moved(model, MostlySpread((0, 1, 2), 2)) == 0


def test_energy_without_constraints_is_nearly_proved():
    instance = generate(Recipe("pack", hosts=100, group=20, ratio=3, constrained=0, seed=11))
    assert solve(instance, Mode.ENERGY).gap < 0.001


def test_two_vms_go_home_where_one_comes_back(build):
    model = build([(4, 4)] * 2, [(2, 2), (1, 1), (1, 1), (2, 2), (2, 2)], [0, 1, 1, 0, 1], memory=[1] * 5)
    problem = Problem(Instance(model))
    draft = Draft(problem, [1, 0, 0, 0, 1])
    Exchange(problem, draft, costs_of(problem, Term.MIGRATED_MEMORY)).run()
    assert draft.host == problem.start


def test_packing_fills_hosts_to_the_last_unit(build):
    random = np.random.default_rng(4)
    rows = [random.multinomial(90, [0.1] * 10) + 1 for _ in range(12)]
    sizes = [(int(a), 1) for row in rows for a in row]
    model = build([(100, 100)] * 12, sizes, [-1] * len(sizes))
    problem = Problem(Instance(model))
    problem.runs[:] = True
    problem.running = list(range(len(sizes)))
    draft = Draft(problem, [-1] * len(sizes))
    assert Packing(problem, draft, np.random.default_rng(1)).run()
    assert all(int(row.min()) >= 0 for row in draft.free)
    assert not draft.free[0].any()


def test_packing_keeps_constraints_and_gives_up_where_there_is_no_room(build):
    model = build([(10, 10)] * 2, [(5, 5)] * 4, [0, 0, 1, 1])
    apart = Problem(Instance(model, (Spread((0, 1)), Spread((2, 3)))))
    draft = Draft(apart, [-1] * 4)
    assert Packing(apart, draft, np.random.default_rng(1)).run()
    assert draft.host[0] != draft.host[1]
    assert draft.host[2] != draft.host[3]
    crowded = Problem(Instance(model, (Spread((0, 1, 2)),)))
    assert not Packing(crowded, Draft(crowded, [-1] * 4), np.random.default_rng(1)).run()
    smaller = replace(model, hosts=replace(model.hosts, capacity=np.array([[10, 9], [10, 9]])))
    tight = Problem(Instance(smaller))
    assert not Packing(tight, Draft(tight, [-1] * 4), np.random.default_rng(1)).run()
    assert not Packing(tight, Draft(tight, [-1] * 4), np.random.default_rng(1)).run(lambda: True)


def test_exchanges_bring_load_to_efficient_hosts_and_vms_home(build):
    model = build([(4, 4)] * 2, [(3, 3), (1, 1), (1, 1)], [0, 1, 1], most=[300_000, 150_000], memory=[1] * 3)
    problem = Problem(Instance(model))
    costs = costs_of(problem, Term.ENERGY)
    draft = Draft(problem, [0, 1, 1])
    Exchange(problem, draft, costs).run()
    assert draft.host[0] == 1
    even = Problem(Instance(build([(4, 4)] * 2, [(3, 3), (2, 2)], [0, 1])))
    away = Draft(even, [1, 0])
    Exchange(even, away, costs_of(even, Term.ENERGY)).run()
    assert away.host == [0, 1]
    stopped = Draft(even, [1, 0])
    Exchange(even, stopped, costs_of(even, Term.ENERGY)).run(lambda: True)
    assert stopped.host == [1, 0]


def hundred(scenario="li", **more):
    return generate(Recipe(scenario, hosts=100, group=20, **more))


@pytest.mark.parametrize(
    ("instance", "rules"),
    [
        (hundred("drain", scale=1.12, down=0.15), ()),
        (hundred("drain", down=0.35), ()),
        (hundred(), (Spread(tuple(range(101))),)),
        (hundred(), (RunningCapacity(frozenset(range(100)), 590),)),
        (hundred(), (MinSpareResources(frozenset(range(100)), 0, 90_000),)),
        (hundred("drain"), (MaxOnline(frozenset(range(100)), 60),)),
    ],
)
def test_a_hundred_hosts_without_a_solution_are_refused(instance, rules):
    answer = solve(replace(instance, constraints=(*instance.constraints, *rules)), Mode.REPAIR)
    assert answer.status is Status.INFEASIBLE
    assert answer.proof != "CP-SAT"


def test_where_chains_miss_a_packing_is_found():
    told = []
    once = Options(progress=lambda *step: told.append(step), cancelled=lambda: bool(told))
    answer = solve(hundred("drain", scale=1.12, down=0.15, seed=2), Mode.REPAIR, options=once)
    assert answer.status is Status.FEASIBLE
    assert not answer.violations


def test_hundreds_of_hosts_are_packed_to_the_last_unit_where_chains_miss(build):
    """Of two hundred full hosts every third VM is on hosts that close: nothing is free but what those leave."""
    random = np.random.default_rng(4)
    rows = [random.multinomial(90, [0.1] * 10) + 1 for _ in range(205)]
    sizes = [(int(size), 1) for row in rows for size in row]
    start = [205 + vm // 50 if vm % 3 == 0 else vm // 10 for vm in range(len(sizes))]
    model = build([(100, 100)] * 205 + [(1000, 100)] * 41, sizes, start)
    answer = solve(Instance(model, tuple(Offline(host) for host in range(205, 246))), Mode.REPAIR)
    assert answer.status is Status.FEASIBLE
    assert not answer.violations
    assert max(answer.host) < 205
