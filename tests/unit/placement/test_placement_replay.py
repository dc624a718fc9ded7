"""What the checker says, word by word and second by second: limits just met, and what stays behind an action."""

from dataclasses import replace

import pytest

from placement.checker import check_plan, check_start
from placement.constraints.offline import Offline
from placement.constraints.overbook import Overbook
from placement.constraints.preserve import Preserve
from placement.constraints.ready import Ready
from placement.constraints.running import Running
from placement.constraints.spread import Spread
from placement.instance import Instance
from placement.model import Link, Plan, VmState
from placement.trajectory import BEFORE, FOREVER, Stay


def said(model, *actions, rules=()):
    """What the checker says of actions on a model."""
    return [str(violation) for violation in check_plan(Instance(model, rules), Plan(model, actions)).violations]


def flow(act, vm, source, target, start=0, rate=100):
    return replace(act.migrate(vm, source, target, start), bandwidth=rate)


@pytest.fixture
def wired(build):
    """Three hosts with room for all, two VMs of 1,000 MB."""

    def make(*host, **more):
        return build([(10, 100)] * 3, [(1, 10)] * len(host), host, memory=[1000] * len(host), **more)

    return make


def test_the_start_is_judged_too(place):
    assert [v.rule for v in check_start(Instance(place(0, 0), (Spread((0, 1)),)))] == ["spread"]
    assert check_start(Instance(place(0, 1), (Spread((0, 1)),))) == []


def test_who_did_what_is_named(place, act):
    model = place(0, -1, online=[True, True, True, False])
    assert said(model, act.stop(0, 0)) == [
        "state at 1 s: VM 0 was running and is ready at the end, which nobody asked for"
    ]
    assert said(model, act.boot(0, 1, 3)) == ["action at 3 s: bootVM of VM 0: the VM is running, not ready"]
    assert said(model, replace(act.migrate(0, 0, 1), source=-1)) == [
        "action at 0 s: migrateVM of VM 0: the VM is on host 100, not on none"
    ]
    assert said(model, act.host_on(2, 4)) == ["action at 4 s: bootNode of host 102: the host is online"]
    assert said(model, replace(act.boot(1, 1), target=-1)) == ["action at 0 s: bootVM: the plan names no host"]


def test_durations_count_from_the_start_of_the_action(place, act):
    assert said(place(0), act.migrate(0, 0, 1, 7, 16)) == [
        "duration at 7 s: migrateVM of VM 0: 9 s are planned, it takes 10 s"
    ]


def test_the_least_bandwidth_is_a_bandwidth(wired, act):
    model = wired(0, migrate=0, bandwidth=100)
    slow = replace(act.migrate(0, 0, 1, 0, 1000), bandwidth=1)
    assert said(model, slow) == []
    assert said(model, replace(slow, end=999)) == [
        "duration at 0 s: migrateVM of VM 0: 999 s are planned, it takes 1000 s"
    ]


def test_wants_and_overloads_that_nobody_touches_are_seen_at_the_start(build):
    model = build([(4, 9)], [(2, 1)], [0], want=[(3, 1)])
    assert said(model) == ["demand at 0 s: VM 0 has 2 of cpu at the end, it wants 3"]
    full = build([(4, 9)], [(3, 1)], [0])
    tight = Overbook(0, 0, 0.5)
    assert "capacity at 0 s: host 100 carries 3 of cpu, it has 2" in said(full, rules=(tight,))


def test_the_smallest_of_several_ratios_counts_in_any_order(build):
    full = build([(4, 9)], [(3, 1)], [0])
    for ratios in ((0.5, 1.0), (1.0, 0.5)):
        rules = tuple(Overbook(0, 0, ratio) for ratio in ratios)
        assert "capacity at 0 s: host 100 carries 3 of cpu, it has 2" in said(full, rules=rules)


def test_links_may_be_full_and_carry_as_much_in_the_other_direction(wired, act):
    model = wired(0, 1, links=(Link("up", frozenset({0}), 100),))
    assert said(model, flow(act, 0, 0, 1), flow(act, 1, 1, 0)) == []
    outward = wired(0, 0, links=(Link("up", frozenset({0}), 100),))
    assert len(said(outward, flow(act, 0, 0, 1), flow(act, 1, 0, 2))) == 1


def test_an_excess_is_reported_once_and_not_at_every_event(wired, act):
    model = wired(0, 0, -1, parallel=1)
    moves = act.migrate(0, 0, 1), act.migrate(1, 0, 2)
    texts = said(model, *moves, act.boot(2, 1, 3), rules=(Running(2),))
    assert texts == ["network at 0 s: host 100 takes part in 2 migrations, its limit is 1"]


