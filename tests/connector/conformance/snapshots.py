"""Level snapshots: taken, restored, dropped."""

import pytest

from sirocco.connectors.ports import DropSnapshot, Fault, Kind, RestoreSnapshot, Start, State, Stop, TakeSnapshot
from sirocco.contracts import capabilities as can
from tests.connector.conformance.core import fault_of
from tests.connector.conformance.evidence import proves
from tests.connector.conformance.power import counter


def names(endpoint, ref):
    """Snapshots of a machine."""
    return set(endpoint.see(ref).facts.snapshots)


class Snapshots:
    """A machine's past."""

    @pytest.mark.parametrize("start", [False, True])
    @proves(can.SNAPSHOT)
    def test_snapshots_are_taken_and_dropped(self, endpoint, start):
        ref = endpoint.make(endpoint.machine_spec(start=start))
        for name in ("one", "two"):
            endpoint.act(ref, TakeSnapshot(name))
        assert names(endpoint, ref) == {"one", "two"}
        assert endpoint.state(ref) is (State.STARTED if start else State.STOPPED)
        endpoint.act(ref, DropSnapshot("one"))
        endpoint.act(ref, DropSnapshot("one"))
        assert names(endpoint, ref) == {"two"}

    @proves(can.SNAPSHOT)
    def test_a_machine_is_deleted_with_its_snapshots(self, endpoint):
        ref = endpoint.make(endpoint.spec(Kind.MACHINE))
        endpoint.act(ref, TakeSnapshot("one"))
        endpoint.delete(ref)
        assert ref not in endpoint.refs(Kind.MACHINE, owned=False)

    @proves(can.RESTORE)
    def test_a_stopped_machine_goes_back(self, endpoint):
        ref = endpoint.make(endpoint.spec(Kind.MACHINE))
        endpoint.act(ref, TakeSnapshot("off"))
        endpoint.act(ref, Start())
        endpoint.act(ref, RestoreSnapshot("off"))
        assert endpoint.state(ref) is State.STOPPED
        assert names(endpoint, ref) == {"off"}

    @proves(can.RESTORE)
    def test_a_running_machine_goes_back_and_goes_on(self, endpoint):
        ref = endpoint.running()
        before = counter(endpoint, ref)
        endpoint.act(ref, TakeSnapshot("on"))
        endpoint.act(ref, Stop(force=True))
        endpoint.act(ref, RestoreSnapshot("on"))
        assert endpoint.state(ref) is State.STARTED
        assert before is None or counter(endpoint, ref) >= before

    @proves(can.RESTORE)
    def test_an_unknown_snapshot_is_not_restored(self, endpoint):
        ref = endpoint.make(endpoint.spec(Kind.MACHINE))
        assert fault_of(endpoint.act, ref, RestoreSnapshot("never")) is Fault.NOT_FOUND
        assert endpoint.state(ref) is State.STOPPED
