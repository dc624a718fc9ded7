"""Faults on demand, and answers that are not believed."""

import time

import pytest

from sirocco.connectors.fake import connect, control
from sirocco.connectors.fake.control import Trouble
from sirocco.connectors.fake.faults import NONSENSE
from sirocco.connectors.ports import (
    ConnectorError,
    DiskSpec,
    Done,
    Fault,
    Kind,
    MachineSpec,
    ProviderSettings,
    Ref,
    Start,
    State,
    Stop,
    VolumeSpec,
)
from tests.unit.fake_cloud import MIB, FakeCloud, fault_of

SPEC = VolumeSpec("v", MIB)
SPEC_DISK = DiskSpec(MIB)


@pytest.fixture
def cloud(tmp_path):
    cloud = FakeCloud(tmp_path)
    cloud.clock = cloud.connector._clock = cloud.connector._cloud._clock = time.time
    yield cloud
    cloud.connector.close()


def volumes(cloud):
    return len(control.inventory(cloud.path)[Kind.VOLUME])


@pytest.mark.parametrize(
    ("trouble", "fault", "made"),
    [
        (Trouble.ERROR, Fault.TRANSIENT, 0),
        (Trouble.TIMEOUT_BEFORE, Fault.TRANSIENT, 0),
        (Trouble.TIMEOUT_AFTER, Fault.UNKNOWN_OUTCOME, 1),
        (Trouble.GARBAGE, Fault.UNKNOWN_OUTCOME, 1),
    ],
)
def test_a_creation_in_trouble(cloud, trouble, fault, made):
    control.inject(cloud.path, trouble, verb="create")
    assert fault_of(cloud.connector.create, SPEC, token="t") is fault
    assert volumes(cloud) == made
    found = cloud.connector.find_by_token(Kind.VOLUME, "t")
    assert (found is not None) == bool(made)
    assert cloud.connector.create(SPEC, token="t").done is Done.OK
    assert volumes(cloud) == 1


@pytest.mark.parametrize("number", range(len(NONSENSE)))
def test_no_nonsense_is_taken_for_an_answer(cloud, number):
    connector, ref = cloud.connector, cloud.machine()
    op = cloud.act(ref, Stop())
    reads = {
        "observe": lambda: connector.observe(ref),
        "list": lambda: list(connector.list(Kind.MACHINE)),
        "poll": lambda: connector.poll(op),
        "hosts": connector.hosts,
        "usage": lambda: connector.usage([ref]),
        "find": lambda: connector.find_by_token(Kind.MACHINE, op.token),
        "describe": connector.describe,
    }
    for verb, call in reads.items():
        control.inject(cloud.path, Trouble.GARBAGE, verb=verb, times=number + 1)
        faults = [fault_of(call) for _ in range(number + 1)]
        assert set(faults) == {Fault.INTERNAL}, verb
        call()


def test_a_good_answer_to_another_question_is_not_believed(cloud, monkeypatch):
    far, asked, other = cloud.connector._cloud, cloud.volume(), cloud.volume()
    answer = far.observe(other)
    monkeypatch.setattr(far, "observe", lambda _: answer)
    assert fault_of(cloud.connector.observe, asked) is Fault.INTERNAL
    monkeypatch.setattr(far, "find", lambda *_: answer)
    assert fault_of(cloud.connector.find_by_token, Kind.VOLUME, "no-such-token") is Fault.INTERNAL
    reply = far.create(SPEC, Kind.VOLUME, "somebody-elses", None)
    monkeypatch.setattr(far, "create", lambda *_: reply)
    assert fault_of(cloud.connector.create, SPEC, token="mine") is Fault.UNKNOWN_OUTCOME


@pytest.mark.parametrize("trouble", [Trouble.TIMEOUT_BEFORE, Trouble.TIMEOUT_AFTER])
def test_a_lost_reading_may_be_tried_again(cloud, trouble):
    ref = cloud.volume()
    control.inject(cloud.path, trouble, verb="observe")
    assert fault_of(cloud.connector.observe, ref) is Fault.TRANSIENT
    assert cloud.connector.observe(ref).ref == ref


def test_an_action_whose_reply_is_lost_has_been_done(cloud):
    ref = cloud.machine()
    control.inject(cloud.path, Trouble.TIMEOUT_AFTER, verb="stop")
    assert fault_of(cloud.connector.act, ref, Stop(), token="t") is Fault.UNKNOWN_OUTCOME
    assert cloud.connector.observe(ref).state is State.STOPPED
    assert cloud.connector.act(ref, Stop(), token="t").done is Done.OK


