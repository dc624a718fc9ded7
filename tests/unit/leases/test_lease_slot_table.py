import numpy as np
import pytest

from placement.leases import (
    FOREVER,
    Action,
    LeaseError,
    OverCapacityError,
    Reservation,
    SlotTable,
    TokenReusedError,
)


def slot(key, start, end, *claims, lease=None):
    return Reservation(key, lease or key, Action.RUN, start, end, tuple((host, tuple(a)) for host, a in claims))


@pytest.fixture
def table():
    """Three hosts with CPU and memory."""
    return SlotTable(np.array([[100, 1024], [100, 1024], [200, 2048]]))


def test_intervals_are_half_open(table):
    table.reserve(slot("a", 10, 20, (0, (100, 1024))))
    table.reserve(slot("b", 20, 30, (0, (100, 1024))))
    assert [r.key for r in table.at(19)] == ["a"]
    assert [r.key for r in table.at(20)] == ["b"]
    assert table.free_at(30)[0].tolist() == [100, 1024]


def test_no_host_is_ever_over_capacity(table):
    table.reserve(slot("a", 10, 20, (0, (60, 10))))
    table.reserve(slot("b", 15, 30, (0, (40, 10))))
    with pytest.raises(OverCapacityError, match="host 0"):
        table.reserve(slot("c", 0, 40, (0, (1, 1))))
    table.reserve(slot("d", 20, 30, (0, (60, 0))))
    assert len(table) == 3
    assert table.overbooked() == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (slot("a", 0, 1), "exists already"),
        (slot("b", 5, 5), "no interval"),
        (slot("b", -1, 5), "no interval"),
        (slot("b", 0, FOREVER + 1), "no interval"),
        (slot("b", 0, 5, (3, (1, 1))), "does not exist"),
        (slot("b", 0, 5, (-1, (1, 1))), "does not exist"),
        (slot("b", 0, 5, (1, (1, 1)), (1, (1, 1))), "twice"),
        (slot("b", 0, 5, (1, (1,))), "2 amounts"),
        (slot("b", 0, 5, (1, (1, -1))), "from 0 on"),
    ],
)
def test_bad_reservations_are_refused(table, bad, words):
    table.reserve(slot("a", 0, 10, (0, (1, 1))))
    with pytest.raises(LeaseError, match=words):
        table.reserve(bad)
    assert len(table) == 1


def test_release_of_the_unknown(table):
    with pytest.raises(LeaseError, match="no reservation x"):
        table.release("x")


def test_queries_by_time(table):
    table.reserve(slot("a", 10, 20, (0, (1, 1))))
    table.reserve(slot("b", 15, 40, (1, (1, 1)), lease="a"))
    table.reserve(slot("c", 40, FOREVER, (2, (1, 1))))
    assert [r.key for r in table.starting(10, 16)] == ["a", "b"]
    assert [r.key for r in table.starting(11)] == ["b", "c"]
    assert [r.key for r in table.ending(20, 21)] == ["a"]
    assert [r.key for r in table.ending(21)] == ["b"]
    assert [r.key for r in table.overlapping(19, 41)] == ["a", "b", "c"]
    assert [r.key for r in table.of_lease("a")] == ["a", "b"]
    assert table.of_lease("nobody") == []
    assert table.change_points(10) == [15, 20, 40]
    assert table.change_points(10, 40) == [15, 20]
    assert table.change_points(0, hosts=[1, 2]) == [15, 40]
    assert list(table.end_times(10)) == [20, 40]
    assert list(table.end_times(20, 40)) == []
    assert list(table.end_times(20, 41)) == [40]
    assert [r.key for r in table] == ["a", "b", "c"]
    assert "a" in table
    assert "x" not in table
    assert table["b"].end == 40


def test_starts_and_ends_are_taken_in_order(table):
    assert table.next_start() is None
    assert table.next_end() is None
    table.reserve(slot("late", 15, 40, (1, (1, 1))))
    table.reserve(slot("early", 10, 50, (0, (1, 1))))
    assert table.next_start() == (10, "early")
    table.begin("early")
    assert table.begun("early")
    assert not table.begun("late")
    assert table.next_start() == (15, "late")
    assert table.next_end() == (40, "late")
    table.release("early")
    assert table.next_end() == (40, "late")


def test_availability_if_leases_were_not_there(table):
    table.reserve(slot("a", 10, 20, (0, (100, 1000))))
    table.reserve(slot("b", 30, 40, (0, (50, 500))))
    assert table.floor(0, 50)[0].tolist() == [0, 24]
    assert table.floor(0, 50, ["a"])[0].tolist() == [50, 524]
    assert table.floor(0, 50, ["a", "b", "nobody"])[0].tolist() == [100, 1024]
    assert table.floor(20, 30)[0].tolist() == [100, 1024]


def test_profile_shows_how_capacity_shrinks(table):
    table.reserve(slot("a", 10, 20, (0, (100, 0))))
    table.reserve(slot("b", 15, 40, (2, (50, 0))))
    profile = table.profile(5, 30)
    assert profile.times.tolist() == [5, 10, 15, 20]
    assert profile.free[:, 0, 0].tolist() == [100, 0, 0, 100]
    assert profile.free[:, 2, 0].tolist() == [200, 200, 150, 150]
    assert profile.shrinking()[:, 0, 0].tolist() == [100, 0, 0, 0]


def nodes_of(cpu):
    """How many nodes of so much CPU fit into each row."""
    return lambda left: left[:, 0] // cpu


