"""The libvirt connector's parts that need no hypervisor."""

import io
import threading

import pycdlib
import pytest
import yaml

from sirocco.connectors.libvirt import names, seed
from sirocco.connectors.libvirt.errors import fault_of
from sirocco.connectors.libvirt.records import Phase, Record
from sirocco.connectors.libvirt.settings import read
from sirocco.connectors.libvirt.tasks import Tasks
from sirocco.connectors.ports import ConnectorError, Done, Fault, Kind, Op, Ref, Seed, SettingError

libvirt = pytest.importorskip("libvirt", reason="libvirt's Python binding is not installed")
HOST = {"name": "one", "uri": "qemu:///system"}


@pytest.mark.parametrize(
    ("given", "where", "words"),
    [
        ({}, "hosts", "empty"),
        ({"hosts": "one"}, "hosts", "not a list"),
        ({"hosts": [{"name": "one"}]}, "hosts[0].uri", "empty"),
        ({"hosts": [HOST, "one"]}, "hosts[1]", "not an object"),
        ({"hosts": [HOST, HOST]}, "hosts", "same name"),
        ({"hosts": [HOST | {"pasword": "x"}]}, "hosts[0].pasword", "no such setting"),
        ({"hosts": [HOST | {"pool": 3}]}, "hosts[0].pool", "not a text"),
        ({"hosts": [HOST], "domain_typ": "kvm"}, "domain_typ", "no such setting"),
        ({"hosts": [HOST], "domain_type": "xen"}, "domain_type", "auto, kvm, qemu"),
        ({"hosts": [HOST], "forward_mode": ["nat"]}, "forward_mode", "nat, open"),
        ({"hosts": [HOST], "shared_storage": "no"}, "shared_storage", "not true or false"),
        ({"hosts": [HOST], "domain_type_reason": 7}, "domain_type_reason", "not a text"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_the_reason(given, where, words):
    with pytest.raises(SettingError) as caught:
        read(given)
    assert (caught.value.fault, caught.value.where) == (Fault.INVALID, where)
    assert f"setting {where}: " in caught.value.message
    assert words in caught.value.message


def test_settings_have_sensible_defaults():
    settings = read({"hosts": [HOST]})
    assert (settings.domain_type, settings.shared_storage, settings.same_machine) == ("auto", False, False)
    assert not settings.hosts[0].simulated
    assert read({"hosts": [{"name": "t", "uri": "test:///default"}]}).hosts[0].simulated


@pytest.mark.parametrize(
    ("code", "message", "fault"),
    [
        ("VIR_ERR_NO_DOMAIN", "Domain not found", Fault.NOT_FOUND),
        ("VIR_ERR_OPERATION_INVALID", "domain is not running", Fault.CONFLICT),
        ("VIR_ERR_NO_SUPPORT", "not supported", Fault.UNSUPPORTED),
        ("VIR_ERR_AUTH_FAILED", "authentication failed", Fault.AUTH),
        ("VIR_ERR_SYSTEM_ERROR", "unable to connect", Fault.TRANSIENT),
        ("VIR_ERR_SYSTEM_ERROR", "a@b: Permission denied (publickey).: Connection reset by peer", Fault.AUTH),
        ("VIR_ERR_SYSTEM_ERROR", "Host key verification failed.: Connection reset by peer", Fault.AUTH),
        ("VIR_ERR_SYSTEM_ERROR", "cannot open '/pool/x': Permission denied", Fault.TRANSIENT),
        ("VIR_ERR_INTERNAL_ERROR", "client socket is closed", Fault.TRANSIENT),
        ("VIR_ERR_INTERNAL_ERROR", "pool 'p' has asynchronous jobs running.", Fault.TRANSIENT),
        ("VIR_ERR_INTERNAL_ERROR", "cannot set up guest memory 'pc.ram': Cannot allocate memory", Fault.CAPACITY),
        ("VIR_ERR_SYSTEM_ERROR", "cannot write: No space left on device", Fault.CAPACITY),
        ("VIR_ERR_XML_ERROR", "missing element", Fault.INVALID),
        ("VIR_ERR_INTERNAL_ERROR", "something odd", Fault.INTERNAL),
    ],
)
def test_errors_have_the_contract_s_faults(code, message, fault):
    assert fault_of(getattr(libvirt, code), message) is fault


def test_names_depend_on_kind_and_token_only():
    assert names.native_id(Kind.MACHINE, "t") == names.native_id(Kind.MACHINE, "t")
    assert len({names.native_id(kind, token) for kind in Kind for token in ("t", "u")}) == 8
    assert len(names.bridge(names.native_id(Kind.NETWORK, "t"))) <= 15


def test_disks_are_named_as_the_guest_names_them():
    assert [names.target(number) for number in (0, 1, 25, 26, 27, 701, 702)] == [
        "vda", "vdb", "vdz", "vdaa", "vdab", "vdzz", "vdaaa",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["web server!", "-", "ünïcode", "a" * 80])
def test_a_domain_s_name_is_short_and_plain(name):
    made = names.domain(name, "9f0c7a52-7a4e-5d0f-8f0b-2b6f6c1f4a11")
    assert made.isascii()
    assert len(made) <= 25
    assert made.endswith("-9f0c7a52")


def test_a_record_survives_and_half_of_one_is_nothing():
    record = Record("token", "name", Phase.READY, boot=True, cmdline="a=b", cidr="10.0.0.0/24", nat=True)
    packed = record.pack()
    assert len(packed) == 4096
    assert Record.unpack(packed) == record
    assert Record.unpack(packed[:40]) is None
    assert Record.unpack(bytes(4096)) is None


def read_disc(data):
    iso = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(data))
    files = {}
    for child in iso.list_children(joliet_path="/"):
        if child.is_file():
            name = child.file_identifier().decode("utf-16-be")
            target = io.BytesIO()
            iso.get_file_from_iso_fp(target, joliet_path=f"/{name}")
            files[name] = target.getvalue()
    label = iso.pvd.volume_identifier.decode().strip()
    iso.close()
    return label, files


def test_a_seed_is_what_cloud_init_reads():
    given = Seed("web", b"#!/bin/sh\necho hi\n", ("ssh-ed25519 AAAA one@two", 'ssh-rsa BBBB "q"'), "version: 2\n")
    label, files = read_disc(seed.disc(given, "id-1"))
    assert label == "cidata"
    assert files["user-data"] == given.user_data
    assert files["network-config"] == b"version: 2\n"
    meta = files["meta-data"].decode()
    assert "instance-id: id-1\nlocal-hostname: web\n" in meta
    assert '  - "ssh-rsa BBBB \\"q\\""' in meta


def test_a_seed_has_every_interface_ask_for_its_address():
    _, files = read_disc(seed.disc(Seed("web"), "id-1", ("52:54:00:00:00:0A", "52:54:00:00:00:0b")))
    told = yaml.safe_load(files["network-config"])
    assert told["version"] == 2
    assert {nic["match"]["macaddress"]: nic["dhcp4"] for nic in told["ethernets"].values()} == {
        "52:54:00:00:00:0a": True,
        "52:54:00:00:00:0b": True,
    }


def test_a_seed_without_user_data_still_has_the_file():
    _, files = read_disc(seed.disc(Seed("web"), "id-1"))
    assert set(files) == {"meta-data", "user-data"}


@pytest.fixture
def tasks():
    made = Tasks()
    yield made
    made.close()


OP = Op("stop", "token", Ref(Kind.MACHINE, "m"))


def test_a_quick_task_is_done_at_once_and_a_slow_one_later(tasks):
    assert tasks.begin(OP, lambda _: None).done is Done.OK
    gate = threading.Event()
    slow = Op("stop", "other", OP.ref)
    assert tasks.begin(slow, lambda _: gate.wait(30)).done is Done.PENDING
    assert tasks.poll(slow, lambda _: False).done is Done.PENDING
    gate.set()
    while tasks.poll(slow, lambda _: False).done is Done.PENDING:
        pass
    assert tasks.poll(slow, lambda _: False).done is Done.OK


def test_a_task_joins_the_one_that_runs_for_its_token(tasks):
    gate, runs = threading.Event(), []

    def work(_):
        runs.append(1)
        gate.wait(30)

    assert [tasks.begin(OP, work).done for _ in range(3)] == [Done.PENDING] * 3
    gate.set()
    while tasks.poll(OP, lambda _: False).done is Done.PENDING:
        pass
    assert runs == [1]


def test_a_failed_task_tells_its_fault_and_may_be_begun_again(tasks):
    def fails(_):
        raise ConnectorError(Fault.CONFLICT, why="no")

    for _ in range(2):
        with pytest.raises(ConnectorError) as caught:
            tasks.begin(OP, fails)
        assert caught.value.fault is Fault.CONFLICT
    assert tasks.poll(OP, lambda _: False).error.fault is Fault.CONFLICT
    assert tasks.begin(OP, lambda _: None).done is Done.OK


def test_an_unknown_task_is_judged_by_its_effect_and_given_up_after_a_while(tasks, monkeypatch):
    pending = Op("stop", "elsewhere", OP.ref, done=Done.PENDING)
    assert tasks.poll(pending, lambda _: True).done is Done.OK
    assert tasks.poll(pending, lambda _: False).done is Done.PENDING
    monkeypatch.setattr("sirocco.connectors.libvirt.tasks._GRACE", -1.0)
    status = tasks.poll(pending, lambda _: False)
    assert (status.done, status.error.fault) == (Done.FAILED, Fault.TRANSIENT)


def test_a_task_that_is_asked_to_end_ends(tasks):
    begun = threading.Event()

    def work(progress):
        begun.set()
        while True:
            progress.check()
            progress.stopping.wait(0.01)

    assert tasks.begin(OP, work).done is Done.PENDING
    assert begun.wait(10)
    tasks.cancel(OP)
    while tasks.poll(OP, lambda _: False).done is Done.PENDING:
        pass
    assert "cancelled" in tasks.poll(OP, lambda _: False).error.message
