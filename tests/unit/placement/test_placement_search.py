"""The parts of the search that small exact problems do not reach: drains, crowded hosts, climbing bounds."""

from dataclasses import replace

import numpy as np
import pytest

from placement.answer import Status
from placement.ascent import Ascent, Mixtures, branch
from placement.balance import Balance
from placement.balance_bound import even_shares
from placement.checker import check_plan
from placement.constraints.min_spare_resources import MinSpareResources
from placement.constraints.offline import Offline
from placement.constraints.online import Online
from placement.constraints.root import Root
from placement.constraints.running import Running
from placement.constraints.spread import Spread
from placement.costs import costs_of
from placement.draft import Draft
from placement.drain import Drain
from placement.energy_bound import EnergyBound
from placement.engine import Options, solve
from placement.evictions import evictions
from placement.generate import Recipe, generate
from placement.instance import Instance, Mode, Objective, Term
from placement.model import Site
from placement.problem import Problem


def test_energy_of_sixty_servers_is_nearly_proved():
    instance = generate(Recipe("flavours", hosts=60, load=0.45, seed=3))
    answer = solve(instance, Mode.ENERGY)
    assert not answer.violations
    assert answer.gap < 0.002
    assert answer.power_after < 0.75 * answer.power_before


def test_branching_on_numbers_of_hosts_sharpens_the_bound(build):
    model = build([(10, 10)] * 4, [(4, 4)] * 5, [0, 1, 2, 3, 3], memory=[0] * 5)
    problem = Problem(Instance(model))
    best = solve(Instance(model), Mode.ENERGY)
    assert sum(best.online) == 3
    ascent = Ascent(EnergyBound(problem, costs_of(problem, Term.ENERGY)), float(best.cost))
    root = ascent.root(60)
    sharper = branch(ascent, root, float(best.cost), 200)
    assert root.bound < 0.95 * sharper.bound
    assert sharper.bound == pytest.approx(best.cost, rel=1e-6)


def test_bound_when_every_host_must_be_online(build):
    model = build([(10, 10)] * 3, [(2, 2)] * 4, [0, 1, 2, 2])
    rules = tuple(Online(h) for h in range(3))
    problem = Problem(Instance(model, rules))
    costs = costs_of(problem, Term.ENERGY)
    least = costs.of(problem.start, [True] * 3)
    ascent = Ascent(EnergyBound(problem, costs), 1.001 * least)
    assert ascent.root(60).bound == pytest.approx(least, rel=1e-4)


def test_energy_keeps_spread_among_and_head_room():
    instance = generate(Recipe("pack", hosts=90, ratio=3, group=30, seed=2, mixed=True))
    room = MinSpareResources(frozenset(range(90)), 1, 9000)
    kept = Instance(instance.model, (*instance.constraints, room))
    answer, free = solve(kept, Mode.ENERGY), solve(instance, Mode.ENERGY)
    assert check_plan(kept, answer.plan).legal
    assert sum(answer.online) > sum(free.online)
    assert answer.bound <= answer.cost
    assert free.bound <= free.cost <= answer.cost


def test_drain_leaves_what_does_not_pay(place):
    model = place(0, 1, memory=[10**9, 10**9])
    problem = Problem(Instance(model))
    draft = Draft(problem, problem.start)
    drain = Drain(problem, draft, [True] * 4, costs_of(problem, Term.ENERGY))
    drain.run()
    assert draft.host == [0, 1]
    assert drain.online.tolist() == [True, True, False, False]


def test_a_vm_goes_where_no_resource_is_left_without_the_other(build):
    model = build([(10, 10)] * 3, [(1, 1), (6, 9), (7, 7)], [0, 1, 2])
    problem = Problem(Instance(model))
    drain = Drain(problem, Draft(problem, problem.start), [False, True, True], costs_of(problem, Term.ENERGY))
    drain.draft.remove(0)
    assert drain.target(0) == 2


