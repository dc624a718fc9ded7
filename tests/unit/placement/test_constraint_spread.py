from placement.constraints.spread import Spread


def test_final_states(place, faults):
    assert faults(place(0, 1, 2), Spread((0, 1, 2))) == []
    assert faults(place(0, 0, 2), Spread((0, 1, 2))) == [0]
    assert faults(place(0, -1, -1), Spread((0, 1, 2))) == []


def test_discrete_form_allows_a_meeting_on_the_way(place, faults, act):
    moves = act.migrate(0, 0, 1), act.migrate(1, 1, 2)
    assert faults(place(0, 1), Spread((0, 1)), *moves) == []
    assert faults(place(0, 1), Spread((0, 1), continuous=True), *moves) == [0]


def test_continuous_form_wants_the_departure_first(place, faults, act):
    rule = Spread((0, 1), continuous=True)
    assert faults(place(0, 1), rule, act.migrate(1, 1, 2), act.migrate(0, 0, 1, 10)) == []
    assert faults(place(0, 1), rule, act.migrate(1, 1, 2), act.migrate(0, 0, 1, 9)) == [9]


def test_violated_at_the_start_may_be_repaired_but_not_made_worse(place, faults, act):
    rule = Spread((0, 1, 2), continuous=True)
    assert faults(place(0, 0, 1), rule, act.migrate(1, 0, 2)) == []
    assert faults(place(0, 0, 1), rule, act.migrate(1, 0, 1), act.migrate(2, 1, 3)) == [0]


def test_solver_parts_and_orders(place, solved):
    answer = solved(place(0, 0, 0), Spread((0, 1, 2), continuous=True))
    assert len(set(answer.host)) == 3
    assert answer.plan.migrations == 2
