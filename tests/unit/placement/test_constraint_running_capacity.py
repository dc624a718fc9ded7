from placement.constraints.fence import Fence
from placement.constraints.running import Running
from placement.constraints.running_capacity import RunningCapacity
from placement.instance import Mode

PAIR = frozenset({0, 1})


def test_final_states(place, faults):
    assert faults(place(0, 1, 2), RunningCapacity(PAIR, 2)) == []
    assert faults(place(0, 1, 1), RunningCapacity(PAIR, 2)) == [0]
    assert faults(place(0, 1, -1), RunningCapacity(PAIR, 2)) == []


def test_cap_on_the_way(place, faults, act):
    moves = act.migrate(2, 2, 0), act.migrate(0, 0, 2)
    assert faults(place(0, 1, 2), RunningCapacity(PAIR, 2), *moves) == []
    assert faults(place(0, 1, 2), RunningCapacity(PAIR, 2, continuous=True), *moves) == [0]
    assert faults(place(0, 1, 2), RunningCapacity(PAIR, 3, continuous=True), *moves) == []
    boot = act.boot(2, 0), act.stop(0, 0)
    assert faults(place(0, 1, -1), RunningCapacity(PAIR, 2, continuous=True), *boot) == [0]


def test_excess_at_the_start_may_only_shrink(place, faults, act):
    rule = RunningCapacity(PAIR, 1, continuous=True)
    assert faults(place(0, 1, 1), rule, act.migrate(0, 0, 2), act.migrate(1, 1, 2)) == []


def test_solver(place, solved):
    rule = RunningCapacity(PAIR, 2, continuous=True)
    assert sum(h in PAIR for h in solved(place(0, 0, 1), rule).host) == 2
    started = solved(place(0, 1, -1), rule, Running(2), mode=Mode.PLACE)
    assert started.host[2] in (2, 3)
    exchanged = solved(place(0, 1, 2), rule, Fence(0, frozenset({2})), Fence(2, frozenset({0})))
    assert exchanged.plan.makespan == 20


def test_order_keeps_the_cap(place, solved):
    moves = Fence(0, frozenset({1})), Fence(1, frozenset({2}))
    model = place(0, 1, 1)
    assert solved(model, RunningCapacity(frozenset({1}), 2), *moves).plan.makespan == 10
    assert solved(model, RunningCapacity(frozenset({1}), 2, continuous=True), *moves).plan.makespan == 20
