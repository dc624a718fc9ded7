from placement.answer import Status
from placement.constraints.min_spare_resources import MinSpareResources
from placement.constraints.running import Running
from placement.instance import Mode

PAIR = frozenset({0, 1})


def test_final_states(place, faults, act):
    assert faults(place(0, 1), MinSpareResources(PAIR, 0, 16)) == []
    assert faults(place(0, 1), MinSpareResources(PAIR, 0, 17)) == [0]
    assert faults(place(0), MinSpareResources(PAIR, 0, 9), act.host_off(1)) == [20]


def test_reserve_is_not_spare(place, faults):
    assert faults(place(0, reserve=[[3] * 4, [0] * 4]), MinSpareResources(PAIR, 0, 13)) == [0]


def test_only_the_end_counts(place, faults, act):
    assert (
        faults(place(0, 0, 0), MinSpareResources(frozenset({0}), 0, 8), act.migrate(0, 0, 2), act.migrate(1, 0, 2))
        == []
    )


def test_solver_frees_or_boots(place, solved):
    assert solved(place(0, 0, 0), MinSpareResources(frozenset({0}), 0, 8)).host.count(0) == 1
    booted = solved(place(0, online=[True, False, True, True]), MinSpareResources(PAIR, 0, 18))
    assert booted.online[1]


def test_newcomer_leaves_the_spare(place, solved):
    rule = MinSpareResources(PAIR, 0, 18)
    assert solved(place(0, -1), rule, Running(1), mode=Mode.PLACE).host[1] in (2, 3)
    assert solved(place(0, -1, hosts=2), rule, Running(1), mode=Mode.PLACE).status is Status.INFEASIBLE


def test_energy_keeps_the_spare(place, solved):
    answer = solved(place(0, 1, 2, 3), MinSpareResources(frozenset(range(4)), 0, 12), mode=Mode.ENERGY)
    assert sum(answer.online) == 2
