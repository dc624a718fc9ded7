from placement.answer import Status
from placement.constraints.offline import Offline
from placement.constraints.running import Running
from placement.constraints.split_among import SplitAmong
from placement.instance import Mode

PARTS = (frozenset({0, 1}), frozenset({2, 3}))
SETS = ((0, 1), (2,))


def test_final_states(place, faults):
    assert faults(place(0, 1, 2), SplitAmong(SETS, PARTS)) == []
    assert faults(place(0, 2, 2), SplitAmong(SETS, PARTS)) == [0]
    assert faults(place(0, 1, 1), SplitAmong(SETS, PARTS)) == [0]
    assert faults(place(0, 1, -1), SplitAmong(SETS, PARTS)) == []


def test_sets_may_not_swap(place, faults, act):
    moves = act.migrate(0, 0, 2), act.migrate(1, 1, 3), act.migrate(2, 2, 0)
    assert faults(place(0, 1, 2), SplitAmong(SETS, PARTS), *moves) == []
    assert faults(place(0, 1, 2), SplitAmong(SETS, PARTS, continuous=True), *moves) == [0, 0, 0]


def test_a_set_that_starts_torn_may_choose(place, faults, act):
    rule = SplitAmong(SETS, PARTS, continuous=True)
    assert faults(place(0, 3, 2), rule, act.migrate(1, 3, 1)) == []
    assert faults(place(3, 3, 2), rule, act.migrate(2, 2, 0)) == [0]


def test_solver(place, solved):
    answer = solved(place(0, 2, 2), SplitAmong(SETS, PARTS))
    assert answer.plan.migrations == 1
    kept = solved(place(0, 1, 2), SplitAmong(SETS, PARTS, continuous=True), Offline(2))
    assert kept.host == (0, 1, 3)
    stuck = solved(place(0, 1, 2), SplitAmong(SETS, PARTS, continuous=True), Offline(2), Offline(3))
    assert stuck.status is Status.INFEASIBLE


def test_newcomer_avoids_sets_in_use(place, solved):
    answer = solved(place(0, 1, -1), SplitAmong(SETS, PARTS), Running(2), mode=Mode.PLACE)
    assert answer.host[2] in (2, 3)
    none = solved(place(0, 2, -1), SplitAmong(SETS, PARTS), Running(2), mode=Mode.PLACE)
    assert none.status is Status.INFEASIBLE


def test_a_set_without_running_vms_takes_no_part(place, solved):
    answer = solved(place(0, 2, -1), SplitAmong(SETS, PARTS))
    assert answer.status is Status.OPTIMAL
