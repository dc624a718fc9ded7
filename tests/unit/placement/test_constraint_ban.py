from placement.constraints.ban import Ban


def test_final_states(place, faults):
    assert faults(place(2), Ban(0, frozenset({0, 1}))) == []
    assert faults(place(1), Ban(0, frozenset({0, 1}))) == [0]
    assert faults(place(-1), Ban(0, frozenset({0, 1}))) == []


def test_continuous_form_refuses_a_detour(place, faults, act):
    detour = act.migrate(0, 2, 0), act.migrate(0, 0, 3, 10)
    assert faults(place(2), Ban(0, frozenset({0, 1})), *detour) == []
    assert faults(place(2), Ban(0, frozenset({0, 1}), continuous=True), *detour) == [0]


def test_vm_that_starts_banned_moves_out(place, faults, act):
    rule = Ban(0, frozenset({0, 1}), continuous=True)
    assert faults(place(0), rule, act.migrate(0, 0, 2, 3)) == []
    back = act.migrate(0, 0, 2), act.migrate(0, 2, 0, 10), act.migrate(0, 0, 2, 20)
    assert faults(place(0), rule, *back) == [10]
    assert faults(place(-1), rule, act.boot(0, 1)) == [0, 5]


def test_solver(place, solved):
    assert solved(place(0), Ban(0, frozenset({0, 1, 2}))).host == (3,)


def test_banned_from_the_first_host(place, faults):
    assert faults(place(0), Ban(0, frozenset({0}))) == [0]
