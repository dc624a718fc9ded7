"""Level migration: machines that change hosts."""

from sirocco.connectors.ports import Fault, Migrate, State
from sirocco.contracts import capabilities as can
from tests.connector.conformance.core import fault_of
from tests.connector.conformance.evidence import proves
from tests.connector.conformance.power import counter


def other_host(endpoint, ref):
    """A host that the machine is not on."""
    here = endpoint.see(ref).facts.host
    others = [host.name for host in endpoint.connector.hosts() if host.name != here]
    assert others, "migration is stated, and there is no second host"
    return others[0]


def migrated(endpoint, *, copy_storage):
    """Move a running machine there and back."""
    ref = endpoint.running()
    home, away, before = endpoint.see(ref).facts.host, other_host(endpoint, ref), counter(endpoint, ref)
    for host in (away, home):
        endpoint.act(ref, Migrate(host, copy_storage=copy_storage))
        seen = endpoint.see(ref)
        assert (seen.ref, seen.state, seen.facts.host) == (ref, State.STARTED, host)
        now = counter(endpoint, ref)
        assert before is None or now >= before
        before = now


class Migration:
    """The machine keeps its name, and the guest goes on counting."""

    @proves(can.MIGRATE)
    def test_a_running_machine_moves(self, endpoint):
        migrated(endpoint, copy_storage=can.MIGRATE_COPY in endpoint.caps)

    @proves(can.MIGRATE_COPY)
    def test_a_running_machine_moves_with_its_disks(self, endpoint):
        migrated(endpoint, copy_storage=True)

    @proves(can.MIGRATE)
    def test_to_where_it_is_or_to_nowhere(self, endpoint):
        ref = endpoint.running()
        host = endpoint.see(ref).facts.host
        endpoint.act(ref, Migrate(host))
        assert fault_of(endpoint.act, ref, Migrate("no-such-host")) in {Fault.INVALID, Fault.NOT_FOUND}
        assert (endpoint.state(ref), endpoint.see(ref).facts.host) == (State.STARTED, host)
