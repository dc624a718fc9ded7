"""The independent verdict on a plan: it is replayed event by event, and every constraint is asked about every instant.

Shares the model and the constraints' statements with the search, and no other code. Call it on every plan before
anyone carries it out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from placement.constraints.killed import Killed
from placement.constraints.overbook import Overbook
from placement.constraints.ready import Ready
from placement.constraints.running import Running
from placement.constraints.sleeping import Sleeping
from placement.instance import Instance
from placement.model import Action, Model, Plan, VmState
from placement.replay import Replay
from placement.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong, by which rule, from which time on (s)."""

    rule: str
    time: int
    message: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.time} s: {self.message}"


@dataclass(frozen=True)
class Verdict:
    """All violations of a plan, and where it leads (absent where it cannot even be replayed)."""

    violations: tuple[Violation, ...]
    path: Trajectory | None

    @property
    def legal(self) -> bool:
        """Whether nothing is wrong."""
        return not self.violations


def check_plan(instance: Instance, plan: Plan) -> Verdict:
    """Judge a plan for an instance; the plan's own origin is compared with the instance's model."""
    if not _same_start(instance.model, plan.origin):
        return Verdict((Violation("origin", 0, "the plan starts from another state than the instance"),), None)
    replay = Replay(instance.model, plan.actions, *_limits(instance))
    path = replay.run()
    found = [Violation(rule, time, text) for rule, time, text in replay.faults]
    found += _final_states(instance, path)
    for constraint in instance.constraints:
        found += [Violation(constraint.id, plan.makespan, text) for text in constraint.check(path.final)]
        if constraint.continuous:
            found += [Violation(constraint.id, time, text) for time, text in constraint.check_plan(path)]
    return Verdict(tuple(sorted(found, key=lambda v: (v.time, v.rule, v.message))), path)


def check_start(instance: Instance) -> list[Violation]:
    """Which constraints the initial state violates."""
    verdict = check_plan(instance, Plan(instance.model, ()))
    return list(verdict.violations)


def _same_start(one: Model, other: Model) -> bool:
    return one is other or (
        one.hosts.ids == other.hosts.ids
        and one.vms.ids == other.vms.ids
        and one.resources == other.resources
        and bool((one.vms.host == other.vms.host).all())
        and bool((one.vms.state == other.vms.state).all())
        and bool((one.hosts.online == other.hosts.online).all())
        and bool((one.vms.demand == other.vms.demand).all())
        and bool((one.hosts.capacity == other.hosts.capacity).all())
    )


def _limits(instance: Instance) -> tuple[list[list[int]], list[list[int]]]:
    """Per resource and host: what may be used at every instant, and at the end.

    An overbooking constraint replaces the usable capacity at the end; on the way the larger of both holds.
    """
    usable = instance.model.usable.tolist()
    final = [row.copy() for row in usable]
    stated: set[tuple[int, int]] = set()
    for constraint in instance.constraints:
        if isinstance(constraint, Overbook):
            r, h = constraint.resource, constraint.host
            limit = constraint.limit(instance.model)
            final[r][h] = min(limit, final[r][h]) if (r, h) in stated else limit
            stated.add((r, h))
    instant = [[max(a, b) for a, b in zip(*rows, strict=True)] for rows in zip(usable, final, strict=True)]
    return instant, final


STATE_RULES = (Running, Ready, Sleeping, Killed)


def _final_states(instance: Instance, path: Trajectory) -> Iterator[Violation]:
    """VMs that nobody asked to change state keep it: nothing is lost."""
    asked = {c.vm for c in instance.constraints if isinstance(c, STATE_RULES)}
    names = instance.model.vms.ids
    for vm, (before, after) in enumerate(zip(path.initial.status, path.final.status, strict=True)):
        if before != after and vm not in asked:
            text = f"VM {names[vm]} was {_name(before)} and is {_name(after)} at the end, which nobody asked for"
            yield Violation("state", _last(path.actions.get(vm, ())), text)
    short = (path.final.demand < instance.model.vms.want) & (np.asarray(path.final.at) >= 0)
    for resource, vm in np.argwhere(short).tolist():
        has, want = path.final.demand[resource, vm], instance.model.vms.want[resource, vm]
        text = f"VM {names[vm]} has {has} of {instance.model.resources[resource]} at the end, it wants {want}"
        yield Violation("demand", _last(path.actions.get(vm, ())), text)


def _name(state: int) -> str:
    return VmState(state).name.lower()


def _last(actions: Sequence[Action]) -> int:
    return max((a.end for a in actions), default=0)
