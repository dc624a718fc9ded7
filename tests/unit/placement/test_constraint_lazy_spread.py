from placement.constraints.fence import Fence
from placement.constraints.lazy_spread import LazySpread


def test_together_from_the_start_may_stay(place, faults):
    assert faults(place(0, 0, 1), LazySpread((0, 1, 2))) == []


def test_new_meetings_are_refused(place, faults, act):
    assert faults(place(0, 0, 1), LazySpread((0, 1, 2)), act.migrate(2, 1, 0)) == [0, 0, 10, 10]
    both = act.migrate(0, 0, 2), act.migrate(1, 0, 2)
    assert faults(place(0, 0, 1), LazySpread((0, 1)), *both) == [0, 10]


def test_meeting_on_the_way_is_refused(place, faults, act):
    rule = LazySpread((0, 1))
    assert faults(place(0, 1), rule, act.migrate(0, 0, 1), act.migrate(1, 1, 2)) == [0]
    assert faults(place(0, 1), rule, act.migrate(1, 1, 2), act.migrate(0, 0, 1, 10)) == []
    assert faults(place(0, 1), rule) == []


def test_solver_keeps_those_together_that_were(place, solved):
    answer = solved(place(0, 0, 1), LazySpread((0, 1, 2)), Fence(2, frozenset({0, 3})))
    assert answer.host == (0, 0, 3)


def test_solver_orders_arrivals(place, solved):
    rules = Fence(0, frozenset({1})), Fence(1, frozenset({2}))
    assert solved(place(0, 1), LazySpread((0, 1)), *rules).plan.makespan == 20
