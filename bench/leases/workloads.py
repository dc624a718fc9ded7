"""Workloads for the benches: mixed leases, a batch trace, future advance leases."""

import random

from placement.leases import Kind, NodeGroup, Request, Site, equal_hosts, resources
from placement.simulate.workload import Arrival, Workload, in_order

NODE = resources(cpu=100, memory=1024)
HOST = resources(cpu=400, memory=4096)
DAY = 86400


def mixed(leases: int, hosts: int, most: int = 40, seed: int = 1) -> tuple[Workload, Site]:
    """Best-effort (half), advance and deadline leases (a quarter each), 1 to `most` nodes, at about 80 % load."""
    source = random.Random(seed)
    site = equal_hosts(hosts, HOST)
    mean_area = (most + 1) / 2 * 5400
    gap = mean_area / (0.8 * hosts * 4)
    time, arrivals = 0.0, []
    for number in range(leases):
        time += source.expovariate(1 / gap)
        arrivals.append(_mixed_arrival(source, number, int(time), most))
    return Workload(f"mixed {leases}", in_order(arrivals), site), site


def _mixed_arrival(source: random.Random, number: int, now: int, most: int) -> Arrival:
    kind = source.choice([Kind.BEST_EFFORT, Kind.BEST_EFFORT, Kind.ADVANCE, Kind.DEADLINE])
    duration = source.randint(1800, 9000)
    start = deadline = None
    if kind is not Kind.BEST_EFFORT:
        start = now + source.randint(0, DAY)
    if kind is Kind.DEADLINE and start is not None:
        deadline = start + int(duration * source.uniform(1.2, 5))
    request = Request(
        id=str(number),
        kind=kind,
        groups=(NodeGroup(source.randint(1, most), NODE),),
        duration=duration,
        start=start,
        deadline=deadline,
        preemptible=kind is Kind.BEST_EFFORT,
    )
    real = max(1, int(duration * source.uniform(0.3, 1))) if kind is Kind.BEST_EFFORT else None
    return Arrival(now, request, real)


def trace(jobs: int, hosts: int, days: int, load: float, seed: int = 1) -> tuple[Workload, Site]:
    """A batch trace like those of the archive: nodes in powers of two, log-normal run times, loose requested times.

    Run times are scaled so that the jobs take `load` of what the hosts have in `days`.
    """
    source = random.Random(seed)
    site = equal_hosts(hosts, resources(cpu=100))
    sizes = [min(hosts, source.choice([1, 1, 1, 2, 4, 8, 8, 16, 32, 64, 128])) for _ in range(jobs)]
    lengths = [min(source.lognormvariate(7, 1.8), 100_000) for _ in range(jobs)]
    scale = load * hosts * days * DAY / sum(n * t for n, t in zip(sizes, lengths, strict=True))
    arrivals = []
    for number, (nodes, length) in enumerate(zip(sizes, lengths, strict=True)):
        run = max(1, min(int(length * scale), 36 * 3600))
        wanted = min(36 * 3600, int(run * source.choice([1, 1.2, 2, 4, 10])) + 1)
        groups = (NodeGroup(nodes, resources(cpu=100)),)
        request = Request(str(number), Kind.BEST_EFFORT, groups, wanted, preemptible=True)
        arrivals.append(Arrival(int(source.uniform(0, days * DAY)), request, run))
    return Workload(f"{jobs} jobs, {days} days", in_order(arrivals), site), site


def future_leases(count: int, seed: int = 1, most: int = 100) -> list[Request]:
    """Advance leases over the next 30 days, one to `most` nodes, one to four hours."""
    source = random.Random(seed)
    return [
        Request(
            id=f"f{number}",
            kind=Kind.ADVANCE,
            groups=(NodeGroup(source.randint(1, most), NODE),),
            duration=source.randint(3600, 4 * 3600),
            start=source.randint(60, 30 * DAY),
        )
        for number in range(count)
    ]
