"""Two thousand small instances against all placements: same feasibility, same optimum, bounds never above it."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from placement import repair
from placement.answer import Status
from placement.ascent import Ascent, branch
from placement.constraints.among import Among
from placement.constraints.ban import Ban
from placement.constraints.fence import Fence
from placement.constraints.gather import Gather
from placement.constraints.lazy_spread import LazySpread
from placement.constraints.lonely import Lonely
from placement.constraints.max_online import MaxOnline
from placement.constraints.max_spare_resources import MaxSpareResources
from placement.constraints.min_spare_resources import MinSpareResources
from placement.constraints.mostly_spread import MostlySpread
from placement.constraints.offline import Offline
from placement.constraints.online import Online
from placement.constraints.overbook import Overbook
from placement.constraints.preserve import Preserve
from placement.constraints.quarantine import Quarantine
from placement.constraints.ready import Ready
from placement.constraints.resource_capacity import ResourceCapacity
from placement.constraints.root import Root
from placement.constraints.running import Running
from placement.constraints.running_capacity import RunningCapacity
from placement.constraints.split import Split
from placement.constraints.split_among import SplitAmong
from placement.constraints.spread import Spread
from placement.costs import costs_of
from placement.energy_bound import EnergyBound
from placement.engine import solve
from placement.found import Found
from placement.instance import Instance, Mode, Objective, Term
from placement.model import VmState
from placement.pools import Pools
from placement.problem import Problem
from placement.repair import Repair
from placement.trajectory import State

BLOCKS = 40
EACH = 50


def hosts_of(random, count):
    return frozenset(random.choice(count, int(random.integers(1, count + 1)), replace=False).tolist())


def vms_of(random, count):
    return tuple(sorted(random.choice(count, int(random.integers(2, count + 1)), replace=False).tolist()))


def parts_of(random, count):
    order = random.permutation(count).tolist()
    cut = int(random.integers(1, count))
    return tuple(sorted(order[:cut])), tuple(sorted(order[cut:]))


def draw_constraint(random, h, v):
    vm, host = int(random.integers(v)), int(random.integers(h))
    resource, amount = int(random.integers(2)), int(random.integers(2, 14))
    host_parts = tuple(map(frozenset, parts_of(random, h)))
    makers = [
        lambda: Spread(vms_of(random, v)), lambda: Lonely(vms_of(random, v)), lambda: Gather(vms_of(random, v)),
        lambda: Split(parts_of(random, v)), lambda: Among(vms_of(random, v), host_parts),
        lambda: SplitAmong(parts_of(random, v), host_parts), lambda: Fence(vm, hosts_of(random, h)),
        lambda: Ban(vm, hosts_of(random, h - 1)), lambda: Root(vm), lambda: Quarantine(host),
        lambda: Preserve(vm, resource, int(random.integers(1, 6))),
        lambda: Overbook(host, resource, float(random.integers(2, 9)) / 4),
        lambda: ResourceCapacity(hosts_of(random, h), resource, amount),
        lambda: RunningCapacity(hosts_of(random, h), int(random.integers(0, 4))),
        lambda: MaxOnline(hosts_of(random, h), int(random.integers(1, h + 1))), lambda: Online(host),
        lambda: Offline(host), lambda: Running(vm), lambda: Ready(vm), lambda: LazySpread(vms_of(random, v)),
        lambda: MostlySpread(vms_of(random, v), int(random.integers(1, v + 1))),
        lambda: MinSpareResources(hosts_of(random, h), resource, amount),
        lambda: MaxSpareResources(hosts_of(random, h), resource, amount),
    ]  # fmt: skip
    return makers[int(random.integers(len(makers)))]()


def draw_instance(build, random):
    h, v = int(random.integers(2, 4)), int(random.integers(2, 5))
    capacity = random.integers(4, 11, (h, 2))
    demand = random.integers(1, 5, (v, 2))
    online = random.random(h) < 0.85
    if not online.any():
        online[0] = True
    homes = np.flatnonzero(online)
    host = [int(random.choice(homes)) if random.random() < 0.8 else -1 for _ in range(v)]
    model = build(
        capacity.tolist(), demand.tolist(), host, online=online.tolist(), memory=random.integers(1, 9, v).tolist()
    )
    rules = [draw_constraint(random, h, v) for _ in range(int(random.integers(0, 5)))]
    return Instance(model, tuple(dict.fromkeys(rules)))


def legal_states(instance):
    """(hosts, online) of all legal final states, judged by the statements of the constraints alone."""
    model, rules = instance.model, instance.constraints
    target = model.vms.state.copy()
    for rule in rules:
        if isinstance(rule, (Running, Ready)):
            wanted = VmState.RUNNING if isinstance(rule, Running) else VmState.READY
            target[rule.vm] = wanted
    demand = model.vms.want.copy()
    limit = model.usable.copy()
    booked = {}
    for rule in rules:
        if isinstance(rule, Preserve):
            demand[rule.resource, rule.vm] = max(demand[rule.resource, rule.vm], rule.amount)
        if isinstance(rule, Overbook):
            key = (rule.resource, rule.host)
            booked[key] = min(rule.limit(model), booked.get(key, 1 << 40))
    for (resource, host), value in booked.items():
        limit[resource, host] = value
    choices = [range(model.n_hosts) if s == VmState.RUNNING else (-1,) for s in target]
    for at in product(*choices):
        for online in product((False, True), repeat=model.n_hosts):
            if any(h >= 0 and not online[h] for h in at):
                continue
            state = State(
                model, at, target.tolist(), online, np.where(target == VmState.RUNNING, demand, model.vms.demand)
            )
            if (state.load <= limit).all() and all(next(r.check(state), None) is None for r in rules):
                yield at, online


def migrated(model, at):
    return sum(
        int(model.vms.memory[v])
        for v, h in enumerate(at)
        if h >= 0 and model.vms.state[v] == 1 and model.vms.host[v] != h
    )


def energy(model, at, online, need):
    """Micro-Wh over an hour, written out from the definition."""
    total = 0
    for h in range(model.n_hosts):
        idle, boot, stop = int(model.hosts.idle_power[h]), int(model.hosts.boot[h]), int(model.hosts.shutdown[h])
        now = bool(model.hosts.online[h])
        total += idle * 1000 if online[h] else 0
        total += idle * boot * 1000 // 3600 if online[h] and not now else 0
        total += idle * stop * 1000 // 3600 if now and not online[h] else 0
        slope = (int(model.hosts.max_power[h]) - idle) / max(1, int(model.hosts.capacity[0, h]))
        total += round(slope * 1000) * sum(int(need[0, v]) for v, x in enumerate(at) if x == h)
    return total + 146 * migrated(model, at)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_repair_agrees_with_all_placements(build, block):
    random = np.random.default_rng([2026, block])
    for _ in range(EACH):
        instance = draw_instance(build, random)
        problem = Problem(instance)
        found = Repair(problem, costs_of(problem, Term.MIGRATED_MEMORY)).run()
        costs = [migrated(instance.model, at) for at, _ in legal_states(instance)]
        assert found.infeasible == (not costs), instance
        if costs:
            assert migrated(instance.model, found.host) == min(costs) == found.bound, instance


@pytest.mark.parametrize("block", range(8))
def test_bounds_that_climb_step_by_step_stay_below_all_placements(build, monkeypatch, block):
    """As on a hundred hosts: no problem is small enough to be solved as a whole; the climb begins at the worst."""
    monkeypatch.setattr(repair, "SMALL", 0)
    random = np.random.default_rng([2034, block])
    for _ in range(25):
        instance = draw_instance(build, random)
        problem = Problem(instance)
        search = Repair(problem, costs_of(problem, Term.MIGRATED_MEMORY))
        found = search.run()
        states = sorted(legal_states(instance), key=lambda state: migrated(instance.model, state[0]))
        assert not (found.infeasible and states), instance
        if states:
            at, online = states[-1]
            climbed = search.climb(Found(list(at), list(online), search.least(), "evictions"))
            least = migrated(instance.model, states[0][0])
            assert max(found.bound, climbed.bound) <= least <= migrated(instance.model, climbed.placed), instance


@pytest.mark.parametrize("block", range(8))
def test_starts_agree_with_all_placements_that_move_nobody(build, block):
    random = np.random.default_rng([2029, block])
    for _ in range(25):
        instance = draw_instance(build, random)
        problem = Problem(instance, moves=False)
        stays = [(v, h) for v, h in enumerate(problem.start) if h >= 0]
        states = [at for at, _ in legal_states(instance) if all(at[v] in (h, -1) for v, h in stays)]
        found = Repair(problem, costs_of(problem, Term.SUM_OF_ENDS)).run()
        assert found.infeasible == (not states), instance
        assert (found.host is None) == (not states)


@pytest.mark.parametrize("block", range(8))
def test_energy_agrees_with_all_placements(build, block):
    random = np.random.default_rng([2027, block])
    for _ in range(25):
        instance = draw_instance(build, random)
        problem = Problem(instance)
        costs = [energy(instance.model, at, online, problem.need) for at, online in legal_states(instance)]
        found = Repair(problem, costs_of(problem, Term.ENERGY)).run()
        assert found.infeasible == (not costs), instance
        if costs:
            assert costs_of(problem, Term.ENERGY).of(found.host, found.online) == min(costs), instance
            ascent = Ascent(EnergyBound(problem, costs_of(problem, Term.ENERGY)), float(min(costs)))
            root = ascent.root(30)
            bound = branch(ascent, root, float(min(costs)), 60).bound
            assert root.bound <= bound + 1
            pooled = Pools(problem, costs_of(problem, Term.ENERGY)).solve()
            assert pooled is not None
            assert pooled.bound <= min(costs)
            assert bound <= min(costs) + 1
            assert found.bound == min(costs)


@pytest.mark.parametrize("block", range(10))
def test_answers_agree_with_all_placements(build, block):
    """The whole engine, plan included: what is called optimal is, what is called infeasible has no placement."""
    random = np.random.default_rng([2028, block])
    for _ in range(20):
        instance = draw_instance(build, random)
        costs = [migrated(instance.model, at) for at, _ in legal_states(instance)]
        answer = solve(instance, Mode.REPAIR, Objective((Term.MIGRATED_MEMORY,)))
        assert not answer.violations
        assert (answer.status is Status.INFEASIBLE) == (not costs), instance
        if answer.plan is not None:
            assert answer.bound <= min(costs) <= answer.cost
            assert answer.cost == min(costs) or answer.status is Status.FEASIBLE


def continuous(rule):
    return replace(rule, continuous=True) if "continuous" in rule.__dataclass_fields__ else rule


@pytest.mark.parametrize("block", range(8))
def test_continuous_forms_only_take_away(build, block):
    """What holds at every instant holds at the end: never a plan without a legal final state, never a cheaper one."""
    random = np.random.default_rng([2029, block])
    for _ in range(20):
        instance = draw_instance(build, random)
        costs = [migrated(instance.model, at) for at, _ in legal_states(instance)]
        strict = Instance(instance.model, tuple(map(continuous, instance.constraints)))
        answer = solve(strict, Mode.REPAIR, Objective((Term.MIGRATED_MEMORY,)))
        assert not answer.violations
        if answer.plan is not None:
            assert costs, strict
            assert min(costs) <= answer.cost
            assert answer.bound <= answer.cost
        elif costs and answer.status is Status.INFEASIBLE:
            assert strict != instance, instance
