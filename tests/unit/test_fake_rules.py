"""What the pretend cloud allows, and what things are while an operation is under way."""

import sqlite3

import pytest

from sirocco.connectors.fake import connect
from sirocco.connectors.ports import (
    AttachNic,
    AttachVolume,
    Capture,
    DetachNic,
    DiskSpec,
    Done,
    Fault,
    GrowVolume,
    ImageSpec,
    Kind,
    MachineSpec,
    Migrate,
    NetworkSpec,
    NicSpec,
    Pause,
    ProviderSettings,
    Resize,
    RestoreSnapshot,
    SettingError,
    Start,
    State,
    Stop,
    TakeSnapshot,
    VolumeSpec,
    VolumeUse,
)
from tests.unit.fake_cloud import MIB, FakeCloud, fault_of

TWO_HOSTS = [
    {"name": "a", "cores": 4, "memory": 1024 * MIB, "disk": 100 * MIB},
    {"name": "b", "cores": 4, "memory": 1024 * MIB, "disk": 100 * MIB},
]


@pytest.fixture
def cloud(tmp_path):
    cloud = FakeCloud(tmp_path, {"hosts": TWO_HOSTS})
    yield cloud
    cloud.connector.close()


@pytest.fixture
def slow(tmp_path):
    cloud = FakeCloud(tmp_path, {"hosts": TWO_HOSTS, "delays": {"*": 10, "create.image": 0}})
    yield cloud
    cloud.connector.close()


def test_an_operation_takes_its_time_and_tells_how_far_it_is(slow):
    op = slow.connector.create(MachineSpec("m", 1, MIB, (DiskSpec(MIB),)), token="t")
    assert op.done is Done.PENDING
    assert slow.connector.observe(op.ref).state is State.CREATING
    slow.clock.now += 4
    status = slow.connector.poll(op)
    assert (status.done, status.progress, status.poll_after) == (Done.PENDING, 0.4, 0.5)
    slow.clock.now += 6
    assert slow.connector.poll(op).done is Done.OK
    assert slow.connector.observe(op.ref).state is State.STARTED


def test_addresses_are_known_only_when_the_machine_is_there(slow):
    network = slow.create(NetworkSpec("n", "10.1.0.0/29"))
    slow.clock.now += 10
    ref = slow.machine(nics=(NicSpec(network.native_id, "52:54:00:00:00:01"),))
    assert slow.connector.observe(ref).facts.nics[0].addresses == ()
    slow.clock.now += 10
    assert slow.connector.observe(ref).facts.nics[0].addresses == ("10.1.0.2",)


def test_a_busy_machine_refuses_everything_but_its_end(slow):
    ref = slow.machine()
    assert fault_of(slow.act, ref, Pause()) is Fault.CONFLICT
    slow.delete(ref)
    slow.clock.now += 10
    assert fault_of(slow.connector.observe, ref) is Fault.NOT_FOUND


def test_deleting_fails_what_was_under_way(slow):
    op = slow.connector.create(MachineSpec("m", 1, MIB, (DiskSpec(MIB),)), token="t")
    slow.delete(op.ref)
    status = slow.connector.poll(op)
    assert (status.done, status.error.fault) == (Done.FAILED, Fault.CONFLICT)


def test_a_cancelled_creation_leaves_an_error_to_be_deleted(slow):
    op = slow.connector.create(MachineSpec("m", 1, MIB, (DiskSpec(MIB),)), token="t")
    slow.connector.cancel(op)
    assert slow.connector.poll(op).done is Done.FAILED
    assert slow.connector.observe(op.ref).state is State.ERROR
    slow.delete(op.ref)
    slow.clock.now += 10
    assert slow.host().memory_used == 0


