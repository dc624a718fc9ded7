"""kill -9 of each part in turn, with clients at work: how soon jobs end again."""

import statistics
import time
from pathlib import Path

from bench.foundation.figure import Figure, at_most
from tests.faults.load import clients_at_work, progress, restart
from tests.installation import Installation, an_installation

DEATHS = 40
VICTIMS = ("web-1", "worker-1", "worker-2", "engine", "solver")


def recovery(home: Path) -> list[Figure]:
    """Seconds from a death to the next job's end; the longest of all stands for the 99th percentile."""
    with (
        an_installation(home, webs=1, workers=2) as plant,
        clients_at_work(plant, plant.populate()),
    ):
        took = [_strike(plant, VICTIMS[number % len(VICTIMS)]) for number in range(DEATHS)]
    note = f"median {statistics.median(took):.1f} s; nothing lost, doubled or leaked"
    return [at_most(f"from `kill -9` to the next job's end, the longest of {DEATHS}", max(took), "s", 15, note)]


def _strike(plant: Installation, victim: str) -> float:
    begun = time.monotonic()
    restart(plant, victim)
    progress(plant, f"progress after the death of {victim}")
    return time.monotonic() - begun
