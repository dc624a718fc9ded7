"""Junk in any place of a document, and in any option: an answer or one clear line, never a traceback."""

import copy
import json

import pytest

from placement.cli import main
from placement.constraints.catalogue import CATALOGUE
from placement.engine import solve
from placement.errors import InputError
from placement.formats import btrplace, native
from placement.formats.document import Document
from placement.instance import Instance, Mode
from placement.model import Link, VmState

JUNK = [
    None,
    True,
    -1,
    0,
    1,
    7,
    1.5,
    10**30,
    1e300,
    -1e300,
    "",
    "x",
    "@0",
    "\ud800",
    [],
    [[]],
    [None],
    [-1],
    {},
    {"x": {}},
]
PARTS = (frozenset((0, 1)), frozenset((2, 3)))


@pytest.fixture
def everything(build):
    """One constraint of each kind, a network, all states."""
    values = {
        "vm": 0, "vms": (0, 1), "host": 1, "hosts": PARTS[0], "vm_parts": ((0,), (1, 2)), "host_parts": PARTS,
        "resource": 1, "amount": 3, "ratio": 1.5, "seconds": 90, "before": 0, "after": 1,
    }  # fmt: skip
    states = [VmState.RUNNING, VmState.SLEEPING, VmState.READY, VmState.RUNNING]
    links = (Link("link 0", frozenset({0, 1}), 500),)
    model = build([(10, 10)] * 4, [(2, 2)] * 4, [0, 1, -1, 2], state=states, bandwidth=100, links=links)
    rules = [
        kind(**{name: values[name] for name in kind.__dataclass_fields__ if name in values})
        for kind in CATALOGUE.values()
    ]
    return Instance(model, tuple(rules))


def places(value, path=()):
    """Paths to all values in a document, of lists the first two entries only."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def spoilt(root):
    """Copies of a document, each with junk in another place, or something missing."""
    for path in places(root):
        if not path:
            continue
        for junk in [*JUNK, "missing"]:
            changed = copy.deepcopy(root)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            if junk == "missing":
                del inner[path[-1]]
            else:
                inner[path[-1]] = junk
            yield changed


def read_all(documents, read):
    """How many documents are refused; whatever else than InputError a reader raises is a failure."""
    refused = 0
    for root in documents:
        try:
            read(Document(json.dumps(root).encode()))
        except InputError:
            refused += 1
    return refused


@pytest.mark.parametrize("codec", [btrplace, native])
def test_junk_anywhere_in_an_instance(everything, codec):
    root = json.loads(json.dumps(codec.write_instance(everything)))
    documents = list(spoilt(root))
    assert len(documents) > 1500
    assert read_all(documents, codec.read_instance) > len(documents) / 2


def test_junk_anywhere_in_a_plan(build):
    model = build([(10, 10)] * 3, [(3, 2)] * 3, [2, 0, -1])
    rules = CATALOGUE["offline"](2), CATALOGUE["running"](2)
    plan = solve(Instance(model, rules), Mode.REPAIR).plan
    root = json.loads(json.dumps(btrplace.write_plan(plan)))
    documents = [
        {**root, "actions": actions["actions"]}
        for actions in spoilt({"actions": root["actions"]})
        if "actions" in actions
    ]
    assert read_all(documents, btrplace.read_plan) > len(documents) / 2


SMALL = ["--hosts", "12", "--ratio", "4", "--group", "6"]
OPTIONS = [
    ["solve", "{i}", "--mode", "energy", "--payback", "1" + "0" * 30],
    ["solve", "{i}", "--mode", "repair", "--objective", "energy=" + "9" * 30],
    ["solve", "{i}", "--mode", "repair", "--objective", "energy=0"],
    ["solve", "{i}", "--mode", "repair", "--objective", ""],
    ["solve", "{i}", "--mode", "repair", "--time-limit", "nan"],
    ["solve", "{i}", "--mode", "repair", "--time-limit", "-inf"],
    ["solve", "{i}", "--mode", "repair", "--seed", "9" * 30],
    ["solve", "{i}", "--mode", "repair", "--out", "{d}/absent/plan.json"],
    ["explain", "{i}", "--time-limit", "-1"],
    ["explain", "{i}", "--time-limit", "nan"],
    ["check", "{i}", "{i}"],
    ["check", "{i}", "{d}"],
    ["plot", "{i}", "{d}/p.png"],
    ["convert", "{i}", "{d}"],
    ["convert", "{d}", "{d}/x.pl"],
    ["generate", "{d}/x.pl", "--load", "nan"],
    ["generate", "{d}/x.pl", "--hosts", "9" * 30],
    ["generate", "{d}/x.pl", "--moves", "-1"],
    ["dance"],
]


@pytest.mark.parametrize("arguments", OPTIONS, ids=range(len(OPTIONS)))
def test_junk_in_options(capsys, tmp_path, arguments):
    instance = tmp_path / "i.json"
    main(["generate", str(instance), "--scenario", "drain", *SMALL])
    code = main([a.replace("{i}", str(instance)).replace("{d}", str(tmp_path)) for a in arguments])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith("placement: ")
    assert err.count("\n") == 1
