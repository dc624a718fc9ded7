from placement.answer import Status
from placement.constraints.fence import Fence
from placement.constraints.gather import Gather
from placement.constraints.running import Running
from placement.instance import Mode


def test_final_states(place, faults):
    assert faults(place(0, 0, 1), Gather((0, 1))) == []
    assert faults(place(0, 0, 1), Gather((0, 1, 2))) == [0]
    assert faults(place(0, -1), Gather((0, 1))) == []


def test_together_from_the_start_stays(place, faults, act):
    moves = act.migrate(0, 0, 1), act.migrate(1, 0, 1)
    assert faults(place(0, 0), Gather((0, 1)), *moves) == []
    assert faults(place(0, 0), Gather((0, 1), continuous=True), *moves) == [0, 0]
    assert faults(place(0, -1), Gather((0, 1), continuous=True), act.migrate(0, 0, 1)) == [0]


def test_apart_at_the_start_comes_together_freely(place, faults, act):
    assert faults(place(0, 1), Gather((0, 1), continuous=True), act.migrate(0, 0, 1)) == []


def test_solver_moves_the_smaller_part(place, solved):
    answer = solved(place(0, 0, 1), Gather((0, 1, 2)))
    assert answer.host == (0, 0, 0)


def test_solver_keeps_a_continuous_set_in_place(place, solved):
    rules = Gather((0, 1), continuous=True), Fence(0, frozenset({1}))
    assert solved(place(0, 0), *rules).status is Status.INFEASIBLE
    assert solved(place(0, 0), Gather((0, 1)), Fence(0, frozenset({1}))).host == (1, 1)


def test_newcomer_joins_its_peers(place, solved):
    answer = solved(place(2, -1), Gather((0, 1), continuous=True), Running(1), mode=Mode.PLACE)
    assert answer.host == (2, 2)
