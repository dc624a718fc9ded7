"""The command line of the simulator: options in, exit code out (2 for anything malformed, with one line)."""

import json
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from placement.leases import (
    Backfilling,
    Images,
    LeaseError,
    Migration,
    Overheads,
    Policies,
    Resources,
    Scheduler,
    Settings,
    Site,
    Suspension,
    equal_hosts,
    resources,
)
from placement.leases.policies import parse_policy, parse_pricing
from placement.simulate.engine import simulate
from placement.simulate.lwf import read_lwf
from placement.simulate.lwfa import annotate
from placement.simulate.options import Options
from placement.simulate.plots import draw
from placement.simulate.report import report, summary, write_events
from placement.simulate.swf import SwfOptions, read_swf
from placement.simulate.workload import MOST_NODES, Workload, WorkloadError

_DEFAULT_RESOURCES = "cpu=100,memory=1024"


def parser() -> Options:
    """The options; rates in MB/s, bandwidth in Mbit/s, prices per node and hour."""
    found = Options("python -m placement.simulate", description="Simulate a workload of leases.")
    add = found.add_argument
    add("workload", type=Path, metavar="WORKLOAD", help="LWF (.lwf, .xml) or SWF (.swf, .txt)")
    add("--hosts", type=int, metavar="N", help="number of equal hosts, instead of the workload's site")
    add("--resources", metavar="cpu=100,memory=1024", help="what each of these hosts has")
    add("--backfilling", default="aggressive", metavar="MODE", help="off, aggressive, intermediate:N, conservative")
    add("--suspension", default="none", choices=[mode.value for mode in Suspension])
    add("--suspend-rate", type=float, metavar="R", help="MB/s; left out: suspending takes no time")
    add("--resume-rate", type=float, metavar="R", help="MB/s; left out: resuming takes no time")
    add("--migration", default="no", choices=[mode.value for mode in Migration])
    add("--images", default="none", choices=[mode.value for mode in Images])
    add("--bandwidth", type=float, metavar="B", help="Mbit/s for images and migrations; left out: no time")
    add("--pricing", default="free", metavar="P", help="free, constant:RATE, peak:RATE[:FACTOR[:FIRST:LAST]], ...")
    add("--policy", action="append", default=[], metavar="NAME", help="accept-all, no-ARs, no-preemption, greedy, ...")
    add("--annotations", type=Path, metavar="FILE", help="LWFA to apply to the workload")
    add("--events", type=Path, metavar="FILE.jsonl", help="write every event as one JSON object")
    add("--out", type=Path, metavar="REPORT.json", help="write the report")
    add("--plot", type=Path, metavar="FILE.png", help="draw utilisation, queue and hosts")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator; 0, or 2 after one line on standard error."""
    options = parser().parse_args(arguments)
    try:
        _run(options)
    except LeaseError as error:
        print(f"placement.simulate: {error}", file=sys.stderr)  # noqa: T201 (a command's output)
        return 2
    except OSError as error:
        print(f"placement.simulate: {error.filename}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _run(options: Namespace) -> None:
    settings, policies = read_settings(options), read_policies(options)
    workload = read_workload(options)
    site = read_site(options, workload)
    outcome = simulate(workload, site, Scheduler(site, settings, policies))
    data = report(outcome, {name: str(value) for name, value in vars(options).items() if value not in (None, [])})
    if options.events:
        write_events(outcome.events, options.events)
    if options.out:
        options.out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        draw(outcome, options.plot)
    print(summary(data))  # noqa: T201 (a command's output)


def read_settings(options: Namespace) -> Settings:
    """The scheduler's settings from the options."""
    for name in ("suspend_rate", "resume_rate", "bandwidth"):
        value = getattr(options, name)
        if value is not None and not 0 < value < float("inf"):
            raise WorkloadError(f"--{name.replace('_', '-')} is {value:g}; give a number above 0, or leave it out")
    overheads = Overheads(options.suspend_rate, options.resume_rate, bandwidth=options.bandwidth)
    return Settings(
        backfilling=Backfilling.parse(options.backfilling),
        suspension=Suspension(options.suspension),
        migration=Migration(options.migration),
        images=Images(options.images),
        overheads=overheads,
    )


def read_policies(options: Namespace) -> Policies:
    """The policies from the options."""
    policies = replace(Policies(), pricing=parse_pricing(options.pricing))
    for text in options.policy:
        policies = parse_policy(policies, text)
    return policies


def read_workload(options: Namespace) -> Workload:
    """The workload with its annotations, by the look of the file."""
    path: Path = options.workload
    memory = options.resources is not None and "memory" in dict(read_resources(options.resources))
    swf = path.suffix.lower() == ".swf" or (path.suffix.lower() not in {".lwf", ".xml"} and not _is_xml(path))
    workload = read_swf(path, SwfOptions(with_memory=memory)) if swf else read_lwf(path)
    return annotate(workload, options.annotations) if options.annotations else workload


def _is_xml(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(200).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read_site(options: Namespace, workload: Workload) -> Site:
    """The hosts asked for, else those of the workload, else as many as a trace's header names."""
    capacity = read_resources(options.resources or _DEFAULT_RESOURCES)
    if options.hosts is not None:
        if not 0 < options.hosts <= MOST_NODES:
            raise WorkloadError(f"--hosts is {options.hosts}; give 1 to {MOST_NODES}")
        return equal_hosts(options.hosts, capacity)
    if workload.site is not None:
        return equal_hosts(len(workload.site.hosts), capacity) if options.resources else workload.site
    header = workload.rules.get("header")
    for name in ("MaxNodes", "MaxProcs"):
        text = str(header.get(name, "")) if isinstance(header, dict) else ""
        if text.split()[:1] and text.split()[0].isdecimal():
            return equal_hosts(int(text.split()[0]), capacity)
    raise WorkloadError(f"{options.workload}: does not say which hosts it is for; give --hosts N")


def read_resources(text: str) -> Resources:
    """`cpu=100,memory=1024`, with `cpu=100+100` for two instances."""
    amounts: dict[str, int | tuple[int, ...]] = {}
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        numbers = value.split("+")
        if not name or not all(number.isascii() and number.isdecimal() for number in numbers):
            raise WorkloadError(f"--resources {text!r}: {part!r} is not name=amount; write cpu=100,memory=1024")
        amounts[name] = tuple(map(int, numbers)) if len(numbers) > 1 else int(numbers[0])
    found = resources(**amounts)
    if not found:
        raise WorkloadError(f"--resources {text!r} gives the hosts nothing; write cpu=100,memory=1024")
    return found
