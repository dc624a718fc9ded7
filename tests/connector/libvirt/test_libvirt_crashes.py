"""A caller killed at every instant of a create or a delete: the same token again, one object; a deletion, nothing."""

import json
import signal
import subprocess
import sys
import uuid
from dataclasses import asdict
from pathlib import Path

import pytest

from sirocco.connectors.ports import Capture, Done, Kind, NetworkSpec, ProviderSettings, State
from sirocco.connectors.registry import open_connector
from tests.connector.libvirt.dying import spec_of
from tests.connector.libvirt.far_end import image_spec, leftovers

pytestmark = pytest.mark.hypervisor
REPOSITORY = Path(__file__).resolve().parents[3]
MIB = 1 << 20


@pytest.fixture(scope="module")
def settings(hypervisor):
    """A provider of its own on the first host, so that what is left over is counted exactly."""
    host = hypervisor["provider"]["settings"]["hosts"][0]
    folder = Path(hypervisor["root"], "pool-crashes")
    return hypervisor["provider"]["settings"] | {"hosts": [host | {"pool": "crashes", "pool_path": str(folder)}]}


@pytest.fixture(scope="module")
def connector(settings):
    opened = open_connector("libvirt", ProviderSettings("crashes", settings))
    yield opened
    opened.close()


def done(connector, op):
    while (status := connector.poll(op)).done is Done.PENDING:
        pass
    if status.error:
        raise status.error
    return op.ref


@pytest.fixture(scope="module")
def orders(connector, tiny, hypervisor):
    """What is created, by kind; the machine's image and network are there already."""
    image = done(connector, connector.create(image_spec(tiny), token=str(uuid.uuid4())))
    cidrs = [hypervisor["addresses"].replace(".0.0/", f".{n}.0/").split("/")[0] + "/24" for n in (200, 201)]
    network = done(connector, connector.create(NetworkSpec("crash", cidrs[0]), token=str(uuid.uuid4())))
    nic = (network.native_id, "52:54:00:cc:00:01", cidrs[0].replace(".0/24", ".250"))
    machine = {"name": "m", "cpu": 1, "memory": 96 * MIB, "seed": "m", "start": False, "nics": [nic]}
    yield {
        Kind.MACHINE: ("MachineSpec", machine | {"disks": [(128 * MIB, image.native_id), (MIB, None)]}),
        Kind.VOLUME: ("VolumeSpec", {"name": "v", "capacity": 4 * MIB, "filesystem": "ext4"}),
        Kind.IMAGE: ("ImageSpec", asdict(image_spec(tiny))),
        Kind.NETWORK: ("NetworkSpec", {"name": "n", "cidr": cidrs[1]}),
    }
    for ref in (image, network):
        done(connector, connector.delete(ref, token=str(uuid.uuid4())))


def die(settings, order, k, when):
    """Whether the process was killed; it ends well when it needs fewer than ``k`` calls."""
    text = json.dumps(order | {"settings": settings, "k": k, "when": when})
    command = [sys.executable, "-m", "tests.connector.libvirt.dying", text]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr
    return ended.returncode != 0


def instants(settings, order):
    """Kill at each instant in turn, with a token of its own, until nobody dies any more."""
    k, killed = 0, True
    while killed:
        token = str(uuid.uuid4())
        killed = die(settings, order | {"token": token}, max(k, 1), "after" if k else "before")
        yield f"after call {k}", token
        k += 1


AT_REST = {Kind.MACHINE: State.STOPPED, Kind.NETWORK: State.STARTED}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [Kind.MACHINE, Kind.VOLUME, Kind.IMAGE, Kind.NETWORK])
def test_a_create_that_was_killed_is_finished_by_its_token(settings, connector, orders, kind):
    name, spec = orders[kind]
    order = {"verb": "create", "kind": name, "spec": spec}
    before = leftovers(settings)
    moments = 0
    for moment, token in instants(settings, order):
        moments += 1
        ref = done(connector, connector.create(spec_of(order), token=token))
        seen = connector.find_by_token(kind, token)
        assert (seen.ref, seen.state, seen.token) == (ref, AT_REST.get(kind, State.AVAILABLE), token), moment
        assert [other.token for other in connector.list(kind)].count(token) == 1, moment
        done(connector, connector.delete(ref, token=str(uuid.uuid4())))
        assert leftovers(settings) == before, moment
    assert moments > 5


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [Kind.MACHINE, Kind.VOLUME, Kind.IMAGE, Kind.NETWORK])
def test_a_create_that_was_killed_is_found_and_removed(settings, connector, orders, kind):
    name, spec = orders[kind]
    before = leftovers(settings)
    for moment, token in instants(settings, {"verb": "create", "kind": name, "spec": spec}):
        seen = connector.find_by_token(kind, token)
        if seen is not None:
            done(connector, connector.delete(seen.ref, token=str(uuid.uuid4())))
        assert leftovers(settings) == before, moment
        assert connector.find_by_token(kind, token) is None, moment


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [Kind.MACHINE, Kind.VOLUME, Kind.IMAGE, Kind.NETWORK])
def test_a_delete_that_was_killed_is_finished(settings, connector, orders, kind):
    name, spec = orders[kind]
    before = leftovers(settings)
    k, killed = 1, True
    while killed:
        token = str(uuid.uuid4())
        ref = done(connector, connector.create(spec_of({"kind": name, "spec": spec}), token=token))
        killed = die(settings, {"verb": "delete", "ref": [ref.kind, ref.native_id], "token": token}, k, "after")
        if leftovers(settings) != before:
            assert connector.find_by_token(kind, token) is not None, f"out of sight after call {k}"
        done(connector, connector.delete(ref, token=str(uuid.uuid4())))
        assert leftovers(settings) == before, k
        k += 1
    assert k > 2


@pytest.mark.timeout(600)
def test_a_volume_s_capture_that_was_killed_is_finished_by_its_token(settings, connector, orders):
    kind, spec = orders[Kind.VOLUME]
    before, moments = leftovers(settings), 0
    volume = done(connector, connector.create(spec_of({"kind": kind, "spec": spec}), token=str(uuid.uuid4())))
    for moment, token in instants(settings, {"verb": "capture", "ref": [volume.kind, volume.native_id]}):
        moments += 1
        image = done(connector, connector.act(volume, Capture("kept"), token=token))
        seen = connector.find_by_token(Kind.IMAGE, token)
        assert (seen.ref, seen.state, seen.facts.capacity) == (image, State.AVAILABLE, spec["capacity"]), moment
        done(connector, connector.delete(image, token=str(uuid.uuid4())))
    done(connector, connector.delete(volume, token=str(uuid.uuid4())))
    assert leftovers(settings) == before
    assert moments > 5


def test_a_disk_is_not_made_anew_under_a_running_machine(settings, connector, orders):
    _, spec = orders[Kind.MACHINE]
    order, token = {"kind": "MachineSpec", "spec": spec | {"start": True}}, str(uuid.uuid4())
    ref = done(connector, connector.create(spec_of(order), token=token))
    path = Path(settings["hosts"][0]["pool_path"], f"machine-{ref.native_id}-disk0.qcow2")
    before = path.stat().st_ino
    again = open_connector("libvirt", ProviderSettings("again", settings))
    try:
        done(again, again.create(spec_of(order), token=token))
    finally:
        again.close()
    assert path.stat().st_ino == before
    done(connector, connector.delete(ref, token=str(uuid.uuid4())))
