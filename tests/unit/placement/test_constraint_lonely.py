from placement.constraints.fence import Fence
from placement.constraints.lonely import Lonely
from placement.constraints.running import Running
from placement.instance import Mode


def test_final_states(place, faults):
    assert faults(place(0, 0, 1), Lonely((0, 1))) == []
    assert faults(place(0, 1, 1), Lonely((0, 1))) == [0]
    assert faults(place(-1, -1, 1), Lonely((0, 1))) == []


def test_stranger_met_on_the_way(place, faults, act):
    moves = act.migrate(0, 0, 1), act.migrate(1, 1, 2)
    assert faults(place(0, 1), Lonely((0,)), *moves) == []
    assert faults(place(0, 1), Lonely((0,), continuous=True), *moves) == [0]
    later = act.migrate(1, 1, 2), act.migrate(0, 0, 1, 10)
    assert faults(place(0, 1), Lonely((0,), continuous=True), *later) == []


def test_stranger_that_passes_by_counts_once_per_meeting(place, faults, act):
    passing = act.migrate(1, 1, 0), act.migrate(1, 0, 2, 10)
    assert faults(place(0, 1), Lonely((0,), continuous=True), *passing) == [0]


def test_strangers_together_at_the_start_may_part(place, faults, act):
    assert faults(place(0, 0), Lonely((0,), continuous=True), act.migrate(0, 0, 1)) == []


def test_solver_separates(place, solved):
    answer = solved(place(0, 0, 1, 1), Lonely((0, 1), continuous=True), Running(2), Fence(0, frozenset({1})))
    assert {answer.host[0], answer.host[1]}.isdisjoint(answer.host[2:])


def test_masks_keep_strangers_out(place, solved):
    answer = solved(place(0, -1, -1, hosts=2), Lonely((0, 1)), Running(1), Running(2), mode=Mode.PLACE)
    assert answer.host == (0, 0, 1)
