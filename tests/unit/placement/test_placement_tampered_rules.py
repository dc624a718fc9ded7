"""Every continuous constraint against plans that are tampered with, judged second by second from its wording.

A plan that the planner made under a constraint is changed in one place. Where each VM and which host is online in each
second is then written down, and the constraint's own words are asked of every second: the checker, which works with
events and spells, must say the same.
"""

from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placement.checker import check_plan
from placement.constraints.catalogue import CATALOGUE
from placement.errors import PlanningError
from placement.instance import Instance
from placement.model import Action, Kind, Plan, action_order
from placement.planner import make_plan
from placement.problem import Problem

HOSTS, VMS, NEED, ROOM = 4, 6, 2, 20
EVERYWHERE = frozenset(range(HOSTS))
HALVES = frozenset({0, 1}), frozenset({2, 3})
DRAWS = 100
"""Plans drawn until one can be tampered with in the way asked for."""
CHANGES = 8
"""Changes tried of one plan."""
SOME = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Draw:
    """Hosts of VMs before and after, and who is online; `random` draws the rest."""

    def __init__(self, seed):
        self.random = Random(seed)
        self.start = self.random.choices(range(HOSTS), k=VMS)
        self.goal = self.random.choices(range(HOSTS), k=VMS)
        self.seconds = [self.random.randint(2, 6) for _ in range(VMS)]
        self.online, self.wanted = [True] * HOSTS, [True] * HOSTS

    def some(self, count):
        return tuple(self.random.sample(range(VMS), count))

    def movers(self, count):
        moving = [v for v in range(VMS) if self.start[v] != self.goal[v]]
        return tuple(self.random.sample(moving, min(count, len(moving)))) if moving else (0,)

    def most(self, hosts):
        return max(sum(at in hosts for at in side) for side in (self.start, self.goal))

    def send(self, vms, hosts):
        """Have VMs begin and end within a set of hosts."""
        for vm in vms:
            self.start[vm], self.goal[vm] = self.random.choices(sorted(hosts), k=2)

    def clear(self, side, *hosts):
        """Have nobody on some hosts before or after."""
        others = [h for h in range(HOSTS) if h not in hosts]
        side[:] = [self.random.choice(others) if at in hosts else at for at in side]


def gather(draw):
    vms = draw.some(2)
    for vm in vms:
        draw.start[vm] = draw.goal[vm] = draw.start[vms[0]]
    return {"vms": vms}


def among(draw):
    vms = draw.some(3)
    draw.send(vms, HALVES[0])
    return {"vms": vms, "host_parts": HALVES}


def split_among(draw):
    vms = draw.some(4)
    draw.send(vms[:2], HALVES[1])
    draw.send(vms[2:], HALVES[0])
    return {"vm_parts": (vms[:2], vms[2:]), "host_parts": HALVES}


def root(draw):
    (vm,) = draw.some(1)
    draw.goal[vm] = draw.start[vm]
    return {"vm": vm}


def quarantine(draw):
    others = [h for h in range(HOSTS) if h]
    draw.goal[:] = [0 if at == 0 else draw.random.choice(others) for at in draw.start]
    return {"host": 0}


def max_online(draw):
    draw.online[2] = draw.wanted[3] = False
    draw.clear(draw.start, 2)
    draw.clear(draw.goal, 3)
    return {"hosts": EVERYWHERE, "amount": 3}


def online(draw):
    draw.clear(draw.goal, 0)
    return {"host": 0}


def offline(draw):
    draw.online[2] = draw.wanted[2] = draw.online[3] = False
    draw.clear(draw.start, 2, 3)
    draw.clear(draw.goal, 2)
    return {"host": 2}


def fence(draw):
    (vm,) = draw.some(1)
    return {"vm": vm, "hosts": frozenset({draw.start[vm], draw.goal[vm]})}


def ban(draw):
    arguments = fence(draw)
    return arguments | {"hosts": EVERYWHERE - arguments["hosts"]}


