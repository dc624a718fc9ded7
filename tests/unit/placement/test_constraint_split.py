from placement.constraints.fence import Fence
from placement.constraints.running import Running
from placement.constraints.split import Split
from placement.instance import Mode

RULE = Split(((0, 1), (2,)), continuous=True)


def test_final_states(place, faults):
    assert faults(place(0, 0, 1), Split(((0, 1), (2,)))) == []
    assert faults(place(0, 1, 1), Split(((0, 1), (2,)))) == [0]
    assert faults(place(0, -1, -1), Split(((0, 1), (2,)))) == []


def test_parts_that_meet_on_the_way(place, faults, act):
    moves = act.migrate(2, 1, 0), act.migrate(0, 0, 1), act.migrate(1, 0, 1)
    assert faults(place(0, 0, 1), Split(((0, 1), (2,))), *moves) == []
    assert faults(place(0, 0, 1), RULE, *moves) == [0, 0, 0, 0]


def test_members_of_one_part_may_meet(place, faults, act):
    assert faults(place(0, 2, 1), RULE, act.migrate(0, 0, 2)) == []
    assert faults(place(0, 2, 1), RULE) == []


def test_together_at_the_start_may_part(place, faults, act):
    assert faults(place(0, 1, 1), RULE, act.migrate(2, 1, 2)) == []


def test_solver_parts_and_orders(place, solved):
    answer = solved(place(0, 0, 1), RULE, Fence(2, frozenset({0})))
    assert answer.host[2] == 0
    assert 0 not in answer.host[:2]
    assert answer.plan.makespan == 20


def test_newcomer_avoids_the_other_part(place, solved):
    answer = solved(place(0, -1, 1, hosts=2), RULE, Running(1), mode=Mode.PLACE)
    assert answer.host == (0, 0, 1)
