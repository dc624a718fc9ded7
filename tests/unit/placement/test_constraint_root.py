from placement.answer import Status
from placement.constraints.offline import Offline
from placement.constraints.ready import Ready
from placement.constraints.root import Root
from placement.constraints.running import Running


def test_stays(place, faults, act):
    assert faults(place(0, 1), Root(0), act.migrate(1, 1, 2)) == []
    assert faults(place(0, 1), Root(0), act.migrate(0, 0, 2)) == [0, 10]
    away_and_back = act.migrate(0, 0, 2), act.migrate(0, 2, 0, 10)
    assert faults(place(0, 1), Root(0), *away_and_back) == [0]


def test_start_and_stop_are_free(place, faults, act):
    assert faults(place(-1), Root(0), act.boot(0, 3)) == []
    assert faults(place(1), Root(0), act.stop(0, 1)) == []


def test_solver(place, solved):
    assert solved(place(0), Root(0), Offline(0)).status is Status.INFEASIBLE
    assert solved(place(-1), Root(0), Running(0)).host[0] >= 0
    assert solved(place(0), Root(0), Ready(0)).host == (-1,)


def test_does_not_move_to_the_first_host(place, faults, act):
    assert faults(place(1), Root(0), act.migrate(0, 1, 0)) == [0, 10]
