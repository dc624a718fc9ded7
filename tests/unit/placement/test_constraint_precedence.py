from placement.constraints.fence import Fence
from placement.constraints.precedence import Precedence


def test_order(place, faults, act):
    rule = Precedence(0, 1)
    assert faults(place(0, 0), rule, act.migrate(0, 0, 1), act.migrate(1, 0, 2, 10)) == []
    assert faults(place(0, 0), rule, act.migrate(0, 0, 1), act.migrate(1, 0, 2, 9)) == [9]


def test_one_migration_alone_is_free(place, faults, act):
    assert faults(place(0, 0), Precedence(0, 1), act.migrate(1, 0, 2)) == []
    assert faults(place(0, 0), Precedence(0, 1), act.migrate(0, 0, 2)) == []


def test_solver(place, solved):
    answer = solved(place(0, 0), Precedence(1, 0), Fence(0, frozenset({1})), Fence(1, frozenset({2})))
    assert [a.vm for a in answer.plan.actions] == [1, 0]
    assert answer.plan.makespan == 20
    assert solved(place(0, 0), Precedence(1, 0), Fence(0, frozenset({1}))).plan.makespan == 10
