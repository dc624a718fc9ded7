"""Levels usage and watch: counters and changes."""

from sirocco.connectors.ports import Kind, Start, Stop
from sirocco.contracts import capabilities as can
from tests.connector.conformance.evidence import proves


class Observing:
    """What is learnt without being asked to act."""

    @proves(can.USAGE)
    def test_counters_of_running_machines_grow(self, endpoint):
        ref, stopped = endpoint.running(), endpoint.make(endpoint.spec(Kind.MACHINE))
        first = endpoint.connector.usage([ref, stopped])
        assert set(first) == {ref.native_id}
        assert 0 < first[ref.native_id].memory <= 2 * endpoint.memory

        def grown():
            return endpoint.connector.usage([ref])[ref.native_id].cpu_time > first[ref.native_id].cpu_time

        endpoint.wait_for(grown, "processor time grows")

    @proves(can.WATCH)
    def test_changes_are_reported_until_the_watch_is_closed(self, endpoint):
        seen = []
        watch = endpoint.connector.watch(seen.append)
        try:
            ref = endpoint.make(endpoint.spec(Kind.MACHINE))
            endpoint.wait_for(lambda: ref in seen, "the new machine is reported")
            seen.clear()
            endpoint.act(ref, Start())
            endpoint.wait_for(lambda: ref in seen, "the start is reported")
        finally:
            watch.close()
        seen.clear()
        endpoint.act(ref, Stop(force=True))
        assert seen == []
