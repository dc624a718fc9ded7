from placement.constraints.fence import Fence
from placement.constraints.resource_capacity import ResourceCapacity
from placement.constraints.running import Running
from placement.instance import Mode

PAIR = frozenset({0, 1})


def test_final_states(place, faults):
    assert faults(place(0, 1, 2), ResourceCapacity(PAIR, 0, 4)) == []
    assert faults(place(0, 1, 1), ResourceCapacity(PAIR, 0, 4)) == [0]


def test_cap_on_the_way(place, faults, act):
    moves = act.migrate(2, 2, 0), act.migrate(0, 0, 2)
    assert faults(place(0, 1, 2), ResourceCapacity(PAIR, 0, 4), *moves) == []
    assert faults(place(0, 1, 2), ResourceCapacity(PAIR, 0, 4, continuous=True), *moves) == [0]
    ordered = act.migrate(0, 0, 2), act.migrate(2, 2, 0, 10)
    assert faults(place(0, 1, 2), ResourceCapacity(PAIR, 0, 4, continuous=True), *ordered) == []


def test_excess_at_the_start_may_only_shrink(place, faults, act):
    rule = ResourceCapacity(PAIR, 0, 2, continuous=True)
    assert faults(place(0, 1, 1, 3), rule, act.migrate(0, 0, 2), act.migrate(1, 1, 2)) == []
    worse = act.migrate(3, 3, 0), act.migrate(0, 0, 2), act.migrate(1, 1, 2), act.migrate(2, 1, 2)
    assert faults(place(0, 1, 1, 3), rule, *worse) == [0]


def test_solver(place, solved):
    rule = ResourceCapacity(PAIR, 0, 4, continuous=True)
    assert sum(h in PAIR for h in solved(place(0, 0, 1), rule).host) == 2
    started = solved(place(0, 1, -1), rule, Running(2), mode=Mode.PLACE)
    assert started.host[2] in (2, 3)


def test_order_keeps_the_cap(place, solved):
    moves = Fence(0, frozenset({1})), Fence(1, frozenset({2}))
    model = place(0, 1, 1)
    assert solved(model, ResourceCapacity(frozenset({1}), 0, 4), *moves).plan.makespan == 10
    assert solved(model, ResourceCapacity(frozenset({1}), 0, 4, continuous=True), *moves).plan.makespan == 20