def test_mixtures_of_prices_bound_energy_from_below():
    instance = generate(Recipe("pack", hosts=60, group=20, ratio=3, mixed=True, constrained=0))
    problem = Problem(instance)
    costs = costs_of(problem, Term.ENERGY)
    relaxed = EnergyBound(problem, costs)
    mixtures = Mixtures(relaxed, relaxed.first_prices())
    draft = Draft(problem, problem.start)
    drain = Drain(problem, draft, [True] * 60, costs)
    drain.run()
    cost = costs.of(draft.host, drain.online.tolist())
    outline = Ascent(mixtures, float(cost))
    first = outline.first()
    mixed = outline.climb(relaxed.ranges, first, 40)
    assert first.bound == max(relaxed.evaluate(prices).total for prices in relaxed.first_prices())
    assert mixed.bound == relaxed.evaluate(mixtures.mixed(mixed.prices)).total
    assert first.bound < mixed.bound < cost
    assert mixed.bound <= Ascent(relaxed, float(cost)).root(40).bound < cost


def test_drain_stops_when_told(place):
    problem = Problem(Instance(place(0, 1)))
    drain = Drain(problem, Draft(problem, problem.start), [True] * 4, costs_of(problem, Term.ENERGY))
    drain.run(lambda: True)
    assert drain.online.all()


@pytest.mark.parametrize("seed", range(6))
def test_crowded_hosts_have_a_valid_bound_and_a_legal_eviction(build, seed):
    random = np.random.default_rng(seed)
    demand = random.integers(1, 9, (20, 2))
    memory = random.integers(1, 50, 20)
    model = build([(70, 70), (200, 200)], demand.tolist(), [0] * 20, memory=memory.tolist())
    rules = (Spread((0, 1)),)
    problem = Problem(Instance(model, rules))
    costs = costs_of(problem, Term.MIGRATED_MEMORY)
    found, _ = evictions(problem, costs, Draft(problem, problem.start))
    ((total, gone),) = found[0].options
    left = [v for v in range(20) if v not in gone]
    assert (demand[left].sum(axis=0) <= 70).all()
    assert not {0, 1} <= set(left)
    assert total == memory[list(gone)].sum()
    exact = solve(Instance(model, rules), Mode.REPAIR)
    assert found[0].bound <= exact.cost <= total
    assert exact.status is Status.OPTIMAL


def test_bound_of_hosts_with_many_vms_stays_valid(build):
    model = build([(40, 40)] * 3, [(2, 2)] * 30, [v % 2 for v in range(30)], memory=list(range(1, 31)))
    problem = Problem(Instance(model))
    costs = costs_of(problem, Term.ENERGY)
    answer = solve(Instance(model), Mode.ENERGY)
    value = Ascent(EnergyBound(problem, costs), float(answer.cost)).root(40).bound
    assert value <= answer.cost


def test_bound_with_one_resource_and_with_fine_sizes(build):
    sizes = [(1009 + 7 * v,) for v in range(12)]
    model = build([(20011,)] * 4, sizes, [v % 4 for v in range(12)], resources=("cpu",))
    answer = solve(Instance(model), Mode.ENERGY)
    problem = Problem(Instance(model))
    value = Ascent(EnergyBound(problem, costs_of(problem, Term.ENERGY)), float(answer.cost)).root(40).bound
    assert value <= answer.cost
    assert sum(answer.online) == 1
    wide = build([(20011, 10007)] * 4, [(1009, 503)] * 12, [v % 4 for v in range(12)])
    coarse = EnergyBound(Problem(Instance(wide)), costs_of(Problem(Instance(wide)), Term.ENERGY))
    assert max(coarse.scale) > 1


def test_balance_reaches_even_shares(place):
    answer = solve(Instance(place(0, 0, 0, 0)), Mode.BALANCE)
    assert sorted(answer.host) == [0, 1, 2, 3]
    assert answer.status is Status.OPTIMAL


def test_balance_exchanges_where_moves_do_not_fit(build):
    model = build([(10, 10)] * 2, [(7, 5), (1, 5), (5, 5), (1, 5)], [0, 0, 1, 1])
    problem = Problem(Instance(model))
    none = costs_of(problem, Term.MIGRATED_MEMORY) * 0
    balance = Balance(problem, Draft(problem, problem.start), [True, True], none)
    before = balance.cost()
    balance.run()
    assert even_shares(problem, balance.online) <= balance.cost() <= before
    balance.run(lambda: True)


