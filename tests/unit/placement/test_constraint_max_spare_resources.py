from placement.constraints.max_spare_resources import MaxSpareResources

PAIR = frozenset({0, 1})


def test_final_states(place, faults, act):
    assert faults(place(0, 1), MaxSpareResources(PAIR, 0, 16)) == []
    assert faults(place(0, 1), MaxSpareResources(PAIR, 0, 15)) == [0]
    assert faults(place(0), MaxSpareResources(PAIR, 0, 15), act.host_off(1)) == []


def test_offline_hosts_have_nothing_to_spare(place, faults):
    assert faults(place(0, online=[True, False, True, True]), MaxSpareResources(PAIR, 0, 8)) == []


def test_solver_switches_off(place, solved):
    answer = solved(place(0, 1), MaxSpareResources(PAIR, 0, 8))
    assert sum(answer.online[:2]) <= 1
