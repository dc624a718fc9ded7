from placement.answer import Status
from placement.constraints.fence import Fence
from placement.constraints.no_delay import NoDelay
from placement.constraints.seq import Seq


def test_start_at_zero(place, faults, act):
    assert faults(place(0), NoDelay(0)) == []
    assert faults(place(0), NoDelay(0), act.migrate(0, 0, 1)) == []
    assert faults(place(0), NoDelay(0), act.migrate(0, 0, 1, 3)) == [3]
    assert faults(place(0), NoDelay(0), act.migrate(0, 0, 1, 1)) == [1]


def test_solver(place, solved):
    fences = Fence(0, frozenset({1})), Fence(1, frozenset({2}))
    answer = solved(place(0, 0), NoDelay(1), *fences)
    assert answer.plan.makespan == 10
    late = solved(place(0, 0), NoDelay(1), Seq((0, 1)), *fences)
    assert late.status is Status.UNKNOWN
    assert "must not be delayed" in late.proof
