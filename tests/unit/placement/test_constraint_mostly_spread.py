from placement.constraints.mostly_spread import MostlySpread


def test_enough_hosts(place, faults):
    assert faults(place(0, 0, 1), MostlySpread((0, 1, 2), 2)) == []
    assert faults(place(0, 0, 0), MostlySpread((0, 1, 2), 2)) == [0]


def test_fewer_running_vms_than_hosts_asked_for(place, faults):
    assert faults(place(0, 1, -1), MostlySpread((0, 1, 2), 3)) == []
    assert faults(place(-1, -1, -1), MostlySpread((0, 1, 2), 3)) == []


def test_only_the_end_counts(place, faults, act):
    assert faults(place(0, 0, 0), MostlySpread((0, 1, 2), 2), act.migrate(2, 0, 3)) == []


def test_solver_moves_just_enough(place, solved):
    answer = solved(place(0, 0, 0, 0), MostlySpread((0, 1, 2, 3), 3))
    assert len(set(answer.host)) == 3
    assert answer.plan.migrations == 2
