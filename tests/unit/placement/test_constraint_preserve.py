from placement.constraints.preserve import Preserve
from placement.model import Kind


def test_amounts(place, faults, act):
    assert faults(place(0), Preserve(0, 0, 2)) == []
    assert faults(place(0), Preserve(0, 0, 3)) == [0]
    assert faults(place(-1), Preserve(0, 0, 3)) == []
    assert faults(place(0), Preserve(0, 0, 3), act.allocate(0, 0, 0, 3)) == []
    assert faults(place(0), Preserve(0, 1, 3), act.allocate(0, 0, 0, 3)) == [1]


def test_solver_allocates_the_largest(place, solved):
    answer = solved(place(0), Preserve(0, 0, 5), Preserve(0, 0, 4), Preserve(0, 1, 1))
    assert [(a.kind, a.allocation) for a in answer.plan.actions] == [(Kind.ALLOCATE, ((0, 5),))]


def test_solver_moves_a_vm_that_grows_too_large(place, solved):
    answer = solved(place(0, 0, 0), Preserve(0, 0, 7))
    assert len(set(answer.host)) == 2
    assert answer.plan.migrations == 1


def test_growth_waits_for_the_departure(place, solved):
    answer = solved(place(0, 0, 0, 0, 0, migrate=[90, 10, 90, 90, 90], memory=[9, 1, 9, 9, 9]), Preserve(0, 0, 4))
    assert answer.plan.makespan == 11
