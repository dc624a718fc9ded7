"""What holds for every constraint alike."""

from pathlib import Path

import numpy as np
import pytest

from placement.checker import check_plan
from placement.constraints.among import Among
from placement.constraints.ban import Ban
from placement.constraints.base import Constraint
from placement.constraints.catalogue import CATALOGUE
from placement.constraints.fence import Fence
from placement.constraints.gather import Gather
from placement.constraints.lazy_spread import LazySpread
from placement.constraints.lonely import Lonely
from placement.constraints.max_online import MaxOnline
from placement.constraints.max_spare_resources import MaxSpareResources
from placement.constraints.min_spare_resources import MinSpareResources
from placement.constraints.mostly_spread import MostlySpread
from placement.constraints.offline import Offline
from placement.constraints.online import Online
from placement.constraints.overbook import Overbook
from placement.constraints.quarantine import Quarantine
from placement.constraints.resource_capacity import ResourceCapacity
from placement.constraints.root import Root
from placement.constraints.running import Running
from placement.constraints.running_capacity import RunningCapacity
from placement.constraints.split import Split
from placement.constraints.split_among import SplitAmong
from placement.constraints.spread import Spread
from placement.cpsat import Translation
from placement.draft import Draft
from placement.errors import InputError
from placement.formats.document import entry
from placement.instance import Instance
from placement.model import Plan
from placement.problem import Problem
from placement.trajectory import initial_state

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "placement.md"
VALUES = {
    "vm": 0, "vms": (0, 1), "host": 1, "hosts": frozenset({0, 1}), "vm_parts": ((0,), (1, 2)), "resource": 0,
    "host_parts": (frozenset({0}), frozenset({1})), "amount": 3, "ratio": 1.5, "seconds": 90, "before": 0, "after": 1,
}  # fmt: skip


def sample(kind):
    return kind(**{name: VALUES[name] for name in kind.__dataclass_fields__ if name in VALUES})


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE)
def test_names_its_vms(kind):
    named = {"vm": {0}, "vms": {0, 1}, "vm_parts": {0, 1, 2}, "before": {0, 1}}
    expected = set().union(*(named.get(field, set()) for field in kind.__dataclass_fields__))
    assert set(sample(kind).involved()) == expected


