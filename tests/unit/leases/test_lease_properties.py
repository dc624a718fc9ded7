import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from placement.leases import (
    Backfilling,
    Kind,
    NodeGroup,
    Policies,
    Request,
    Scheduler,
    Settings,
    Suspension,
    equal_hosts,
    resources,
)
from placement.leases.policies import Constant
from tests.unit.leases.driver import Driver, mixed_site, offers_hold
from tests.unit.leases.test_lease_random_operations import some_policies, some_settings

ONE = resources(cpu=100)
JOBS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 5), st.integers(1, 40), st.floats(0.1, 1)), min_size=2, max_size=14
)


def requests(jobs):
    """Jobs (gap, nodes, duration, real share) as best-effort requests in order of arrival."""
    time, found = 0, []
    for number, (gap, nodes, duration, _) in enumerate(jobs):
        time += gap % 7
        found.append((time, Request(str(number), Kind.BEST_EFFORT, (NodeGroup(nodes, ONE),), duration)))
    return found


def starts(arrivals, mode, real=None):
    """When each job starts; with `real`, jobs end early after that many seconds."""
    scheduler = Scheduler(equal_hosts(5, ONE), Settings(backfilling=mode))
    promised, left = {}, list(arrivals)
    while True:
        ends = {}
        for lease in scheduler.leases():
            if real and lease.state.value == "active":
                ends[lease.id] = lease.plan.start + real[lease.id]
        times = [t for t in (scheduler.next_time(), left[0][0] if left else None, *ends.values()) if t is not None]
        if not times:
            return {lease.id: lease.runs[0][0] for lease in scheduler.leases()}, promised
        now = min(times)
        batch = [request for time, request in left if time == now]
        left = left[len(batch) :]
        scheduler.tick(now, batch, [name for name, end in ends.items() if end == now])
        for lease in scheduler.leases():
            if lease.plan is not None and lease.plan.future:
                promised.setdefault(lease.id, []).append(lease.plan.start)


@settings(max_examples=60, deadline=None)
@given(JOBS, st.data())
def test_conservative_no_job_is_delayed_by_a_later_one(jobs, data):
    arrivals = requests(jobs)
    cut = data.draw(st.integers(1, len(arrivals)))
    everything, _ = starts(arrivals, Backfilling(None))
    without_later, _ = starts(arrivals[:cut], Backfilling(None))
    assert {name: everything[name] for name in without_later} == without_later


@settings(max_examples=60, deadline=None)
@given(JOBS, st.sampled_from([1, 2, None]))
def test_reservations_never_move_back_even_when_jobs_end_early(jobs, limit):
    arrivals = requests(jobs)
    real = {str(n): max(1, int(duration * share)) for n, (_, _, duration, share) in enumerate(jobs)}
    found, promised = starts(arrivals, Backfilling(limit), real)
    for name, times in promised.items():
        assert times == sorted(times, reverse=True)
        assert found[name] <= times[-1]


@settings(max_examples=60, deadline=None)
@given(JOBS)
def test_aggressive_the_head_starts_when_strict_order_would_let_it_at_the_latest(jobs):
    """The first job that has to wait starts no later than without any backfilling."""
    arrivals = requests(jobs)
    backfilled, _ = starts(arrivals, Backfilling(1))
    strict, _ = starts(arrivals, Backfilling(0))
    waiting = [request.id for time, request in arrivals if strict[request.id] > time]
    if waiting:
        assert backfilled[waiting[0]] <= strict[waiting[0]]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_saved_and_loaded_schedulers_are_equal_and_go_on_equally(seed):
    source = random.Random(seed)
    driver = Driver(seed, some_settings(source), some_policies(source), failures=seed % 2 == 0)
    for _ in range(source.randint(1, 80)):
        driver.step()
    text = json.dumps(driver.scheduler.save())
    twin = Scheduler.load(json.loads(text), driver.policies)
    assert twin == driver.scheduler
    for _ in range(30):
        driver.now += source.randint(0, 100)
        request = driver.request()
        assert twin.submit(request, driver.now) == driver.scheduler.submit(request, driver.now)
    assert twin.take_events() == driver.scheduler.take_events()
    assert twin == driver.scheduler


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_alternatives_offered_are_accepted(seed):
    source = random.Random(seed)
    driver = Driver(seed, some_settings(source), some_policies(source))
    for _ in range(source.randint(5, 60)):
        driver.step()
    for _ in range(5):
        offers_hold(driver.scheduler, driver.policies, driver.request(), driver.now)


def test_alternatives_are_found_at_all():
    found = 0
    for seed in range(12):
        policies = Policies(pricing=Constant(1.0))
        driver = Driver(seed, Settings(suspension=Suspension.ALL), policies, mixed_site())
        for _ in range(40):
            driver.submit()
        for _ in range(5):
            found += offers_hold(driver.scheduler, policies, driver.request(), driver.now)
    assert found > 20


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_offers_leave_no_trace(seed):
    source = random.Random(seed)
    driver = Driver(seed, some_settings(source), some_policies(source))
    for _ in range(source.randint(5, 60)):
        driver.step()
    twin = Scheduler.load(driver.scheduler.save(), driver.policies)
    request = driver.request()
    driver.scheduler.submit(request, driver.now, offers=True)
    twin.submit(request, driver.now, offers=False)
    assert twin == driver.scheduler
