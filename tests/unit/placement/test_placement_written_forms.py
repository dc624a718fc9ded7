"""What both formats write, to the letter, and what they read although the other one would not."""

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest

from placement.constraints.among import Among
from placement.constraints.deadline import Deadline
from placement.constraints.fence import Fence
from placement.constraints.precedence import Precedence
from placement.constraints.split import Split
from placement.constraints.spread import Spread
from placement.errors import InputError
from placement.formats import btrplace, native
from placement.formats.codec import Codec
from placement.formats.document import Document
from placement.formats.files import write_instance
from placement.formats.network import read_network, write_network
from placement.instance import Instance
from placement.model import Link, Plan

THREE = frozenset({0, 1, 2})


def ours(**changes):
    """A document of two hosts and one VM, changed here and there."""
    root = {
        "format": "placement 1",
        "resources": ["cpu"],
        "hosts": {"id": [1, 2], "capacity": {"cpu": [4, 8]}},
        "vms": {"id": [1], "demand": {"cpu": 1}},
    }
    for part, values in changes.items():
        root[part] = {**root[part], **values} if isinstance(values, dict) else values
    return native.read_instance(Document(json.dumps(root).encode()))


def test_times_and_names_as_each_format_spells_them(place):
    model = place(0, 1)
    other, own = Codec(model, own=False), Codec(model, own=True)
    assert other.write(Deadline(0, 90)) == {"id": "Deadline", "vm": 0, "timestamp": "+90", "continuous": True}
    assert own.write(Deadline(0, 90)) == {"id": "deadline", "vm": 0, "seconds": 90, "continuous": True}
    assert other.write(Precedence(0, 1)) == {"id": "Precedence", "vm1": 0, "vm2": 1, "continuous": True}
    assert own.write(Precedence(0, 1))["id"] == "precedence"
    assert other.write(Spread((0, 1)))["id"] == "spread"


def test_vms_are_written_by_their_ids(place):
    model = place(0, 1, 2)
    named = replace(model, vms=replace(model.vms, ids=("a", "b", "c")))
    codec = Codec(named, own=False)
    assert codec.write(Spread((0, 2))) == {"id": "spread", "vms": ["a", "c"], "continuous": False}
    assert codec.write(Split(((0,), (1, 2)))) == {"id": "split", "parts": [["a"], ["b", "c"]], "continuous": False}


def test_lists_that_are_gone_are_not_mistaken_for_new_ones(place):
    codec = Codec(place(0, hosts=30), own=False)
    for first in range(100, 128):
        parts = []
        parts.append([first])
        parts.append([first + 1])
        read = codec.read({"id": "among", "vms": [0], "parts": parts}, "here")
        assert read == Among((0,), (frozenset({first - 100}), frozenset({first - 99})))
        del parts


def test_columns_of_other_than_whole_numbers_are_refused():
    for values in ([4, 2.5], [4, True], [4, 1 << 41], [4, -1]):
        with pytest.raises(InputError, match=r"hosts.capacity.cpu\[1\]"):
            ours(hosts={"capacity": {"cpu": values}})


def test_ids_may_be_numbers_and_texts_side_by_side():
    assert ours(hosts={"id": [1, "two"]}).model.hosts.ids == (1, "two")


def test_the_id_that_is_described_twice_is_named():
    with pytest.raises(InputError, match=r"^hosts.id: 7 is described twice$"):
        ours(hosts={"id": [1, 7, 7], "capacity": {"cpu": 4}})


def test_wanted_amounts_are_read():
    vms = ours(vms={"want": {"cpu": 3}}).model.vms
    assert vms.demand.tolist() == [[1]]
    assert vms.want.tolist() == [[3]]


def test_the_smallest_link():
    for capacity, fine in ((1, True), (0, False)):
        links = [{"name": "up", "hosts": [1], "capacity": capacity}]
        with nullcontext() if fine else pytest.raises(InputError, match=r"links\[0\].capacity"):
            assert ours(links=links).model.links[0].capacity == 1