@pytest.mark.parametrize("then_delete", [False, True])
def test_a_cancelled_migration_frees_the_destination_and_keeps_the_source(slow, then_delete):
    ref = slow.machine(host="a")
    slow.clock.now += 10
    op = slow.act(ref, Migrate("b"))
    assert [host.memory_used for host in slow.connector.hosts()] == [64 * MIB, 64 * MIB]
    if then_delete:
        slow.delete(ref)
        slow.clock.now += 10
        assert [host.memory_used for host in slow.connector.hosts()] == [0, 0]
        return
    slow.connector.cancel(op)
    assert [host.memory_used for host in slow.connector.hosts()] == [64 * MIB, 0]
    slow.clock.now += 10
    assert slow.connector.observe(ref).facts.host == "a"
    assert [host.memory_used for host in slow.connector.hosts()] == [64 * MIB, 0]


def test_a_machine_deleted_while_it_shrinks_gives_everything_back_once(slow):
    ref = slow.machine(cpu=3, host="a")
    slow.clock.now += 10
    slow.act(ref, Resize(1, 128 * MIB))
    assert (slow.host().load, slow.host().memory_used) == (0.75, 128 * MIB)
    slow.clock.now += 5
    slow.delete(ref)
    slow.clock.now += 5
    assert slow.host().load == 0.25
    slow.clock.now += 5
    assert (slow.host().load, slow.host().memory_used) == (0, 0)
    slow.delete(ref)
    assert slow.host().load == 0


def test_two_deletions_under_way_give_back_once(slow):
    ref, other = slow.machine(host="a"), slow.machine(host="a")
    for _ in range(2):
        slow.delete(ref)
    slow.clock.now += 10
    slow.machine(host="a")
    assert slow.host().memory_used == 128 * MIB
    assert slow.connector.observe(other).state is State.STARTED


def test_a_host_takes_no_more_than_it_has_until_something_leaves(cloud):
    ref = cloud.machine(cpu=4, host="a")
    assert fault_of(cloud.machine, host="a") is Fault.CAPACITY
    cloud.machine(cpu=4)
    assert fault_of(cloud.machine) is Fault.CAPACITY
    assert fault_of(cloud.act, ref, Migrate("b")) is Fault.CAPACITY
    assert fault_of(cloud.act, ref, Resize(5, 64 * MIB)) is Fault.CAPACITY
    cloud.delete(ref)
    cloud.machine(cpu=4)


def test_disks_and_volumes_share_the_hosts_disk(cloud):
    cloud.machine(host="a", disks=(DiskSpec(60 * MIB), DiskSpec(20 * MIB)))
    volume = cloud.volume(20 * MIB, host="a")
    assert fault_of(cloud.volume, 1, host="a") is Fault.CAPACITY
    assert fault_of(cloud.act, volume, GrowVolume(21 * MIB)) is Fault.CAPACITY
    cloud.delete(volume)
    cloud.volume(20 * MIB, host="a")


def test_a_limit_is_a_quota(tmp_path):
    cloud = FakeCloud(tmp_path, {"capacity": {"volume": 1}})
    volume = cloud.volume()
    assert fault_of(cloud.volume) is Fault.QUOTA
    cloud.delete(volume)
    cloud.volume()
    cloud.connector.close()


def test_addresses_are_unique_and_come_back(cloud):
    network = cloud.create(NetworkSpec("n", "10.1.0.0/29"))
    nics = [NicSpec(network.native_id, f"52:54:00:00:00:{n:02x}") for n in range(7)]
    refs = [cloud.machine(memory=MIB, host="", cpu=1, nics=(nic,)) for nic in nics[:5]]
    given = [cloud.connector.observe(ref).facts.nics[0].addresses[0] for ref in refs]
    assert given == [f"10.1.0.{n}" for n in range(2, 7)]
    assert fault_of(cloud.machine, nics=(nics[5],)) is Fault.CAPACITY
    cloud.act(refs[2], DetachNic(nics[2].mac))
    last = cloud.machine(nics=(nics[6],))
    assert cloud.connector.observe(last).facts.nics[0].addresses == ("10.1.0.4",)
    cloud.delete(refs[0])
    again = cloud.machine(nics=(nics[5],))
    assert cloud.connector.observe(again).facts.nics[0].addresses == ("10.1.0.2",)


