from placement.constraints.killed import Killed
from placement.model import Kind, VmState


def test_final_states(place, faults, act):
    assert faults(place(0), Killed(0)) == [0]
    assert faults(place(0), Killed(0), act.kill(0, 0)) == []
    assert faults(place(-1), Killed(0), act.kill(0, -1)) == []
    assert faults(place(2, state=[VmState.SLEEPING]), Killed(0), act.kill(0, 2)) == []


def test_solver_kills_in_every_state(place, solved):
    model = place(0, -1, 2, state=[VmState.RUNNING, VmState.READY, VmState.SLEEPING])
    answer = solved(model, Killed(0), Killed(1), Killed(2))
    assert [a.kind for a in answer.plan.actions] == [Kind.KILL] * 3
