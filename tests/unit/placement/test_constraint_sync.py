from placement.constraints.fence import Fence
from placement.constraints.sync import Sync


def test_end_together(place, faults, act):
    rule = Sync((0, 1))
    assert faults(place(0, 0), rule, act.migrate(0, 0, 1), act.migrate(1, 0, 2)) == []
    assert faults(place(0, 0), rule, act.migrate(0, 0, 1, 0, 15), act.migrate(1, 0, 2, 5)) == []
    assert faults(place(0, 0), rule, act.migrate(0, 0, 1), act.migrate(1, 0, 2, 5)) == [10]
    assert faults(place(0, 0), rule, act.migrate(0, 0, 1)) == []


def test_solver(place, solved):
    fences = Fence(0, frozenset({1})), Fence(1, frozenset({2}))
    answer = solved(place(0, 0, migrate=[10, 25]), Sync((0, 1)), *fences)
    assert [(a.vm, a.start, a.end) for a in answer.plan.actions] == [(1, 0, 25), (0, 15, 25)]