def test_a_mac_address_is_used_once_per_network(cloud):
    network = cloud.create(NetworkSpec("n", "10.1.0.0/24"))
    nic = NicSpec(network.native_id, "52:54:00:00:00:01")
    cloud.machine(nics=(nic,))
    assert fault_of(cloud.machine, nics=(nic,)) is Fault.CONFLICT
    other = cloud.machine()
    assert fault_of(cloud.act, other, AttachNic(nic)) is Fault.CONFLICT


def test_a_stopped_network_takes_nobody(cloud):
    network = cloud.create(NetworkSpec("n", "10.1.0.0/24"))
    cloud.act(network, Stop())
    assert fault_of(cloud.machine, nics=(NicSpec(network.native_id, "52:54:00:00:00:01"),)) is Fault.CONFLICT


def test_an_image_stays_while_a_machine_is_cloned_from_it(cloud):
    image = cloud.image()
    ref = cloud.machine(disks=(DiskSpec(MIB, image.native_id),))
    assert fault_of(cloud.delete, image) is Fault.CONFLICT
    captured = cloud.act(ref, Capture("copy")).ref
    cloud.delete(ref)
    cloud.delete(image)
    assert cloud.connector.observe(captured).state is State.AVAILABLE


def test_a_refused_machine_leaves_its_volume_free(cloud):
    volume = cloud.volume()
    assert fault_of(cloud.machine, cpu=99, volumes=(VolumeUse(volume.native_id),)) is Fault.CAPACITY
    wrong = NicSpec("no-such-network", "52:54:00:00:00:01")
    assert fault_of(cloud.machine, nics=(wrong,)) is Fault.NOT_FOUND
    cloud.machine(volumes=(VolumeUse(volume.native_id),))


def test_devices_are_given_in_order_and_never_twice(cloud):
    ref = cloud.machine()
    for _ in range(2):
        cloud.act(ref, AttachVolume(VolumeUse(cloud.volume().native_id)))
    assert [use.device for use in cloud.connector.observe(ref).facts.volumes] == ["vdb", "vdc"]
    third = cloud.volume()
    assert fault_of(cloud.act, ref, AttachVolume(VolumeUse(third.native_id, "vdc"))) is Fault.CONFLICT
    assert fault_of(cloud.act, ref, AttachVolume(VolumeUse(third.native_id, "vda"))) is Fault.CONFLICT


def test_a_token_belongs_to_one_request(cloud):
    spec = VolumeSpec("v", MIB)
    first = cloud.connector.create(spec, token="t")
    assert cloud.connector.create(spec, token="t") == first
    assert fault_of(cloud.connector.create, VolumeSpec("v", 2 * MIB), token="t") is Fault.CONFLICT
    assert fault_of(cloud.connector.delete, first.ref, token="t") is Fault.CONFLICT
    cloud.delete(first.ref)
    assert cloud.connector.create(spec, token="t") == first
    assert list(cloud.connector.list(Kind.VOLUME)) == []


def test_a_token_that_was_refused_may_be_tried_again(cloud):
    ref = cloud.machine(cpu=4, host="a")
    spec = MachineSpec("m", 4, MIB, (DiskSpec(MIB),), host="a")
    assert fault_of(cloud.connector.create, spec, token="t") is Fault.CAPACITY
    cloud.delete(ref)
    assert cloud.connector.create(spec, token="t").done is Done.OK


def test_a_guest_counts_while_it_runs_and_goes_back_with_its_snapshot(cloud):
    ref = cloud.machine()

    def ran():
        return cloud.connector._cloud.inside(ref)[1]

    cloud.clock.now += 5
    cloud.act(ref, TakeSnapshot("five"))
    cloud.clock.now += 2
    cloud.act(ref, Pause())
    cloud.clock.now += 100
    assert ran() == 7
    cloud.act(ref, Start())
    cloud.clock.now += 1
    assert ran() == 8
    cloud.act(ref, RestoreSnapshot("five"))
    assert ran() == 5
    cloud.act(ref, Stop())
    assert ran() == 0


