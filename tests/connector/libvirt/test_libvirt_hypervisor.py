"""The local hypervisor comes and goes: nothing stays on the machine, and nothing of its machines is lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sirocco.connectors.ports import Kind, NetworkSpec, NicSpec, Seed, State
from sirocco.hypervisor import daemon, local, network
from sirocco.hypervisor.layout import HypervisorError, Layout
from tests.connector.libvirt.far_end import endpoint_of, leftovers, ranges

pytestmark = [pytest.mark.hypervisor, pytest.mark.timeout(300)]


@pytest.fixture
def root(tmp_path_factory, hypervisor):
    """A root of its own that knows QEMU's capabilities already, so that it starts in a second."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(Path(hypervisor["root"], "host1/cache"), folder / "host1/cache")
    yield folder
    local.stop(folder)


def traces(layout):
    """What a running hypervisor shows on the machine outside its folder."""
    links = [path.name for path in Path("/sys/class/net").iterdir() if path.name in layout.link]
    return [*network.processes(layout), *links, *([layout.namespace] if network.exists(layout) else [])]


def boot(far):
    net = far.make(NetworkSpec("own", next(far.cidrs), nat=True))
    ref = far.running(nics=(NicSpec(net.native_id, far.mac()),), seed=Seed("own"))
    far.command(ref, "echo kept > /run/word")
    return ref


def test_machines_go_on_after_the_hypervisor_was_stopped_and_started(root, tiny):
    layout, state = Layout(root), local.start(root)
    settings = state["provider"]["settings"]
    far = endpoint_of("libvirt-own", settings, tiny, ranges(state, 3))
    ref = boot(far)
    before = int(far.ask(ref, "counter"))
    local.stop(root)
    assert traces(layout) == []
    assert state["addresses"] not in network.routes()
    assert not local.status(root)["running"]

    again = local.start(root)
    assert (again["addresses"], again["provider"]) == (state["addresses"], state["provider"])
    assert far.state(ref) is State.STARTED
    assert far.command(ref, "cat /run/word") == "kept"
    assert int(far.ask(ref, "counter")) >= before
    far.tidy()
    far.close()
    assert leftovers(settings) == []


def test_a_killed_daemon_is_started_again_under_its_running_machine(root, tiny):
    layout, state = Layout(root), local.start(root)
    far = endpoint_of("libvirt-own", state["provider"]["settings"], tiny, ranges(state, 3))
    ref = boot(far)
    os.kill(state["hosts"][0]["pid"], signal.SIGKILL)
    assert daemon.wait_gone((state["hosts"][0]["pid"],), 10)
    assert not local.status(root)["running"]
    local.start(root)
    assert far.state(ref) is State.STARTED
    assert far.command(ref, "cat /run/word") == "kept"
    assert far.refs(Kind.MACHINE) == [ref]
    os.kill(local.status(root)["hosts"][0]["pid"], signal.SIGKILL)
    local.stop(root)
    assert traces(layout) == []
    far.connector.close()


def test_the_command_starts_tells_and_stops(root):
    def run(*arguments):
        command = [sys.executable, "-m", "sirocco.hypervisor", *arguments, "--root", str(root), "--json"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    started = run("start")
    assert started["running"]
    assert run("status") == started
    assert run("start") == started
    with pytest.raises(HypervisorError, match="stop it first"):
        local.start(root, hosts=2)
    assert not run("stop")["running"]
    assert traces(Layout(root)) == []


def test_nothing_listens_on_the_machine(hypervisor):
    outside = subprocess.run(["ss", "-H", "-l", "-n", "-t", "-u", "-p"], capture_output=True, text=True, check=True)
    pids = [f"pid={number}," for number in network.processes(Layout(Path(hypervisor["root"])))]
    assert len(pids) > 1
    assert not [line for line in outside.stdout.splitlines() if any(pid in line for pid in pids)]
