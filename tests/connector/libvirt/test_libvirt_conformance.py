"""The conformance suite on a real hypervisor with guests that run."""

import pytest

from sirocco.connectors.ports import (
    ConnectorError,
    DiskSpec,
    DropSnapshot,
    Fault,
    Migrate,
    Resize,
    RestoreSnapshot,
    Seed,
    Start,
    State,
    Stop,
    Suspend,
    TakeSnapshot,
)
from sirocco.contracts import capabilities as can
from tests.connector.conformance.core import fault_of
from tests.connector.conformance.endpoint import MIB
from tests.connector.conformance.evidence import proves
from tests.connector.conformance.network import addresses
from tests.connector.conformance.suite import Conformance
from tests.connector.libvirt.far_end import endpoint_of, leftovers, ranges

pytestmark = pytest.mark.hypervisor


@pytest.fixture(scope="module")
def endpoint(hypervisor, tiny):
    settings = hypervisor["provider"]["settings"]
    far = endpoint_of("libvirt", settings, tiny, ranges(hypervisor, 1))
    yield far
    far.close()
    assert leftovers(settings) == []


class TestLibvirt(Conformance):
    """Everything it states, with software emulation where the machine has nothing better."""

    @proves(can.MIGRATE)
    def test_snapshots_move_with_their_machine(self, endpoint):
        ref = endpoint.running(host="host1")
        endpoint.command(ref, "echo first > /root/word; sync")
        for name in ("one", "two"):
            endpoint.act(ref, TakeSnapshot(name))
        endpoint.command(ref, "echo second > /root/word; sync")
        endpoint.act(ref, Migrate("host2"))
        assert set(endpoint.see(ref).facts.snapshots) == {"one", "two"}  # taken within one second: no order
        endpoint.act(ref, RestoreSnapshot("one"))
        assert endpoint.command(ref, "cat /root/word") == "first"
        endpoint.act(ref, DropSnapshot("one"))
        endpoint.act(ref, Stop(force=True))
        endpoint.act(ref, Migrate("host1"))
        seen = endpoint.see(ref)
        assert (seen.state, seen.facts.host, seen.facts.snapshots) == (State.STOPPED, "host1", ("two",))

    @proves(can.USER_DATA, can.NETWORK_ISOLATED)
    def test_a_machine_has_all_its_disks_interfaces_and_keys(self, endpoint):
        key, nics = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBXq", (endpoint.nic(), endpoint.nic())
        disks = (*endpoint.machine_spec().disks, DiskSpec(16 * MIB), DiskSpec(8 * MIB))
        ref = endpoint.running(disks=disks, nics=nics, seed=Seed("keyed", ssh_keys=(f"{key} me@home",)))
        endpoint.ask(ref, "userdata")  # mounts the seed
        assert endpoint.ask(ref, "volumes").split() == ["vdb", "vdc"]
        assert endpoint.command(ref, "cat /root/.ssh/authorized_keys") == key
        told = endpoint.command(ref, "cat /run/seed/network-config")
        assert all(nic.mac in told for nic in nics)
        given = addresses(endpoint, ref)
        assert len(given) == 2
        endpoint.wait_for(lambda: all(ip in endpoint.ask(ref, "addresses") for ip in given), "both interfaces are up")

    @proves(can.RESIZE_LIVE)
    def test_a_guest_uses_what_its_running_machine_was_given(self, endpoint):
        def size():
            """Processors in use, and whether there is more memory than the machine was made with."""
            count, memory = endpoint.command(ref, "nproc; awk '/MemTotal/ {print $2}' /proc/meminfo").split()
            return int(count), int(memory) * 1024 > endpoint.memory

        ref, larger = endpoint.running(host="host1"), endpoint.memory + 128 * MIB
        assert size() == (1, False)
        endpoint.act(ref, TakeSnapshot("small"))
        endpoint.act(ref, Resize(3, larger))
        assert size() == (3, True)
        endpoint.act(ref, TakeSnapshot("large"))
        assert fault_of(endpoint.act, ref, RestoreSnapshot("small")) is Fault.CONFLICT
        for snapshot, cpu, memory in (("small", 1, endpoint.memory), ("large", 3, larger)):
            endpoint.act(ref, Stop(force=True))
            endpoint.act(ref, Resize(cpu, memory))
            endpoint.act(ref, RestoreSnapshot(snapshot))
            assert size() == (cpu, memory == larger)
        endpoint.act(ref, Migrate("host2"))
        assert size() == (3, True)
        endpoint.act(ref, Suspend())
        assert fault_of(endpoint.act, ref, Resize(4, larger)) is Fault.CONFLICT
        endpoint.act(ref, Start())
        endpoint.act(ref, Stop())
        endpoint.act(ref, Start())
        assert size() == (3, True)

    @proves(can.RESIZE_LIVE)
    def test_a_size_that_libvirt_rounds_stays_as_it_is(self, endpoint):
        ref = endpoint.running(memory=endpoint.memory + 1000 * 1024)
        endpoint.act(ref, Resize(2, endpoint.memory + 1000 * 1024))
        facts = endpoint.see(ref).facts
        assert (facts.cpu, facts.memory) == (2, endpoint.memory + MIB)

    @pytest.mark.parametrize(
        ("cpu", "memory", "words"),
        [
            (1, 0, "stop it to shrink"),
            (2, -MIB, "stop it to shrink"),
            (9, 0, "up to 8 processors"),
            (2, 1024 * MIB, f"and {4 * 112 * MIB} bytes"),
            (2, 100 * MIB, f"in steps of {128 * MIB}"),
        ],
    )
    @proves(can.RESIZE_LIVE)
    def test_what_needs_a_stop_is_refused_with_the_reason(self, endpoint, cpu, memory, words):
        ref = endpoint.running(cpu=2)
        with pytest.raises(ConnectorError, match=words) as caught:
            endpoint.act(ref, Resize(cpu, endpoint.memory + memory))
        assert caught.value.fault is Fault.CONFLICT
        facts = endpoint.see(ref).facts
        assert (facts.cpu, facts.memory) == (2, endpoint.memory)