def test_what_is_the_same_for_all_is_written_once_and_large_sets_get_a_name(place):
    model = place(0, 0, 1)
    apart = Instance(model, (Fence(0, THREE), Fence(1, THREE), Fence(2, frozenset({0, 1})), Split(((0,), (1, 2)))))
    written = native.write_instance(apart)
    assert written["hosts"]["capacity"] == {"cpu": 10, "memory": 10}
    assert written["vms"]["host"] == [100, 100, 101]
    assert written["groups"] == {"set1": [100, 101, 102]}
    assert [c.get("hosts") for c in written["constraints"]] == ["set1", "set1", [100, 101], None]
    taken = Instance(replace(model, groups={"set1": (3,)}), apart.constraints)
    assert native.write_instance(taken)["groups"] == {"set1": [103], "set2": [100, 101, 102]}


def theirs(**changes):
    """A document in BtrPlace's form of two hosts, on the first of which VM 0 runs, and a ready VM 1."""
    view = {"id": "shareableResource", "rcId": "cpu", "defCapacity": 4, "defConsumption": 1, "nodes": {}, "vms": {}}
    nodes, vms = changes.pop("nodes", {}), changes.pop("vms", {})
    ready = changes.pop("ready", [1])
    online = {"0": {"runningVMs": [0], "sleepingVMs": []}, "1": {"runningVMs": [], "sleepingVMs": []}}
    return {
        "mapping": {"onlineNodes": online, "offlineNodes": [], "readyVMs": ready},
        "attributes": {"nodes": nodes, "vms": vms},
        "views": [view | changes],
    }


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"nodes": {"0": {"boot": 0}}}, "node 0: boot"),
        ({"nodes": {"0": {"boot": 1.5}}}, "node 0: boot"),
        ({"nodes": {"0": {"boot": (1 << 40) + 1}}}, "node 0: boot"),
        ({"vms": {"1": {"memUsed": -2}}}, "vm 1: memUsed"),
        ({"ready": ["1"]}, None),
        ({"ready": ["12345678901"]}, None),
        ({"ready": ["123456789012"]}, "'123456789012' is not a whole number"),
    ],
)
def test_attributes_and_ids_at_their_limits(changes, text):
    if text is None:
        assert btrplace.read_model(theirs(**changes)).vms.ids == (0, int(changes["ready"][0]))
        return
    with pytest.raises(InputError, match=text):
        btrplace.read_model(theirs(**changes))


@pytest.mark.parametrize("odd", [2.5, -1, (1 << 40) + 1, True])
def test_amounts_in_views_at_their_limits(odd):
    for key, usual in (("nodes", 1 << 40), ("vms", 0)):
        view = theirs()["views"][0] | {key: {"0": usual, "1": odd}}
        with pytest.raises(InputError, match=rf"model.views.cpu.{key}.1"):
            btrplace.read_model(theirs() | {"views": [view]})


def test_memory_in_use_is_guessed_from_the_resource_of_that_name_only():
    view = theirs()["views"][0]
    for name, guess in (("gpu", 0), ("RAM", 1)):
        model = btrplace.read_model(theirs() | {"views": [view | {"defConsumption": 9}, view | {"rcId": name}]})
        assert model.vms.memory.tolist() == [guess, guess]


def test_the_smallest_values_of_attributes():
    model = btrplace.read_model(theirs(vms={"0": {"memUsed": 0}}, nodes={"0": {"boot": 1, "shutdown": 1}}, rcId="mem"))
    assert model.vms.memory.tolist() == [0, 1]
    assert model.hosts.boot.tolist() == model.hosts.shutdown.tolist() == [1, 1]


def test_a_model_without_vms():
    empty = theirs(ready=[])
    empty["mapping"]["onlineNodes"]["0"]["runningVMs"] = []
    model = btrplace.read_model(empty)
    assert model.vms.demand.shape == (1, 0)
    assert btrplace.read_model(btrplace.write_model(model)).n_vms == 0


def test_views_say_everything_of_everybody():
    model = btrplace.read_model(theirs(defCapacity=7, vms={"1": {"boot": 3}}))
    assert btrplace.write_model(model)["views"] == [
        {
            "id": "shareableResource", "rcId": "cpu", "defCapacity": 0, "defConsumption": 0,
            "nodes": {"0": 7, "1": 7}, "vms": {"0": 1, "1": 1},
        }
    ]  # fmt: skip