RULES = {
    "spread": lambda draw: {"vms": draw.some(3)},
    "lazySpread": lambda draw: {"vms": draw.some(3)},
    "lonely": lambda draw: {"vms": draw.some(2)},
    "split": lambda draw: {"vm_parts": (draw.some(6)[:2], draw.some(6)[2:4])},
    "gather": gather,
    "among": among,
    "splitAmong": split_among,
    "fence": fence,
    "ban": ban,
    "root": root,
    "quarantine": quarantine,
    "overbook": lambda draw: {"host": 0, "resource": 0, "ratio": max(1, draw.most({0})) * NEED / ROOM},
    "resourceCapacity": lambda draw: {"hosts": HALVES[0], "resource": 1, "amount": NEED * draw.most(HALVES[0])},
    "runningCapacity": lambda draw: {"hosts": HALVES[0], "amount": draw.most(HALVES[0])},
    "maxOnline": max_online,
    "online": online,
    "offline": offline,
    "seq": lambda draw: {"vms": draw.movers(2)},
    "noDelay": lambda draw: {"vm": draw.movers(1)[0]},
    "deadline": lambda draw: {"vm": draw.movers(1)[0], "seconds": draw.random.randint(6, 9)},
    "precedence": lambda draw: dict(zip(("before", "after"), (*draw.movers(2), 0), strict=False)),
    "serialize": lambda draw: {"vms": draw.movers(3)},
    "sync": lambda draw: {"vms": draw.movers(3)},
}
"""A constraint with room to break it, for two placements that it allows or that it is made to allow."""


class Seen:
    """What an onlooker notes: `at[t][vm]` the hosts a VM is on, `on[t]` the hosts online; t = 0 is before the plan."""

    def __init__(self, model, actions):
        self.actions = sorted(actions, key=action_order)
        seconds = range(-1, max(a.end for a in actions) + 1)
        self.at = [self._places(model, second) for second in seconds]
        self.on = [self._online(model, second) for second in seconds]

    def _places(self, model, second):
        places = [{host} for host in model.vms.host.tolist()]
        for action in self.actions:
            if action.vm >= 0 <= action.target and action.start <= second:
                places[action.vm].add(action.target)
            if action.vm >= 0 and action.end <= second:
                places[action.vm].discard(action.source)
        return places

    def _online(self, model, second):
        on = set(np.flatnonzero(model.hosts.online).tolist())
        for action in self.actions:
            if action.kind is Kind.BOOT_HOST and action.start <= second:
                on.add(action.target)
            if action.kind is Kind.SHUTDOWN_HOST and action.end <= second:
                on.discard(action.target)
        return on

    def meet(self, pairs):
        """Whether two VMs of a pair are on a host on which they have not been together from the start."""
        for a, b in pairs:
            together = self.at[0][a] & self.at[0][b]
            for places in self.at:
                now = places[a] & places[b]
                if now - together:
                    return True
                together &= now
        return False

    def mix(self, pairs):
        """Whether two VMs of a pair meet, or are together in the end."""
        pairs = list(pairs)
        return self.meet(pairs) or any(self.at[-1][a] & self.at[-1][b] for a, b in pairs)

    def stray(self, vms, hosts):
        """Whether one of the VMs is ever outside a set of hosts."""
        return any(places[vm] - hosts for places in self.at for vm in vms)

    def leave_part(self, vms, parts):
        (part,) = (part for part in parts if not any(self.at[0][vm] - part for vm in vms))
        return self.stray(vms, part)

    def most(self, hosts):
        """The largest number of VMs on hosts, one that moves among them counted twice."""
        return max(sum(len(place & hosts) for place in places) for places in self.at)

    def spells(self, vm):
        """(start, end) of the actions on a VM."""
        return [(a.start, a.end) for a in self.actions if a.vm == vm]

    def disorderly(self, vms):
        """Whether an action on a later one of the VMs starts before one on an earlier one has ended."""
        return any(
            later[0] < sooner[1]
            for one, other in combinations(vms, 2)
            for sooner in self.spells(one)
            for later in self.spells(other)
        )


def crossing(parts):
    return [(a, b) for one, other in combinations(parts, 2) for a in one for b in other]