def test_ended_things_are_forgotten_after_a_day(cloud):
    cloud.delete(cloud.volume())
    cloud.clock.now += 25 * 3600
    cloud.delete(cloud.volume())
    with sqlite3.connect(cloud.path) as db:
        assert db.execute("SELECT COUNT(*) FROM object").fetchone()[0] == 1
        assert db.execute("SELECT COUNT(*) FROM task").fetchone()[0] == 2
    db.close()


@pytest.mark.parametrize(
    ("content", "form"), [(b"", "qcow2"), (b"QFI\xfb", "qcow2"), (b"x" * 100, "qcow2"), (b"x", "vmdk")]
)
def test_images_are_looked_at(cloud, tmp_path, content, form):
    file = tmp_path / "strange"
    file.write_bytes(content)
    assert fault_of(cloud.create, ImageSpec("i", str(file), form)) is Fault.INVALID


def test_the_size_of_a_qcow2_image_as_a_disk_stands_in_its_header(cloud, tmp_path):
    file = tmp_path / "image.qcow2"
    file.write_bytes(b"QFI\xfb" + bytes(20) + (5 * MIB).to_bytes(8, "big") + bytes(100))
    facts = cloud.connector.observe(cloud.create(ImageSpec("i", str(file), "qcow2"))).facts
    assert (facts.size, facts.capacity) == (132, 5 * MIB)


@pytest.mark.parametrize(
    "changes",
    [
        {"cpu": 0},
        {"memory": 1},
        {"disks": ()},
        {"disks": (DiskSpec(0),)},
        {"host": "nowhere"},
        {"nics": (NicSpec("n", "not-a-mac"),)},
    ],
)
def test_senseless_machines_are_refused(cloud, changes):
    assert fault_of(cloud.machine, **changes) is Fault.INVALID


@pytest.mark.parametrize("cidr", ["10.0.0.0/31", "10.0.0.1/24", "nonsense", ""])
def test_senseless_networks_are_refused(cloud, cidr):
    assert fault_of(cloud.create, NetworkSpec("n", cidr)) is Fault.INVALID


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "store"),
        ({"stoore": "x"}, "stoore"),
        ({"hosts": "a"}, "hosts"),
        ({"hosts": [7]}, "hosts[0]"),
        ({"hosts": [{"name": "a", "cores": 0, "memory": 1, "disk": 1}]}, "hosts[0].cores"),
        ({"hosts": TWO_HOSTS[:1] * 2}, "hosts"),
        ({"delays": {"create": -1}}, "delays.create"),
        ({"delays": 3}, "delays"),
        ({"capacity": {"moon": 1}}, "capacity.moon"),
        ({"without": "watch"}, "without"),
    ],
)
def test_senseless_settings_are_named(tmp_path, settings, named):
    whole = settings if not settings or "stoore" in settings else {"store": str(tmp_path / "s"), **settings}
    with pytest.raises(SettingError) as caught:
        connect(ProviderSettings("fake", whole))
    assert (caught.value.fault, caught.value.where) == (Fault.INVALID, named)
    assert f"setting {named}: " in caught.value.message


def test_a_file_that_is_no_store_is_refused(tmp_path):
    file = tmp_path / "letter.txt"
    file.write_text("Dear Sir or Madam, " * 100)
    assert fault_of(connect, ProviderSettings("fake", {"store": str(file)})) is Fault.INVALID


def test_a_store_of_another_form_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "s") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert fault_of(connect, ProviderSettings("fake", {"store": str(tmp_path / "s")})) is Fault.INVALID


def test_a_closed_connector_refuses(cloud):
    cloud.connector.close()
    cloud.connector.close()
    assert fault_of(cloud.connector.hosts) is Fault.INTERNAL
