from placement.constraints.max_online import MaxOnline
from placement.constraints.offline import Offline
from placement.constraints.running import Running

ALL = frozenset({0, 1, 2, 3})


def test_final_states(place, faults, act):
    assert faults(place(0), MaxOnline(ALL, 4)) == []
    assert faults(place(0), MaxOnline(ALL, 3)) == [0]
    assert faults(place(0), MaxOnline(ALL, 3), act.host_off(2)) == []


def test_a_host_counts_from_boot_start_to_shutdown_end(place, faults, act):
    model = place(0, online=[True, True, True, False])
    both = act.host_on(3), act.host_off(2)
    assert faults(model, MaxOnline(ALL, 3), *both) == []
    assert faults(model, MaxOnline(ALL, 3, continuous=True), *both) == [0]
    after = act.host_off(2), act.host_on(3, 20)
    assert faults(model, MaxOnline(ALL, 3, continuous=True), *after) == []


def test_excess_at_the_start_may_only_shrink(place, faults, act):
    rule = MaxOnline(ALL, 2, continuous=True)
    assert faults(place(0), rule, act.host_off(2), act.host_off(3, 40)) == []


def test_solver_switches_off_and_orders(place, solved):
    assert sum(solved(place(0, 1), MaxOnline(ALL, 2)).online) == 2
    assert sum(solved(place(0, 1), MaxOnline(ALL, 1, continuous=True)).online) == 1
    model = place(0, online=[True, True, False, False])
    answer = solved(model, MaxOnline(ALL, 2, continuous=True), Offline(0))
    assert sum(answer.online) <= 2


def test_boot_waits_for_the_shutdown(build, solved):
    model = build([(10, 10), (4, 4), (10, 10)], [(8, 8), (8, 8)], [0, -1], online=[True, True, False])
    answer = solved(model, MaxOnline(frozenset({0, 1, 2}), 2, continuous=True), Running(1))
    assert answer.online == (True, False, True)
    assert answer.plan.makespan == 20 + 60 + 5
