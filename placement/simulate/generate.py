"""Workloads from distributions: `python -m placement.simulate.generate OUT.lwf ...` (see docs/leases.md)."""

import math
import random
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from placement.leases import Kind, LeaseError, NodeGroup, Request, Site, equal_hosts, resources
from placement.simulate.lwf import read_lwf, write_lwf
from placement.simulate.options import Options
from placement.simulate.workload import Arrival, Workload, WorkloadError, in_order

Draw = Callable[[random.Random], float]

_MAKERS: dict[str, tuple[int, Callable[..., Draw]]] = {
    "constant": (1, lambda value: lambda _: value),
    "uniform": (2, lambda low, high: lambda source: source.uniform(low, high)),
    "exponential": (1, lambda mean: lambda source: source.expovariate(1 / mean)),
    "normal": (2, lambda mean, deviation: lambda source: source.gauss(mean, deviation)),
    "lognormal": (2, lambda mu, sigma: lambda source: source.lognormvariate(mu, sigma)),
}


def parse_distribution(text: str) -> Draw:
    """A distribution from text, as `uniform:1:4`.

    `constant:V`, `uniform:LOW:HIGH`, `exponential:MEAN`, `normal:MEAN:DEVIATION`, `lognormal:MU:SIGMA`, `choice:A:B:…`.

    Raises:
        WorkloadError: the name is unknown or the numbers are not what it needs.
    """
    name, *words = text.split(":")
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise WorkloadError(f"distribution {text!r}: {error}; write for instance exponential:600") from error
    if not all(math.isfinite(number) for number in numbers):
        raise WorkloadError(f"distribution {text!r}: all numbers must be finite")
    if name == "choice" and numbers:
        return lambda source: source.choice(numbers)
    count, make = _MAKERS.get(name, (-1, lambda: lambda _: 0.0))
    if count != len(numbers) or (name == "exponential" and numbers[0] <= 0):
        known = ", ".join([*_MAKERS, "choice"])
        raise WorkloadError(f"distribution {text!r} is unknown or has the wrong numbers; use one of {known}")
    drawn: Draw = make(*numbers)
    return drawn


@dataclass(frozen=True, slots=True)
class Recipe:
    """How best-effort leases are drawn: time between arrivals (s), nodes, duration (s), real share of it (0 to 1)."""

    leases: int
    arrival: Draw
    nodes: Draw
    duration: Draw
    real: Draw
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Injection:
    """Advance leases added to a workload: they take `share` of the CPU time that it asks for.

    `nodes` and `duration` (s) are drawn for each; `notice` is the time from submission to start, s.
    """

    share: float
    nodes: Draw
    duration: Draw
    notice: int
    seed: int = 0


def generate(recipe: Recipe, site: Site) -> Workload:
    """Preemptible best-effort leases, each node a full host of the site."""
    source = random.Random(recipe.seed)  # noqa: S311 (a workload, no secret)
    needs, time = site.hosts[0].capacity, 0.0
    arrivals = []
    for number in range(1, recipe.leases + 1):
        time += max(0.0, recipe.arrival(source))
        nodes = min(max(1, round(recipe.nodes(source))), len(site.hosts))
        duration = max(1, round(recipe.duration(source)))
        real = min(duration, max(1, round(duration * recipe.real(source))))
        groups = (NodeGroup(nodes, needs),)
        request = Request(str(number), Kind.BEST_EFFORT, groups, duration, preemptible=True)
        arrivals.append(Arrival(round(time), request, real))
    return Workload("generated", tuple(arrivals), site, rules={"format": "generated", "seed": recipe.seed})


def inject(workload: Workload, injection: Injection) -> Workload:
    """The workload with advance leases spread evenly over it, until they take their share of its CPU time."""
    source = random.Random(injection.seed)  # noqa: S311 (a workload, no secret)
    if workload.site is None or not workload.arrivals:
        raise WorkloadError(f"workload {workload.name}: advance leases need its site and at least one lease")
    asked = sum(a.request.nodes * (a.request.duration or 0) for a in workload.arrivals)
    horizon = max(arrival.time for arrival in workload.arrivals)
    needs, most = workload.site.hosts[0].capacity, len(workload.site.hosts)
    wanted, sizes = injection.share * asked, []
    while wanted > 0:
        nodes = min(max(1, round(injection.nodes(source))), most)
        duration = max(1, round(injection.duration(source)))
        sizes.append((nodes, duration))
        wanted -= nodes * duration
    first = 1 + max((int(a.request.id) for a in workload.arrivals if a.request.id.isdecimal()), default=0)
    added = []
    for place, (nodes, duration) in enumerate(sizes):
        time = round(horizon * (place + source.random()) / len(sizes))
        request = Request(
            str(first + place), Kind.ADVANCE, (NodeGroup(nodes, needs),), duration, start=time + injection.notice
        )
        added.append(Arrival(time, request))
    rules = {**workload.rules, "injected": len(added), "share": injection.share}
    return replace(workload, arrivals=in_order([*workload.arrivals, *added]), rules=rules)


def parser() -> Options:
    """The options of the generator."""
    found = Options("python -m placement.simulate.generate", description="Generate a workload of leases.")
    add = found.add_argument
    add("out", type=Path, metavar="OUT.lwf")
    add("--base", type=Path, metavar="LWF", help="add advance leases to this workload instead of drawing leases")
    add("--leases", type=int, default=100)
    add("--hosts", type=int, default=16)
    add("--seed", type=int, default=0)
    add("--arrival", default="exponential:600", help="seconds between arrivals")
    add("--nodes", default="uniform:1:4")
    add("--duration", default="lognormal:8:1", help="seconds")
    add("--real", default="constant:1", help="real duration as a share of the requested one")
    add("--advance", type=float, default=0.0, metavar="SHARE", help="share of the CPU time for advance leases")
    add("--advance-nodes", default="uniform:1:4")
    add("--advance-duration", default="constant:3600", help="seconds")
    add("--notice", type=int, default=86400, help="seconds from submission to start of advance leases")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write a workload; 0, or 2 after one line on standard error."""
    options = parser().parse_args(arguments)
    try:
        write_lwf(_make(options), options.out)
    except (LeaseError, OSError) as error:
        print(f"placement.simulate.generate: {error}", file=sys.stderr)  # noqa: T201 (a command's output)
        return 2
    return 0


def _make(options: Namespace) -> Workload:
    if options.leases < 1 or options.hosts < 1 or options.advance < 0 or options.notice < 0:
        raise WorkloadError("--leases and --hosts are at least 1, --advance and --notice are not negative")
    if options.base:
        workload = read_lwf(options.base)
    else:
        draws = {name: parse_distribution(getattr(options, name)) for name in ("arrival", "nodes", "duration", "real")}
        recipe = Recipe(leases=options.leases, seed=options.seed, **draws)
        workload = generate(recipe, equal_hosts(options.hosts, resources(cpu=100, memory=1024)))
    if not options.advance:
        return workload
    nodes, duration = parse_distribution(options.advance_nodes), parse_distribution(options.advance_duration)
    return inject(workload, Injection(options.advance, nodes, duration, options.notice, options.seed))


if __name__ == "__main__":
    sys.exit(main())
