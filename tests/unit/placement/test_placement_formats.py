"""Both formats: round trips, and one clear line for everything that cannot be used."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from placement.constraints.catalogue import CATALOGUE
from placement.constraints.deadline import Deadline
from placement.constraints.fence import Fence
from placement.constraints.overbook import Overbook
from placement.constraints.seq import Seq
from placement.constraints.spread import Spread
from placement.engine import solve
from placement.errors import InputError
from placement.formats import btrplace, document, native
from placement.formats.codec import Codec
from placement.formats.document import Document
from placement.formats.files import read_instance, read_plan, write_instance, write_plan
from placement.generate import SCENARIOS, Recipe, generate
from placement.instance import Instance, Mode
from placement.model import Link, Plan, Site, VmState, action_order

PARTS = tuple(frozenset(range(first, first + 40)) for first in (0, 40))


def every_constraint():
    """One of each kind, on four VMs and eighty hosts."""
    values = {
        "vm": 0, "vms": (0, 1), "host": 1, "hosts": PARTS[0], "vm_parts": ((0,), (1, 2)), "host_parts": PARTS,
        "resource": 1, "amount": 3, "ratio": 1.5, "seconds": 90, "before": 0, "after": 1,
    }  # fmt: skip
    for kind in CATALOGUE.values():
        fields = kind.__dataclass_fields__
        yield kind(**{name: values[name] for name in fields if name in values})
        if "continuous" in fields and not kind.always_continuous:
            yield kind(**{name: values[name] for name in fields if name in values}, continuous=True)


@pytest.fixture
def whole(build):
    states = [VmState.RUNNING, VmState.SLEEPING, VmState.READY, VmState.RUNNING]
    model = build([(10, 10)] * 80, [(2, 2)] * 4, [0, 1, -1, 2], state=states, online=[True] * 79 + [False])
    return Instance(model, tuple(every_constraint()))


def same(one, other):
    for part in ("hosts", "vms"):
        for name in getattr(one.model, part).__slots__:
            assert np.array_equal(getattr(getattr(one.model, part), name), getattr(getattr(other.model, part), name)), (
                name
            )
    assert one.constraints == other.constraints
    assert one.objective == other.objective
    return True


@pytest.mark.parametrize("name", ["i.json", "i.json.gz", "i.pl", "i.pl.gz"])
def test_round_trip_of_every_constraint(tmp_path, whole, name):
    write_instance(tmp_path / name, whole)
    assert same(read_instance(tmp_path / name), whole)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_generated_instances_survive_both_formats(tmp_path, scenario):
    instance = generate(Recipe(scenario, hosts=24, ratio=4, group=12, moves=10, load=0.4))
    for name in ("i.json", "i.pl"):
        write_instance(tmp_path / name, instance)
        assert same(read_instance(tmp_path / name), instance)


def test_same_bytes_each_time(tmp_path, whole):
    for name in ("a.pl.gz", "b.pl.gz"):
        write_instance(tmp_path / name, whole)
    assert (tmp_path / "a.pl.gz").read_bytes() == (tmp_path / "b.pl.gz").read_bytes()


def test_generation_depends_on_the_seed_alone():
    recipe = Recipe(hosts=30, ratio=4, group=10, seed=4)
    assert same(generate(recipe), generate(recipe))
    assert generate(recipe).constraints != generate(Recipe(hosts=30, ratio=4, group=10, seed=5)).constraints


def test_plans_survive(tmp_path, build):
    model = build(
        [(4, 9), (9, 9), (9, 9)], [(2, 1), (2, 1), (1, 1)], [0, 0, -1], want=[(3, 1), (2, 1), (1, 1)], bandwidth=70
    )
    constraints = [CATALOGUE["running"](2), Fence(1, frozenset({2})), CATALOGUE["offline"](1)]
    plan = solve(Instance(model, tuple(constraints)), Mode.REPAIR).plan
    write_plan(tmp_path / "p.json.gz", plan)
    again = read_plan(tmp_path / "p.json.gz")
    assert again.actions == plan.actions
    assert read_plan(tmp_path / "p.json.gz", model).origin is model
    kinds = {a.kind.value for a in plan.actions}
    assert kinds == {"allocate", "bootVM", "migrateVM", "shutdownNode"}


def test_every_kind_of_action_survives(tmp_path, place, act):
    model = place(0, 0, -1, 1, 1)
    actions = (
        act.suspend(0, 0), act.resume(0, 0, 2, 9), act.stop(1, 0), act.boot(2, 1), act.kill(3, 1), act.host_on(3),
        act.host_off(2), replace(act.migrate(4, 1, 0), bandwidth=5, allocation=((0, 3),)), act.kill(2, -1, 50),
    )  # fmt: skip
    plan = Plan(model, tuple(sorted(actions, key=action_order)))
    write_plan(tmp_path / "p.json", plan)
    assert read_plan(tmp_path / "p.json").actions == plan.actions


def test_plans_of_models_that_btrplace_cannot_describe_survive(tmp_path, build, act):
    model = build([(9, 9)] * 4, [(1, 1)], [0], reserve=[[1] * 4, [0] * 4])
    plan = Plan(model, (act.migrate(0, 0, 1),))
    write_plan(tmp_path / "p.json", plan)
    again = read_plan(tmp_path / "p.json")
    assert again.actions == plan.actions
    assert again.origin.hosts.reserve.tolist() == model.hosts.reserve.tolist()


def test_btrplace_defaults_and_names():
    root = {
        "mapping": {"onlineNodes": {"7": {"runningVMs": [3], "sleepingVMs": []}}, "offlineNodes": [5], "readyVMs": [1]},
        "attributes": {"nodes": {"7": {"idlePower": 80.5}}, "vms": {"3": {"boot": 9, "dirtyRate": 1.5, "clone": True}}},
        "views": [
            {
                "id": "shareableResource",
                "rcId": "mem",
                "defCapacity": 8,
                "defConsumption": 2,
                "nodes": {"7": 16},
                "vms": {},
            },
            {"id": "ns.vm", "map": {}},
        ],
    }
    model = btrplace.read_model(root)
    assert model.hosts.ids == (5, 7)
    assert model.hosts.capacity.tolist() == [[8, 16]]
    assert model.hosts.idle_power.tolist() == [0, 80500]
    assert model.vms.ids == (1, 3)
    assert model.vms.memory.tolist() == [2, 2]
    assert model.vms.cold_rate.tolist() == [0, 1.5]
    assert model.vms.hot_size.tolist() == model.vms.hot_seconds.tolist() == [0, 0]
    assert model.hosts.parallel.tolist() == model.hosts.site.tolist() == [0, 0]
    assert model.vms.seconds[:, 1].tolist() == [9, 1, 0, 1, 1, 1, 1]


def test_network_view_survives(tmp_path, build):
    links = (Link("link 0", frozenset({0, 1}), 500), Link("link 1", frozenset({2}), 700))
    model = build([(9, 9)] * 4, [(1, 1)], [0], bandwidth=[100, 100, 0, 50], links=links)
    write_instance(tmp_path / "n.json", Instance(model))
    again = read_instance(tmp_path / "n.json").model
    assert again.links == links
    assert again.hosts.bandwidth.tolist() == [100, 100, 0, 50]
    write_instance(tmp_path / "n.pl", Instance(model))
    assert read_instance(tmp_path / "n.pl").model.links == links
    overlapping = build(
        [(9, 9)] * 2, [(1, 1)], [0], links=(Link("a", frozenset({0, 1}), 1), Link("b", frozenset({1}), 1))
    )
    with pytest.raises(InputError, match="share hosts"):
        btrplace.write_model(overlapping)


def test_largest_ratio(build):
    read = Codec(build([(9, 9)], [(1, 1)], [0]), own=False).read
    rule = {"id": "overbook", "node": 100, "rc": "cpu", "ratio": 1 << 20}
    assert read(rule, "c") == Overbook(0, 0, 1 << 20)
    with pytest.raises(InputError, match="usable ratio"):
        read(rule | {"ratio": (1 << 20) + 1}, "c")


def test_times_of_deadlines(build):
    model = build([(9, 9)], [(1, 1)], [0])
    read = Codec(model, own=False).read
    assert read({"id": "Deadline", "vm": 0, "timestamp": "+1:02:03"}, "c") == Deadline(0, 3723)
    assert read({"id": "deadline", "vm": 0, "timestamp": "+90"}, "c") == Deadline(0, 90)
    assert read({"id": "deadline", "vm": 0, "timestamp": 12}, "c") == Deadline(0, 12)
    with pytest.raises(InputError, match="from the start of the plan"):
        read({"id": "deadline", "vm": 0, "timestamp": "12:00:00"}, "c")


def sample():
    return {
        "model": {
            "mapping": {"onlineNodes": {"0": {"runningVMs": [0], "sleepingVMs": []}, "1": {"runningVMs": [1], "sleepingVMs": []}},  # noqa: E501
                        "offlineNodes": [], "readyVMs": []},
            "attributes": {"nodes": {}, "vms": {}},
            "views": [{"id": "shareableResource", "rcId": "cpu", "defCapacity": 4, "defConsumption": 1, "nodes": {}, "vms": {}}],  # noqa: E501
        },
        "constraints": [],
        "objective": {"id": "minimizeMTTR"},
    }  # fmt: skip


def put(path, value):
    def change(root):
        place = root
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


MAPPING, VIEW = ("model", "mapping"), ("model", "views", 0)
NET = {"id": "net", "switches": [{"id": 0, "capacity": -1}, {"id": 1, "capacity": -1}], "links": [], "routing": {}}


def net(*links, **more):
    return put(("model", "views"), [{**NET, "links": list(links), **more}])


def link(switch, kind, number, capacity=9):
    return {"id": 0, "switch": switch, "capacity": capacity, "physicalElement": {"type": kind, "id": number}}


BAD = [
    (put(("model",), 3), "document.model"),
    (put(("constraints",), {}), "constraints: a list"),
    (put(("constraints",), [3]), "constraints[0]: a constraint is an object"),
    (put(("constraints",), [{"id": "nope"}]), "constraint 'nope' is unknown"),
    (put(("constraints",), [{"id": "spread"}]), "'vms' is missing"),
    (put(("constraints",), [{"id": "spread", "vms": []}]), "a list of VMs"),
    (put(("constraints",), [{"id": "spread", "vms": [0, 9]}]), "VM '9' is not in the model"),
    (put(("constraints",), [{"id": "spread", "vms": [0, [1]]}]), "is not in the model"),
    (put(("constraints",), [{"id": "spread", "vms": [0, 0]}]), "a VM is named twice"),
    (put(("constraints",), [{"id": "spread", "vms": [0, 1], "continuous": 1}]), "true or false"),
    (put(("constraints",), [{"id": "root", "vm": 0, "continuous": False}]), "always continuous"),
    (
        put(("constraints",), [{"id": "preserve", "vm": 0, "rc": "cpu", "amount": 1, "continuous": True}]),
        "no continuous form",
    ),
    (put(("constraints",), [{"id": "preserve", "vm": 0, "rc": "gpu", "amount": 1}]), "resource 'gpu'"),
    (put(("constraints",), [{"id": "preserve", "vm": 0, "rc": "cpu", "amount": -1}]), "at least 0"),
    (put(("constraints",), [{"id": "preserve", "vm": 0, "rc": "cpu", "amount": 1.5}]), "whole number"),
    (put(("constraints",), [{"id": "preserve", "vm": 0, "rc": "cpu", "amount": 10**30}]), "not a usable number"),
    (put(("constraints",), [{"id": "preserve", "vm": 0, "rc": "cpu", "amount": True}]), "not a usable number"),
    (put(("constraints",), [{"id": "overbook", "node": 0, "rc": "cpu", "ratio": "x"}]), "not a number from 0"),
    (put(("constraints",), [{"id": "overbook", "node": 0, "rc": "cpu", "ratio": 10**8}]), "usable ratio"),
    (put(("constraints",), [{"id": "overbook", "node": 7, "rc": "cpu", "ratio": 1}]), "host '7' is not in the model"),
    (put(("constraints",), [{"id": "fence", "vm": 0, "nodes": 3}]), "a list of hosts"),
    (put(("constraints",), [{"id": "fence", "vm": 0, "nodes": [0, 0]}]), "a host is named twice"),
    (put(("constraints",), [{"id": "among", "vms": [0], "parts": []}]), "a list of host sets"),
    (put(("constraints",), [{"id": "among", "vms": [0], "parts": [[0], [0, 1]]}]), "overlap"),
    (put(("constraints",), [{"id": "split", "parts": 3}]), "a list of VM sets"),
    (put(("constraints",), [{"id": "split", "parts": [[0], [0, 1]]}]), "overlap"),
    (
        put(("constraints",), [{"id": "precedence", "vm1": 0, "vm2": 1}, {"id": "precedence", "vm1": 1, "vm2": 0}]),
        "cyclic",
    ),
    (put(("constraints",), [{"id": "seq", "vms": [0, 1]}, {"id": "Precedence", "vm1": 1, "vm2": 0}]), "cyclic"),
    (put(("objective",), {}), "objective.id"),
    (put((*MAPPING, "offlineNodes"), [0]), "described twice"),
    (put((*MAPPING, "offlineNodes"), ["x"]), "not a whole number"),
    (put((*MAPPING, "readyVMs"), 3), "a list is expected"),
    (put((*MAPPING, "readyVMs"), [0]), "VM 0 is described twice"),
    (put((*MAPPING, "onlineNodes"), {"0": {"runningVMs": []}}), "sleepingVMs"),
    (put((*VIEW, "nodes"), {"9": 1}), "'9' is not in the mapping"),
    (put((*VIEW, "nodes"), {"0": -1}), "at least 0"),
    (put((*VIEW, "id"), "weather"), "view 'weather' is unknown"),
    (put(("model", "views"), 3), "a list of objects"),
    (put(("model", "attributes"), 3), "an object is expected"),
    (put(("model", "attributes", "vms"), {"0": 3}), "an object of attributes"),
    (put(("model", "attributes", "vms"), {"0": {"boot": 0}}), "at least 1"),
    (put(("model", "attributes", "nodes"), {"0": {"idlePower": -4}}), "from 0 up"),
    (put(("model", "attributes", "vms"), {"0": {"migrate": {"rc": "cpu", "a": 2, "b": 1}}}), "vm 0: migrate"),
    (put(("constraints",), [{"id": "Deadline", "vm": 0, "timestamp": "08:30:00"}]), "from the start of the plan"),
    (put(("constraints",), [{"id": "fence", "vm": True, "nodes": [0]}]), "VM 'True' is not in the model"),
    (put(("constraints",), [{"id": "fence", "vm": 0, "nodes": [1.0]}]), "host '1.0' is not in the model"),
    (net(link(0, "node", 0), link(0, "node", 0)), "has two links"),
    (net(link(0, "node", 8)), "unknown"),
    (net(link(0, "planet", 1)), "neither a node nor a switch"),
    (net(link(0, "switch", 1), link(1, "switch", 0)), "a tree"),
    (net(switches=[{"id": 0, "capacity": 8}]), "capacity of its own"),
    (net(switches=[{"id": 0, "capacity": 1}]), "capacity of its own"),
    (net(switches=[{"id": 0, "capacity": -2}]), "at least -1"),
    (put(("model", "views"), [NET, NET]), "several networks"),
]


@pytest.mark.parametrize(("change", "text"), BAD, ids=range(len(BAD)))
def test_bad_btrplace_instances(tmp_path, change, text):
    root = sample()
    change(root)
    (tmp_path / "bad.json").write_text(json.dumps(root))
    with pytest.raises(InputError) as caught:
        read_instance(tmp_path / "bad.json")
    assert text in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "bad.json"))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not JSON"),
        (b"[1]", "must be a JSON object"),
        (b'{"a": 1, "a": 2}', "'a' occurs twice"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": Infinity}', "Infinity"),
        (b"\xff{}", "UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number that cannot be used"),
        (b'{"parts": [[1, 2' + b", 3" * 40 + b",,]]}", "malformed list"),
        (gzip.compress(b"{}" * 99, mtime=0)[:-9], "damaged or cut off"),
        (b"\x1f\x8bnonsense", "damaged"),
    ],
)
def test_files_that_are_no_documents(tmp_path, data, text):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InputError, match=text):
        read_instance(tmp_path / "x")


def test_missing_and_oversized_files(tmp_path, whole):
    with pytest.raises(InputError, match="No such file"):
        read_instance(tmp_path / "absent")
    with pytest.raises(InputError, match="No such file"):
        write_instance(tmp_path / "no" / "x.json", whole)
    (tmp_path / "big").write_bytes(gzip.compress(b" " * 3000))
    with pytest.raises(InputError, match="larger than"):
        document.read_bytes(tmp_path / "big", 2000)


def test_repeated_lists_are_parsed_once_and_alike():
    numbers = list(range(100))
    root = {
        "a": [{"parts": [numbers, [7]], "nodes": numbers} for _ in range(3)],
        "nodes": "text",
        "parts": [["x"] * 40],
    }
    text = json.dumps(root).encode()
    shared = Document(text)
    for entry in shared.root["a"]:
        assert shared.shared(entry["parts"]) == [numbers, [7]]
        assert shared.shared(entry["nodes"]) == numbers
    assert shared.shared(shared.root["a"][0]["nodes"]) is shared.shared(shared.root["a"][1]["nodes"])
    assert shared.root["nodes"] == "text"
    assert shared.root["parts"] == [["x"] * 40]
    assert shared.shared("@77") == "@77"
    spaced = Document(json.dumps(root).replace("]]", "] ]").encode())
    assert spaced.root["a"][2]["parts"] == [numbers, [7]]


def test_models_that_btrplace_has_no_words_for(build):
    with pytest.raises(InputError, match="no reserve"):
        btrplace.write_model(build([(9, 9)], [(1, 1)], [0], reserve=[[1], [0]]))
    model = build([(9, 9)], [(1, 1)], [0])
    with pytest.raises(InputError, match="whole numbers as ids"):
        btrplace.write_model(replace(model, hosts=replace(model.hosts, ids=("a",))))


def own_sample():
    return {
        "format": "placement 1", "resources": ["cpu"], "groups": {"rack": [1, 2]},
        "sites": [{"name": "paris", "price": 5, "carbon": 7}],
        "hosts": {"id": [1, 2], "capacity": {"cpu": 4}, "site": "paris"},
        "vms": {"id": ["a", "b"], "demand": {"cpu": [1, 2]}, "host": [1, None]},
        "links": [{"name": "up", "hosts": "rack", "capacity": 9}], "constraints": [{"id": "fence", "vm": "a", "hosts": "rack"}],  # noqa: E501
    }  # fmt: skip


def test_own_format_in_short():
    instance = native.read_instance(Document(json.dumps(own_sample()).encode()))
    assert instance.constraints == (Fence(0, frozenset({0, 1})),)
    assert instance.model.vms.state.tolist() == [VmState.RUNNING, VmState.READY]
    assert instance.model.links[0].hosts == frozenset({0, 1})
    written = native.write_instance(instance)
    assert written["constraints"] == [{"id": "fence", "vm": "a", "hosts": "rack", "continuous": False}]
    assert native.read_instance(Document(json.dumps(written).encode())).constraints == instance.constraints


def test_defaults_of_our_own():
    root = {"format": "placement 1", "resources": ["cpu"], "sites": [{"name": "x"}],
            "hosts": {"id": [1], "capacity": {}}, "vms": {"id": [1], "demand": {}}}  # fmt: skip
    model = native.read_model(root)
    assert model.sites == (Site("x", 0, 0),)
    assert native.read_model(root | {"sites": []}).sites == (Site("default", 0, 0),)
    hosts, vms = model.hosts, model.vms
    columns = [hosts.idle_power, hosts.max_power, hosts.boot, hosts.shutdown, hosts.bandwidth, hosts.parallel]
    assert [column.tolist() for column in columns] == [[0], [0], [1], [1], [0], [0]]
    assert [rows.tolist() for rows in (hosts.capacity, hosts.ratio, hosts.reserve)] == [[[0]], [[1]], [[0]]]
    columns = [vms.memory, vms.hot_size, vms.hot_seconds, vms.cold_rate, vms.host, vms.state, hosts.site]
    assert [column.tolist() for column in columns] == [[0], [0], [0], [0], [-1], [VmState.READY], [0]]
    assert vms.seconds[:, 0].tolist() == [1, 1, 0, 1, 1, 1, 1]
    assert vms.want.tolist() == [[0]]
    assert hosts.online.tolist() == [True]


OWN_BAD = [
    (put(("format",), "x"), "format"),
    (put(("resources",), [3]), "a list of names"),
    (put(("resources",), ["cpu", "cpu"]), "described twice"),
    (put(("constraints",), 3), "constraints: a list"),
    (put(("constraints",), [{"id": "fence", "vm": "a", "hosts": "rock"}]), "group 'rock'"),
    (put(("objective",), 3), "objective: text"),
    (put(("hosts", "id"), [1, 1.5]), "whole numbers or texts"),
    (put(("hosts", "id"), [1, 1]), "1 is described twice"),
    (put(("hosts", "boot"), [1]), "1 values are given for 2"),
    (put(("hosts", "boot"), [1, -1]), "hosts.boot[1]"),
    (put(("hosts", "boot"), 0), "at least 1"),
    (put(("hosts", "ratio"), {"cpu": [1]}), "1 values are given for 2"),
    (put(("hosts", "ratio"), {"cpu": "x"}), "not a number"),
    (put(("hosts", "online"), [1, 2]), "true or false"),
    (put(("hosts", "capacity"), {"gpu": 1}), "a column for each"),
    (put(("hosts", "site"), "rome"), "one of paris"),
    (put(("hosts", "idle_power"), [9, 9]), None),
    (put(("hosts", "max_power"), 1), None),
    (put(("vms", "host"), [1]), "a list of 2 hosts"),
    (put(("vms", "host"), [1, 7]), "host '7' is not"),
    (put(("vms", "state"), ["running", "running"]), "running or sleeping on no host"),
    (put(("vms", "state"), ["ready", "ready"]), "has a host but"),
    (put(("vms", "demand"), {"cpu": 10**14}), "not a usable number"),
    (put(("vms", "want"), {"cpu": 3}), None),
    (put(("hosts", "online"), [False, True]), "on an offline host"),
    (put(("sites",), 3), "sites: a list"),
    (put(("sites",), [{"name": "x", "price": 10**9}]), "at most"),
    (put(("sites",), [{"name": "paris", "price": 1 << 20, "carbon": 1 << 20}]), None),
    (put(("sites",), [{"name": "paris", "price": (1 << 20) + 1}]), "at most"),
    (put(("sites",), [{"name": "paris", "carbon": (1 << 20) + 1}]), "at most"),
    (
        put(("constraints",), [{"id": "precedence", "before": x, "after": y} for x, y in ("ab", "ba")]),
        "cyclic",
    ),
    (put(("groups",), 3), "groups: an object"),
    (put(("groups",), {"r": 3}), "groups.r: a list"),
    (put(("groups",), {"r": [7]}), "groups.r: host '7'"),
    (put(("links",), 3), "links: a list"),
]


@pytest.mark.parametrize(("change", "text"), OWN_BAD, ids=range(len(OWN_BAD)))
def test_bad_instances_of_our_own(change, text):
    root = own_sample()
    change(root)
    document_ = Document(json.dumps(root).encode())
    if text is None:
        native.read_instance(document_)
        return
    with pytest.raises(InputError) as caught:
        native.read_instance(document_)
    assert text in str(caught.value)


def test_idle_above_maximum_power(build):
    with pytest.raises(InputError, match="maximum power is below"):
        build([(1, 1)], [(1, 1)], [0], idle=9, most=8)


def action(**more):
    return {"id": "migrateVM", "vm": 0, "from": 0, "to": 1, "start": 0, "end": 1} | more


BAD_ACTIONS = [
    (action(id="teleport"), "'teleport' is unknown"),
    (action(id="forgeVM"), "'forgeVM' is unknown"),
    (action(vm=9), "vm: '9' is not"),
    (action(vm=None), "vm: 'None'"),
    (action(to=9), "to: '9'"),
    (action(start="x"), "start"),
    (action(end=-1), "end"),
    (action(hooks=3), "hooks"),
    (action(hooks={"pre": [{"id": "allocate", "rc": "gpu", "amount": 1}]}), "resource 'gpu'"),
    (action(hooks={"pre": [{"id": "allocate", "rc": "cpu"}]}), "amount"),
    ({"id": "bootNode", "start": 0, "end": 1}, "node"),
    ({"id": "shutdownVM", "vm": 0, "start": 0, "end": 1}, "on"),
]


@pytest.mark.parametrize(("value", "text"), BAD_ACTIONS)
def test_bad_plans(tmp_path, value, text):
    (tmp_path / "p.json").write_text(json.dumps({"origin": sample()["model"], "actions": [value]}))
    with pytest.raises(InputError) as caught:
        read_plan(tmp_path / "p.json")
    assert text in str(caught.value)


def test_what_may_be_left_out_of_views():
    root = sample()
    del root["model"]["views"][0]["defCapacity"], root["model"]["views"][0]["defConsumption"]
    root["model"]["views"].append({**NET, "switches": [{"id": 0, "capacity": 0}, {"id": 1}]})
    model = btrplace.read_instance(Document(json.dumps(root).encode())).model
    assert model.hosts.capacity.tolist() == model.vms.demand.tolist() == [[0, 0]]
    assert model.links == ()


def test_duplicate_constraints_are_read_once():
    root = sample()
    root["constraints"] = [{"id": "spread", "vms": [0, 1]}] * 2 + [{"id": "seq", "vms": [0, 1]}]
    read = btrplace.read_instance(Document(json.dumps(root).encode()))
    assert read.constraints == (Spread((0, 1)), Seq((0, 1)))