def test_large_drain_climbs_to_a_proof():
    instance = generate(Recipe("drain", hosts=100, group=20, scale=1.12, seed=1))
    answer = solve(instance, Mode.REPAIR)
    assert answer.status is Status.OPTIMAL
    assert not answer.violations


def test_boots_a_host_where_the_others_are_full(build):
    model = build([(4, 4), (4, 4)], [(3, 3), (3, 3)], [0, -1], online=[True, False])
    answer = solve(Instance(model, (Running(1),)), Mode.PLACE)
    assert answer.host == (0, 1)
    assert answer.plan.makespan == 65


def test_progress_cancel_and_time_limit(place):
    told = []
    instance = Instance(place(0, 1), (Offline(0),))
    solve(instance, Mode.REPAIR, options=Options(progress=lambda cost, bound, seconds: told.append((cost, bound))))
    assert told
    assert all(bound <= cost for cost, bound in told)
    ticks = iter(range(10_000))
    late = solve(instance, Mode.REPAIR, options=Options(time_limit=1, clock=lambda: float(next(ticks))))
    assert not late.violations
    cancelled = solve(instance, Mode.ENERGY, options=Options(cancelled=lambda: True))
    assert not cancelled.violations


@pytest.mark.parametrize("term", [Term.COST, Term.CO2])
def test_sites_with_dear_or_dirty_power_are_left(build, term):
    model = build([(10, 10)] * 2, [(2, 2)], [0])
    sites = (Site("dear", 90, 90), Site("cheap", 1, 1))
    model = replace(model, sites=sites, hosts=replace(model.hosts, site=np.array([0, 1])))
    answer = solve(Instance(model), Mode.ENERGY, Objective((term,)))
    assert answer.host == (1,)
    assert answer.online == (False, True)


def test_makespan_takes_the_faster_migrations(build):
    model = build([(4, 4), (9, 9)], [(3, 3), (1, 1), (1, 1), (1, 1)], [0] * 4, migrate=[30, 10, 10, 10], memory=[1] * 4)
    instance = Instance(model)
    memory = solve(instance, Mode.REPAIR)
    fast = solve(instance, Mode.REPAIR, Objective((Term.MAKESPAN,)))
    assert (memory.plan.makespan, fast.plan.makespan) == (30, 10)
    assert (fast.status, fast.cost, fast.bound) == (Status.OPTIMAL, 10, 10)


def test_bound_on_makespan_knows_that_something_slow_must_move(build):
    model = build([(4, 4), (9, 9)], [(3, 3), (3, 3)], [0, 0], migrate=[30, 20], memory=[1, 5])
    listed = solve(Instance(model), Mode.REPAIR, Objective((Term.MAKESPAN, Term.MIGRATED_MEMORY)))
    assert (listed.status, listed.cost, listed.bound) == (Status.OPTIMAL, 20, 20)
    stays = solve(Instance(model, (Root(1),)), Mode.REPAIR, Objective((Term.MAKESPAN,)))
    assert (stays.cost, stays.status) == (30, Status.OPTIMAL)


def test_balance_is_the_objective_of_any_mode(place):
    instance = Instance(place(0, 0, 0, -1), (Running(3),))
    evened = solve(instance, Mode.REPAIR, Objective((Term.BALANCE,)))
    assert sorted(evened.host) == [0, 1, 2, 3]
    started = solve(instance, Mode.PLACE, Objective((Term.BALANCE,)))
    assert started.host[:3] == (0, 0, 0)
    assert evened.cost == evened.bound == started.bound < started.cost
    assert solve(instance, Mode.BALANCE, Objective((Term.MIGRATED_MEMORY,))).cost == 0


def test_payback_decides(build):
    model = build([(10, 10)] * 2, [(2, 2), (2, 2)], [0, 1], memory=[100_000, 100_000])
    patient = solve(Instance(model), Mode.ENERGY, Objective((Term.ENERGY,), payback=7200))
    hasty = solve(Instance(model), Mode.ENERGY, Objective((Term.ENERGY,), payback=60))
    assert sum(patient.online) == 1
    assert sum(hasty.online) == 2
