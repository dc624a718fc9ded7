"""kill -9 of web, workers, solver and engine at random, with work in flight: nothing lost, doubled or leaked."""

import random
import time

import pytest

from tests.faults.load import SEED, clients_at_work, progress, restart
from tests.installation import an_installation

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1500)]

KILLS = 60
CHANCE = random.Random(SEED)
VICTIMS = ("web-1", "worker-1", "worker-2", "engine", "solver")


@pytest.fixture
def plant(tmp_path):
    with an_installation(tmp_path, webs=1, workers=2) as installation:
        yield installation


def test_nothing_is_lost_doubled_or_leaked(plant, capsys):
    with clients_at_work(plant, plant.populate()) as ledger:
        recoveries = sorted(strike(plant, number) for number in range(KILLS))
    with capsys.disabled():
        print(
            f"\n{KILLS} kills, {len(ledger.jobs)} jobs acknowledged; progress again after "
            f"{recoveries[KILLS // 2]:.1f} s (median), {recoveries[-1]:.1f} s (longest)"
        )


def strike(plant, number):
    """Kill one process, start it again, and wait until a job ends: the seconds that took."""
    victim = VICTIMS[number] if number < len(VICTIMS) else CHANCE.choice(VICTIMS)
    begun = time.monotonic()
    restart(plant, victim)
    progress(plant, f"progress after the death of {victim}")
    took = time.monotonic() - begun
    time.sleep(CHANCE.uniform(0.0, 0.6))
    return took
