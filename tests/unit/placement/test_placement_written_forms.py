"""What both formats write, to the letter, and what they read although the other one would not."""

import json
from dataclasses import replace

import pytest

from placement.constraints.among import Among
from placement.constraints.deadline import Deadline
from placement.constraints.fence import Fence
from placement.constraints.precedence import Precedence
from placement.constraints.split import Split
from placement.constraints.spread import Spread
from placement.errors import InputError
from placement.formats import native
from placement.formats.codec import Codec
from placement.formats.document import Document
from placement.instance import Instance

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
        root[part] = {**root[part], **values}
    return native.read_instance(Document(json.dumps(root).encode()))


def test_times_and_names_as_each_format_spells_them(place):
    model = place(0, 1)
    btrplace, own = Codec(model, own=False), Codec(model, own=True)
    assert btrplace.write(Deadline(0, 90)) == {"id": "Deadline", "vm": 0, "timestamp": "+90", "continuous": True}
    assert own.write(Deadline(0, 90)) == {"id": "deadline", "vm": 0, "seconds": 90, "continuous": True}
    assert btrplace.write(Precedence(0, 1)) == {"id": "Precedence", "vm1": 0, "vm2": 1, "continuous": True}
    assert own.write(Precedence(0, 1))["id"] == "precedence"
    assert btrplace.write(Spread((0, 1)))["id"] == "spread"


def test_vms_are_written_by_their_ids(place):
    model = place(0, 1, 2)
    named = replace(model, vms=replace(model.vms, ids=("a", "b", "c")))
    codec = Codec(named, own=False)
    assert codec.write(Spread((0, 2))) == {"id": "spread", "vms": ["a", "c"], "continuous": False}
    assert codec.write(Split(((0,), (1, 2)))) == {"id": "split", "parts": [["a"], ["b", "c"]], "continuous": False}


def test_lists_that_are_gone_are_not_mistaken_for_new_ones(place):
    codec = Codec(place(0, hosts=30), own=False)
    for first in range(100, 128):
        read = codec.read({"id": "among", "vms": [0], "parts": [[first], [first + 1]]}, "here")
        assert read == Among((0,), (frozenset({first - 100}), frozenset({first - 99})))


def test_columns_of_other_than_whole_numbers_are_refused():
    for values in ([4, 2.5], [4, True], [4, 1 << 41], [4, -1]):
        with pytest.raises(InputError, match=r"hosts.capacity.cpu\[1\]"):
            ours(hosts={"capacity": {"cpu": values}})


def test_ids_may_be_numbers_and_texts_side_by_side():
    assert ours(hosts={"id": [1, "two"]}).model.hosts.ids == (1, "two")


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
