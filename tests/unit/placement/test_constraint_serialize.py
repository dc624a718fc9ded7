from placement.constraints.fence import Fence
from placement.constraints.serialize import Serialize


def test_never_at_the_same_time(place, faults, act):
    rule = Serialize((0, 1))
    assert faults(place(0, 0), rule, act.migrate(0, 0, 1), act.migrate(1, 0, 2, 10)) == []
    assert faults(place(0, 0), rule, act.migrate(0, 0, 1), act.migrate(1, 0, 2, 9)) == [9]
    assert faults(place(0, -1), rule, act.migrate(0, 0, 1), act.boot(1, 2)) == []


def test_a_long_one_overlaps_several(place, faults, act):
    moves = act.migrate(0, 0, 1, 0, 50), act.migrate(1, 0, 2, 5), act.migrate(2, 0, 3, 20)
    assert faults(place(0, 0, 0), Serialize((0, 1, 2)), *moves) == [5, 20]


def test_solver(place, solved):
    fences = [Fence(v, frozenset({v + 1})) for v in range(3)]
    assert solved(place(0, 0, 0), Serialize((0, 1, 2)), *fences).plan.makespan == 30
    assert solved(place(0, 0, 0), *fences).plan.makespan == 10
