from placement.answer import Status
from placement.constraints.ready import Ready
from placement.model import Kind, VmState


def test_final_states(place, faults, act):
    assert faults(place(-1), Ready(0)) == []
    assert faults(place(0), Ready(0)) == [0]
    assert faults(place(0), Ready(0), act.stop(0, 0)) == []


def test_solver_stops(place, solved):
    assert [a.kind for a in solved(place(0), Ready(0)).plan.actions] == [Kind.SHUTDOWN]


def test_sleeping_vms_cannot_become_ready(place, solved):
    assert solved(place(0, state=[VmState.SLEEPING]), Ready(0)).status is Status.INFEASIBLE
