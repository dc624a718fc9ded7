"""How short plans are: against every order of small problems, and against optima that are known by construction."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from placement.checker import check_plan
from placement.constraints.deadline import Deadline
from placement.constraints.fence import Fence
from placement.constraints.serialize import Serialize
from placement.constraints.spread import Spread
from placement.constraints.sync import Sync
from placement.engine import solve
from placement.errors import InputError, PlanningError
from placement.exact_schedule import ExactSchedule
from placement.generate import Recipe, generate
from placement.instance import Instance, Mode
from placement.justify import justified, shaken
from placement.ledger import earliest_ends, least_span, ledger_of
from placement.model import Kind
from placement.planner import make_plan
from placement.problem import Problem
from placement.schedule import Schedule
from placement.simulation import Simulation
from placement.timetable import Timetable

MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(MANY, max_examples=15)


def sent(instance):
    """The problem of an instance and the final hosts that its fences leave."""
    problem = Problem(instance)
    host = list(problem.start)
    for rule in instance.constraints:
        if isinstance(rule, Fence):
            host[rule.vm] = min(rule.hosts)
    return problem, host, [True] * problem.model.n_hosts


def shuffled(seed, load):
    """Twelve hosts on which most VMs change places, if VMs of the seed fit at all."""
    try:
        return generate(Recipe("shuffle", hosts=12, load=load, moves=60, seed=seed))
    except InputError:
        assume(False)


def shortest(model, moves):
    """The least makespan over all orders of (vm, source, target) moves, None where each order gets stuck."""
    seconds = [model.duration(Kind.MIGRATE, vm) for vm, _, _ in moves]
    spans = [span for order in permutations(range(len(moves))) if (span := _packed(model, moves, seconds, order))]
    return min(spans, default=None)


def _packed(model, moves, seconds, order):
    starts = {}
    for n in order:
        times = sorted({0, *(starts[m] + seconds[m] for m in starts)})
        fitting = (t for t in times if _fits(model, moves, seconds, {**starts, n: t}))
        start = next(fitting, None)
        if start is None:
            return None
        starts[n] = start
    return max(starts[n] + seconds[n] for n in starts)


def _fits(model, moves, seconds, starts):
    at = model.vms.host.tolist()
    for instant in starts.values():
        load = [[0] * model.n_hosts for _ in model.resources]
        for vm, where in enumerate(at):
            places = {where}
            for n, start in starts.items():
                if moves[n][0] == vm and start <= instant:
                    places = {moves[n][2]} if start + seconds[n] <= instant else {where, moves[n][2]}
            for place in places:
                for row, need in zip(load, model.vms.demand[:, vm].tolist(), strict=True):
                    row[place] += need
        if any(
            used > most
            for row, most in zip(load, model.usable.tolist(), strict=True)
            for used, most in zip(row, most, strict=True)
        ):
            return False
    return True


@MANY
@given(data=st.data())
def test_plans_of_few_moves_are_as_short_as_the_best_order(build, data):
    hosts = data.draw(st.integers(3, 4))
    sizes = data.draw(st.lists(st.integers(2, 6), min_size=4, max_size=6))
    home, target = ([data.draw(st.integers(0, hosts - 1)) for _ in sizes] for _ in range(2))
    seconds = [data.draw(st.integers(1, 5)) for _ in sizes]
    room = max(
        sum(s for s, h in zip(sizes, at, strict=True) if h == host) for host in range(hosts) for at in (home, target)
    )
    model = build([(room, 99)] * hosts, [(s, 1) for s in sizes], home, migrate=seconds)
    moves = [(vm, a, b) for vm, (a, b) in enumerate(zip(home, target, strict=True)) if a != b]
    assume(2 <= len(moves) <= 4)
    best = shortest(model, moves)
    problem = Problem(Instance(model))
    planned = make_plan(problem, target, [True] * hosts)
    assert check_plan(Instance(model), planned.plan).legal
    if best is None:
        assert len(planned.plan.actions) > len(moves)
    else:
        assert len(planned.plan.actions) == len(moves)
        assert planned.makespan_bound <= best == planned.plan.makespan


@pytest.mark.parametrize("length", [3, 40, 400])
def test_a_chain_takes_the_sum_of_its_moves_and_the_bound_says_so(build, length):
    """Full hosts in a row, only the last is empty: each move waits for the next one."""
    seconds = [1 + n % 7 for n in range(length)]
    model = build([(4, 4)] * (length + 1), [(4, 4)] * length, list(range(length)), migrate=seconds)
    planned = make_plan(Problem(Instance(model)), list(range(1, length + 1)), [True] * (length + 1))
    assert planned.plan.makespan == planned.makespan_bound == sum(seconds)


def test_rings_beside_one_empty_host_each_take_one_detour(build):
    """Four rings of three full hosts, one shelter for all: a ring takes four moves of 10 s, and keeps the shelter."""
    home = [3 * ring + n for ring in range(4) for n in range(3)]
    target = [3 * ring + (n + 1) % 3 for ring in range(4) for n in range(3)]
    model = build([(4, 4)] * 13, [(4, 4)] * 12, home)
    planned = make_plan(Problem(Instance(model)), target, [True] * 13)
    assert check_plan(Instance(model), planned.plan).legal
    assert planned.plan.migrations == 16
    assert planned.plan.makespan == 160


@pytest.mark.parametrize(("load", "moves"), [(0.8, 140), (0.85, 170), (0.9, 200)])
def test_shuffles_of_a_hundred_hosts_reach_a_proven_optimum(load, moves):
    instance = generate(Recipe("shuffle", hosts=100, load=load, moves=moves, seed=2))
    problem, host, online = sent(instance)
    planned = make_plan(problem, host, online)
    assert planned.plan.migrations == sum(a != b for a, b in zip(problem.start, host, strict=True))
    assert planned.plan.makespan == planned.makespan_bound


@MANY
@given(seed=st.integers(0, 10_000), load=st.sampled_from([0.6, 0.8, 0.9]))
def test_justified_schedules_are_legal_and_no_longer(seed, load):
    instance = shuffled(seed, load)
    problem, host, online = sent(instance)
    table = Timetable(problem, host, online)
    assume(table.tasks)
    asked = len(table.tasks)
    try:
        listed = Schedule(table, Simulation(table, [0.0] * asked).run(), asked)
    except PlanningError:
        assume(False)
    found = justified(listed, 0)
    assert found.makespan <= listed.makespan
    assert check_plan(instance, found.plan(problem)).legal


@FEW
@given(seed=st.integers(0, 10_000))
def test_detours_past_peers_that_must_not_be_met(seed):
    """Continuous spreads over VMs that change places at high load."""
    plain = shuffled(seed, 0.9)
    problem, host, online = sent(plain)
    apart = [
        (a, b)
        for a in range(0, problem.model.n_vms - 1, 2)
        for b in (a + 1,)
        if problem.start[a] != problem.start[b] and host[a] != host[b]
    ]
    instance = Instance(plain.model, (*plain.constraints, *(Spread(pair, continuous=True) for pair in apart)))
    try:
        planned = make_plan(Problem(instance), host, online)
    except PlanningError:
        assume(False)
    assert not check_plan(instance, planned.plan).violations


def test_bounds_count_what_pools_and_free_room_allow(build):
    model = build([(10, 10)] * 3, [(2, 2)] * 3, [0, 0, 0], migrate=[10, 20, 30])
    alone = Timetable(Problem(Instance(model, (Serialize((0, 1, 2)),))), [1, 1, 2], [True] * 3)
    assert least_span(alone) == 60
    tight = build([(4, 9)] * 4, [(4, 1)] * 3, [0, 1, 2], migrate=[10, 20, 30])
    assert least_span(Timetable(Problem(Instance(tight)), [1, 2, 0], [True] * 4)) == 60


def test_heads_and_tails_of_a_chain(build):
    model = build([(4, 4)] * 4, [(4, 4)] * 3, [0, 1, 2], migrate=[1, 2, 4])
    ledger = ledger_of(Timetable(Problem(Instance(model)), [1, 2, 3], [True] * 4))
    assert earliest_ends(ledger) == [7, 6, 4]
    assert earliest_ends(ledger.reversed) == [1, 3, 7]


def test_deadlines_and_common_ends_hold_in_short_plans(build):
    model = build([(4, 4)] * 5, [(4, 4)] * 4, [0, 1, 2, 3], migrate=[9, 9, 9, 5])
    rules = Deadline(2, 9), Deadline(1, 18)
    chain = Instance(model, rules)
    planned = make_plan(Problem(chain), [1, 2, 4, 3], [True] * 5)
    assert not check_plan(chain, planned.plan).violations
    assert planned.plan.makespan == 27
    roomy = build([(9, 9)] * 4, [(4, 4)] * 2, [0, 1], migrate=[9, 4])
    both = Instance(roomy, (Sync((0, 1)),))
    ended = make_plan(Problem(both), [2, 3], [True] * 4).plan
    assert [a.end for a in ended.actions] == [9, 9]


def test_bound_holds_for_every_mode_and_plan():
    for seed in range(6):
        instance = generate(Recipe("drain", hosts=10, ratio=4, group=5, down=0.2, seed=seed))
        answer = solve(instance, Mode.REPAIR)
        assert answer.plan is None or answer.makespan_bound <= answer.plan.makespan


def listed_first(instance):
    """The problem, CP-SAT's search for its schedules, and the schedule that list scheduling finds."""
    problem, host, online = sent(instance)
    table = Timetable(problem, host, online)
    ledger = ledger_of(table)
    heads, tails = earliest_ends(ledger), earliest_ends(ledger.reversed)
    own = table.copy()
    listed = Schedule(own, Simulation(own, tails).run(), len(table.tasks))
    return problem, ExactSchedule(table, ledger, heads, tails, 1, bool), listed


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_detours_that_another_order_spares_are_taken_back(monkeypatch, seed):
    monkeypatch.setattr("placement.exact_schedule.TRIES", 0)
    instance = generate(Recipe("shuffle", hosts=60, load=0.9, moves=130, seed=seed))
    problem, exact, listed = listed_first(instance)
    assert listed.detours
    found, _ = exact.shorten(listed, max(exact.heads))
    assert not found.detours
    assert found.makespan <= listed.makespan
    assert check_plan(instance, found.plan(problem)).legal


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_plans_are_shortened_near_the_best_one_known(monkeypatch, seed):
    """With few tasks free at a time, schedules stay legal and become much shorter than those of list scheduling."""
    monkeypatch.setattr("placement.exact_schedule.NEAR", 60)
    monkeypatch.setattr("placement.exact_schedule.LESS", 0.0)
    instance = generate(Recipe("shuffle", hosts=100, load=0.88, moves=200, seed=seed))
    problem, exact, listed = listed_first(instance)
    assert not listed.detours
    ends = zip(exact.heads, exact.tails, exact.ledger.seconds, strict=True)
    bound = max(head + tail - seconds for head, tail, seconds in ends)
    found, low = exact.shorten(listed, bound)
    assert check_plan(instance, found.plan(problem)).legal
    assert low == bound <= found.makespan < listed.makespan
    randoms = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    others = [replace(found, starts=shaken(exact.ledger, listed.starts, random)) for random in randoms]
    assert others[0].starts != others[1].starts
    for other in others:
        assert check_plan(instance, other.plan(problem)).legal
        assert other.makespan <= listed.makespan