def test_actions_to_the_letter(place, act):
    plan = Plan(place(0, 1, -1, 2), (act.migrate(0, 0, 3), act.boot(2, 1), act.kill(1, 1), act.suspend(3, 2)))
    hooks = {"hooks": {"pre": [], "post": []}}
    assert btrplace.write_plan(plan)["actions"] == [
        {"id": "migrateVM", "vm": 0, "from": 100, "to": 103, "start": 0, "end": 10, **hooks},
        {"id": "bootVM", "vm": 2, "to": 101, "start": 0, "end": 5, **hooks},
        {"id": "killVM", "vm": 1, "on": 101, "start": 0, "end": 1, **hooks},
        {"id": "suspendVM", "vm": 3, "from": 102, "to": 102, "start": 0, "end": 4, **hooks},
    ]


def test_no_bandwidth_is_the_largest_and_other_events_are_left_out():
    move = {"id": "migrateVM", "vm": 0, "from": 0, "to": 1, "start": 0, "end": 1}
    for bandwidth, kept in (((1 << 31) - 1, 0), (1 << 30, 0), ((1 << 30) - 1, (1 << 30) - 1)):
        events = [{"id": "substitutedVM"}, {"id": "allocateEvent", "rc": "cpu", "amount": 2}]
        actions = [move | {"bw": bandwidth, "hooks": {"pre": events}}]
        root = {"origin": theirs(), "actions": actions}
        (action,) = btrplace.read_plan(Document(json.dumps(root).encode())).actions
        assert action.bandwidth == kept
        assert action.allocation == ((0, 2),)


def test_the_name_of_a_file_decides_its_form(tmp_path, place):
    for name, key in (("x.pl", "format"), ("x.json", "model"), ("x", "model")):
        write_instance(tmp_path / name, Instance(place(0)))
        assert key in json.loads((tmp_path / name).read_bytes())


def test_networks_to_the_letter(build):
    assert write_network(build([(9, 9)], [(1, 1)], [0])) == []
    links = (Link("up", frozenset({1}), 50),)
    (view,) = write_network(build([(9, 9)] * 2, [(1, 1)], [0], bandwidth=[0, 100], links=links))
    assert view["switches"] == [{"id": 0, "capacity": -1}, {"id": 1, "capacity": -1}]
    assert view["links"] == [
        {"id": 0, "capacity": 450, "switch": 0, "physicalElement": {"type": "switch", "id": 1}},
        {"id": 1, "capacity": 1 << 30, "switch": 0, "physicalElement": {"type": "node", "id": 100}},
        {"id": 2, "capacity": 900, "switch": 1, "physicalElement": {"type": "node", "id": 101}},
    ]
    assert read_network([view], [100, 101])[0].tolist() == [0, 100]
    assert len(write_network(build([(9, 9)] * 2, [(1, 1)], [0], bandwidth=9))) == 1


def cable(switch, kind, number, capacity=900):
    return {"switch": switch, "capacity": capacity, "physicalElement": {"type": kind, "id": number}}


def test_a_link_leads_to_all_that_hangs_behind_it():
    deep = [cable(0, "node", 5), cable(0, "switch", 1), cable(1, "switch", 2, 450), cable(2, "switch", 3)]
    deep += [cable(3, "node", 7), cable(3, "node", 8), cable(1, "node", 6, 9)]
    bandwidth, links = read_network([{"switches": [], "links": deep}], [5, 6, 7, 8])
    assert bandwidth.tolist() == [100, 1, 100, 100]
    assert [(sorted(link.hosts), link.capacity) for link in links] == [([1, 2, 3], 100), ([2, 3], 50), ([2, 3], 100)]


def test_a_leaf_may_stand_on_either_side_of_its_link():
    upward = [cable(1, "switch", 0), cable(2, "switch", 1), cable(0, "node", 5), cable(2, "node", 6)]
    meeting = [cable(0, "switch", 1), cable(2, "switch", 1), cable(0, "node", 5), cable(2, "node", 6)]
    for cables, behind in ((upward, [[0], [0]]), (meeting, [[1], [0]])):
        links = read_network([{"switches": [], "links": cables}], [5, 6])[1]
        assert [sorted(link.hosts) for link in links] == behind


def test_the_thinnest_cable():
    thin = [cable(0, "node", 5, 1), cable(0, "switch", 1, 1)]
    bandwidth, links = read_network([{"switches": [{"id": 0}], "links": thin}], [5])
    assert bandwidth.tolist() == [links[0].capacity] == [1]
    with pytest.raises(InputError, match=r"links\[0\].capacity"):
        read_network([{"switches": [], "links": [cable(0, "node", 5, 0)]}], [5])
