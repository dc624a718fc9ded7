from placement.answer import Status
from placement.constraints.fence import Fence
from placement.constraints.quarantine import Quarantine
from placement.constraints.running import Running
from placement.instance import Mode


def test_nobody_enters(place, faults, act):
    assert faults(place(0, 1), Quarantine(0), act.migrate(1, 1, 2)) == []
    assert faults(place(0, 1), Quarantine(0), act.migrate(1, 1, 0)) == [0, 10]
    assert faults(place(0, -1), Quarantine(0), act.boot(1, 0)) == [0, 5]


def test_nobody_leaves(place, faults, act):
    assert faults(place(0, 1), Quarantine(0), act.migrate(0, 0, 2)) == [0, 10]
    assert faults(place(0, 1), Quarantine(0), act.stop(0, 0)) == []


def test_passing_by_is_refused(place, faults, act):
    passing = act.migrate(1, 1, 0, 5), act.migrate(1, 0, 2, 15)
    assert faults(place(0, 1), Quarantine(0), *passing) == [5]


def test_solver(place, solved):
    assert solved(place(0, 1), Quarantine(0), Fence(0, frozenset({1}))).status is Status.INFEASIBLE
    assert solved(place(0, 1), Quarantine(0), Fence(1, frozenset({0}))).status is Status.INFEASIBLE
    started = solved(place(0, -1), Quarantine(0), Running(1), mode=Mode.PLACE)
    assert started.host[1] != 0


def test_nobody_leaves_for_the_first_host(place, faults, act):
    assert faults(place(1), Quarantine(1), act.migrate(0, 1, 0)) == [0, 10]
