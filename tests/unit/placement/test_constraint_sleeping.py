from placement.answer import Status
from placement.constraints.offline import Offline
from placement.constraints.sleeping import Sleeping
from placement.model import Kind, VmState


def test_final_states(place, faults, act):
    assert faults(place(0, state=[VmState.SLEEPING]), Sleeping(0)) == []
    assert faults(place(0), Sleeping(0)) == [0]
    assert faults(place(0), Sleeping(0), act.suspend(0, 0)) == []


def test_solver_suspends(place, solved):
    assert [a.kind for a in solved(place(0), Sleeping(0)).plan.actions] == [Kind.SUSPEND]


def test_ready_vms_cannot_sleep_and_sleepers_keep_their_host(place, solved):
    assert solved(place(-1), Sleeping(0)).status is Status.INFEASIBLE
    kept = solved(place(0, state=[VmState.SLEEPING]), Offline(0))
    assert kept.explanation.conflicts == ("VM 0 sleeps on host 100, which is to go offline",)
