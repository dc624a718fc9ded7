"""Balance: bounds never above the most even of all placements, pairs of hosts shared out in the best way."""

from itertools import product

import numpy as np
import pytest

from placement.ascent import Ascent
from placement.balance import UNIT, Balance
from placement.balance_bound import BalanceBound, even_shares
from placement.constraints.spread import Spread
from placement.costs import costs_of
from placement.draft import Draft
from placement.energy_bound import EnergyBound
from placement.engine import solve
from placement.generate import Recipe, generate
from placement.instance import Instance, Mode, Term
from placement.problem import Problem
from placement.repartition import Repartition


def evenness(model, at):
    """Balance written out from the definition, all hosts online."""
    total = 0.0
    for resource, capacity in enumerate(model.usable):
        load = np.bincount(at, model.vms.demand[resource], model.n_hosts)
        total += float((load**2 / np.maximum(capacity, 1)).sum() / capacity.sum())
    return total / len(model.usable) * UNIT


def legal(model, at):
    return all(
        (np.bincount(at, need, model.n_hosts) <= limit).all()
        for need, limit in zip(model.vms.demand, model.usable, strict=True)
    )


def balance_of(problem):
    costs = costs_of(problem, Term.MIGRATED_MEMORY) * 0
    return Balance(problem, Draft(problem, problem.start), [True] * problem.model.n_hosts, costs)


@pytest.mark.parametrize("seed", range(30))
def test_bounds_of_balance_stay_below_all_placements(build, seed):
    random = np.random.default_rng([2031, seed])
    resources = int(random.integers(1, 4))
    sizes = random.integers(0, 5, (6, resources))
    hosts = random.integers(7, 15, (3, resources))
    names = ("cpu", "memory", "disk")
    placements = list(product(range(3), repeat=6))
    model = build(hosts.tolist(), sizes.tolist(), [0] * 6, resources=names)
    fitting = [at for at in placements if legal(model, at)]
    model = build(hosts.tolist(), sizes.tolist(), fitting[int(random.integers(len(fitting)))], resources=names)
    problem = Problem(Instance(model))
    least = min(evenness(model, at) for at in fitting)
    online = np.ones(3, dtype=np.bool_)
    reached = Ascent(BalanceBound(problem, online), least * 2).root(60)
    assert even_shares(problem, online) <= least * (1 + 1e-9)
    assert reached.bound <= least * (1 + 1e-9)
    answer = solve(Instance(model), Mode.BALANCE)
    assert answer.bound - 1 <= least <= answer.cost
    assert answer.cost == pytest.approx(evenness(model, answer.host), abs=2)


def test_prices_know_that_vms_are_whole(build):
    model = build([(10, 10), (10, 10), (4, 4)], [(6, 6), (6, 6)], [0, 1])
    problem = Problem(Instance(model))
    online = np.ones(3, dtype=np.bool_)
    bound = Ascent(BalanceBound(problem, online), 1e12).root(40).bound
    assert even_shares(problem, online) < 0.9 * bound
    assert bound == pytest.approx(evenness(model, [0, 1]), rel=1e-4)


def test_coarse_tables_stay_below_fine_ones(build):
    sizes = [(1009 + 7 * v, 503 + v) for v in range(8)]
    model = build([(20011, 10007), (15013, 9001)], sizes, [v % 2 for v in range(8)])
    problem = Problem(Instance(model))
    bound = Ascent(BalanceBound(problem, np.ones(2, dtype=np.bool_)), 1e12).root(40).bound
    assert 0 < bound <= min(evenness(model, at) for at in product(range(2), repeat=8))


@pytest.mark.parametrize("term", [Term.ENERGY, Term.BALANCE])
def test_vms_too_small_for_the_table_do_not_lift_a_bound(build, term):
    """The step of the table is far above their size: they could be brought in at any number."""
    model = build([(200_003, 200_003)] * 3, [(1, 1)] * 40 + [(90_001, 90_011)] * 3, [0] * 40 + [0, 1, 2])
    problem = Problem(Instance(model))
    if term is Term.BALANCE:
        bound = BalanceBound(problem, np.ones(3, dtype=np.bool_))
        assert bound.evaluate(np.full(len(bound.count), 1e9)).total <= evenness(model, problem.start)
        return
    costs = costs_of(problem, Term.ENERGY)
    relaxed = EnergyBound(problem, costs)
    prices = np.where(relaxed.kinds.grid.any(axis=1), 0.0, 1e12)
    assert relaxed.evaluate(prices).total <= costs.of(problem.start, [True] * 3)


def test_pairs_of_hosts_are_shared_out_where_exchanges_change_nothing(build):
    model = build([(30,)] * 2, [(8,), (7,), (6,), (5,), (4,)], [0, 0, 1, 1, 1], resources=("cpu",))
    problem = Problem(Instance(model))
    balance = balance_of(problem)
    balance.draft = Draft(problem, [0, 1, 1, 0, 1])
    before = balance.cost()
    Repartition(balance, np.random.default_rng(1)).run()
    loads = sorted(balance.loads()[0].tolist())
    assert loads == [15, 15]
    assert balance.cost() < before


def test_sharing_out_keeps_constraints(build):
    model = build([(20,)] * 2, [(5,), (3,), (1,), (1,)], [0, 1, 0, 0], resources=("cpu",))
    problem = Problem(Instance(model, (Spread((2, 3)), Spread((0, 1)))))
    balance = balance_of(problem)
    Repartition(balance, np.random.default_rng(1)).run()
    assert balance.draft.host[2] != balance.draft.host[3]
    assert balance.draft.host[0] != balance.draft.host[1]
    assert balance.loads()[0].tolist() == [6, 4]


def test_three_hosts_are_evened_by_way_of_placements_that_cost_more():
    problem = Problem(generate(Recipe("pack", hosts=30, group=10, ratio=3, constrained=0, seed=13)))
    balance = balance_of(problem)
    shares = Repartition(balance, np.random.default_rng(1))
    shares.run()
    stuck = balance.cost()
    shares.loosen(lambda: True)
    assert balance.cost() == stuck
    shares.loosen()
    assert even_shares(problem, balance.online) <= balance.cost() < stuck
    assert all(int(row.min()) >= 0 for row in balance.draft.free)


def test_bounds_of_balance_know_the_size_of_each_resource():
    """Memory comes in hundreds: even shares of it are out of reach, whatever the processors do."""
    problem = Problem(generate(Recipe("pack", hosts=100, group=20, ratio=3, mixed=True, seed=3)))
    online = np.ones(100, dtype=np.bool_)
    bound = Ascent(BalanceBound(problem, online), 7.44e7).root(10).bound
    assert bound > 1.0008 * even_shares(problem, online)


@pytest.mark.parametrize(
    "recipe", [Recipe("flavours", hosts=40, seed=1), Recipe("pack", hosts=40, group=20, ratio=3, mixed=True)]
)
def test_balance_of_different_servers_is_nearly_proved(recipe):
    answer = solve(generate(recipe), Mode.BALANCE)
    assert not answer.violations
    assert answer.proof == "Lagrangian relaxation"
    assert answer.gap < 0.0015
