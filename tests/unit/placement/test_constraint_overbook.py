import pytest

from placement.answer import Status
from placement.constraints.fence import Fence
from placement.constraints.overbook import Overbook
from placement.constraints.running import Running
from placement.instance import Mode


def test_virtual_capacity(place, faults):
    model = place(0, 0, 0, reserve=[[1] * 4, [0] * 4])
    assert Overbook(0, 0, 1.25).limit(model) == 11
    assert Overbook(0, 1, 1.25).limit(model) == 12
    assert Overbook(0, 0, 0.05).limit(model) == 0


@pytest.mark.parametrize(("ratio", "times"), [(0.6, []), (0.5, [0]), (2.0, [])])
def test_final_states(place, faults, ratio, times):
    assert faults(place(0, 0, 0), Overbook(0, 0, ratio)) == times


def test_more_than_the_physical_capacity(place, faults, act):
    full = place(0, 0, 0, 0, 1)
    assert faults(full, Overbook(0, 0, 1.2), act.migrate(4, 1, 0)) == []


def test_continuous_form_binds_the_way(place, faults, act):
    moves = act.migrate(1, 1, 0), act.migrate(0, 0, 1)
    assert faults(place(0, 1), Overbook(0, 0, 0.3), *moves) == []
    assert faults(place(0, 1), Overbook(0, 0, 0.3, continuous=True), *moves) == [0]
    assert faults(place(0, 1), Overbook(0, 0, 0.4, continuous=True), *moves) == []


def test_excess_at_the_start_may_only_shrink(place, faults, act):
    rule = Overbook(0, 0, 0.4, continuous=True)
    assert faults(place(0, 0, 0, 0, 1), rule, act.migrate(0, 0, 2), act.migrate(1, 0, 3, 10)) == []
    worse = act.migrate(4, 1, 0), act.migrate(0, 0, 2), act.migrate(1, 0, 3), act.migrate(2, 0, 1)
    assert faults(place(0, 0, 0, 0, 1), rule, *worse) == [0]


def test_solver(place, solved):
    crowd = [-1] * 6
    starts = [Running(v) for v in range(6)]
    assert solved(place(*crowd, hosts=1), *starts, mode=Mode.PLACE).status is Status.INFEASIBLE
    booked = solved(place(*crowd, hosts=1), *starts, Overbook(0, 0, 1.2), Overbook(0, 1, 1.5), mode=Mode.PLACE)
    assert booked.status is Status.OPTIMAL
    fewer = solved(place(0, 0, 0), Overbook(0, 0, 0.4, continuous=True), Overbook(0, 0, 0.5))
    assert fewer.host.count(0) == 2


def test_order_keeps_the_virtual_capacity(place, solved):
    moves = Fence(0, frozenset({1})), Fence(1, frozenset({2}))
    model = place(0, 1, 1)
    assert solved(model, Overbook(1, 0, 0.4), *moves).plan.makespan == 10
    assert solved(model, Overbook(1, 0, 0.4, continuous=True), *moves).plan.makespan == 20
