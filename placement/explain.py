"""Why a request cannot be met, or not in full: what blocks which VMs, and the smallest changes that would help."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from placement.constraints.base import Constraint
from placement.cpsat import Translation
from placement.draft import Draft
from placement.instance import Instance
from placement.model import BoolArray
from placement.problem import Problem
from placement.shortage import Shortage, shortages

NAMED = 20
"""VMs that are explained one by one; the others are counted."""
PAIRS = 6_000
"""Pairs of VM and host up to which relaxations are tried out with CP-SAT."""
TRIALS = 24
"""Constraints that are left out one at a time."""
EFFORT = 0.5


@dataclass(frozen=True)
class Blocked:
    """One VM without a host: how many hosts each reason excludes, and the largest room that is left for it."""

    vm: object
    hosts_excluded: dict[str, int]
    needs: dict[str, int]
    largest_room: dict[str, int]


@dataclass(frozen=True)
class Explanation:
    """What is contradictory or short, which VMs are blocked, and what would help."""

    conflicts: tuple[str, ...]
    shortages: tuple[str, ...]
    blocked: tuple[Blocked, ...]
    more_blocked: int
    remedies: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The explanation as a JSON object."""
        return {
            "conflicts": list(self.conflicts),
            "shortages": list(self.shortages),
            "blocked": [
                {
                    "vm": b.vm,
                    "hosts_excluded": b.hosts_excluded,
                    "needs": b.needs,
                    "largest_room": b.largest_room,
                }
                for b in self.blocked
            ],
            "more_blocked": self.more_blocked,
            "remedies": list(self.remedies),
        }


def explain(instance: Instance, problem: Problem, missing: Sequence[int], host: Sequence[int]) -> Explanation:
    """Explain why `missing` VMs have no host beside those placed at `host`; none missing means a proof without one."""
    draft = Draft(problem, host)
    for vm in missing:
        if draft.host[vm] >= 0:
            draft.remove(vm)
    found = shortages(problem, draft if not problem.moves else Draft(problem, [-1] * len(draft.host)))
    blocked = [_blocked(problem, draft, vm) for vm in missing[:NAMED]]
    remedies = _relaxations(instance, problem) if not problem.conflicts else []
    remedies += _more_hosts(problem, missing or [v for s in found for v in s.vms])
    remedies += _smaller(problem, draft, missing[:NAMED])
    reasons = [str(s) for s in _worst(found)]
    if missing and problem.moves and not found:
        reasons = [f"with the other VMs where they are: {s}" for s in _worst(shortages(problem, draft))]
    conflicts = tuple(dict.fromkeys(problem.conflicts))
    return Explanation(
        conflicts,
        tuple(reasons),
        tuple(blocked),
        max(0, len(missing) - NAMED),
        tuple(dict.fromkeys(remedies)),
    )


def _worst(found: Iterable[Shortage]) -> list[Shortage]:
    return sorted(found, key=lambda s: (s.available - s.needed, s.reason))[:NAMED]


def _blocked(problem: Problem, draft: Draft, vm: int) -> Blocked:
    """Count the hosts that each single reason excludes, and the room on those that constraints leave."""
    model = problem.model
    excluded: dict[str, int] = {}
    offline = int(problem.must_be_off.sum())
    if offline:
        excluded["offline"] = offline
    allowed: BoolArray = ~problem.must_be_off
    for constraint in problem.constraints_of(vm):
        alone = np.ones(model.n_hosts, dtype=np.bool_)
        constraint.mask(vm, draft, alone)
        if not alone.all():
            excluded[constraint.id] = max(excluded.get(constraint.id, 0), int((~alone).sum()))
        allowed &= alone
    needs, room = {}, {}
    for resource, need in enumerate(draft.need(vm)):
        name = model.resources[resource]
        needs[name] = need
        open_rows = draft.free[resource][allowed]
        room[name] = int(open_rows.max(initial=0))
        short = int((draft.free[resource] < need).sum())
        if short:
            excluded[name] = short
    return Blocked(model.vms.ids[vm], excluded, needs, room)


