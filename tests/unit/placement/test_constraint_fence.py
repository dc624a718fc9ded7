from placement.constraints.fence import Fence


def test_final_states(place, faults):
    assert faults(place(0), Fence(0, frozenset({0, 1}))) == []
    assert faults(place(2), Fence(0, frozenset({0, 1}))) == [0]
    assert faults(place(-1), Fence(0, frozenset({0, 1}))) == []


def test_continuous_form_refuses_a_detour_outside(place, faults, act):
    detour = act.migrate(0, 0, 2), act.migrate(0, 2, 1, 10)
    assert faults(place(0), Fence(0, frozenset({0, 1})), *detour) == []
    assert faults(place(0), Fence(0, frozenset({0, 1}), continuous=True), *detour) == [0]


def test_vm_that_starts_outside_moves_inside(place, faults, act):
    rule = Fence(0, frozenset({0, 1}), continuous=True)
    assert faults(place(3), rule, act.migrate(0, 3, 1, 5)) == []
    assert faults(place(3), rule, act.migrate(0, 3, 2), act.migrate(0, 2, 1, 10)) == [0]
    back = act.migrate(0, 3, 1), act.migrate(0, 1, 3, 10), act.migrate(0, 3, 1, 20)
    assert faults(place(3), rule, *back) == [10]
    assert faults(place(-1), rule, act.boot(0, 2)) == [0, 5]


def test_solver(place, solved):
    assert solved(place(3), Fence(0, frozenset({1}))).host == (1,)


def test_outside_on_the_first_host(place, faults):
    assert faults(place(0), Fence(0, frozenset({1}))) == [0]