WORDS = {
    "spread": lambda rule, seen: seen.mix(combinations(rule.vms, 2)),
    "lazySpread": lambda rule, seen: seen.meet(combinations(rule.vms, 2)),
    "lonely": lambda rule, seen: seen.mix(crossing([rule.vms, set(range(VMS)) - set(rule.vms)])),
    "split": lambda rule, seen: seen.mix(crossing(rule.vm_parts)),
    "gather": lambda rule, seen: seen.stray(rule.vms, seen.at[0][rule.vms[0]]),
    "among": lambda rule, seen: seen.leave_part(rule.vms, rule.host_parts),
    "splitAmong": lambda rule, seen: any(seen.leave_part(vms, rule.host_parts) for vms in rule.vm_parts),
    "fence": lambda rule, seen: seen.stray([rule.vm], rule.hosts),
    "ban": lambda rule, seen: seen.stray([rule.vm], EVERYWHERE - rule.hosts),
    "root": lambda rule, seen: seen.stray([rule.vm], seen.at[0][rule.vm]),
    "quarantine": lambda rule, seen: any(
        seen.stray([vm], {rule.host} if rule.host in home else EVERYWHERE - {rule.host})
        for vm, home in enumerate(seen.at[0])
    ),
    "overbook": lambda rule, seen: seen.most({rule.host}) * NEED > round(ROOM * rule.ratio),
    "resourceCapacity": lambda rule, seen: seen.most(rule.hosts) * NEED > rule.amount,
    "runningCapacity": lambda rule, seen: seen.most(rule.hosts) > rule.amount,
    "maxOnline": lambda rule, seen: max(map(len, seen.on)) > rule.amount,
    "online": lambda rule, seen: not all(rule.host in on for on in seen.on),
    "offline": lambda rule, seen: any(rule.host in on for on in seen.on),
    "seq": lambda rule, seen: seen.disorderly(rule.vms),
    "noDelay": lambda rule, seen: any(start > 0 for start, _ in seen.spells(rule.vm)),
    "deadline": lambda rule, seen: any(end > rule.seconds for _, end in seen.spells(rule.vm)),
    "precedence": lambda rule, seen: seen.disorderly([rule.before, rule.after]),
    "serialize": lambda rule, seen: any(
        one[0] < other[1] and other[0] < one[1]
        for a, b in combinations(rule.vms, 2)
        for one in seen.spells(a)
        for other in seen.spells(b)
    ),
    "sync": lambda rule, seen: len({end for vm in rule.vms for _, end in seen.spells(vm)}) > 1,
}
"""Whether a constraint is broken, for one that is not at the start."""


def shifted(action, start, end):
    return replace(action, start=action.start + start, end=action.end + end)


def early(plan):
    """An action starts and ends earlier: a VM departs before its time."""
    return [(a, [shifted(a, -by, -by)]) for a in plan.actions for by in range(1, a.start + 1)]


def late(plan):
    return [(a, [shifted(a, by, by)]) for a in plan.actions for by in range(1, 9)]


def slow(plan):
    return [(a, [shifted(a, 0, by)]) for a in plan.actions for by in range(1, 9)]


def elsewhere(plan):
    """A VM is sent to a host that is not its own."""
    moves = [a for a in plan.actions if a.kind is Kind.MIGRATE]
    return [(a, [replace(a, target=h)]) for a in moves for h in range(HOSTS) if h not in (a.source, a.target)]


def left(plan):
    """An action is forgotten: a VM is left where it was."""
    return [(a, []) for a in plan.actions]


def passing(plan):
    """A VM visits another host and comes back."""
    found = []
    for vm in range(VMS):
        last = max((a for a in plan.actions if a.vm == vm), key=lambda a: a.end, default=None)
        home, time = (last.target, last.end + 1) if last else (int(plan.origin.vms.host[vm]), 0)
        seconds = plan.origin.duration(Kind.MIGRATE, vm)
        for host in EVERYWHERE - {home}:
            away = Action(Kind.MIGRATE, vm, home, host, time, time + seconds)
            back = Action(Kind.MIGRATE, vm, host, home, time + seconds + 1, time + 2 * seconds + 1)
            found.append((None, [away, back]))
    return found


