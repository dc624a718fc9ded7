"""Measure the nastiest reconfigurations: random permutations of 1,000 hosts at 80 to 97 % load, and known optima.

Only the order of the moves is asked for, the placement is given. `optimum reached` means that the makespan equals the
proven bound, or that CP-SAT refuted every shorter one. Planted cases and chains are instances whose optimum is known by
construction; chains are rows of full hosts with one empty host at the end, where each move waits for the next one.
Seconds are CPU time.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.placement.__main__ import machine
from bench.placement.planted import planted
from placement.answer import detours
from placement.checker import check_plan
from placement.constraints.fence import Fence
from placement.generate import Recipe, generate
from placement.instance import Instance
from placement.model import VM_KINDS, Kind, Model
from placement.planner import make_plan
from placement.problem import Problem

CASES = ((0.8, 1430), (0.85, 1700), (0.9, 2000), (0.93, 2500), (0.95, 3000), (0.97, 3000))
"""Load and number of moves."""
HEAD = """# Placement: the nastiest reconfigurations

Written by `python -m bench.placement.shuffles`. {machine}
Seconds are CPU time of one process; figures are median / 95th percentile over {seeds} seeds. The bound is one for
plans in which no VM moves twice; where a plan has detours it is the weaker one for all plans that suspend nobody. Of
planted cases and chains the bound is the optimum, known by construction (`bench/placement/planted.py`).

| case | moves | legal | plan, s | makespan, s | makespan / bound | optimum reached | detours |
|---|---|---|---|---|---|---|---|
{rows}
"""


@dataclass(frozen=True)
class Outcome:
    moves: int
    legal: bool
    seconds: float
    makespan: int
    bound: int
    detours: int


def measured(instance: Instance, optimum: int = 0) -> Outcome:
    problem = Problem(instance)
    host = list(problem.start)
    for rule in instance.constraints:
        if isinstance(rule, Fence):
            host[rule.vm] = min(rule.hosts)
    begun = time.process_time()
    planned = make_plan(problem, host, problem.model.hosts.online.tolist())
    seconds = time.process_time() - begun
    plan = planned.plan
    moves = sum(one != other for one, other in zip(problem.start, host, strict=True))
    legal = check_plan(instance, plan).legal
    return Outcome(moves, legal, seconds, plan.makespan, max(optimum, planned.makespan_bound), detours(plan))


def chains(rows: int, length: int, seed: int) -> Instance:
    """Rows of full hosts, one VM each, that all move one host on; the optimum is the sum of the longest row."""
    plain = generate(Recipe("shuffle", hosts=rows * (length + 1), load=0.01, moves=0, seed=seed))
    random = np.random.default_rng(seed)
    count = rows * length
    home = np.array([row * (length + 1) + n for row in range(rows) for n in range(length)])
    seconds = np.ones((len(VM_KINDS), count), dtype=np.int64)
    seconds[VM_KINDS.index(Kind.MIGRATE)] = 9 * random.integers(1, 4, count)
    zeros = np.zeros(count, dtype=np.int64)
    demand = np.repeat(plain.model.hosts.capacity[:, :1], count, axis=1)
    vms = replace(
        plain.model.vms, ids=tuple(range(count)), demand=demand, want=demand.copy(), state=zeros + 1, host=home,
        memory=demand[0], hot_size=zeros, hot_seconds=zeros, cold_rate=np.zeros(count), seconds=seconds,
    )  # fmt: skip
    model = Model(plain.model.resources, plain.model.hosts, vms)
    return Instance(model, tuple(Fence(v, frozenset({int(at) + 1})) for v, at in enumerate(home)))


def row(name: str, outcomes: list[Outcome]) -> str:
    def spread(values: list[float], digits: int) -> str:
        return f"{np.median(values):.{digits}f} / {np.percentile(values, 95):.{digits}f}"

    cells = [
        name,
        f"{int(np.median([o.moves for o in outcomes])):,}",
        f"{sum(o.legal for o in outcomes)} of {len(outcomes)}",
        spread([o.seconds for o in outcomes], 2),
        spread([o.makespan for o in outcomes], 0),
        spread([o.makespan / o.bound for o in outcomes], 3),
        f"{sum(o.makespan == o.bound for o in outcomes)} of {len(outcomes)}",
        spread([o.detours for o in outcomes], 0),
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("docs/bench-shuffles.md"))
    options = parser.parse_args()
    seeds = range(1, options.seeds + 1)
    rows = []
    for load, moves in CASES:
        recipes = [Recipe("shuffle", hosts=1000, load=load, moves=moves, seed=seed) for seed in seeds]
        rows.append(row(f"shuffle, {load:.0%} load", [measured(generate(recipe)) for recipe in recipes]))
        print(rows[-1], flush=True)
    for load, moves in CASES:
        cases = [planted(load, moves, seed) for seed in seeds]
        rows.append(row(f"planted, {load:.0%} load", [measured(case.instance, case.optimum) for case in cases]))
        print(rows[-1], flush=True)
    rows.append(row("50 chains of 29 moves", [measured(chains(50, 29, seed)) for seed in seeds]))
    options.out.write_text(HEAD.format(machine=machine(), seeds=options.seeds, rows="\n".join(rows)))
    print(rows[-1])


if __name__ == "__main__":
    main()
