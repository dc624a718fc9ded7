"""`make bench-leases`: the figures to reach, measured in CPU seconds of one process each, written to docs/."""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from bench.leases.workloads import HOST, future_leases, mixed, trace
from placement.leases import Accepted, Backfilling, Overheads, Scheduler, Settings, Suspension, equal_hosts
from placement.simulate.engine import simulate

DOCS = Path(__file__).resolve().parents[2] / "docs"
GROWTH = (1_000, 3_000, 10_000, 30_000, 100_000)
SUSPENDING = Settings(
    backfilling=Backfilling(1), suspension=Suspension.ALL, overheads=Overheads(suspend_rate=32, resume_rate=32)
)


def measure_mixed(leases: int, hosts: int = 1000, most: int = 40) -> dict[str, float]:
    """Simulate mixed leases from the first to the last second."""
    workload, site = mixed(leases, hosts, most)
    scheduler = Scheduler(site, SUSPENDING)
    began = time.process_time()
    outcome = simulate(workload, site, scheduler)
    seconds = time.process_time() - began
    states = [lease.state.value for lease in outcome.leases]
    return {"cpu_s": seconds, "rss_mib": peak(), "done": states.count("done"), "rejected": states.count("rejected")}


def measure_admission(future: int, hosts: int = 1000, probes: int = 300) -> dict[str, float]:
    """The time of the whole answer to an advance request with `future` others in the calendar.

    Requests ask for 1 to 2,000 of 4,000 places, so that many are refused; a refusal has its alternatives.
    """
    scheduler = Scheduler(equal_hosts(hosts, HOST))
    for request in future_leases(future):
        scheduler.submit(request, 0, offers=False)
    times, refused, offers = [], [], 0
    for request in future_leases(probes, seed=2, most=2000):
        probe = replace(request, id=f"probe-{request.id}")
        began = time.process_time()
        answer = scheduler.submit(probe, 0)
        times.append((time.process_time() - began) * 1000)
        if isinstance(answer, Accepted):
            scheduler.cancel(probe.id, 0)
        else:
            refused.append(times[-1])
            offers += len(answer.alternatives)
    return {
        "p50_ms": quantile(times, 0.5),
        "p99_ms": quantile(times, 0.99),
        "refused_p50_ms": quantile(refused, 0.5),
        "reservations": len(scheduler.table),
        "refused": len(refused) / probes,
        "alternatives": offers / len(refused),
        "rss_mib": peak(),
    }


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    return sorted(values)[int(len(values) * share)]


def measure_trace(jobs: int = 5000) -> dict[str, float]:
    """A 30-day trace on 144 hosts with aggressive backfilling."""
    workload, site = trace(jobs, 144, 30, 0.85)
    scheduler = Scheduler(site, Settings(backfilling=Backfilling(1)))
    began = time.process_time()
    outcome = simulate(workload, site, scheduler)
    seconds = time.process_time() - began
    longest = max(value for _, value in outcome.queued)
    return {"cpu_s": seconds, "rss_mib": peak(), "done": len(outcome.leases), "longest_queue": longest}


def peak() -> float:
    """The most memory this process has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(name: str, *arguments: int) -> dict[str, float]:
    """Run one measurement in a process of its own, so that memory is its own too."""
    command = [sys.executable, "-m", "bench.leases", name, *map(str, arguments)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    print(name, *arguments, result, flush=True)
    return result


def page(
    rows: list[tuple[str, str, str]], admission: dict[str, float], growth: list[tuple[int, dict[str, float]]]
) -> str:
    """The page for docs/."""
    share, offers = admission["refused"], admission["alternatives"]
    lines = [
        "# Bench: leases",
        "",
        "`make bench-leases` writes this page. CPU seconds of one process; each row ran in a process of its own.",
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}.",
        "",
        "| what | to reach | measured |",
        "|---|---|---|",
        *(f"| {what} | {goal} | {found} |" for what, goal, found in rows),
        "",
        "Workloads (`bench/leases/workloads.py`): *mixed* is half best effort, a quarter advance, a quarter deadline,",
        "1 to 40 nodes, 30 minutes to 2.5 hours, at about 80 % load, with suspension at 32 MB/s; the *trace* has 144",
        "hosts at 85 % load with loose requested times; *admission* asks for 1 to 2,000 of 4,000 places at 45 % load:",
        f"{share:.0%} of the requests are refused, and each with {offers:.1f} alternatives found and tried out.",
        "",
        "## Growth",
        "",
        "Mixed leases of 1 to 4 nodes on 100 hosts at the same load, from one thousand to a hundred thousand:",
        "",
        "| leases | CPU s | ms per lease | MiB |",
        "|---|---|---|---|",
        *(f"| {n:,} | {r['cpu_s']:.1f} | {r['cpu_s'] / n * 1000:.2f} | {r['rss_mib']:.0f} |" for n, r in growth),
        "",
        "![CPU seconds over the number of leases](bench-leases.png)",
        "",
    ]
    return "\n".join(lines)


def plot(growth: list[tuple[int, dict[str, float]]]) -> None:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    counts = [n for n, _ in growth]
    axes.loglog(counts, [r["cpu_s"] for _, r in growth], "o-", label="measured")
    first = growth[0][1]["cpu_s"] / counts[0]
    axes.loglog(counts, [first * n for n in counts], "--", color="grey", label="linear")
    axes.set_xlabel("leases")
    axes.set_ylabel("CPU seconds")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(DOCS / "bench-leases.png", dpi=110)


def figures(mix: dict[str, float], admission: dict[str, float], batch: dict[str, float]) -> list[tuple[str, str, str]]:
    """What was to be reached and what was measured."""
    return [
        ("10,000 mixed leases on 1,000 hosts, time", "≤ 40 s", f"{mix['cpu_s']:.1f} s"),
        ("the same, memory", "≤ 500 MiB", f"{mix['rss_mib']:.0f} MiB"),
        (
            f"admission of one advance lease, {admission['reservations']:,.0f} future ones, whole answer, p99",
            "≤ 20 ms",
            f"{admission['p99_ms']:.1f} ms (p50 {admission['p50_ms']:.1f}; refused {admission['refused_p50_ms']:.1f})",
        ),
        ("30-day trace, 5,000 jobs, 144 hosts, aggressive", "≤ 20 s", f"{batch['cpu_s']:.1f} s"),
    ]


def main() -> None:
    mix, admission, batch = apart("mixed", 10_000), apart("admission", 10_000), apart("trace", 5_000)
    growth = [(n, apart("mixed", n, 100, 4)) for n in GROWTH]
    plot(growth)
    (DOCS / "bench-leases.md").write_text(page(figures(mix, admission, batch), admission, growth), encoding="utf-8")


MEASUREMENTS: dict[str, Callable[..., dict[str, float]]] = {
    "mixed": measure_mixed,
    "admission": measure_admission,
    "trace": measure_trace,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(MEASUREMENTS[sys.argv[1]](*map(int, sys.argv[2:]))))
    else:
        main()
