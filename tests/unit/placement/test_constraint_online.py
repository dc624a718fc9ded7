from placement.constraints.online import Online


def test_final_states(place, faults, act):
    assert faults(place(0), Online(1)) == []
    assert faults(place(0), Online(1), act.host_off(1)) == [20]
    assert faults(place(0, online=[True, False, True, True]), Online(1), act.host_on(1)) == []


def test_continuous_form_refuses_a_restart(place, faults, act):
    restart = act.host_off(1), act.host_on(1, 20)
    assert faults(place(0), Online(1), *restart) == []
    assert faults(place(0), Online(1, continuous=True), *restart) == [20]
    assert faults(place(0), Online(1, continuous=True)) == []


def test_offline_at_the_start(place, faults, solved, act):
    model = place(0, online=[True, False, True, True])
    assert faults(model, Online(1)) == [0]
    assert faults(model, Online(1, continuous=True), act.host_on(1)) == []
    assert solved(model, Online(1)).online[1]


def test_continuous_form_refuses_to_go_offline_for_good(place, faults, act):
    assert faults(place(0), Online(1, continuous=True), act.host_off(1)) == [20, 20]