def test_how_long_things_fit_and_stay(table):
    table.reserve(slot("a", 10, 20, (0, (80, 0))))
    first, every = np.array([0]), np.arange(3)
    assert table.fitting_until(0, FOREVER, first, nodes_of(50), 1) == 10
    assert table.fitting_until(0, FOREVER, first, nodes_of(20), 1) == FOREVER
    assert table.fitting_until(12, FOREVER, first, nodes_of(50), 1) == 12
    assert table.fitting_until(0, FOREVER, every, nodes_of(50), 8) == 10
    assert table.fitting_until(0, FOREVER, every, nodes_of(50), 6) == FOREVER
    assert table.fitting_until(0, FOREVER, every, nodes_of(50), 9) == 0
    assert table.fitting_until(0, FOREVER, first[:0], nodes_of(50), 1) == 0
    assert table.unchanged_until(5).tolist() == [10, FOREVER, FOREVER]
    assert table.unchanged_until(10).tolist() == [20, FOREVER, FOREVER]


def test_how_many_nodes_fit_over_windows(table):
    table.reserve(slot("a", 10, 20, (0, (80, 0))))
    table.reserve(slot("b", 30, FOREVER, (2, (200, 0))))
    every = np.arange(3)
    assert table.fitting_over([0, 3, 10, 20, 25], 8, every, nodes_of(50)).tolist() == [8, 6, 6, 8, 4]
    assert table.fitting_over([0, 20], FOREVER, every, nodes_of(50)).tolist() == [2, 4]
    assert table.fitting_over([20], 10, every, nodes_of(50)).tolist() == [8]
    assert table.fitting_over([20], 11, every, nodes_of(50)).tolist() == [4]
    assert table.fitting_over([0, 20], 5, every[:0], nodes_of(50)).tolist() == [0, 0]


def test_fullness_of_one_resource(table):
    table.reserve(slot("a", 10, 20, (0, (100, 0)), (1, (100, 0)), (2, (200, 0))))
    assert table.is_full(0, 15)
    assert not table.is_full(1, 15)
    assert not table.is_full(0, 20)


def test_a_commit_is_whole_and_done_once(table):
    both = (slot("a", 0, 10, (0, (60, 0))), slot("b", 5, 15, (1, (60, 0))))
    assert table.commit("token", both) == both
    assert table.commit("token", both) == both
    assert len(table) == 2
    with pytest.raises(TokenReusedError):
        table.commit("token", both[:1])
    with pytest.raises(OverCapacityError):
        table.commit("other", (slot("c", 0, 10, (2, (1, 0))), slot("d", 0, 10, (0, (60, 0)))))
    assert "c" not in table
    assert set(table.tokens()) == {"token"}


def test_a_trial_leaves_no_trace(table):
    table.reserve(slot("a", 0, 10, (0, (60, 0))))
    table.reserve(slot("z", 0, 10, (0, (1, 0))))
    other = SlotTable(np.array([[100, 1024], [100, 1024], [200, 2048]]))
    other.reserve(slot("a", 0, 10, (0, (60, 0))))
    other.reserve(slot("z", 0, 10, (0, (1, 0))))
    with table.what_if():
        table.release("a")
        table.set_capacity(1, (0, 0))
        with table.what_if() as inner:
            table.commit("token", [slot("b", 0, 10, (0, (99, 0)))])
            table.begin("b")
            inner.keep()
        table.begin("z")
        assert table != other
        assert "b" in table
    assert table == other
    assert list(table) == list(other)
    assert table.next_start() == (0, "a")
    assert table != "something else"


def test_a_kept_trial_stays_and_a_failed_one_does_not(table):
    with table.what_if() as trial:
        table.reserve(slot("a", 0, 10, (0, (60, 0))))
        trial.keep()
    with pytest.raises(RuntimeError), table.what_if() as trial:
        table.reserve(slot("b", 0, 10, (1, (60, 0))))
        trial.keep()
        raise RuntimeError
    assert [r.key for r in table] == ["a"]


def test_amending_keeps_what_has_begun(table):
    table.reserve(slot("a", 0, 10, (0, (60, 0))))
    table.reserve(slot("b", 10, 20, (0, (60, 0))))
    table.begin("a")
    assert table.amend("a", end=5).end == 5
    assert table.begun("a")
    assert table.amend("b", claims=((1, (100, 0)),)).claims == ((1, (100, 0)),)
    assert not table.begun("b")
    with pytest.raises(OverCapacityError):
        table.amend("b", claims=((1, (101, 0)),))
    assert table["b"].claims == ((1, (100, 0)),)


def test_reservations_without_claims_take_nothing(table):
    table.reserve(slot("a", 0, 10, (0, (0, 0))))
    assert table.free_at(5)[0].tolist() == [100, 1024]
    assert table.release("a").key == "a"


def test_an_overbooked_table_is_found(table):
    assert table.overbooked() == []
    table.reserve(slot("a", 5, 10, (1, (60, 0))))
    table.set_capacity(1, (50, 1024))
    assert table.overbooked() == [(5, 1, 0)]


def test_many_rows_come_and_go(table):
    for number in range(300):
        table.reserve(slot(f"r{number}", number, number + 2, (number % 3, (30, 1))))
    for number in range(0, 300, 2):
        table.release(f"r{number}")
    table.reserve(slot("wide", 0, 400, (0, (1, 1)), (1, (1, 1)), (2, (1, 1))))
    assert len(table) == 151
    assert table.free_at(7).tolist() == [[99, 1023], [69, 1022], [199, 2047]]


def test_tables_cannot_be_hashed(table):
    with pytest.raises(TypeError):
        hash(table)
