"""The checker rejects every plan that is tampered with, and names the right reason."""

from dataclasses import replace
from functools import lru_cache

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from placement.checker import check_plan
from placement.constraints.spread import Spread
from placement.generate import Recipe, generate
from placement.instance import Instance
from placement.model import Kind, Plan, action_order
from placement.planner import make_plan
from placement.problem import Problem

HOSTS = 6
SEEDS = st.integers(0, 400)
PICKS = st.integers(0, 10_000)
MANY = settings(max_examples=150, deadline=None)


@lru_cache(maxsize=512)
def crowded(seed):
    """A shuffle at 85 % load and a legal plan for it."""
    instance = generate(Recipe("shuffle", hosts=HOSTS, load=0.85, moves=4 * HOSTS, seed=seed))
    problem = Problem(instance)
    host = list(problem.start)
    for rule in instance.constraints:
        host[rule.vm] = min(rule.hosts)
    plan = make_plan(problem, host, [True] * HOSTS).plan
    assert check_plan(instance, plan).legal
    return instance, plan


def rules(instance, actions):
    """Names of the rules that a plan breaks."""
    plan = Plan(instance.model, tuple(sorted(actions, key=action_order)))
    return {violation.rule for violation in check_plan(instance, plan).violations}


def picked(values, pick):
    found = list(values)
    assume(found)
    return found[pick % len(found)]


def others(plan, victim):
    return [action for action in plan.actions if action is not victim]


def load_at(model, actions, host, time):
    """What VMs use on a host at an instant: arriving ones from their start, leaving ones until their end."""
    on = {v for v, at in enumerate(model.vms.host.tolist()) if at == host}
    for action in sorted(actions, key=lambda a: (a.start, a.end)):
        if action.target == host and action.start <= time:
            on.add(action.vm)
        if action.source == host and action.end <= time:
            on.discard(action.vm)
    return model.vms.demand[:, sorted(on)].sum(axis=1)


@MANY
@given(seed=SEEDS, pick=PICKS)
def test_a_host_over_capacity_at_one_instant(seed, pick):
    """A move is sent to a host that has no room for it at that instant, while nobody minds where VMs end up."""
    instance, plan = crowded(seed)
    model = instance.model
    moves = [a for a in plan.actions if a.kind is Kind.MIGRATE]
    places = [
        (a, host)
        for a in moves
        for host in range(HOSTS)
        if host not in (a.source, a.target)
        and (load_at(model, plan.actions, host, a.start) + model.vms.demand[:, a.vm] > model.usable[:, host]).any()
        and not any(b.vm == a.vm and b is not a for b in moves)
    ]
    victim, full = picked(places, pick)
    assert "capacity" in rules(Instance(model), [*others(plan, victim), replace(victim, target=full)])


@MANY
@given(seed=SEEDS, pick=PICKS)
def test_a_peer_met_on_the_way(seed, pick):
    """Two VMs of a continuous spread use a host one after the other; the second one comes a second too early."""
    instance, plan = crowded(seed)
    visits = [
        (come, leave)
        for come in plan.actions
        for leave in plan.actions
        if come.kind is leave.kind is Kind.MIGRATE and come.vm != leave.vm
        and come.target == leave.source and leave.end <= come.start
    ]  # fmt: skip
    come, leave = picked(visits, pick)
    apart = Instance(instance.model, (*instance.constraints, Spread((come.vm, leave.vm), continuous=True)))
    assume(not rules(apart, plan.actions))
    early = replace(come, start=leave.end - 1, end=leave.end - 1 + come.end - come.start)
    assert rules(apart, [*others(plan, come), early]) & {"spread", "action"}
    alone = [a for a in others(plan, come) if a.vm != come.vm]
    if come.source == instance.model.vms.host[come.vm]:
        assert "spread" in rules(apart, [*alone, early])


@MANY
@given(seed=SEEDS, pick=PICKS, seconds=st.integers(1, 8))
def test_an_early_departure(seed, pick, seconds):
    """A VM leaves its host before its migration can be over."""
    instance, plan = crowded(seed)
    victim = picked((a for a in plan.actions if a.end - a.start > seconds), pick)
    assert "duration" in rules(instance, [*others(plan, victim), replace(victim, end=victim.end - seconds)])


@MANY
@given(seed=SEEDS, pick=PICKS)
def test_a_departure_before_its_room_is_free(seed, pick):
    """A move that waits for room starts as soon as there is some elsewhere, but not on its target."""
    instance, plan = crowded(seed)
    model = instance.model
    waiting = [
        a for a in plan.actions if a.start > 0 and a.kind is Kind.MIGRATE and a.source == model.vms.host[a.vm]
        and (load_at(model, others(plan, a), a.target, a.start - 1) + model.vms.demand[:, a.vm]
             > model.usable[:, a.target]).any()
    ]  # fmt: skip
    victim = picked(waiting, pick)
    early = replace(victim, start=victim.start - 1, end=victim.end - 1)
    assert "capacity" in rules(instance, [*others(plan, victim), early])


@MANY
@given(seed=SEEDS, pick=PICKS)
def test_a_lost_vm(seed, pick):
    """A VM is stopped that nobody asked to stop, or is left where it was."""
    instance, plan = crowded(seed)
    victim = picked((a for a in plan.actions if a.kind is Kind.MIGRATE), pick)
    last = max((a for a in plan.actions if a.vm == victim.vm), key=lambda a: a.end)
    stop = replace(last, kind=Kind.SHUTDOWN, source=last.target, target=-1, start=plan.makespan, end=plan.makespan + 1)
    assert {"state", "fence"} & rules(instance, [*plan.actions, stop])
    assert "state" in rules(Instance(instance.model), [*plan.actions, stop])
    assert "fence" in rules(instance, others(plan, last))


@MANY
@given(seed=SEEDS, pick=PICKS, shift=st.integers(1, 5))
def test_a_move_from_or_to_another_host_or_twice_at_once(seed, pick, shift):
    instance, plan = crowded(seed)
    victim = picked((a for a in plan.actions if a.kind is Kind.MIGRATE), pick)
    rest = others(plan, victim)
    assert "action" in rules(instance, [*rest, replace(victim, source=(victim.source + shift) % HOSTS)])
    assert rules(instance, [*rest, replace(victim, target=(victim.target + shift) % HOSTS)])
    assert "action" in rules(instance, [*plan.actions, replace(victim, start=victim.start + 1, end=victim.end + 1)])
