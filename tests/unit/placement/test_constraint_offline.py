from placement.answer import Status
from placement.constraints.offline import Offline
from placement.constraints.online import Online


def test_final_states(place, faults, act):
    assert faults(place(0), Offline(1)) == [0]
    assert faults(place(0), Offline(1), act.host_off(1)) == []
    assert faults(place(0, online=[True, False, True, True]), Offline(1)) == []


def test_continuous_form_refuses_to_boot(place, faults, act):
    model = place(0, online=[True, False, True, True])
    blink = act.host_on(1), act.host_off(1, 60)
    assert faults(model, Offline(1), *blink) == []
    assert faults(model, Offline(1, continuous=True), *blink) == [0]
    assert faults(model, Offline(1, continuous=True)) == []


def test_online_at_the_start(place, faults, solved, act):
    assert faults(place(0), Offline(1, continuous=True), act.host_off(1)) == []
    answer = solved(place(0, 1), Offline(0))
    assert answer.host[0] != 0
    assert not answer.online[0]
    assert answer.plan.makespan == 30


def test_contradiction(place, solved):
    answer = solved(place(0), Offline(1), Online(1))
    assert answer.status is Status.INFEASIBLE
    assert answer.explanation.conflicts == ("host 101 is asked to be both online and offline",)
