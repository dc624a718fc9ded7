"""A machine's whole life on hosts that share no disks, seen from inside the guest and from the machine it runs on."""

import json
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import libvirt
import pytest

from sirocco.connectors.libvirt import migration
from sirocco.connectors.ports import (
    AttachNic,
    AttachVolume,
    Capture,
    ConnectorError,
    DetachVolume,
    DiskSpec,
    Done,
    DropSnapshot,
    Fault,
    GrowVolume,
    Kind,
    MachineSpec,
    Migrate,
    NetworkSpec,
    NicSpec,
    Pause,
    Ref,
    Resize,
    RestoreSnapshot,
    Seed,
    Start,
    State,
    Stop,
    Suspend,
    TakeSnapshot,
    VolumeSpec,
    VolumeUse,
)
from sirocco.contracts import capabilities as can
from sirocco.hypervisor import daemon, local
from sirocco.hypervisor.layout import Layout
from tests.connector.conformance.evidence import proves
from tests.connector.libvirt.far_end import endpoint_of, fetching, leftovers, ranges, separate

GUESTS = pytest.mark.allow_hosts(["127.0.0.1", "10.64.0.0/10"])
pytestmark = [pytest.mark.hypervisor, pytest.mark.timeout(600), GUESTS]
MIB = 1 << 20
REPOSITORY = Path(__file__).resolve().parents[3]
COUNTING = b"""#!/bin/sh
echo SEED-APPLIED
mkdir -p /run/www
(n=0; while :; do n=$((n+1)); echo $n >/run/new; mv /run/new /run/www/count; sleep 0.1; done) &
"""


@pytest.fixture(scope="module")
def far(hypervisor, tiny):
    settings = separate(hypervisor)
    endpoint = endpoint_of("libvirt", settings, tiny, ranges(hypervisor, 120))
    yield endpoint
    endpoint.close()
    assert leftovers(settings) == []


@pytest.fixture
def network(far):
    ref = far.make(NetworkSpec("life", next(far.cidrs), nat=True))
    yield ref
    far.tidy()


def serial_log(far, ref, host):
    folder = next(entry["pool_path"] for entry in far.opening[1].settings["hosts"] if entry["name"] == host)
    return Path(folder, f"machine-{ref.native_id}-serial.log").read_text(errors="replace")


def address(far, ref):
    far.wait_for(lambda: far.see(ref).facts.nics[0].addresses, "the first interface has an address")
    return far.see(ref).facts.nics[0].addresses[0]


def fetch(ip, path=""):
    """What the guest answers over HTTP, from this process, which is in no namespace of the hypervisor's."""
    with urllib.request.urlopen(f"http://{ip}/{path}", timeout=20) as answer:
        return answer.read().decode().strip()


def counted(ip):
    return int(fetch(ip, "count") or 0)


def answers(ip):
    try:
        return counted(ip) > 0
    except OSError:  # not up yet
        return False


def refused(far, ref, action):
    with pytest.raises(ConnectorError) as caught:
        far.act(ref, action)
    return caught.value.fault


def counting_machine(far, network, **changes):
    fixed = far.see(network).facts.cidr.replace(".0/24", ".250")
    spec = far.machine_spec(
        nics=(NicSpec(network.native_id, far.mac(), fixed),), seed=Seed("life", COUNTING), host="host1", **changes
    )
    ref = far.make(spec)
    far.wait_for(lambda: answers(fixed), "the guest answers on its address")
    return ref, fixed


