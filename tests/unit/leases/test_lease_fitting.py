import numpy as np
import pytest

from placement.leases import Exclusion, Host, Image, LeaseError, NodeGroup, Overheads, Site, equal_hosts, resources
from placement.leases.mapping import place, place_again, place_around
from placement.leases.shapes import Layout, Shape

TWIN = Site((Host("a", resources(cpu=(100, 100), memory=1000)), Host("b", resources(cpu=(100, 100), memory=1000))))


def shapes(*groups, site=TWIN):
    layout = Layout(site)
    return [Shape(layout, NodeGroup(count, needs), layout.columns) for count, needs in groups]


def free(*rows):
    return np.array(rows, dtype=np.int64)


@pytest.mark.parametrize(
    ("cpu", "shares", "count"),
    [
        (100, (50, 50), 0),
        (100, (100, 50), 1),
        (50, (100, 50), 3),
        ((50, 50), (100, 0), 0),
        ((50, 50), (50, 50), 1),
        ((50, 50), (100, 100), 2),
        ((100, 50), (100, 100), 1),
        ((10, 10, 10), (100, 100), 0),
    ],
)
def test_two_halves_are_not_one_whole(cpu, shares, count):
    (shape,) = shapes((1, resources(cpu=cpu)))
    assert shape.fitting(free((*shares, 1000))).tolist() == [count]


def test_the_scarcest_resource_counts():
    (shape,) = shapes((1, resources(cpu=10, memory=400)))
    assert shape.fitting(free((100, 100, 1000), (100, 100, 300), (5, 5, 1000))).tolist() == [2, 0, 0]
    assert shape.fitting(free((-5, 100, 1000))).tolist() == [2]
    assert shape.fitting(free((100, 100, -10))).tolist() == [0]


def test_a_single_instance_comes_from_the_tightest_share():
    (shape,) = shapes((1, resources(cpu=50)))
    assert shape.claims(free((100, 60, 0)), free(1)).tolist() == [[0, 50, 0]]
    assert shape.claims(free((100, 60, 0)), free(2)).tolist() == [[50, 50, 0]]


def test_unknown_resources_are_named():
    (shape,) = shapes((1, resources(gpu=1, cpu=1)))
    assert shape.missing == ["gpu"]
    assert shape.fitting(free((100, 100, 1000))).tolist() == [0]


def test_groups_share_hosts_and_keep_the_order_of_nodes():
    wanted = shapes((1, resources(cpu=50, memory=100)), (2, resources(cpu=(100, 50), memory=100)))
    found = place(wanted, free((100, 100, 1000), (100, 100, 1000)), np.array([0, 1]))
    assert found.nodes == (0, 0, 1)
    assert dict(found.claims) == {0: (100, 100, 200), 1: (100, 50, 100)}


def test_groups_that_fit_alone_but_not_together():
    wanted = shapes((2, resources(cpu=100)), (3, resources(cpu=100)))
    assert place(wanted, free((100, 100, 1000), (100, 100, 1000)), np.array([0, 1])) is None
    assert place(wanted, free((100, 100, 1000), (0, 0, 0)), np.array([0, 1])) is None


def test_another_order_of_groups_is_tried():
    site = Site((Host("big", resources(cpu=100, memory=500)), Host("small", resources(cpu=100, memory=100))))
    wanted = shapes((1, resources(cpu=100, memory=50)), (1, resources(cpu=30, memory=450)), site=site)
    found = place(wanted, free((100, 500), (100, 100)), np.array([0, 1]))
    assert found.nodes == (1, 0)
    wanted = shapes((1, resources(cpu=100, memory=90)), (1, resources(cpu=1, memory=101)), site=site)
    assert place(wanted, free((100, 500), (100, 100)), np.array([0, 1])).nodes == (1, 0)


def test_nodes_go_back_to_their_hosts_or_nowhere():
    wanted = shapes((2, resources(cpu=100, memory=100)))
    assert place_again(wanted, free((100, 100, 1000), (0, 0, 0)), (0, 0)).nodes == (0, 0)
    assert place_again(wanted, free((100, 50, 1000), (100, 100, 1000)), (0, 0)) is None
    assert place(wanted, free((100, 100, 1000)), np.array([], dtype=np.int64)) is None


def test_only_lost_nodes_move():
    wanted = shapes((3, resources(cpu=100, memory=100)))
    left = free((0, 0, 0), (100, 100, 1000), (100, 100, 1000))
    assert place_around(wanted, left, (1, 0, 2), np.array([0, 1, 2])).nodes == (1, 1, 2)
    assert place_around(wanted, free((0, 0, 0), (100, 0, 99), (0, 0, 0)), (0, 0, 0), np.array([0, 1, 2])) is None


def test_suspension_per_host_and_on_a_shared_file_system():
    memory, nodes = (1024, 1024, 100), (0, 0, 1)
    local = Overheads(suspend_rate=32, resume_rate=64)
    assert (local.suspend(memory, nodes), local.resume(memory, nodes)) == (64, 32)
    shared = Overheads(suspend_rate=32, resume_rate=64, exclusion=Exclusion.GLOBAL, enactment=1)
    assert (shared.suspend(memory, nodes), shared.resume(memory, nodes)) == (64 + 4 + 3, 32 + 2 + 3)


def test_every_node_is_rounded_up_and_margins_and_overrides_apply():
    assert Overheads(suspend_rate=30).suspend((100, 100), (0, 0)) == 8
    assert Overheads(suspend_rate=0.3).suspend((3,), (0,)) == 10
    assert Overheads(suspend_rate=32, margin=1.4).suspend((1024,), (0,)) == 45
    assert Overheads(suspend_time=7, resume_time=9).suspend((1024, 1), (0, 0)) == 14
    assert Overheads(suspend_time=7, resume_time=9).resume((1024, 1), (0, 1)) == 9
    assert Overheads().suspend((1024,), (0,)) == 0


def test_migration_in_rounds_of_pairs_that_share_no_host():
    overheads, image = Overheads(bandwidth=100), Image("i", 1024)
    moves = [(0, 0, 1), (1, 1, 2), (2, 3, 4)]
    assert overheads.migration_rounds((512, 1024, 100), image, moves) == [82, 82, 41, 82]
    assert overheads.migration_rounds((512, 1024, 100), None, moves) == [41, 82]
    assert overheads.migrate_at_most((512, 1024), image) == 2 * 82 + 41 + 82
    assert overheads.migrate_at_most((512, 1024), None) == 41 + 82
    assert Overheads().migration_rounds((512,), image, [(0, 0, 1)]) == []


@pytest.mark.parametrize("bad", [-1, 1 << 40, (5, -5)])
def test_amounts_out_of_bounds(bad):
    with pytest.raises(LeaseError, match="resource cpu"):
        resources(cpu=bad)


def test_sites_are_checked():
    assert equal_hosts(2, resources(cpu=1)).names((1, 0)) == ("host-2", "host-1")
    assert resources(cpu=0, Memory=5) == (("memory", (5,)),)
    with pytest.raises(LeaseError, match="same name"):
        Site((Host("a", ()), Host("a", ())))
    with pytest.raises(LeaseError, match="no host"):
        Site(())
