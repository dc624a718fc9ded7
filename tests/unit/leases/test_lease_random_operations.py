"""100,000 random operations: no host is ever over capacity, every promise is kept, saved state is whole."""

import random

import pytest

from placement.leases import Backfilling, Exclusion, Images, Migration, Overheads, Policies, Settings, Suspension
from placement.leases.policies import (
    Adaptive,
    AdvanceFirst,
    Constant,
    DeadlineAware,
    Free,
    Greedy,
    NoPreemption,
    NoPreference,
    Peak,
)
from tests.unit.leases.driver import Driver, offers_hold

RUNS, STEPS = 80, 1250


def some_settings(r):
    overheads = [
        Overheads(),
        Overheads(32, 64, bandwidth=100),
        Overheads(20, 20, exclusion=Exclusion.GLOBAL, enactment=1, shutdown=5, bandwidth=400, margin=1.4),
        Overheads(suspend_time=7, resume_time=9, shutdown=3),
        Overheads(16, 16, between_leases=True),
        Overheads(40, 30, exclusion=Exclusion.GLOBAL, between_leases=True, bandwidth=800),
    ]
    return Settings(
        backfilling=Backfilling(r.choice([0, 1, 2, None])),
        suspension=r.choice([Suspension.ALL, Suspension.ALL, Suspension.SERIAL, Suspension.NONE]),
        migration=r.choice(list(Migration)),
        images=r.choice([Images.NONE, Images.NONE, Images.TRANSFER, Images.REUSE]),
        overheads=r.choice(overheads),
        threshold=r.choice([None, None, 0, 100]),
        threshold_factor=r.choice([0, 0, 1, 2]),
        multicast=r.random() < 0.7,
        cache=r.choice([None, 1500, 3000]),
    )


def some_policies(r):
    return Policies(
        preemption=r.choice([NoPreemption(), AdvanceFirst(), AdvanceFirst(), DeadlineAware(), DeadlineAware()]),
        hosts=r.choice([NoPreference(), Greedy()]),
        pricing=r.choice([Free(), Constant(1), Peak(1), Adaptive(0.6)]),
    )


@pytest.mark.parametrize("seed", range(RUNS))
def test_random_operations(seed):
    source = random.Random(seed)
    driver = Driver(seed, some_settings(source), some_policies(source), failures=seed % 3 == 0)
    for _ in range(STEPS // 2):
        driver.step()
        driver.check_table()
    driver.reload()
    offers_hold(driver.scheduler, driver.policies, driver.request(), driver.now)
    driver.run(STEPS - STEPS // 2)
    assert driver.operations == STEPS


def test_there_are_a_hundred_thousand():
    assert RUNS * STEPS == 100_000
