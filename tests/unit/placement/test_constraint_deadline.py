from placement.answer import Status
from placement.constraints.deadline import Deadline
from placement.constraints.fence import Fence
from placement.constraints.serialize import Serialize


def test_in_time(place, faults, act):
    assert faults(place(0), Deadline(0, 10)) == []
    assert faults(place(0), Deadline(0, 10), act.migrate(0, 0, 1)) == []
    assert faults(place(0), Deadline(0, 10), act.migrate(0, 0, 1, 1)) == [11]
    assert faults(place(-1), Deadline(0, 1), act.boot(0, 0)) == []


def test_solver_starts_the_urgent_one_first(place, solved):
    fences = Fence(0, frozenset({1})), Fence(1, frozenset({2}))
    answer = solved(place(0, 0), Deadline(1, 10), Serialize((0, 1)), *fences)
    assert [a.vm for a in answer.plan.actions] == [1, 0]


def test_impossible_deadline(place, solved):
    answer = solved(place(0), Deadline(0, 5), Fence(0, frozenset({1})))
    assert answer.status is Status.UNKNOWN
    assert "cannot end within 5 s" in answer.proof
