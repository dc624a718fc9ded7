"""The conformance suite on a real hypervisor with guests that run."""

import pytest

from sirocco.connectors.ports import DropSnapshot, Migrate, RestoreSnapshot, State, Stop, TakeSnapshot
from sirocco.contracts import capabilities as can
from tests.connector.conformance.evidence import proves
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