def _relaxations(instance: Instance, problem: Problem) -> list[str]:
    """Constraints without which a placement exists, tried one at a time on small problems, then one kind at a time."""
    if len(problem.running) * problem.model.n_hosts > PAIRS:
        return []
    whole = instance.constraints
    single = [c for c in whole if not _feasible_with(instance, (c,), problem)] if len(whole) <= TRIALS else list(whole)
    found = []
    for constraint in single[:TRIALS]:
        rest = tuple(c for c in whole if c is not constraint)
        if _feasible_with(instance, rest, problem):
            found.append(f"relax {describe(constraint, instance)}")
    if not found:
        for name in sorted({c.id for c in whole}):
            rest = tuple(c for c in whole if c.id != name)
            if _feasible_with(instance, rest, problem):
                found.append(f"relax all constraints of kind {name}")
    return found


def _feasible_with(instance: Instance, constraints: tuple[Constraint, ...], problem: Problem) -> bool:
    trial = Problem(replace(instance, constraints=constraints), moves=problem.moves)
    if trial.conflicts:
        return False
    start = [h if runs else -1 for h, runs in zip(trial.start, trial.runs.tolist(), strict=True)]
    free = [v for v in trial.running if trial.moves or trial.start[v] < 0]
    return Translation(Draft(trial, start), free).solve(EFFORT).host is not None


def describe(constraint: Constraint, instance: Instance) -> str:
    """A constraint with the first of its VMs or hosts."""
    vms = [str(instance.model.vms.ids[v]) for v in constraint.involved()]
    if vms:
        more = f" and {len(vms) - 3} more" if len(vms) > 3 else ""
        return f"{constraint.id} on VM {', '.join(vms[:3])}{more}"
    host = getattr(constraint, "host", None)
    if host is not None:
        return f"{constraint.id} on host {instance.model.hosts.ids[host]}"
    return f"{constraint.id} on {len(getattr(constraint, 'hosts', ()))} hosts"


def _more_hosts(problem: Problem, vms: Sequence[int]) -> list[str]:
    """How many hosts of each class would take the VMs, by first fit of the largest."""
    model = problem.model
    if not vms:
        return []
    classes: dict[tuple[int, ...], int] = {}
    for host in range(model.n_hosts):
        classes.setdefault(tuple(model.usable[:, host].tolist()), host)
    found = []
    for capacity, example in sorted(classes.items(), reverse=True)[:5]:
        count = _bins(problem, vms, capacity)
        if count:
            what = ", ".join(f"{amount} {name}" for amount, name in zip(capacity, model.resources, strict=True))
            plural = "hosts" if count > 1 else "host"
            found.append(f"add {count} {plural} like {model.hosts.ids[example]} ({what}), open to these VMs")
    return found


def _bins(problem: Problem, vms: Sequence[int], capacity: Sequence[int]) -> int:
    bins: list[list[int]] = []
    for vm in sorted(vms, key=lambda v: (-int(problem.need[:, v].max(initial=0)), v)):
        need = problem.need[:, vm].tolist()
        if any(n > c for n, c in zip(need, capacity, strict=True)):
            return 0
        for room in bins:
            if all(n <= r for n, r in zip(need, room, strict=True)):
                break
        else:
            room = list(capacity)
            bins.append(room)
        room[:] = [r - n for r, n in zip(room, need, strict=True)]
    return len(bins)


def _smaller(problem: Problem, draft: Draft, missing: Sequence[int]) -> list[str]:
    """The size at which a VM would fit, on the host where least is lacking."""
    found = []
    for vm in missing:
        allowed = np.flatnonzero(draft.permit(vm, ~problem.must_be_off))
        need = np.array(draft.need(vm), dtype=np.float64)
        if not len(allowed) or not len(need):
            continue
        room = np.array([row[allowed] for row in draft.free])
        lacking = (np.maximum(need[:, None] - room, 0) / np.maximum(need[:, None], 1)).max(axis=0)
        best = int(lacking.argmin())
        if 0 < lacking[best] < 1:
            parts = [
                f"{int(r)} instead of {int(n)} {name}"
                for r, n, name in zip(room[:, best], need, problem.model.resources, strict=True)
                if r < n
            ]
            ids = problem.model
            found.append(
                f"give VM {ids.vms.ids[vm]} {', '.join(parts)}: it then fits on host {ids.hosts.ids[allowed[best]]}"
            )
    return found
