"""SWF, the standard workload format of the Parallel Workloads Archive: jobs become best-effort leases."""

from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from placement.leases import Kind, NodeGroup, Request, resources
from placement.simulate.workload import Arrival, Workload, WorkloadError, in_order, node_memory

_FIELDS = 18
_KEPT = {
    "SWF_waittime": 2,
    "SWF_runtime": 3,
    "SWF_avgcputime": 5,
    "SWF_queue": 14,
    "SWF_group": 12,
    "SWF_execnumber": 13,
}
_RULES = {
    "cancelled": "jobs with unknown run time and status 5 (cancelled while waiting) are left out",
    "processors": "requested, or allocated if unknown; jobs with neither are left out; one node of 100 CPU for each",
    "duration": "requested time, or the run time if unknown; jobs with neither are left out",
    "run_time": "0 becomes 1 s; cut at the requested time; unknown: the job runs for its requested time",
    "times": "fractions of a second are rounded up in durations and to the nearest second in submit times",
}


@dataclass(frozen=True, slots=True)
class SwfOptions:
    """How jobs are read.

    `scale` divides the processors. `memory` is MB per node where the job does not say, `with_memory` keeps memory at
    all. `since` and `until` (s) filter by submit time, `queues` by queue number (empty: all).
    """

    scale: int = 1
    memory: int | None = None
    with_memory: bool = True
    since: int = 0
    until: int | None = None
    queues: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Counts:
    jobs: int = 0
    cancelled: int = 0
    unusable: int = 0
    filtered: int = 0
    shortened: int = 0
    header: dict[str, str] = field(default_factory=dict)


def read_swf(path: Path, options: SwfOptions | None = None) -> Workload:
    """A workload from a trace; the rules applied and what they left out are part of it.

    Raises:
        WorkloadError: the file cannot be read or a line is not a job; the text names the line.
    """
    wanted = options or SwfOptions()
    counts = _Counts()
    arrivals: dict[str, Arrival] = {}
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise WorkloadError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    for number, line in enumerate(lines, 1):
        if line.startswith(";"):
            _read_header(line, counts)
        elif line.strip():
            arrival = _read_job(line, f"{path}, line {number}", wanted, counts)
            if arrival is not None and arrivals.setdefault(arrival.request.id, arrival) is not arrival:
                raise WorkloadError(f"{path}, line {number}: job {arrival.request.id} occurs twice; number jobs once")
    if not counts.jobs:
        raise WorkloadError(f"{path}: holds no job; is this an SWF trace?")
    rules = {**_RULES, "format": "SWF", "scale": wanted.scale, "header": counts.header}
    rules |= {name: getattr(counts, name) for name in ("jobs", "unusable", "filtered", "shortened")}
    rules["left_out_as_cancelled"] = counts.cancelled
    return Workload(path.stem, in_order(list(arrivals.values())), None, counts.header.get("Note", ""), rules)


def _read_header(line: str, counts: _Counts) -> None:
    name, colon, value = line.lstrip("; ").partition(":")
    if colon:
        counts.header.setdefault(name.strip(), value.strip())


def _read_job(line: str, place: str, options: SwfOptions, counts: _Counts) -> Arrival | None:
    values = _numbers(line, place)
    counts.jobs += 1
    submit, run, requested = values[1], values[3], values[8]
    if run < 0 and values[10] == 5:
        counts.cancelled += 1
        return None
    outside = submit < options.since or (options.until is not None and submit >= options.until)
    if outside or (options.queues and int(values[14]) not in options.queues):
        counts.filtered += 1
        return None
    processors = int(values[7] if values[7] > 0 else values[4])
    length = requested if requested > 0 else (max(run, 1) if run >= 0 else 0)
    if processors < 1 or length <= 0:
        counts.unusable += 1
        return None
    counts.shortened += run > length
    real = None if run < 0 else max(1, ceil(min(run, length)))
    return Arrival(int(submit + 0.5), _request(values, processors, ceil(length), options), real)


def _request(values: list[float], processors: int, duration: int, options: SwfOptions) -> Request:
    memory = ceil(values[9] / 1024) if values[9] > 0 else options.memory or 0
    needs = resources(cpu=100, memory=memory if options.with_memory else 0)
    return Request(
        id=str(int(values[0])),
        kind=Kind.BEST_EFFORT,
        groups=(NodeGroup(ceil(processors / options.scale), needs),),
        duration=duration,
        preemptible=True,
        user=str(int(values[11])),
        extra=tuple((name, f"{values[place]:g}") for name, place in _KEPT.items()),
    )


def _numbers(line: str, place: str) -> list[float]:
    words = line.split()
    if len(words) != _FIELDS:
        raise WorkloadError(f"{place}: has {len(words)} fields, a job has {_FIELDS}; mend or remove the line")
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise WorkloadError(f"{place}: {error}; every field of a job is a number, -1 if unknown") from error
    if not all(abs(value) < 1e11 for value in values) or values[1] < 0 or values[0] < 0:
        raise WorkloadError(
            f"{place}: every field is a finite number up to 1e11, job number and submit time not negative"
        )
    return values


def write_swf(workload: Workload, path: Path) -> None:
    """Write leases as jobs: nodes become processors, the rest of what SWF knows is -1."""
    lines = [f"; Computer: {workload.name}", f"; MaxJobs: {len(workload.arrivals)}"]
    if workload.site is not None:
        lines.append(f"; MaxNodes: {len(workload.site.hosts)}")
    for arrival in workload.arrivals:
        request = arrival.request
        values = [-1] * _FIELDS
        values[0], values[1] = int(request.id), arrival.time
        values[3] = request.duration or -1 if arrival.real is None else arrival.real
        values[7], values[8], values[10] = request.nodes, request.duration or -1, 1
        memory = node_memory(request.groups[0].needs)
        values[9] = memory * 1024 if memory else -1
        values[11] = int(request.user) if request.user.removeprefix("-").isdecimal() else -1
        lines.append(" ".join(map(str, values)))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
