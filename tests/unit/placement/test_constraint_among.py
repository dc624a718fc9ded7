from placement.answer import Status
from placement.constraints.among import Among
from placement.constraints.offline import Offline
from placement.constraints.running import Running
from placement.instance import Mode

PARTS = (frozenset({0, 1}), frozenset({2, 3}))


def test_final_states(place, faults):
    assert faults(place(0, 1), Among((0, 1), PARTS)) == []
    assert faults(place(0, 2), Among((0, 1), PARTS)) == [0]
    assert faults(place(-1, -1), Among((0, 1), PARTS)) == []


def test_part_in_use_is_kept_at_every_instant(place, faults, act):
    moves = act.migrate(0, 0, 2), act.migrate(1, 1, 3)
    assert faults(place(0, 1), Among((0, 1), PARTS), *moves) == []
    assert faults(place(0, 1), Among((0, 1), PARTS, continuous=True), *moves) == [0, 0]
    detour = act.migrate(0, 0, 2), act.migrate(0, 2, 1, 10)
    assert faults(place(0, 1), Among((0, 1), PARTS, continuous=True), *detour) == [0]
    assert faults(place(0, 1), Among((0, 1), PARTS, continuous=True)) == []
    assert faults(place(0, -1), Among((0, 1), PARTS, continuous=True), act.migrate(0, 0, 2)) == [0]


def test_spread_over_parts_at_the_start_any_part_will_do(place, faults, act):
    rule = Among((0, 1), PARTS, continuous=True)
    assert faults(place(0, 2), rule, act.migrate(0, 0, 3)) == []
    assert faults(place(0, 2), rule, act.migrate(1, 2, 1)) == []
    assert faults(place(-1, -1), rule, act.boot(0, 2), act.boot(1, 3)) == []


def test_solver_keeps_the_part(place, solved):
    rules = Among((0, 1), PARTS, continuous=True), Offline(0)
    assert solved(place(0, 1), *rules).host == (1, 1)
    assert solved(place(0, 1), *rules, Offline(1)).status is Status.INFEASIBLE
    free = solved(place(0, 1), Among((0, 1), PARTS), Offline(0), Offline(1))
    assert set(free.host) <= {2, 3}


def test_newcomer_joins_the_part_in_use(place, solved):
    answer = solved(place(2, -1), Among((0, 1), PARTS, continuous=True), Running(1), mode=Mode.PLACE)
    assert answer.host[1] in (2, 3)
    parted = solved(place(0, 2, -1), Among((0, 1, 2), PARTS), Running(2), mode=Mode.PLACE)
    assert parted.status is Status.INFEASIBLE
