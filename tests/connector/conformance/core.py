"""Level core: what every connector must do, whatever it offers."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from sirocco.connectors.ports import (
    CONTRACT,
    Action,
    Capture,
    ConnectorError,
    Fault,
    GrowVolume,
    Kind,
    Migrate,
    NicSpec,
    Pause,
    ProviderSettings,
    Ref,
    Resize,
    Restart,
    RestoreSnapshot,
    Spec,
    Start,
    State,
    Stop,
    Suspend,
    TakeSnapshot,
)
from sirocco.connectors.registry import open_connector
from sirocco.contracts import capabilities as can
from tests.connector.conformance.endpoint import MIB, Endpoint
from tests.connector.conformance.evidence import CAPABILITIES, INJECTED, proves

KINDS = (Kind.MACHINE, Kind.VOLUME, Kind.IMAGE, Kind.NETWORK)
AT_REST = {
    Kind.MACHINE: State.STOPPED,
    Kind.VOLUME: State.AVAILABLE,
    Kind.IMAGE: State.AVAILABLE,
    Kind.NETWORK: State.STARTED,
}
NEEDED_FOR = {Kind.VOLUME: can.VOLUME, Kind.IMAGE: can.IMAGE_FORMATS, Kind.NETWORK: can.NETWORK_ISOLATED}
OFFERED_BY: dict[str, Action] = {
    can.RESTART: Restart(),
    can.PAUSE: Pause(),
    can.SUSPEND: Suspend(),
    can.STOP_FORCE: Stop(force=True),
    can.SNAPSHOT: TakeSnapshot("one"),
    can.RESTORE: RestoreSnapshot("one"),
    can.CAPTURE: Capture("captured"),
    can.RESIZE: Resize(1, 64 * MIB),
    can.MIGRATE: Migrate("elsewhere"),
}


def fault_of(call: Any, *arguments: Any, **named: Any) -> Fault:
    """The fault that a call ends with."""
    with pytest.raises(ConnectorError) as caught:
        call(*arguments, **named)
    assert caught.value.message
    return caught.value.fault


def begin_elsewhere(kind: str, settings: ProviderSettings, spec: Spec, token: str) -> Ref:
    """Create from another process."""
    connector = open_connector(kind, settings)
    try:
        return connector.create(spec, token=token).ref
    finally:
        connector.close()


def unknown(kind: Kind) -> Ref:
    """A reference to what never was."""
    return Ref(kind, "00000000-0000-5000-8000-000000000000")


def need(endpoint: Endpoint, kind: Kind) -> None:
    """Skip where the endpoint does not offer to make things of a kind."""
    name = NEEDED_FOR.get(kind)
    if name and name not in endpoint.caps:
        pytest.skip(f"{endpoint.name} does not offer {name}")
    if kind is Kind.IMAGE and endpoint.image is None:
        pytest.skip(f"{endpoint.name} has no image to import")


class Core:
    """Objects of every kind, tokens, refusals."""

    @proves("core")
    def test_the_description_names_known_capabilities_only(self, endpoint):
        described = endpoint.connector.describe()
        assert described.contract == CONTRACT
        assert described.provider
        assert {cap.name for cap in described.caps} <= set(CAPABILITIES)
        assert not described.missing(described.caps)

    @proves("core")
    def test_every_stated_capability_has_a_proof_in_this_suite(self, endpoint):
        tests = [getattr(type(self), name) for name in dir(type(self)) if name.startswith("test_")]
        proven = {name for test in tests for name in getattr(test, "proves", ())}
        assert set(endpoint.caps) <= proven

    @pytest.mark.parametrize("kind", KINDS)
    @proves("core")
    def test_what_is_made_is_seen_found_listed_and_removed(self, endpoint, kind):
        need(endpoint, kind)
        spec, token = endpoint.spec(kind), endpoint.token()
        ref = endpoint.done(endpoint.create(spec, token, kind))
        seen = endpoint.see(ref)
        assert (seen.ref, seen.token, seen.state, seen.facts.name) == (ref, token, AT_REST[kind], spec.name)
        assert endpoint.connector.find_by_token(kind, token) == seen
        assert endpoint.refs(kind).count(ref) == 1
        assert endpoint.refs(kind, owned=False).count(ref) == 1
        endpoint.delete(ref)
        assert fault_of(endpoint.see, ref) is Fault.NOT_FOUND
        assert endpoint.connector.find_by_token(kind, token) is None
        assert ref not in endpoint.refs(kind, owned=False)

    @proves("core")
    def test_a_machine_is_as_asked_for(self, endpoint):
        spec = endpoint.machine_spec(start=False)
        facts = endpoint.see(endpoint.make(spec)).facts
        assert (facts.cpu, facts.memory) == (spec.cpu, spec.memory)
        assert (facts.nics, facts.volumes, facts.snapshots) == ((), (), ())

    @pytest.mark.parametrize("kind", KINDS)
    @proves("core.idempotency")
    def test_the_same_token_makes_one_object(self, endpoint, kind):
        need(endpoint, kind)
        spec, token = endpoint.spec(kind), endpoint.token()
        ref = endpoint.done(endpoint.create(spec, token, kind))
        assert endpoint.done(endpoint.create(spec, token, kind)) == ref
        assert [seen.token for seen in endpoint.connector.list(kind)].count(token) == 1

    @pytest.mark.parametrize("kind", KINDS)
    @proves("core.idempotency")
    def test_gone_already_is_success(self, endpoint, kind):
        need(endpoint, kind)
        ref, token = endpoint.make(endpoint.spec(kind)), endpoint.token()
        for again in (token, token, endpoint.token()):
            endpoint.done(endpoint.connector.delete(ref, token=again))
        endpoint.delete(unknown(kind))

    @proves("core.idempotency")
    def test_an_operation_outlives_its_connector(self, endpoint):
        if not endpoint.shared:
            pytest.skip(f"{endpoint.name} exists within one connection only")
        op = endpoint.create(endpoint.spec(Kind.MACHINE), endpoint.token(), Kind.MACHINE)
        other = endpoint.open()
        try:
            kept = pickle.loads(pickle.dumps(op))
            endpoint.wait_for(lambda: other.poll(kept).done != "PENDING", "the operation ends")
            assert other.poll(kept).done == "OK"
            assert other.observe(kept.ref).ref == op.ref
        finally:
            other.close()

    @proves("core")
    def test_cancelling_what_has_ended_is_harmless(self, endpoint):
        op = endpoint.create(endpoint.spec(Kind.MACHINE), endpoint.token(), Kind.MACHINE)
        ref = endpoint.done(op)
        endpoint.connector.cancel(op)
        assert endpoint.state(ref) is State.STOPPED

    @proves("core.concurrency")
    def test_the_same_token_from_many_threads_makes_one_object(self, endpoint):
        spec, token = endpoint.spec(Kind.MACHINE), endpoint.token()
        endpoint.made.append((Kind.MACHINE, token))
        with ThreadPoolExecutor(8) as pool:
            ops = [pool.submit(endpoint.connector.create, spec, token=token) for _ in range(8)]
            refs = {endpoint.done(op.result()) for op in ops}
        assert len(refs) == 1
        assert [seen.facts.name for seen in endpoint.connector.list(Kind.MACHINE)].count(spec.name) == 1

    @proves("core.concurrency")
    def test_the_same_token_from_several_processes_makes_one_object(self, endpoint):
        if not endpoint.shared:
            pytest.skip(f"{endpoint.name} exists within one connection only")
        spec, token = endpoint.spec(Kind.MACHINE), endpoint.token()
        endpoint.made.append((Kind.MACHINE, token))
        with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
            calls = [pool.submit(begin_elsewhere, *endpoint.opening, spec, token) for _ in range(6)]
            refs = {call.result(timeout=endpoint.patience) for call in calls}
        assert len(refs) == 1
        endpoint.wait_for(lambda: endpoint.connector.find_by_token(Kind.MACHINE, token), "the machine is found")
        assert [seen.facts.name for seen in endpoint.connector.list(Kind.MACHINE)].count(spec.name) == 1

    @proves("core.faults")
    def test_what_never_was_is_not_found(self, endpoint):
        for kind in KINDS:
            assert fault_of(endpoint.see, unknown(kind)) is Fault.NOT_FOUND
            assert endpoint.connector.find_by_token(kind, endpoint.token()) is None
        machine = unknown(Kind.MACHINE)
        assert fault_of(endpoint.connector.act, machine, Start(), token=endpoint.token()) is Fault.NOT_FOUND
        if can.USAGE in endpoint.caps:
            assert endpoint.connector.usage([machine]) == {}
        if can.CONSOLE in endpoint.caps:
            assert fault_of(endpoint.connector.console, machine) is Fault.NOT_FOUND

    @proves("core.faults")
    def test_a_machine_without_its_image_or_network_is_refused_and_leaves_nothing(self, endpoint):
        before = endpoint.refs(Kind.MACHINE, owned=False)
        for changes in (
            {"disks": (type(endpoint.machine_spec().disks[0])(endpoint.disk, unknown(Kind.IMAGE).native_id),)},
            {"nics": (NicSpec(unknown(Kind.NETWORK).native_id, endpoint.mac()),)},
        ):
            with pytest.raises(ConnectorError) as caught:
                endpoint.make(endpoint.machine_spec(**changes))
            assert caught.value.fault in {Fault.NOT_FOUND, Fault.INVALID}
        endpoint.tidy()
        assert endpoint.refs(Kind.MACHINE, owned=False) == before

    @proves("core.faults")
    def test_a_machine_larger_than_the_world_is_refused_and_leaves_nothing(self, endpoint):
        if endpoint.connector.describe().provider == "libvirt-test":
            pytest.skip("libvirt's test driver holds machines of any size")
        before = endpoint.refs(Kind.MACHINE, owned=False)
        with pytest.raises(ConnectorError) as caught:
            endpoint.make(endpoint.machine_spec(memory=1 << 50))
        assert caught.value.fault in {Fault.CAPACITY, Fault.INVALID}
        endpoint.tidy()
        assert endpoint.refs(Kind.MACHINE, owned=False) == before

    @proves("core.faults")
    def test_what_is_not_offered_is_refused_as_unsupported(self, endpoint):
        ref = endpoint.running()
        for name in OFFERED_BY.keys() - endpoint.caps.keys():
            assert fault_of(endpoint.act, ref, OFFERED_BY[name]) is Fault.UNSUPPORTED
        assert endpoint.state(ref) is State.STARTED

    @proves("core.faults")
    def test_an_action_for_another_kind_is_refused(self, endpoint):
        need(endpoint, Kind.NETWORK)
        network = endpoint.make(endpoint.spec(Kind.NETWORK))
        for action in (Pause(), Resize(1, MIB), GrowVolume(MIB)):
            fault = fault_of(endpoint.connector.act, network, action, token=endpoint.token())
            assert fault in {Fault.UNSUPPORTED, Fault.INVALID}

    @proves("core.lost-reply", evidence=INJECTED)
    def test_a_lost_reply_is_answered_by_finding(self, endpoint):
        if endpoint.lose_reply is None:
            pytest.skip(f"{endpoint.name} has no way to lose a reply on purpose")
        spec, token = endpoint.spec(Kind.MACHINE), endpoint.token()
        endpoint.lose_reply()
        assert fault_of(endpoint.create, spec, token, Kind.MACHINE) is Fault.UNKNOWN_OUTCOME
        found = endpoint.connector.find_by_token(Kind.MACHINE, token)
        assert found is not None
        assert endpoint.done(endpoint.create(spec, token, Kind.MACHINE)) == found.ref

    @pytest.mark.parametrize("kind", KINDS)
    @proves("core.strangers")
    def test_what_no_sirocco_made_is_seen_and_left_alone(self, endpoint, kind):
        if endpoint.stranger is None:
            pytest.skip(f"{endpoint.name} has no way to make an object behind the connector's back")
        need(endpoint, kind)
        ref = endpoint.stranger(kind)
        try:
            assert endpoint.see(ref).token == ""
            assert ref in endpoint.refs(kind, owned=False)
            assert ref not in endpoint.refs(kind)
        finally:
            endpoint.remove_stranger(ref)

    @proves(can.HOSTS)
    def test_hosts_are_named_and_measured(self, endpoint):
        hosts = endpoint.connector.hosts()
        assert hosts
        assert [host.name for host in hosts] == sorted({host.name for host in hosts})
        for host in hosts:
            assert min(host.cores, host.memory, host.disk) > 0
            assert 0 <= host.load <= 1
            assert 0 <= host.memory_used <= host.memory
            assert host.accelerator
            assert host.reason
        assert endpoint.see(endpoint.make(endpoint.spec(Kind.MACHINE))).facts.host in {host.name for host in hosts}
