from placement.constraints.fence import Fence
from placement.constraints.seq import Seq


def test_one_after_the_other(place, faults, act):
    rule = Seq((0, 1, 2))
    assert faults(place(0, 0, 0), rule, act.migrate(0, 0, 1), act.migrate(1, 0, 2, 10)) == []
    assert faults(place(0, 0, 0), rule, act.migrate(0, 0, 1), act.migrate(1, 0, 2, 9)) == [9]


def test_vms_without_actions_are_passed_over(place, faults, act):
    rule = Seq((0, 1, 2))
    assert faults(place(0, 0, 0), rule) == []
    assert faults(place(0, 0, 0), rule, act.migrate(0, 0, 1), act.migrate(2, 0, 2, 5)) == [5]


def test_the_last_end_counts(place, faults, act):
    twice = act.migrate(0, 0, 1), act.migrate(0, 1, 3, 20)
    assert faults(place(0, 0), Seq((0, 1)), *twice, act.migrate(1, 0, 2, 12)) == [12]


def test_solver(place, solved):
    rules = Seq((1, 0)), Fence(0, frozenset({1})), Fence(1, frozenset({2}))
    answer = solved(place(0, 0), *rules)
    assert [a.vm for a in answer.plan.actions] == [1, 0]
    assert answer.plan.makespan == 20
