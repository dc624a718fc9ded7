from placement.answer import Status
from placement.constraints.ready import Ready
from placement.constraints.running import Running
from placement.model import VmState


def test_final_states(place, faults, act):
    assert faults(place(0), Running(0)) == []
    assert faults(place(-1), Running(0)) == [0]
    assert faults(place(-1), Running(0), act.boot(0, 2)) == []


def test_sleeping_vms_are_resumed(place, faults, act, solved):
    model = place(1, state=[VmState.SLEEPING])
    assert faults(model, Running(0)) == [0]
    assert faults(model, Running(0), act.resume(0, 1, 1)) == []
    assert solved(model, Running(0)).host[0] >= 0


def test_contradictions(place, solved):
    answer = solved(place(0), Running(0), Ready(0))
    assert answer.status is Status.INFEASIBLE
    assert answer.explanation.conflicts == ("VM 0 is asked to be both running and ready",)
    gone = solved(place(-1, state=[VmState.KILLED]), Running(0))
    assert gone.explanation.conflicts == ("VM 0 is killed and cannot become running",)