@proves(can.MIGRATE_COPY)
def test_from_first_boot_to_a_copy_on_another_host(far, network):
    volume = far.make(VolumeSpec("data", 16 * MIB, filesystem="ext4", host="host1"))
    ref, fixed = counting_machine(far, network)
    assert far.ask(ref, "hostname") == "life"
    assert "SEED-APPLIED" in serial_log(far, ref, "host1")
    assert address(far, ref) == fixed
    first = counted(fixed)

    far.act(ref, AttachVolume(VolumeUse(volume.native_id)))
    far.wait_for(lambda: far.ask(ref, "volumes") == "vdb", "the guest sees the volume")
    write = "mkdir -p /run/data && mount -t ext4 /dev/vdb /run/data && echo kept > /run/data/word && sync"
    assert far.command(ref, f"{write} && cat /run/data/word") == "kept"
    far.act(volume, GrowVolume(24 * MIB))
    far.wait_for(lambda: far.command(ref, "cat /sys/block/vdb/size") == str(24 * MIB // 512), "the volume has grown")

    far.act(ref, Pause())
    assert far.state(ref) is State.PAUSED
    far.act(ref, Start())
    far.act(ref, Suspend())
    assert far.state(ref) is State.SUSPENDED
    assert refused(far, ref, Migrate("host2", copy_storage=True)) is Fault.CONFLICT
    far.act(ref, Start())
    assert counted(fixed) >= first

    far.act(ref, Resize(2, far.memory + 128 * MIB))
    home, away = "host1", "host2"
    for source, target in ((home, away), (away, home)):
        before = counted(fixed)
        far.act(ref, Migrate(target, copy_storage=True))
        assert far.see(ref).facts.host == target
        assert counted(fixed) >= before > 0
        assert far.command(ref, "nproc; cat /run/data/word").split() == ["2", "kept"]
        assert far.see(volume).facts.machine == ref.native_id
        kept = [
            name
            for name in leftovers(far.opening[1].settings | {"hosts": [host_of(far, source)]})
            if "image" not in name
        ]
        assert not [name for name in kept if ref.native_id in name or volume.native_id in name]

    far.command(ref, "umount /run/data; true")
    far.act(ref, DetachVolume(volume.native_id))
    token = far.token()
    far.made.append((Kind.IMAGE, token))
    image = far.done(far.connector.act(ref, Capture("captured"), token=token))
    far.delete(ref)
    copy = far.make(
        MachineSpec("copy", 1, far.memory, (DiskSpec(far.disk, image.native_id),), seed=Seed("copy"), host="host2")
    )
    assert far.ask(copy, "hostname") == "copy"


def host_of(far, name):
    return next(entry for entry in far.opening[1].settings["hosts"] if entry["name"] == name)


@pytest.mark.parametrize("seconds", [0.2, 0.6, 1.2])
def test_a_move_whose_caller_was_killed_is_finished_by_its_token(far, network, seconds):
    ref, fixed = counting_machine(far, network)
    far.ask(ref, "hostname")
    before, token = counted(fixed), far.token()
    order = {"settings": far.opening[1].settings, "verb": "migrate", "ref": [ref.kind, ref.native_id], "token": token}
    text = json.dumps(order | {"host": "host2", "k": 0, "when": "never"})
    command = [sys.executable, "-m", "tests.connector.libvirt.dying", text]
    caller = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    with caller:
        assert caller.stdout.readline() == "begun\n"
        time.sleep(seconds)
        caller.kill()
    far.done(far.connector.act(ref, Migrate("host2", copy_storage=True), token=token))
    assert (far.state(ref), far.see(ref).facts.host) == (State.STARTED, "host2")
    assert counted(fixed) >= before > 0
    assert far.refs(Kind.MACHINE) == [ref]
    kept = leftovers(far.opening[1].settings | {"hosts": [host_of(far, "host1")]})
    assert not [name for name in kept if ref.native_id in name]


def test_an_emulated_machine_stands_still_while_its_memory_is_sent(far, network):
    ref, fixed = counting_machine(far, network)
    before, leaving = counted(fixed), far.domain(ref)
    if migration.may_run(leaving.XMLDesc(0), leaving.connect().getVersion()):
        pytest.skip("machines of this hypervisor may run while they move")
    far.act(ref, Migrate("host2", copy_storage=True))
    sent = far.domain(ref).jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)
    pages = sent["memory_constant"] + sent["memory_normal"]
    assert pages * sent["memory_page_size"] == sent["memory_total"], "no page is written to once it was sent"
    assert counted(fixed) >= before > 0, "it goes on where it was"


def test_a_move_that_is_cancelled_leaves_the_machine_where_it_is(far, network):
    ref, fixed = counting_machine(far, network)
    far.ask(ref, "hostname")
    far.domain(ref).migrateSetMaxSpeed(1)
    op = far.connector.act(ref, Migrate("host2", copy_storage=True), token=far.token())
    assert op.done is Done.PENDING
    far.wait_for(lambda: (far.connector.poll(op).progress or 0) > 0, "memory moves")
    far.connector.cancel(op)
    with pytest.raises(ConnectorError, match="cancelled"):
        far.done(op)
    assert (far.state(ref), far.see(ref).facts.host) == (State.STARTED, "host1")
    assert counted(fixed) > 0
    kept = leftovers(far.opening[1].settings | {"hosts": [host_of(far, "host2")]})
    assert not [name for name in kept if ref.native_id in name]


def test_a_stopped_machine_moves_with_its_disks(far, network):
    ref, _ = counting_machine(far, network)
    far.command(ref, "echo moved > /root/word; sync")
    far.act(ref, Stop())
    far.act(ref, Migrate("host2", copy_storage=True))
    assert (far.state(ref), far.see(ref).facts.host) == (State.STOPPED, "host2")
    far.act(ref, Start())
    assert far.command(ref, "cat /root/word") == "moved"


def test_a_snapshot_brings_disk_and_memory_back_but_not_over_other_volumes(far, network):
    ref, fixed = counting_machine(far, network)
    volume = far.make(VolumeSpec("late", 4 * MIB, host="host1"))
    far.command(ref, "echo before > /root/word; sync")
    far.act(ref, TakeSnapshot("then"))
    far.command(ref, "echo after > /root/word; sync")
    assert refused(far, ref, Migrate("host2", copy_storage=True)) is Fault.CONFLICT
    far.act(ref, AttachVolume(VolumeUse(volume.native_id)))
    assert refused(far, ref, RestoreSnapshot("then")) is Fault.CONFLICT
    far.act(ref, DetachVolume(volume.native_id))
    far.act(ref, RestoreSnapshot("then"))
    assert far.command(ref, "cat /root/word") == "before"
    assert counted(fixed) > 0
    far.act(ref, DropSnapshot("then"))


def test_an_image_serves_its_disks_after_it_was_deleted(far):
    image = far.make(far.spec(Kind.IMAGE))
    ref = far.running(disks=(DiskSpec(far.disk, image.native_id),), host="host2")
    far.delete(image)
    with pytest.raises(ConnectorError):
        far.see(image)
    far.act(ref, Stop(force=True))
    far.act(ref, Start())
    assert far.ask(ref, "hostname")
    far.delete(ref)
    left = [Path(entry["pool_path"]).glob(f"{image.native_id}*") for entry in far.opening[1].settings["hosts"]]
    assert not [path for paths in left for path in paths]


def test_an_interface_plugged_in_while_running_gets_its_fixed_address_and_the_networks_packets(far, network):
    other = far.make(NetworkSpec("other", next(far.cidrs), mtu=1400))
    ref, _ = counting_machine(far, network)
    far.ask(ref, "hostname")
    fixed = far.see(other).facts.cidr.replace(".0/24", ".251")
    far.act(ref, AttachNic(NicSpec(other.native_id, far.mac(), fixed)))
    far.wait_for(lambda: fixed in far.ask(ref, "addresses"), "the guest has the address")
    far.wait_for(lambda: far.see(ref).facts.nics[1].addresses == (fixed,), "the provider knows the address")
    assert far.command(ref, "cat /sys/class/net/eth0/mtu /sys/class/net/eth1/mtu").split() == ["1500", "1400"]


def test_networks_are_apart_and_the_way_out_leads_through_the_machine(far, network):
    ref, _ = counting_machine(far, network)
    other = far.make(NetworkSpec("walled", next(far.cidrs)))
    neighbour = far.running(nics=(NicSpec(other.native_id, far.mac()),), host="host1")
    ip, walled = address(far, ref), address(far, neighbour)
    assert "via" in far.command(ref, "ip route get 198.51.100.1 | head -1")
    for guest, own, other in ((ref, ip, walled), (neighbour, walled, ip)):
        assert far.command(guest, fetching(own)), "a guest reaches itself"
        assert far.command(guest, fetching(other)) == ""


def test_counters_and_events_tell_what_a_guest_does(far, network):
    volume = far.make(VolumeSpec("written", 16 * MIB, host="host1"))
    ref, fixed = counting_machine(far, network)
    seen = []
    watch = far.connector.watch(seen.append)
    try:
        far.act(ref, AttachVolume(VolumeUse(volume.native_id)))
        far.wait_for(lambda: ref in seen, "the device is reported")
        far.wait_for(lambda: far.ask(ref, "volumes") == "vdb", "the guest sees the volume")
        before = far.connector.usage([ref])[ref.native_id]
        far.command(ref, "dd if=/dev/zero of=/dev/vdb bs=1M count=4; sync")
        far.command(ref, "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vdb of=/dev/null bs=1M count=8")
        assert counted(fixed) > 0
        now = far.connector.usage([ref])[ref.native_id]
        assert now.memory == far.memory
        assert now.cpu_time > before.cpu_time
        assert now.written - before.written >= 4 * MIB
        assert now.read - before.read >= 8 * MIB
        assert min(now.received - before.received, now.sent - before.sent) > 0
        far.begin(ref, "poweroff")
        far.wait_for(lambda: far.state(ref) is State.STOPPED, "the guest shuts down by itself")
        seen.clear()
        far.act(ref, Start())
        far.domain(ref).destroy()  # behind the connector's back
        far.wait_for(lambda: seen.count(ref) > 1, "start and end are reported")
    finally:
        watch.close()
    assert far.connector.usage([ref]) == {}


def test_a_daemon_that_is_restarted_is_found_again(far, hypervisor, network):
    ref, fixed = counting_machine(far, network)
    address(far, ref)
    seen = []
    watch = far.connector.watch(seen.append)
    try:
        root = Path(hypervisor["root"])
        daemon.stop(Layout(root).host(1))
        with pytest.raises(ConnectorError) as caught:
            far.see(Ref(Kind.MACHINE, str(uuid.uuid4())))
        assert caught.value.fault is Fault.TRANSIENT
        other = far.make(far.machine_spec(disks=(DiskSpec(MIB),), host="host2", start=False))
        assert (far.state(other), far.see(other).facts.host) == (State.STOPPED, "host2")
        before = counted(fixed)
        local.start(root, hosts=2)
        assert far.see(ref).state is State.STARTED
        assert counted(fixed) >= before
        far.wait_for(lambda: ref in seen, "the watch has looked again")
        seen.clear()
        far.act(ref, Pause())
        far.wait_for(lambda: ref in seen, "the watch hears again")
    finally:
        watch.close()
        local.start(root, hosts=2)
