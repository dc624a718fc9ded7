"""A picture of a plan: its actions over time, and the load of hosts before and after."""

from pathlib import Path
from typing import Any

import numpy as np

from placement.errors import InputError
from placement.model import Kind, Plan
from placement.replay import Replay

ROWS = 120
"""Actions and hosts drawn one by one; of more, only the longest and the most changed are."""
COLOURS = {
    Kind.MIGRATE: "tab:blue",
    Kind.BOOT: "tab:green",
    Kind.RESUME: "tab:olive",
    Kind.SHUTDOWN: "tab:orange",
    Kind.SUSPEND: "tab:brown",
    Kind.KILL: "tab:red",
    Kind.ALLOCATE: "tab:purple",
    Kind.BOOT_HOST: "tab:cyan",
    Kind.SHUTDOWN_HOST: "tab:gray",
}


def draw(plan: Plan, picture: Path) -> None:
    """Draw a plan into a file; InputError where the drawing library is absent or the file cannot be written."""
    try:
        import matplotlib as mpl  # noqa: PLC0415

        mpl.use("Agg")
        from matplotlib import pyplot as plt  # noqa: PLC0415
    except ImportError:
        raise InputError("drawing needs matplotlib: install the extra 'plot'") from None
    figure, (gantt, loads) = plt.subplots(2, 1, figsize=(12, 10), height_ratios=(3, 2), layout="constrained")
    _gantt(gantt, plan)
    _loads(loads, plan)
    try:
        figure.savefig(picture, dpi=110)
    except OSError as error:
        raise InputError(f"{picture}: {error.strerror or error}") from None
    finally:
        plt.close(figure)


def _gantt(axes: Any, plan: Plan) -> None:
    longest = sorted(plan.actions, key=lambda a: (a.start - a.end, a.start))[:ROWS]
    shown = sorted(longest, key=lambda a: (a.start, a.end, a.vm), reverse=True)
    ids = plan.origin
    seen: set[Kind] = set()
    for row, action in enumerate(shown):
        label = None if action.kind in seen else action.kind.value
        seen.add(action.kind)
        axes.barh(row, action.end - action.start, left=action.start, color=COLOURS[action.kind], label=label)
    names = [f"VM {ids.vms.ids[a.vm]}" if a.vm >= 0 else f"host {ids.hosts.ids[a.target]}" for a in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=5)
    axes.set_xlabel("seconds")
    axes.set_title(f"{len(plan.actions)} actions, {len(shown)} shown; makespan {plan.makespan} s")
    if shown:
        axes.legend(loc="best", fontsize=7)


def _loads(axes: Any, plan: Plan) -> None:
    model = plan.origin
    endless = np.full(model.usable.shape, 1 << 60).tolist()
    path = Replay(model, plan.actions, endless, endless).run()
    resource = max(model.processor, 0)
    capacity = np.maximum(model.hosts.capacity[resource], 1) if model.resources else np.ones(model.n_hosts)
    shares = [
        s.load[resource] / capacity if model.resources else np.zeros(model.n_hosts) for s in (path.initial, path.final)
    ]
    hosts = np.sort(np.argsort(-np.abs(shares[1] - shares[0]), kind="stable")[:ROWS])
    place = np.arange(len(hosts))
    axes.bar(place - 0.2, 100 * shares[0][hosts], 0.4, label="before")
    axes.bar(place + 0.2, 100 * shares[1][hosts], 0.4, label="after")
    axes.set_xticks(place, [str(model.hosts.ids[h]) for h in hosts.tolist()], fontsize=5, rotation=90)
    online = f"{sum(path.initial.online)} hosts online before, {sum(path.final.online)} after"
    axes.set_ylabel(f"% of {model.resources[resource]}" if model.resources else "")
    axes.set_title(f"{online}; {len(hosts)} shown")
    axes.legend(fontsize=7)
