import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.leases import Action, OverCapacityError, Reservation, SlotTable
from tests.unit.leases.naive_table import NaiveTable

CAPACITY = [[10, 5], [8, 8], [0, 3]]


def some_reservation(source, key):
    start = source.randint(0, 60)
    hosts = source.sample(range(3), source.randint(0, 3))
    claims = tuple((host, (source.randint(0, 5), source.randint(0, 4))) for host in sorted(hosts))
    lease = f"lease{source.randint(0, 5)}"
    return Reservation(key, lease, Action.RUN, start, start + source.randint(1, 30), claims)


class Pair:
    """The fast and the naive table, always asked to do the same."""

    def __init__(self):
        self.fast = SlotTable(np.array(CAPACITY))
        self.naive = NaiveTable(CAPACITY)
        self.made = 0

    def reserve(self, source):
        self.made += 1
        wanted = some_reservation(source, f"r{self.made}")
        fits = self.naive.reserve(wanted)
        try:
            self.fast.reserve(wanted)
        except OverCapacityError:
            assert not fits
        else:
            assert fits

    def release(self, source):
        if self.naive.reservations:
            key = source.choice(list(self.naive.reservations))
            self.naive.release(key)
            self.fast.release(key)

    def compare(self, source):
        start = source.randint(0, 90)
        end = start + source.randint(1, 40)
        without = source.sample([f"lease{n}" for n in range(6)], source.randint(0, 2))
        assert self.fast.floor(start, end, without).tolist() == self.naive.floor(start, end, without)
        profile = self.fast.profile(start, end, without)
        steps = dict(zip(profile.times.tolist(), profile.free.tolist(), strict=True))
        for time in self.naive.points(start, end):
            at = max(step for step in steps if step <= time)
            assert steps[at] == self.naive.free_at(time, without)
        self.compare_windows(source, start, end)
        assert self.fast.change_points(start, end) == self.naive.change_points(start, end)
        assert self.fast.overlapping(start, end) == self.naive.overlapping(start, end)
        assert self.fast.overbooked() == []

    def compare_windows(self, source, start, end):
        """How many nodes fit over windows, and until when, against the floor of every single window."""
        hosts = np.array(sorted(source.sample(range(3), source.randint(1, 3))))
        needs, length = (source.randint(1, 5), source.randint(1, 4)), source.randint(1, 25)
        starts = sorted({start, *(source.randint(start, end) for _ in range(5))})
        expected = [self.nodes_over(time, time + length, hosts, needs) for time in starts]
        assert self.fast.fitting_over(starts, length, hosts, nodes_of(needs)).tolist() == expected
        count = source.randint(1, 8)
        until = self.fast.fitting_until(start, end, hosts, nodes_of(needs), count)
        ends = [time for time in (*self.naive.points(start, end), end) if time > start]
        fits = [time for time in ends if self.nodes_over(start, time, hosts, needs) >= count]
        assert min(until, end) == max(fits, default=start)

    def nodes_over(self, start, end, hosts, needs):
        floor = self.naive.floor(start, end)
        return sum(min(floor[host][column] // needs[column] for column in range(2)) for host in hosts)


def nodes_of(needs):
    return lambda left: (left // np.array(needs)).min(axis=1)


@pytest.mark.parametrize("seed", range(8))
def test_fast_and_naive_table_agree(seed):
    source = random.Random(seed)
    pair = Pair()
    for _ in range(250):
        source.choice([pair.reserve, pair.reserve, pair.release])(source)
        pair.compare(source)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_a_rolled_back_history_leaves_an_equal_table(seed):
    source = random.Random(seed)
    pair, twin = Pair(), Pair()
    for _ in range(15):
        state = source.getstate()
        pair.reserve(source)
        source.setstate(state)
        twin.reserve(source)
    before = dict(pair.naive.reservations)
    with pair.fast.what_if():
        for _ in range(20):
            source.choice([pair.reserve, pair.release])(source)
            pair.compare(source)
    pair.naive.reservations = before
    assert pair.fast == twin.fast
    assert list(pair.fast) == list(twin.fast)
    pair.compare(source)