def blinking(plan):
    """A host goes off and on again, or on and off again, when all else is over."""
    found, time = [], plan.makespan
    for host in EVERYWHERE:
        off = Action(Kind.SHUTDOWN_HOST, -1, host, host, time, time + 20)
        on = Action(Kind.BOOT_HOST, -1, host, host, time, time + 60)
        found += [(None, [off, shifted(on, 25, 25)]), (None, [on, shifted(off, 60, 60)])]
    return found


MEETING = early, late, slow, elsewhere, left, passing
STRAYING = elsewhere, passing
WAYS = {
    "spread": MEETING, "lazySpread": MEETING, "lonely": MEETING, "split": MEETING,
    "gather": (passing,), "root": (passing,), "among": STRAYING, "splitAmong": STRAYING, "fence": STRAYING,
    "ban": STRAYING, "quarantine": STRAYING,
    "overbook": MEETING, "resourceCapacity": MEETING, "runningCapacity": MEETING,
    "maxOnline": (early, late, slow, left, blinking), "online": (blinking,), "offline": (blinking,),
    "seq": (early, late, slow, passing), "noDelay": (late, passing), "deadline": (late, slow, passing),
    "precedence": (early, late, slow, passing), "serialize": (early, late, slow, passing),
    "sync": (early, late, slow, passing),
}  # fmt: skip
"""The ways of tampering that can break each constraint."""


def rules(instance, actions):
    """Names of the rules that a plan breaks."""
    plan = Plan(instance.model, tuple(sorted(actions, key=action_order)))
    return {violation.rule for violation in check_plan(instance, plan).violations}


@lru_cache(maxsize=4096)
def planned(build, name, seed):
    """An instance with one continuous constraint and a legal plan of two moves or more, if these placements allow."""
    draw = Draw(seed)
    rule = CATALOGUE[name](**RULES[name](draw), continuous=True)
    sizes = [(ROOM, ROOM)] * HOSTS, [(NEED, NEED)] * VMS
    model = build(*sizes, draw.start, online=draw.online, migrate=draw.seconds)
    instance = Instance(model, (rule,))
    try:
        plan = make_plan(Problem(instance), draw.goal, draw.wanted).plan
    except PlanningError:
        return None
    return (instance, plan) if plan.migrations > 1 and not rules(instance, plan.actions) else None


def tampered(found, way, random, *, broken):
    """What the checker says of a plan changed in one place so that its constraint is broken, or is not.

    None where no such change was found; only those that can be carried out count.
    """
    instance, plan = found
    (rule,) = instance.constraints
    changes = way(plan)
    random.shuffle(changes)
    for victim, instead in changes[:CHANGES]:
        actions = [*(a for a in plan.actions if a is not victim), *instead]
        if actions and WORDS[rule.id](rule, Seen(instance.model, actions)) == broken:
            said = rules(instance, actions)
            if not said & {"action", "duration", "capacity"}:
                return said
    return None


def first_tampered(build, name, way, seed):
    random = Random(seed)
    for _ in range(DRAWS):
        found = planned(build, name, random.randrange(10_000))
        said = tampered(found, way, random, broken=True) if found else None
        if said is not None:
            return said
    pytest.fail(f"no plan under {name} could be tampered with so")


def test_every_continuous_constraint_is_tampered_with():
    continuous = {name for name, kind in CATALOGUE.items() if "continuous" in kind.__dataclass_fields__}
    assert set(RULES) == set(WORDS) == set(WAYS) == continuous


@pytest.mark.parametrize(("name", "way"), [(n, w) for n, ways in WAYS.items() for w in ways])
@SOME
@given(seed=st.integers(0, 1000))
def test_what_breaks_a_constraint_on_the_way_is_seen(build, name, way, seed):
    assert name in first_tampered(build, name, way, seed)


@pytest.mark.parametrize("name", WAYS)
@SOME
@given(seed=st.integers(0, 1000))
def test_what_breaks_nothing_is_not_blamed(build, name, seed):
    found = planned(build, name, seed)
    for way in (early, late, slow, elsewhere, left, passing) if found else ():
        assert name not in (tampered(found, way, Random(seed), broken=False) or ())
