"""Weighted sums with balance or makespan: bounds below all placements, answers on the true cost."""

import numpy as np
import pytest

from placement.answer import Status
from placement.checker import check_plan
from placement.constraints.offline import Offline
from placement.constraints.running import Running
from placement.constraints.spread import Spread
from placement.engine import solve
from placement.errors import InputError
from placement.instance import Instance, Mode, Objective, Term, parse_objective
from placement.planner import make_plan
from placement.problem import Problem


def every(model, rules):
    """(hosts, online) of all final states with room that keep the spreads, hosts online as now or where used."""
    down = {rule.host for rule in rules if isinstance(rule, Offline)}
    apart = [rule.vms for rule in rules if isinstance(rule, Spread)]
    hosts = [h for h in range(model.n_hosts) if h not in down]
    for code in range(len(hosts) ** model.n_vms):
        at = [hosts[code // len(hosts) ** v % len(hosts)] for v in range(model.n_vms)]
        full = any(
            (np.bincount(at, need, model.n_hosts) > limit).any()
            for need, limit in zip(model.vms.demand, model.usable, strict=True)
        )
        if not full and all(len({at[v] for v in vms}) == len(vms) for vms in apart):
            yield at, [h not in down for h in range(model.n_hosts)]


def weighed(instance, at, online, weights):
    """The weighted sum of balance, migrated memory and makespan, from their definitions."""
    model, total = instance.model, 0.0
    up = np.array(online)
    for resource, limit in enumerate(model.usable):
        load = np.bincount(at, model.vms.demand[resource], model.n_hosts)[up]
        total += float((load**2 / limit[up]).sum() / limit[up].sum()) / len(model.usable)
    memory = int(model.vms.memory[np.array(at) != model.vms.host].sum())
    makespan = make_plan(Problem(instance), at, online).plan.makespan if weights.get(Term.MAKESPAN) else 0
    even = weights.get(Term.BALANCE, 0) * int(np.ceil(total * 10**9 - 1e-6))
    return even + weights.get(Term.MIGRATED_MEMORY, 0) * memory + weights.get(Term.MAKESPAN, 0) * makespan


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "terms",
    [
        "balance=3,migrated_memory=900000",
        "makespan=7,migrated_memory=2",
        "makespan=900000,balance=1",
        "balance=2,makespan=90000,migrated_memory=500000",
    ],
)
def test_bounds_of_weighted_sums_stay_below_all_placements(build, seed, terms):
    random = np.random.default_rng([2033, seed])
    sizes = random.integers(1, 4, (4, 2))
    host = random.integers(0, 3, 4).tolist()
    capacity, seconds = random.integers(9, 14, (3, 2)).tolist(), random.integers(5, 30, 4).tolist()
    model = build(capacity, sizes.tolist(), host, migrate=seconds)
    rules = (Spread((0, 1)), Offline(2)) if seed % 2 else (Spread((0, 1, 2)),)
    instance, objective = Instance(model, rules), parse_objective(terms)
    weights = dict(zip(objective.terms, objective.weights, strict=True))
    least = min(weighed(instance, at, online, weights) for at, online in every(model, rules))
    answer = solve(instance, Mode.REPAIR, objective)
    assert not answer.violations
    assert answer.bound <= least <= answer.cost
    assert answer.cost == weighed(instance, list(answer.host), list(answer.online), weights)
    assert answer.cost <= least * 1.3


def test_evenness_is_bought_with_moves_as_long_as_it_pays(place):
    instance = Instance(place(0, 0, 0, 0, memory=[100] * 4))
    cheap = solve(instance, Mode.BALANCE, parse_objective("balance=1,migrated_memory=1"))
    dear = solve(instance, Mode.BALANCE, parse_objective("balance=1,migrated_memory=300000"))
    never = solve(instance, Mode.BALANCE, parse_objective("balance=1,migrated_memory=1000000"))
    assert sorted(cheap.host) == [0, 1, 2, 3]
    assert 0 < dear.plan.migrations < 3
    assert never.host == (0, 0, 0, 0)


def test_a_faster_plan_is_worth_more_memory(build):
    model = build(
        [(4, 4), (9, 9)], [(3, 3), (1, 1), (1, 1), (1, 1)], [0] * 4, migrate=[30, 10, 10, 10], memory=[1, 5, 5, 5]
    )
    instance = Instance(model)
    hasty = solve(instance, Mode.REPAIR, parse_objective("makespan=100,migrated_memory=1"))
    patient = solve(instance, Mode.REPAIR, parse_objective("makespan=1,migrated_memory=100"))
    assert (hasty.plan.makespan, patient.plan.makespan) == (10, 30)
    assert (hasty.cost, patient.cost) == (1010, 130)


def test_energy_and_balance_pull_in_different_directions(build):
    model = build([(10, 10)] * 3, [(2, 2)] * 4, [0, 0, 1, 2], memory=[1] * 4)
    instance = Instance(model)
    frugal = solve(instance, Mode.ENERGY, parse_objective("energy=1000,balance=1"))
    even = solve(instance, Mode.ENERGY, parse_objective("energy=1,balance=1000"))
    alone = solve(instance, Mode.ENERGY, Objective((Term.ENERGY,)))
    assert sum(frugal.online) == 1 < sum(even.online)
    assert check_plan(instance, even.plan).legal
    assert 1000 * alone.cost < frugal.bound <= frugal.cost


def test_what_has_no_placement_is_refused_in_a_weighted_sum(place):
    rules = (Spread((0, 1, 2, 3, 4)), *(Running(v) for v in range(5)))
    answer = solve(Instance(place(0, 1, 2, 3, -1), rules), Mode.REPAIR, parse_objective("balance=1,makespan=2"))
    assert answer.status is Status.INFEASIBLE
    assert answer.plan is None


def test_in_a_list_balance_and_makespan_still_come_first():
    with pytest.raises(InputError, match="first"):
        parse_objective("energy,makespan")
