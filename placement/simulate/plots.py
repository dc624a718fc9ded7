"""Pictures of a simulation: utilisation, queue, and what every host does over time."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from placement.leases import Event, Happening
from placement.simulate.engine import Outcome, Steps
from placement.simulate.workload import WorkloadError

_OPENS = {
    Happening.START: "run",
    Happening.RESUME_END: "run",
    Happening.SUSPEND_START: "suspend",
    Happening.RESUME_START: "resume",
    Happening.TRANSFER_START: "transfer",
    Happening.MIGRATE_START: "migrate",
}
_COLOURS = {"suspend": "#d95f02", "resume": "#1b9e77", "transfer": "#7570b3", "migrate": "#e7298a"}
_CLOSES = frozenset(
    {
        Happening.END,
        Happening.CANCELLED,
        Happening.FAILED,
        Happening.PREEMPTED,
        Happening.SUSPEND_END,
        Happening.TRANSFER_END,
        Happening.MIGRATE_END,
    }
)
Bar = tuple[str, str, int, int, tuple[str, ...]]


def bars(events: list[Event]) -> Iterator[Bar]:
    """(lease, what, from, to, hosts) for everything that takes time on hosts."""
    running: dict[str, tuple[str, int, tuple[str, ...]]] = {}
    for event in events:
        if event.happening in _CLOSES or event.happening in _OPENS:
            opened = running.pop(event.lease, None)
            if opened is not None and opened[1] < event.time:
                yield event.lease, opened[0], opened[1], event.time, opened[2]
        if event.happening in _OPENS:
            running[event.lease] = (_OPENS[event.happening], event.time, event.hosts)


def draw(outcome: Outcome, path: Path) -> None:
    """Write a PNG with three panels over the same time axis, in hours.

    Raises:
        WorkloadError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 (only plots need it, and it is slow to import)
    except ImportError as error:
        raise WorkloadError("plots need matplotlib; install the extra `plot`, or leave --plot out") from error
    figure = Figure(figsize=(11, 8), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[1, 1, 3])
    _draw_steps(top, outcome.busy, "CPU in use")
    top.set_ylim(0, 1.05)
    _draw_steps(middle, outcome.queued, "leases queued")
    _draw_hosts(bottom, outcome)
    top.set_title(outcome.workload.name)
    bottom.set_xlabel("hours from the start of the workload")
    try:
        figure.savefig(path, format="png", dpi=110)
    except OSError as error:
        raise WorkloadError(f"{path}: cannot be written ({error.strerror})") from error


def _draw_steps(axes: "object", steps: Steps, label: str) -> None:
    from matplotlib.axes import Axes  # noqa: PLC0415 (as above)

    if isinstance(axes, Axes):
        axes.step([time / 3600 for time, _ in steps], [value for _, value in steps], where="post", lw=1)
        axes.set_ylabel(label)


def _draw_hosts(axes: "object", outcome: Outcome) -> None:
    from matplotlib.axes import Axes  # noqa: PLC0415 (as above)

    if not isinstance(axes, Axes):
        return
    rows = {host.name: row for row, host in enumerate(outcome.site.hosts)}
    by_style: dict[tuple[int, str], list[tuple[float, float]]] = defaultdict(list)
    for number, (_, what, start, end, hosts) in enumerate(bars(outcome.events)):
        colour = _COLOURS.get(what, f"C{number % 10}")
        for host in set(hosts):
            by_style[(rows[host], colour)].append((start / 3600, (end - start) / 3600))
    for (row, colour), spans in by_style.items():
        axes.broken_barh(spans, (row - 0.4, 0.8), facecolors=colour)
    axes.set_ylabel("hosts")
    axes.set_ylim(-1, len(rows))
