"""Workloads from one format to another: `python -m placement.simulate.convert IN OUT` (see docs/leases.md).

SWF or LWF, with LWFA annotations applied if given, becomes LWF (`.lwf`, `.xml`) or SWF (`.swf`, best effort only).
"""

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from placement.leases import Kind, LeaseError
from placement.simulate.lwf import read_lwf, write_lwf
from placement.simulate.lwfa import annotate
from placement.simulate.options import Options
from placement.simulate.swf import SwfOptions, read_swf, write_swf
from placement.simulate.workload import Workload, WorkloadError


def parser() -> Options:
    """The options of the converter; those on jobs concern SWF input only."""
    found = Options("python -m placement.simulate.convert", description="Convert a workload of leases.")
    add = found.add_argument
    add("source", type=Path, metavar="IN")
    add("target", type=Path, metavar="OUT")
    add("--annotations", type=Path, metavar="FILE", help="LWFA to apply")
    add("--scale", type=int, default=1, help="divide processors by this")
    add("--memory", type=int, help="MB per node where a job does not say")
    add("--since", type=int, default=0, help="leave out jobs submitted before this second")
    add("--until", type=int, help="leave out jobs submitted at or after this second")
    add("--queue", type=int, action="append", default=[], help="keep jobs of this queue only; may be repeated")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Convert; 0, or 2 after one line on standard error."""
    options = parser().parse_args(arguments)
    try:
        _convert(options)
    except (LeaseError, OSError) as error:
        print(f"placement.simulate.convert: {error}", file=sys.stderr)  # noqa: T201 (a command's output)
        return 2
    return 0


def _convert(options: Namespace) -> None:
    workload = _read(options)
    if options.annotations:
        workload = annotate(workload, options.annotations)
    if options.target.suffix.lower() == ".swf":
        jobs = tuple(a for a in workload.arrivals if a.request.kind is Kind.BEST_EFFORT)
        write_swf(replace(workload, arrivals=jobs), options.target)
    else:
        write_lwf(workload, options.target)


def _read(options: Namespace) -> Workload:
    if options.source.suffix.lower() != ".swf":
        return read_lwf(options.source)
    if options.scale < 1:
        raise WorkloadError(f"--scale is {options.scale}; give at least 1")
    wanted = SwfOptions(
        scale=options.scale,
        memory=options.memory,
        since=options.since,
        until=options.until,
        queues=frozenset(options.queue),
    )
    return read_swf(options.source, wanted)


if __name__ == "__main__":
    sys.exit(main())
