"""What came out: one record for each lease and figures over all of them."""

import json
from collections import Counter
from pathlib import Path
from statistics import fmean, median

from placement.leases import FOREVER, Event, Kind, Lease, LeaseState
from placement.leases.states import FINAL
from placement.simulate.engine import Outcome, Steps

BOUND = 10
"""Shortest run time, in seconds, that counts in the bounded slowdown."""

_REFUSED = frozenset({LeaseState.REJECTED, LeaseState.REJECTED_BY_USER})
_METHOD = {
    "times": "seconds from the start of the workload",
    "waiting_time": "first start of a run that counts minus submission, best-effort leases that are done",
    "bounded_slowdown": f"(wait + run) / max(run, {BOUND} s), run is the real run time; same leases",
    "utilisation": "share of all CPU used by running leases; mean from 0 to the makespan",
    "makespan": "end of the last lease",
    "ramp_up": "nothing is left out of the averages",
}


def write_events(events: list[Event], path: Path) -> None:
    """One JSON object for each line: time, lease, event, hosts."""
    with path.open("w", encoding="utf-8") as file:
        for event in events:
            record = {"time": event.time, "lease": outer_id(event.lease), "event": event.happening.value}
            file.write(json.dumps({**record, "hosts": list(event.hosts)}) + "\n")


def outer_id(name: str) -> int | str:
    """The id as the workload wrote it: a number if it is one."""
    return int(name) if name.isdecimal() else name


def report(outcome: Outcome, settings: dict[str, object]) -> dict[str, object]:
    """The whole report as plain data."""
    leases = outcome.leases
    makespan = max((lease.ended for lease in leases if lease.ended is not None and lease.runs), default=0)
    return {
        "workload": {"name": outcome.workload.name, "rules": outcome.workload.rules},
        "settings": settings,
        "method": _METHOD,
        "leases": [_record(lease) for lease in leases],
        "makespan": makespan,
        **_best_effort(leases),
        "utilisation": {"mean": mean_over(outcome.busy, makespan), "steps": outcome.busy},
        "queue": {"mean": mean_over(outcome.queued, makespan), "steps": outcome.queued},
        "counts": {kind.value: _counts(leases, kind) for kind in Kind if any(le.request.kind is kind for le in leases)},
        "accepted": sum(lease.state not in _REFUSED for lease in leases),
        "rejected": sum(lease.state in _REFUSED for lease in leases),
        "unfinished": sum(lease.state not in FINAL for lease in leases),
        "deadlines": _deadlines(leases),
        "preemptions": sum(lease.preemptions for lease in leases),
        "prices": {"total": sum(lease.price for lease in leases if lease.state not in _REFUSED)},
    }


def mean_over(steps: Steps, until: int) -> float:
    """The mean of a step function from 0 to `until`, weighted by time."""
    if not until:
        return 0.0
    ends = [time for time, _ in steps[1:]] + [until]
    areas = (value * max(0, min(end, until) - time) for (time, value), end in zip(steps, ends, strict=True))
    return sum(areas) / until


def _record(lease: Lease) -> dict[str, object]:
    request = lease.request
    done = lease.state is LeaseState.DONE
    return {
        "id": outer_id(lease.id),
        "kind": request.kind.value,
        "state": lease.state.value,
        "submitted": lease.submitted,
        "start": lease.runs[0][0] if lease.runs else None,
        "end": lease.runs[-1][1] if lease.runs else None,
        "runs": [list(run) for run in lease.runs],
        "lost": [list(run) for run in lease.lost],
        "price": 0.0 if lease.state in _REFUSED else lease.price,
        "nodes": request.nodes,
        "user": request.user,
        "deadline": request.deadline,
        "preemptions": lease.preemptions,
        "wait": wait(lease) if done else None,
        "bounded_slowdown": slowdown(lease) if done else None,
        "reason": lease.reason,
    }


def wait(lease: Lease) -> int:
    """Seconds from submission to the start of the first run that counts."""
    return lease.runs[0][0] - lease.submitted if lease.runs else 0


def slowdown(lease: Lease) -> float:
    """(wait + run) / max(run, bound), with the real run time."""
    return (wait(lease) + lease.accumulated) / max(lease.accumulated, BOUND)


def _best_effort(leases: list[Lease]) -> dict[str, object]:
    done = [le for le in leases if le.request.kind is Kind.BEST_EFFORT and le.state is LeaseState.DONE]
    return {
        "waiting_time": _spread([float(wait(lease)) for lease in done]),
        "bounded_slowdown": {**_spread([slowdown(lease) for lease in done]), "bound": BOUND},
    }


def _spread(values: list[float]) -> dict[str, float | int]:
    if not values:
        return {"count": 0, "mean": 0.0, "median": 0.0, "max": 0.0}
    return {"count": len(values), "mean": fmean(values), "median": median(values), "max": max(values)}


def _counts(leases: list[Lease], kind: Kind) -> dict[str, int]:
    states = Counter(lease.state.value for lease in leases if lease.request.kind is kind)
    refused = sum(states[state.value] for state in _REFUSED)
    return {"accepted": states.total() - refused, "rejected": refused, **dict(sorted(states.items()))}


def _deadlines(leases: list[Lease]) -> dict[str, int]:
    promised = [le for le in leases if le.request.kind is Kind.DEADLINE and le.state not in _REFUSED]
    met = [
        le
        for le in promised
        if le.state is LeaseState.DONE and le.runs and le.runs[-1][1] <= (le.request.deadline or FOREVER)
    ]
    return {"accepted": len(promised), "met": len(met)}


def summary(data: dict[str, object]) -> str:
    """The figures of a report for people, one for each line."""
    plain = ("makespan", "accepted", "rejected", "unfinished", "preemptions")
    lines = [f"{name:18} {data[name]}" for name in plain]
    for name in ("waiting_time", "bounded_slowdown", "utilisation", "queue"):
        found = data[name]
        if isinstance(found, dict):
            lines.append(f"{name:18} mean {found['mean']:.3f}")
    return "\n".join(lines)