def test_what_has_ended_leaves_as_much_room_as_it_took(wired, act):
    model = wired(0, 0, 0, parallel=[1, 0, 0])
    both = act.migrate(1, 0, 2, 10), act.migrate(2, 0, 2, 10)
    assert [v.split(":")[0] for v in said(model, act.migrate(0, 0, 1), *both)] == ["network at 10 s"]


def test_the_least_bandwidth_of_a_host_is_a_limit(wired, act):
    assert said(wired(0, bandwidth=[1, 0, 0]), flow(act, 0, 0, 1, rate=2)) == [
        "network at 0 s: host 100 carries 2 MB/s out, it has 1"
    ]


def test_starting_and_stopping_is_no_migration(wired, act):
    model = wired(0, 0, 0, -1, parallel=[1, 0, 0])
    rules = Ready(0), Running(3)
    assert said(model, act.boot(3, 0), act.migrate(1, 0, 1), act.stop(0, 0), rules=rules) == []
    both = act.migrate(1, 0, 1, 5), act.migrate(2, 0, 2, 5)
    assert len(said(model, act.boot(3, 0), act.stop(0, 0), *both, rules=rules)) == 1


def test_a_host_that_goes_off_takes_nobody_and_one_that_boots_does_not_boot_again(place, act):
    model = place(-1, online=[True, True, True, False])
    off = Offline(1)
    late = said(model, act.host_off(1), act.boot(0, 1, 5), rules=(Running(0), off))
    assert "action at 5 s: bootVM of VM 0: host 101 is not online" in late
    assert said(model, act.host_on(3), act.host_on(3, 30)) == [
        "action at 30 s: bootNode of host 103: the host is online"
    ]


def test_a_sleeper_keeps_its_host_until_it_has_woken_up_elsewhere(place, act):
    model = place(0, 0, state=[VmState.SLEEPING, VmState.SLEEPING])
    awake = act.resume(0, 0, 1), act.resume(1, 0, 1)
    rules = Running(0), Running(1), Offline(0)
    assert said(model, *awake, act.host_off(0, 1), rules=rules) == []
    early = said(model, *awake, replace(act.host_off(0), start=0, end=20), rules=rules)
    assert "action at 0 s: shutdownNode of host 100: 2 VMs are on the host" in early
    one = said(model, awake[0], act.host_off(0, 1), rules=rules)
    assert "action at 1 s: shutdownNode of host 100: 1 VMs are on the host" in one


def test_moves_back_to_lower_numbers_and_stops_that_name_a_target(place, act):
    assert said(place(3), act.migrate(0, 3, 1), act.migrate(0, 1, 2, 10)) == []
    model = place(0)
    path = check_plan(Instance(model, (Ready(0),)), Plan(model, (replace(act.stop(0, 0), target=1),))).path
    assert path.final.at == [-1]


def test_vms_that_start_were_nowhere_before(place, act):
    model = place(-1)
    path = check_plan(Instance(model, (Running(0),)), Plan(model, (act.boot(0, 2),))).path
    assert path.stays(0) == (Stay(2, 0, FOREVER),)
    assert path.guest_profile([2]) == [(BEFORE, 0), (0, 1)]


def test_loads_change_at_the_start_of_growth_and_at_the_end_of_what_shrinks(build, act):
    model = build([(9, 9)], [(4, 1)], [0])
    grown = check_plan(Instance(model, (Preserve(0, 0, 6),)), Plan(model, (act.allocate(0, 0, 0, 6, 3),))).path
    assert grown.load_profile([0], 0) == [(BEFORE, 4), (3, 6), (4, 6)]
    shrunk = check_plan(Instance(model), Plan(model, (act.allocate(0, 0, 0, 2, 3),))).path
    assert shrunk.load_profile([0], 0) == [(BEFORE, 4), (3, 4), (4, 2)]


def test_power_is_drawn_from_the_start_of_a_boot_to_the_end_of_a_shutdown(place, act):
    model = place(0, online=[True, True, True, False])
    path = check_plan(Instance(model), Plan(model, (act.host_on(3, 5), act.host_off(1, 7)))).path
    assert path.on(3) == ((5, FOREVER),)
    assert path.on(1) == ((BEFORE, 27),)
    assert path.on(0) == ((BEFORE, FOREVER),)
    assert path.power_profile([0, 1, 3]) == [(BEFORE, 2), (5, 3), (27, 2)]


def test_visitors_are_all_who_were_ever_there(place, act):
    model = place(0, 1, -1, 0)
    there_and_back = act.migrate(0, 0, 1), act.migrate(0, 1, 0, 10)
    path = check_plan(Instance(model), Plan(model, there_and_back)).path
    assert [path.visitors(host) for host in range(3)] == [[0, 3], [1, 0], []]
    assert path.guest_profile([1]) == [(BEFORE, 1), (0, 2), (20, 1)]
    assert path.stays(2) == ()
    assert path.migration(0) == there_and_back[1]
    assert path.migration(1) is None
