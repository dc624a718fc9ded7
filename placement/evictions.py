"""The cheapest sets of VMs that must leave each troubled host: a proven lower bound, and the first step of a repair.

On a host that is overloaded, closes or holds VMs that exclude one another, any legal placement keeps a legal subset of
the VMs that are there. The cheapest complement is found by trying all subsets (a few VMs per host), or bounded by a
fractional knapsack where there are too many. Summed over hosts this bounds the cost of moves from below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from placement.constraints.spread import Spread
from placement.costs import Costs
from placement.draft import Draft
from placement.model import IntArray
from placement.problem import Problem
from placement.trajectory import State

OPTIONS = 6
"""Eviction sets kept per host."""
LARGEST_TABLE = 14
"""VMs on a host beyond which not all subsets are tried."""


@dataclass(frozen=True)
class Eviction:
    """Sets of VMs that may leave a host, the cheapest first, each with its cost; `bound` is below them all.

    `extra[v]` is how much more it costs at least if VM v is among those that leave.
    """

    host: int
    bound: int
    options: tuple[tuple[int, tuple[int, ...]], ...]
    extra: dict[int, int]


def troubled(problem: Problem, draft: Draft) -> tuple[dict[int, set[int]], set[int]]:
    """Hosts from which somebody must leave, each with the VMs that cannot stay; and VMs of violated constraints.

    `draft` is the placement at the start. A VM cannot stay where its own constraints forbid the host whatever the
    others do.
    """
    forced: dict[int, set[int]] = {}
    for row in draft.free:
        for host in np.flatnonzero(row < 0).tolist():
            forced.setdefault(host, set())
    for host in np.flatnonzero(problem.must_be_off & (draft.count > 0)).tolist():
        forced.setdefault(host, set()).update(draft.guests[host])
    suspects = _suspects(problem, draft)
    empty = Draft(problem, [-1] * len(draft.host))
    for vm in sorted(suspects):
        host = draft.host[vm]
        if host < 0:
            continue
        if not empty.permit(vm, np.ones(problem.model.n_hosts, dtype=np.bool_))[host]:
            forced.setdefault(host, set()).add(vm)
    return forced, suspects


def _suspects(problem: Problem, draft: Draft) -> set[int]:
    """VMs named by constraints, or on hosts named by them, that the placement violates."""
    online = [bool(on) and not off for on, off in zip(problem.model.hosts.online, problem.must_be_off, strict=True)]
    state = State(problem.model, draft.host, problem.target.tolist(), online, problem.need)
    found: set[int] = set()
    for constraint in problem.constraints:
        if constraint.everywhere or problem_has_mask(constraint):
            if next(constraint.check(state), None) is None:
                continue
            found.update(constraint.involved())
            for host in getattr(constraint, "hosts", ()):
                found.update(draft.guests[host])
    return {v for v in found if problem.runs[v]}


def problem_has_mask(constraint: object) -> bool:
    """Whether a constraint restricts where VMs go."""
    from placement.constraints.base import Constraint  # noqa: PLC0415

    return type(constraint).mask is not Constraint.mask  # type: ignore[attr-defined]


def rivals(problem: Problem, suspects: set[int], draft: Draft) -> dict[int, list[tuple[int, int]]]:
    """Pairs of VMs on each host that exclude one another (spread)."""
    pairs: dict[int, list[tuple[int, int]]] = {}
    for constraint in problem.constraints:
        if isinstance(constraint, Spread) and suspects.issuperset(v for v in constraint.vms if problem.runs[v]):
            for a, b in combinations(constraint.vms, 2):
                if draft.host[a] == draft.host[b] >= 0:
                    pairs.setdefault(draft.host[a], []).append((a, b))
    return pairs


def evictions(problem: Problem, costs: Costs, draft: Draft) -> tuple[list[Eviction], set[int]]:
    """What must leave each troubled host, and the VMs of violated constraints."""
    forced, suspects = troubled(problem, draft)
    exclusive = rivals(problem, suspects, draft) if suspects else {}
    for host in exclusive:
        forced.setdefault(host, set())
    found = []
    for host in sorted(forced):
        vms = sorted(draft.guests[host])
        price = np.array([costs.move[v] - costs.stay[v] for v in vms], dtype=np.int64)
        price = np.maximum(price, 0)
        capacity = problem.limit[:, host]
        if len(forced[host]) == len(vms):
            found.append(Eviction(host, int(price.sum()), ((int(price.sum()), tuple(vms)),), dict.fromkeys(vms, 0)))
        elif len(vms) <= LARGEST_TABLE:
            found.append(_by_table(problem, host, vms, price, capacity, forced[host], exclusive.get(host, [])))
        else:
            found.append(_by_ratio(problem, host, vms, price, capacity, forced[host], exclusive.get(host, [])))
    return found, suspects


_TABLES: dict[int, np.ndarray] = {}


def _subsets(count: int) -> np.ndarray:
    """(2^count, count) all subsets as rows of 0 and 1."""
    if count not in _TABLES:
        _TABLES[count] = (np.arange(1 << count)[:, None] >> np.arange(count)) & 1
    return _TABLES[count]


def _by_table(  # noqa: PLR0917
    problem: Problem,
    host: int,
    vms: list[int],
    price: IntArray,
    capacity: IntArray,
    forced: set[int],
    exclusive: Sequence[tuple[int, int]],
) -> Eviction:
    leave = _subsets(len(vms))
    need = problem.need[:, vms]
    legal = ((need.sum(axis=1) - leave @ need.T) <= capacity).all(axis=1)
    position = {v: n for n, v in enumerate(vms)}
    for vm in forced:
        legal &= leave[:, position[vm]] == 1
    for a, b in exclusive:
        legal &= (leave[:, position[a]] | leave[:, position[b]]) == 1
    rows = np.flatnonzero(legal)
    cost = leave[rows] @ price
    size = leave[rows] @ need.sum(axis=0)
    order = np.lexsort((rows, size, leave[rows].sum(axis=1), cost))
    rows, cost = rows[order], cost[order]
    options = []
    for row, value in zip(rows[:OPTIONS].tolist(), cost[:OPTIONS].tolist(), strict=True):
        options.append((value, tuple(v for n, v in enumerate(vms) if row >> n & 1)))
    bound = int(cost[0])
    chosen = leave[rows].astype(np.bool_)
    extra = {v: int(cost[chosen[:, n]].min(initial=1 << 60)) - bound for n, v in enumerate(vms)}
    return Eviction(host, bound, tuple(options), extra)


def _by_ratio(  # noqa: PLR0917
    problem: Problem,
    host: int,
    vms: list[int],
    price: IntArray,
    capacity: IntArray,
    forced: set[int],
    exclusive: Sequence[tuple[int, int]],
) -> Eviction:
    """One greedy eviction set and the fractional knapsack bound of each resource, for hosts with many VMs."""
    cost = {v: int(p) for v, p in zip(vms, price, strict=True)}
    gone = set(forced)
    for a, b in exclusive:
        if a not in gone and b not in gone:
            gone.add(min(a, b, key=lambda v: (cost[v], v)))
    bound = sum(cost[v] for v in forced)
    base_excess = problem.need[:, [v for v in vms if v not in forced]].sum(axis=1) - capacity
    for resource, excess in enumerate(base_excess.tolist()):
        bound = max(bound, sum(cost[v] for v in forced) + _fractional(problem.need[resource], cost, forced, excess))
    excess = problem.need[:, [v for v in vms if v not in gone]].sum(axis=1) - capacity
    while (excess > 0).any():
        worst = int((excess / np.maximum(capacity, 1)).argmax())
        rest = [v for v in vms if v not in gone and problem.need[worst, v] > 0]
        best = min(rest, key=lambda v: (cost[v] / min(problem.need[worst, v], excess[worst]), v))
        gone.add(best)
        excess = excess - problem.need[:, best]
    total = sum(cost[v] for v in gone)
    return Eviction(host, bound, ((total, tuple(sorted(gone))),), dict.fromkeys(vms, 0))


def _fractional(need: IntArray, cost: dict[int, int], forced: set[int], excess: int) -> int:
    """Least cost of parts of VMs whose need adds up to an excess, rounded up."""
    total = 0.0
    for vm in sorted((v for v in cost if v not in forced and need[v] > 0), key=lambda v: cost[v] / need[v]):
        if excess <= 0:
            break
        share = min(1.0, excess / float(need[vm]))
        total += share * cost[vm]
        excess -= int(need[vm])
    return int(np.ceil(total - 1e-6))