OF_OTHERS = {
    "lonely", "quarantine", "resourceCapacity", "runningCapacity", "maxOnline", "minSpareResources"
}  # fmt: skip
"""Constraints that close hosts to VMs which they do not name."""


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE)
def test_binds_when_the_guide_says_and_whom_it_must(kind):
    row = next(line for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{kind.id}` |"))
    form = row.split(" | ")[2]
    assert kind.always_continuous == (form == "continuous")
    assert ("continuous" in kind.__dataclass_fields__) == (form != "discrete")
    assert sample(kind).continuous == (form == "continuous")
    assert kind.everywhere == (kind.id in OF_OTHERS)


def test_binds_nobody_else_and_the_end_only_unless_it_says_so():
    assert not Constraint.always_continuous
    assert not Constraint.everywhere
    assert not Constraint.continuous


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE)
def test_is_in_the_guide_with_what_happens_at_the_start(kind):
    text = GUIDE.read_text(encoding="utf-8")
    assert f"| `{kind.id}` |" in text
    assert kind.at_start in text


def test_a_bare_constraint_asks_for_nothing(place):
    model = place(0, 0)
    bare = Constraint()
    problem = Problem(Instance(model, (bare,)))
    draft = Draft(problem, problem.start)
    allowed = np.ones(4, dtype=np.bool_)
    bare.mask(0, draft, allowed)
    translation = Translation(draft, [])
    bare.translate(translation)
    assert allowed.all()
    assert bare.involved() == ()
    assert list(bare.check(initial_state(model))) == []
    path = check_plan(Instance(model), Plan(model, ())).path
    assert list(bare.check_plan(path)) == []
    assert translation.solve(0.1).host == [0, 0]


def test_lazy_spread_in_the_exact_model(place):
    rules = LazySpread((0, 1, 2)), Fence(2, frozenset({0, 1}))
    problem = Problem(Instance(place(0, 0, 2, 1), rules))
    translation = Translation(Draft(problem, problem.start), [0, 1, 2])
    host = translation.solve(1.0).host
    assert host[2] in (0, 1)
    assert host[2] not in host[:2]


def test_strictest_overbooking_counts(place, faults, solved):
    rules = Overbook(0, 0, 0.5), Overbook(0, 0, 0.3)
    answer = solved(place(0, 0), *rules)
    assert answer.host.count(0) == 1


def test_strangers_that_never_share_a_host_do_not_meet(place, faults, act):
    assert faults(place(0, 1, 2), Lonely((0,), continuous=True), act.migrate(2, 2, 3), act.migrate(0, 0, 2, 10)) == []
    moves = act.migrate(1, 1, 0, 5), act.migrate(0, 0, 1)
    assert faults(place(0, 1, 1), Lonely((0,), continuous=True), *moves) == [0, 0, 5, 15]


def test_documents_that_are_no_objects():
    with pytest.raises(InputError, match="an object is expected"):
        entry(3, "key", "place", dict)


def test_running_and_stopped_on_the_same_host(place, solved):
    assert solved(place(0, -1), Running(1)).plan.makespan == 5


def masked(model, rule, vm, *also):
    """Hosts that a constraint leaves to a VM that is not placed; `also` other VMs that are to run."""
    problem = Problem(Instance(model, (rule, *map(Running, (vm, *also)))))
    allowed = np.ones(model.n_hosts, dtype=np.bool_)
    rule.mask(vm, Draft(problem, problem.start), allowed)
    return np.flatnonzero(allowed).tolist()


def test_masks_follow_peers_on_the_first_host(place):
    parts = frozenset({0, 1}), frozenset({2, 3})
    assert masked(place(0, -1), Gather((0, 1)), 1) == [0]
    assert masked(place(0, -1), Among((0, 1), parts), 1) == [0, 1]
    assert masked(place(0, 1, -1), SplitAmong(((0, 1), (2,)), parts), 2) == [2, 3]
    assert masked(place(0, 1, -1), SplitAmong(((0, 2), (1,)), (frozenset({0}), frozenset({1, 2}))), 2) == [0]


def test_masks_at_the_edge_of_a_cap(place):
    everything = frozenset(range(4))
    assert masked(place(0, 1, -1), MaxOnline(everything, 2), 2) == [0, 1]
    assert masked(place(0, -1, hosts=2), MinSpareResources(frozenset({0, 1}), 0, 16), 1) == [0, 1]
    assert masked(place(0, -1, hosts=2), MinSpareResources(frozenset({0, 1}), 0, 17), 1) == []


def exact(model, *rules):
    """The hosts that the exact model gives all running VMs, None where it finds a contradiction."""
    problem = Problem(Instance(model, rules))
    return Translation(Draft(problem, problem.start), problem.running).solve(1.0).host


def test_masks_look_at_placed_peers_only(place):
    parts = frozenset({0, 1}), frozenset({2, 3})
    assert masked(place(0, -1, -1), Among((0, 1, 2), parts), 1) == [0, 1]
    assert masked(place(0, -1), LazySpread((0, 1)), 1) == [1, 2, 3]
    assert masked(place(0, -1), Lonely((0,)), 1) == [1, 2, 3]
    assert masked(place(0, -1, hosts=2), MostlySpread((0, 1), 2), 1) == [1]
    assert masked(place(0, 0, -1), MostlySpread((0, 1, 2), 2), 2) == [1, 2, 3]
    assert masked(place(0, 1, -1), MostlySpread((0, 1, 2), 2), 2) == [0, 1, 2, 3]
    assert masked(place(0, -1, -1), MostlySpread((0, 1, 2), 2), 1, 2) == [0, 1, 2, 3]
    assert masked(place(0, -1, -1), MostlySpread((0, 1, 2), 3), 1, 2) == [1, 2, 3]


def test_masks_of_split_sets(place):
    parts = frozenset({0, 1}), frozenset({2, 3})
    assert masked(place(0, -1), Split(((0,), (1,))), 1) == [1, 2, 3]
    assert masked(place(0, -1, -1), SplitAmong(((0, 1), (2,)), parts), 1) == [0, 1]
    assert masked(place(0, 2, -1), SplitAmong(((0,), (1,), (2,)), parts), 2) == []


def test_masks_of_parts_that_are_full(place):
    parts = frozenset({0, 1}), frozenset({2, 3})
    assert masked(place(0, 1, -1), Among((0, 1, 2), parts), 2) == [0, 1]


def test_hosts_to_be_online_are_known_to_the_search(place):
    problem = Problem(Instance(place(0), (Online(1),)))
    assert problem.must_be_on.tolist() == [False, True, False, False]


def test_spare_room_of_hosts_to_go_offline_does_not_count(place):
    rules = MinSpareResources(frozenset({0, 1}), 0, 8), Offline(1)
    problem = Problem(Instance(place(0, -1), (*rules, Running(1))))
    allowed = np.ones(4, dtype=np.bool_)
    rules[0].mask(1, Draft(problem, problem.start), allowed)
    assert np.flatnonzero(allowed).tolist() == [2, 3]


def test_exact_model_counts_what_vms_take_as_not_spare(place):
    rule = MaxSpareResources(frozenset({0}), 0, 6)
    assert exact(place(0, 0), rule, Online(0)) == [0, 0]
    assert exact(place(0, 1), rule, Online(0)) == [0, 0]


def test_exact_model_keeps_strangers_apart(place):
    together = Fence(0, frozenset({3})), Fence(1, frozenset({3}))
    assert exact(place(0, 1), Lonely((0,)), *together) is None
    assert exact(place(0, 1), Lonely((0, 1)), *together) == [3, 3]


def test_spread_in_mask_and_exact_model(place):
    assert masked(place(0, -1), Spread((0, 1)), 1) == [1, 2, 3]
    together = Fence(0, frozenset({3})), Fence(1, frozenset({3}))
    assert exact(place(0, 0), Spread((0, 1)), *together) is None


def test_split_sets_in_the_exact_model(place):
    parts = frozenset({0, 1}), frozenset({2, 3})
    same = Fence(0, frozenset({2})), Fence(1, frozenset({3}))
    assert exact(place(0, 0), SplitAmong(((0,), (1,)), parts), *same) is None
    assert exact(place(0, 0), SplitAmong(((0, 1),), parts), *same) == [2, 3]


def test_masks_of_caps_on_use(place):
    first = frozenset({0})
    assert masked(place(0, -1), ResourceCapacity(first, 0, 4), 1) == [0, 1, 2, 3]
    assert masked(place(0, -1), ResourceCapacity(first, 0, 3), 1) == [1, 2, 3]
    assert masked(place(0, -1), RunningCapacity(first, 2), 1) == [0, 1, 2, 3]
    assert masked(place(0, -1), RunningCapacity(first, 1), 1) == [1, 2, 3]


def test_exact_model_chooses_one_part(place):
    parts = frozenset({0, 1}), frozenset({2, 3})
    apart = Fence(0, frozenset({0})), Fence(1, frozenset({2}))
    assert exact(place(0, 2), Among((0, 1), parts), *apart) is None
    assert exact(place(0, 2), Among((0, 1), parts), apart[0], Fence(1, frozenset({1, 2}))) == [0, 1]


def test_exact_model_lets_only_those_together_at_the_start_stay_so(place):
    together = Fence(0, frozenset({3})), Fence(1, frozenset({3}))
    assert exact(place(0, 0), LazySpread((0, 1)), *together) is None
    assert exact(place(3, 3), LazySpread((0, 1)), *together) == [3, 3]


def test_exact_model_keeps_split_sets_where_they_are(place):
    parts = frozenset({0, 1}), frozenset({2, 3})
    kept = SplitAmong(((0,), (1,)), parts, continuous=True)
    assert exact(place(0, 2), kept, Fence(0, frozenset({3}))) is None
    host = exact(place(0, 2), kept, Fence(0, frozenset({1})))
    assert host[0] == 1
    assert host[1] in parts[1]


def test_spread_looks_at_placed_peers_only(place):
    assert masked(place(0, -1, -1), Spread((0, 1, 2)), 1) == [1, 2, 3]


def test_masks_of_single_vms(place):
    some = frozenset({0, 2})
    assert masked(place(1), Ban(0, some), 0) == [1, 3]
    assert masked(place(1), Fence(0, some), 0) == [0, 2]
    assert masked(place(2), Root(0), 0) == [2]
    assert masked(place(0), Root(0), 0) == [0]
    assert masked(place(-1), Root(0), 0) == [0, 1, 2, 3]


def test_masks_of_a_quarantine(place):
    model = place(1, 2, -1)
    assert masked(model, Quarantine(1), 0) == [1]
    assert masked(model, Quarantine(1), 1) == masked(model, Quarantine(1), 2) == [0, 2, 3]


def test_masks_of_peers_that_may_stay_together(place):
    assert masked(place(0, 0), LazySpread((0, 1)), 1) == [0, 1, 2, 3]
    assert masked(place(0, 1), LazySpread((0, 1)), 1) == [1, 2, 3]
    assert masked(place(0, 0), Spread((0, 1)), 1) == [1, 2, 3]
