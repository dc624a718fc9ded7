"""VMs stay where a plan would only shelter them, if that is as good."""

import pytest

from placement.constraints.ban import Ban
from placement.constraints.min_spare_resources import MinSpareResources
from placement.constraints.offline import Offline
from placement.costs import costs_of
from placement.engine import solve
from placement.found import Found
from placement.instance import Instance, Mode, Term
from placement.planner import make_plan
from placement.problem import Problem
from placement.settle import settled


@pytest.fixture
def swapped(build):
    """Where two VMs end that change places over a third host."""

    def run(*constraints, term=Term.MIGRATED_MEMORY, online=(True,) * 4, **more):
        model = build([(4, 4)] * 3 + [(9, 9)], [(4, 4), (4, 4)], [0, 1], online=[True] * 3 + [online[3]], **more)
        problem = Problem(Instance(model, constraints))
        plan = make_plan(problem, [1, 0], online).plan
        assert plan.migrations == 3
        return settled(problem, costs_of(problem, term), [1, 0], online, plan)

    return run


def test_a_shelter_becomes_the_target(swapped):
    assert swapped() in ([2, 0], [1, 2])


def test_a_shelter_where_nobody_may_stay_remains_a_shelter(swapped):
    elsewhere = [Ban(vm, frozenset({2, 3})) for vm in (0, 1)]
    assert swapped(*elsewhere) == [1, 0]
    assert swapped(Offline(2), Offline(3)) == [1, 0]


def test_a_dearer_shelter_remains_a_shelter(swapped):
    assert swapped(term=Term.ENERGY, most=[200_000, 200_000, 900_000, 900_000]) == [1, 0]


def test_room_that_must_be_free_at_the_end_is_not_settled_in(swapped):
    spare = MinSpareResources(frozenset({2, 3}), 0, 4)
    assert swapped(spare, online=(True, True, True, False)) == [1, 0]


def test_a_placement_that_needs_a_detour_gives_way_to_one_that_needs_none(build, monkeypatch):
    model = build([(4, 4)] * 3, [(4, 4), (4, 4)], [0, 1])

    class Swap:
        def __init__(self, *_):
            pass

        def run(self):
            return Found([1, 0], [True] * 3, 0, "none")

    monkeypatch.setattr("placement.engine.Repair", Swap)
    direct = solve(Instance(model), Mode.REPAIR)
    assert direct.host in ((2, 0), (1, 2))
    assert direct.plan.migrations == 2
    assert not direct.violations