def test_a_deletion_whose_reply_is_lost_has_been_done(cloud):
    ref = cloud.volume()
    control.inject(cloud.path, Trouble.GARBAGE, verb="delete")
    assert fault_of(cloud.connector.delete, ref, token="t") is Fault.UNKNOWN_OUTCOME
    assert volumes(cloud) == 0
    assert cloud.connector.delete(ref, token="t").done is Done.OK


def test_an_accepted_creation_may_fail_later_and_leaves_an_error(cloud):
    control.inject(cloud.path, Trouble.FAIL, verb="create", fault=Fault.CAPACITY, message="No valid host")
    op = cloud.connector.create(SPEC, token="t")
    status = cloud.connector.poll(op)
    assert (status.done, status.error.fault, status.error.message) == (Done.FAILED, Fault.CAPACITY, "No valid host")
    assert cloud.connector.observe(op.ref).state is State.ERROR
    cloud.delete(op.ref)
    assert volumes(cloud) == 0


def test_an_accepted_action_may_fail_later_and_changes_nothing(cloud):
    ref = cloud.machine()
    control.inject(cloud.path, Trouble.FAIL, verb="stop", fault=Fault.INTERNAL)
    assert cloud.connector.poll(cloud.act(ref, Stop())).error.fault is Fault.INTERNAL
    assert cloud.connector.observe(ref).state is State.STARTED


def test_slowness_takes_its_time_and_does_the_work(cloud):
    control.inject(cloud.path, Trouble.SLOW, verb="create", seconds=0.05)
    began = time.monotonic()
    cloud.volume()
    assert time.monotonic() - began >= 0.05
    assert volumes(cloud) == 1


def test_rules_choose_by_verb_kind_and_number(cloud):
    control.inject(
        cloud.path, Trouble.ERROR, verb="create", kind="volume", nth=2, times=2, fault=Fault.QUOTA, message="full"
    )
    cloud.machine()
    cloud.volume()
    for _ in range(2):
        with pytest.raises(ConnectorError, match="full") as caught:
            cloud.volume()
        assert caught.value.fault is Fault.QUOTA
    cloud.volume()
    assert volumes(cloud) == 2


def test_rules_and_counts_hold_for_other_connectors_until_reset(cloud):
    other = connect(ProviderSettings("fake", {"store": str(cloud.path)}))
    control.inject(cloud.path, Trouble.ERROR, nth=2)
    ref = cloud.volume()
    assert fault_of(other.observe, ref) is Fault.TRANSIENT
    other.observe(ref)
    assert control.calls(cloud.path) == {("create", "volume"): 1, ("observe", "volume"): 2}
    control.inject(cloud.path, Trouble.ERROR)
    control.reset(cloud.path)
    assert control.calls(cloud.path) == {}
    assert other.observe(ref).ref == ref
    other.close()


def test_drift_behind_everybodys_back(cloud):
    ref = cloud.machine()
    control.alter(cloud.path, ref, State.ERROR)
    assert cloud.connector.observe(ref).state is State.ERROR
    control.vanish(cloud.path, ref)
    assert fault_of(cloud.connector.observe, ref) is Fault.NOT_FOUND


def test_a_stranger_is_nobodys(cloud):
    ref = control.stranger(cloud.path, SPEC)
    assert cloud.connector.observe(ref).token == ""
    assert fault_of(cloud.connector.create, SPEC, token="") is Fault.INVALID
    assert cloud.connector.find_by_token(Kind.VOLUME, "") is None


def test_each_call_is_counted_once(cloud):
    cloud.connector.describe()
    ref = cloud.machine()
    op = cloud.act(ref, Stop())
    cloud.connector.poll(op)
    cloud.connector.cancel(op)
    cloud.connector.find_by_token(Kind.MACHINE, "t")
    cloud.connector.hosts()
    cloud.connector.usage([ref, Ref(Kind.MACHINE, "x")])
    cloud.act(ref, Start())
    cloud.connector.console(ref).close()
    cloud.connector.watch(lambda _: None).close()
    cloud.delete(ref)
    counts = control.calls(cloud.path)
    assert set(counts.values()) == {1}
    assert len(counts) == 12


def test_an_operation_nobody_has_heard_of(cloud):
    op = cloud.act(cloud.machine(), Stop())
    strange = type(op)(op.verb, op.token, op.ref, "no-such-task")
    assert fault_of(cloud.connector.poll, strange) is Fault.NOT_FOUND
    cloud.connector.cancel(strange)


def test_without_a_capability_its_requests_are_refused(tmp_path):
    cloud = FakeCloud(tmp_path, {"without": ["volume", "machine.resize.live", "hosts"]})
    assert fault_of(cloud.volume) is Fault.UNSUPPORTED
    assert fault_of(cloud.connector.hosts) is Fault.UNSUPPORTED
    assert cloud.connector.create(MachineSpec("m", 1, MIB, (SPEC_DISK,)), token="t").done is Done.OK
    cloud.connector.close()
