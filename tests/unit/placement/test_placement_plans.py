"""The checker accepts every plan that is produced, and says of each action what is wrong with it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from placement.answer import Status
from placement.checker import check_plan
from placement.constraints.fence import Fence
from placement.constraints.lonely import Lonely
from placement.constraints.offline import Offline
from placement.constraints.preserve import Preserve
from placement.constraints.running import Running
from placement.constraints.spread import Spread
from placement.engine import Options, solve
from placement.errors import InputError
from placement.generate import Recipe, generate
from placement.instance import Instance, Mode
from placement.model import Kind, Link, Plan, VmState
from placement.trajectory import BEFORE, FOREVER, Stay

SLOW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(SLOW, max_examples=40)
"""Where one balanced instance takes up to ten seconds."""


def drawn(recipe):
    """The instance of a recipe, if the VMs of its seed fit at all."""
    try:
        return generate(recipe)
    except InputError:
        assume(False)


def tight(seed, hosts=6, load=0.8):
    """A small shuffle: many moves at high load, detours included."""
    return drawn(Recipe("shuffle", hosts=hosts, load=load, moves=4 * hosts, seed=seed))


def small(seed, scenario):
    return drawn(Recipe(scenario, hosts=5, ratio=3, group=5, seed=seed, down=0.2, raised=0.4, scale=1.1))


@SLOW
@given(seed=st.integers(0, 10_000), load=st.sampled_from([0.5, 0.7, 0.8, 0.9]))
def test_every_plan_of_a_shuffle_is_legal(seed, load):
    instance = tight(seed, load=load)
    answer = solve(instance, Mode.REPAIR)
    assert answer.status in (Status.OPTIMAL, Status.FEASIBLE, Status.UNKNOWN)
    if answer.plan is not None:
        assert check_plan(instance, answer.plan).legal
        assert answer.bound <= answer.cost


@FEW
@given(
    seed=st.integers(0, 10_000),
    scenario=st.sampled_from(["li", "nr", "drain", "pack"]),
    mode=st.sampled_from(list(Mode)),
)
def test_every_plan_of_every_mode_is_legal(seed, scenario, mode):
    instance = small(seed, scenario)
    answer = solve(instance, mode)
    assert not answer.violations
    if answer.plan is not None:
        assert check_plan(instance, answer.plan).legal
        assert answer.bound <= answer.cost
    else:
        assert answer.explanation is not None


def test_host_over_capacity_at_one_instant(build, act):
    model = build([(4, 4), (4, 4), (4, 4)], [(3, 3), (3, 3)], [0, 1])
    instance = Instance(model)
    together = act.migrate(1, 1, 2), act.migrate(0, 0, 1)
    verdict = check_plan(instance, Plan(model, together))
    assert [(v.rule, v.time) for v in verdict.violations] == [("capacity", 0), ("capacity", 0)]
    ordered = act.migrate(1, 1, 2), act.migrate(0, 0, 1, 10)
    assert check_plan(instance, Plan(model, ordered)).legal


def test_peer_met_on_the_way(place, act):
    instance = Instance(place(0, 1), (Spread((0, 1), continuous=True),))
    moves = act.migrate(0, 0, 1), act.migrate(1, 1, 2)
    assert [v.rule for v in check_plan(instance, Plan(instance.model, moves)).violations] == ["spread"]


def test_growth_is_counted_from_the_start_of_the_allocation(build, act):
    model = build([(4, 9), (9, 9)], [(2, 1), (2, 1)], [0, 0])
    instance = Instance(model, (Preserve(0, 0, 3),))
    early = act.migrate(1, 0, 1), act.allocate(0, 0, 0, 3, 9)
    assert [v.rule for v in check_plan(instance, Plan(model, early)).violations] == ["capacity"]
    late = act.migrate(1, 0, 1), act.allocate(0, 0, 0, 3, 10)
    assert check_plan(instance, Plan(model, late)).legal


def test_shrinking_is_counted_from_the_end_of_the_allocation(build, act):
    model = build([(4, 9), (9, 9)], [(4, 1), (2, 1)], [0, 1], want=[(2, 1), (2, 1)])
    early = act.allocate(0, 0, 0, 2), act.migrate(1, 1, 0, 0)
    assert [v.rule for v in check_plan(Instance(model), Plan(model, early)).violations] == ["capacity"]
    late = act.allocate(0, 0, 0, 2), act.migrate(1, 1, 0, 1)
    assert check_plan(Instance(model), Plan(model, late)).legal


def test_wants_that_are_not_met(build):
    model = build([(4, 9)], [(2, 1)], [0], want=[(3, 1)])
    assert [v.rule for v in check_plan(Instance(model), Plan(model, ())).violations] == ["demand"]
    answer = solve(Instance(model), Mode.REPAIR)
    assert [a.kind for a in answer.plan.actions] == [Kind.ALLOCATE]


def test_host_is_emptied_before_it_goes_off_and_used_after_it_is_on(place, act):
    model = place(0, online=[True, True, True, False])
    instance = Instance(model, (Offline(0),))
    early = act.migrate(0, 0, 1), act.host_off(0, 9)
    assert check_plan(instance, Plan(model, early)).violations[0].rule == "action"
    assert check_plan(instance, Plan(model, (act.migrate(0, 0, 1), act.host_off(0, 10)))).legal
    onto_cold = act.host_on(3), act.migrate(0, 0, 3, 59), act.host_off(0, 69)
    assert not check_plan(instance, Plan(model, onto_cold)).legal
    onto_warm = act.host_on(3), act.migrate(0, 0, 3, 60), act.host_off(0, 70)
    assert check_plan(instance, Plan(model, onto_warm)).legal


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda act: act.boot(0, 1), "is running, not ready"),
        (lambda act: act.resume(0, 0, 1), "is running, not sleeping"),
        (lambda act: act.migrate(1, 0, 1), "is ready, not running"),
        (lambda act: act.migrate(0, 0, 0), "same host"),
        (lambda act: act.migrate(0, 1, 2), "not on 101"),
        (lambda act: act.boot(1, 3), "not online"),
        (lambda act: act.host_on(1), "the host is online"),
        (lambda act: act.host_off(3), "the host is not online"),
        (lambda act: act.host_off(0), "1 VMs are on the host"),
        (lambda act: act.allocate(0, 1, 0, 3), "the VM is on host 100"),
        (lambda act: replace(act.allocate(0, 0, 0, 3), target=1), "the VM is on host 100"),
        (lambda act: replace(act.boot(1, 1), end=3), "it takes 5 s"),
        (lambda act: replace(act.boot(1, 1), start=9, end=9), "lasts from 9 to 9"),
        (lambda act: replace(act.host_on(3), end=10), "it takes 60 s"),
        (lambda act: replace(act.host_off(1), end=10), "it takes 20 s"),
        (lambda act: replace(act.boot(1, 1), target=-1), "names no host"),
        (lambda act: replace(act.boot(1, 1), target=17), "unknown host or VM"),
        (lambda act: replace(act.boot(1, 1), target=4), "unknown host or VM"),
        (lambda act: replace(act.boot(1, 1), target=-2), "unknown host or VM"),
        (lambda act: replace(act.migrate(0, 0, 1), source=4), "unknown host or VM"),
        (lambda act: replace(act.migrate(0, 0, 1), source=-2), "unknown host or VM"),
        (lambda act: replace(act.boot(1, 1), vm=3), "unknown host or VM"),
        (lambda act: replace(act.boot(1, 1), vm=-1), "unknown host or VM"),
        (lambda act: act.kill(2, -1), "killed already"),
    ],
)
def test_actions_that_make_no_sense(place, act, make, what):
    states = [VmState.RUNNING, VmState.READY, VmState.KILLED]
    model = place(0, -1, -1, state=states, online=[True, True, True, False])
    verdict = check_plan(Instance(model), Plan(model, (make(act),)))
    assert any(what in v.message for v in verdict.violations), verdict.violations


def test_plans_for_another_start_are_refused(place):
    model, other = place(0, 1), place(1, 0)
    verdict = check_plan(Instance(model), Plan(other, ()))
    assert [v.rule for v in verdict.violations] == ["origin"]
    assert verdict.path is None
    assert str(verdict.violations[0]).startswith("origin at 0 s")
    assert check_plan(Instance(model), Plan(place(0, 1), ())).legal


def test_vm_cannot_be_acted_on_twice_at_once_but_two_allocations_may_run(place, act):
    model = place(0)
    rules = Preserve(0, 0, 3), Preserve(0, 1, 3)
    both = act.allocate(0, 0, 0, 3), act.allocate(0, 0, 1, 3)
    assert check_plan(Instance(model, rules), Plan(model, both)).legal
    mixed = act.allocate(0, 0, 0, 3), act.migrate(0, 0, 1)
    assert not check_plan(Instance(model), Plan(model, mixed)).legal


def test_migrations_of_unstated_bandwidth_get_their_share(build, act):
    model = build([(10, 100)] * 2, [(1, 10)], [0], migrate=0, memory=[1000], bandwidth=100)
    assert check_plan(Instance(model), Plan(model, (act.migrate(0, 0, 1),))).legal
    short = act.migrate(0, 0, 1, 0, 9)
    assert [v.rule for v in check_plan(Instance(model), Plan(model, (short,))).violations] == ["duration"]


def test_stays_end_when_the_vm_has_gone(place, act):
    model = place(0, 3)
    actions = act.migrate(0, 0, 1), act.suspend(0, 1, 10), act.resume(0, 1, 2, 14)
    path = check_plan(Instance(model), Plan(model, actions)).path
    assert path.stays(0) == (Stay(0, BEFORE, 10), Stay(1, 0, 14), Stay(2, 14, FOREVER))
    assert path.stays(1) == (Stay(3, BEFORE, FOREVER),)


def test_vms_stay_where_they_are_given_more(place, act):
    model = place(0, 1)
    path = check_plan(Instance(model, (Preserve(0, 0, 3),)), Plan(model, (act.allocate(0, 0, 0, 3),))).path
    assert path.final.at == [0, 1]
    assert path.final.load[0].tolist() == [3, 2, 0, 0]


def test_hosts_that_were_only_passed_go_off(place, act):
    model = place(0)
    actions = act.migrate(0, 0, 1), act.migrate(0, 1, 2, 10), act.host_off(1, 20)
    assert check_plan(Instance(model, (Offline(1),)), Plan(model, actions)).legal


def test_suspended_and_resumed_elsewhere(place, act):
    model = place(0)
    away = act.suspend(0, 0), act.resume(0, 0, 2, 4)
    verdict = check_plan(Instance(model), Plan(model, away))
    assert verdict.legal
    assert verdict.path.final.at == [2]


def test_kinds_of_state_nobody_asked_for(place, act):
    model = place(0, -1)
    stopped = check_plan(Instance(model), Plan(model, (act.stop(0, 0), act.boot(1, 1))))
    assert [v.rule for v in stopped.violations] == ["state", "state"]


def test_same_seed_same_plan(build):
    instance = tight(3, hosts=20, load=0.85)
    plans = [solve(instance, Mode.REPAIR, options=Options(seed=5)).plan.actions for _ in range(2)]
    assert plans[0] == plans[1]


def test_network_is_respected(build):
    model = build([(10, 100)] * 4, [(1, 10)] * 4, [0, 0, 0, 1], migrate=0, memory=[1000] * 4, bandwidth=100, parallel=0)
    rules = tuple(Fence(v, frozenset({2})) for v in range(3))
    answer = solve(Instance(model, rules), Mode.REPAIR)
    assert not answer.violations
    assert answer.plan.makespan == 30
    assert {a.bandwidth for a in answer.plan.actions} == {100}
    two = build([(10, 100)] * 4, [(1, 10)] * 4, [0, 0, 0, 1], migrate=0, memory=[1000] * 4, bandwidth=100, parallel=2)
    shared = solve(Instance(two, rules), Mode.REPAIR)
    assert {a.bandwidth for a in shared.plan.actions} == {50}
    assert shared.plan.makespan == 40
    assert not shared.violations


def test_network_excess_is_seen(build, act):
    model = build(
        [(10, 100)] * 3,
        [(1, 10)] * 2,
        [0, 0],
        memory=[1000] * 2,
        bandwidth=100,
        parallel=1,
        links=(Link("up", frozenset({0}), 150),),
    )
    moves = tuple(replace(act.migrate(v, 0, v + 1), bandwidth=100) for v in range(2))
    texts = [v.message for v in check_plan(Instance(model), Plan(model, moves)).violations]
    assert any("200 MB/s out" in t for t in texts)
    assert any("link up carries 200" in t for t in texts)
    assert any("takes part in 2 migrations" in t for t in texts)
    inward = build([(10, 100)] * 3, [(1, 10)] * 2, [1, 2], memory=[1000] * 2, links=(Link("up", frozenset({0}), 150),))
    back = tuple(replace(act.migrate(v, v + 1, 0), bandwidth=100) for v in range(2))
    assert any("link up" in v.message for v in check_plan(Instance(inward), Plan(inward, back)).violations)


def test_what_comes_in_counts_and_is_gone_when_it_has_arrived(build, act):
    model = build([(10, 100)] * 3, [(1, 10)] * 2, [1, 2], memory=[1000] * 2, bandwidth=[100, 0, 0], parallel=[1, 0, 0])
    both = tuple(replace(act.migrate(v, v + 1, 0), bandwidth=100) for v in range(2))
    texts = [v.message for v in check_plan(Instance(model), Plan(model, both)).violations]
    assert texts == ["host 100 carries 200 MB/s in, it has 100", "host 100 takes part in 2 migrations, its limit is 1"]
    one_by_one = both[0], replace(both[1], start=10, end=20)
    assert check_plan(Instance(model), Plan(model, one_by_one)).legal


def test_migrations_behind_one_link_do_not_use_it(build, act):
    links = (Link("up", frozenset({0, 1}), 10),)
    model = build([(10, 100)] * 3, [(1, 10)], [0], memory=[1000], bandwidth=100, links=links)
    inside = replace(act.migrate(0, 0, 1), bandwidth=100)
    assert check_plan(Instance(model), Plan(model, (inside,))).legal
    outside = replace(inside, target=2)
    texts = [v.message for v in check_plan(Instance(model), Plan(model, (outside,))).violations]
    assert texts == ["link up carries 100 MB/s, it has 10"]


def test_strangers_on_the_way_are_met_whatever_other_vms_do(place, act):
    model = place(0, 1, -1)
    alone = Instance(model, (Lonely((0,), continuous=True),))
    assert check_plan(alone, Plan(model, (act.migrate(0, 0, 2),))).legal
    through = act.migrate(0, 0, 1), act.migrate(0, 1, 2, 10)
    assert [v.rule for v in check_plan(alone, Plan(model, through)).violations] == ["lonely"]


def test_slower_migrations_take_longer(build, act):
    model = build([(10, 100)] * 2, [(1, 10)], [0], migrate=0, memory=[1000], bandwidth=100)
    slow = replace(act.migrate(0, 0, 1, 0, 10), bandwidth=50)
    assert [v.rule for v in check_plan(Instance(model), Plan(model, (slow,))).violations] == ["duration"]
    assert check_plan(Instance(model), Plan(model, (replace(slow, end=20),))).legal


def test_running_twice_gives_one_start(place):
    assert solve(Instance(place(-1), (Running(0), Running(0))), Mode.PLACE).plan.makespan == 5


def test_cycles_are_broken(build):
    model = build([(4, 4), (4, 4), (4, 4)], [(4, 4), (4, 4)], [0, 1])
    swap = Instance(model, (Fence(0, frozenset({1})), Fence(1, frozenset({0}))))
    answer = solve(swap, Mode.REPAIR)
    assert answer.plan.migrations == 3
    assert answer.summary()["detours"] == 1
    full = build([(4, 4), (4, 4)], [(4, 4), (4, 4)], [0, 1])
    asleep = solve(Instance(full, swap.constraints), Mode.REPAIR)
    assert sorted(a.kind.value for a in asleep.plan.actions) == ["migrateVM", "resumeVM", "suspendVM"]
    assert not asleep.violations


def test_plan_of_a_shuffle_reaches_its_target():
    instance = tight(11, hosts=30, load=0.8)
    answer = solve(instance, Mode.REPAIR)
    target = {c.vm: min(c.hosts) for c in instance.constraints}
    assert all(answer.host[v] == h for v, h in target.items())
    assert answer.status is Status.OPTIMAL
    assert np.isclose(answer.gap, 0)
