"""Level power: machines started, stopped, paused, suspended, resized."""

import pytest

from sirocco.connectors.ports import Fault, Kind, Pause, Resize, Restart, Start, State, Stop, Suspend
from sirocco.contracts import capabilities as can
from tests.connector.conformance.core import fault_of
from tests.connector.conformance.endpoint import MIB
from tests.connector.conformance.evidence import proves


def counter(endpoint, ref):
    """The guest's own count, or None where nobody can look inside."""
    return int(endpoint.ask(ref, "counter")) if endpoint.guest else None


class Power:
    """Each state reached, reached again, and refused from where it cannot be reached."""

    @proves("core")
    def test_a_machine_starts_with_its_definition_or_on_request(self, endpoint):
        assert endpoint.state(endpoint.running()) is State.STARTED
        later = endpoint.make(endpoint.spec(Kind.MACHINE))
        endpoint.act(later, Start())
        assert endpoint.state(later) is State.STARTED
        endpoint.act(later, Start())
        assert endpoint.state(later) is State.STARTED

    @proves("core")
    def test_a_guest_that_is_asked_shuts_down(self, endpoint):
        ref = endpoint.running()
        if endpoint.guest:
            endpoint.ask(ref, "hostname")
        endpoint.act(ref, Stop())
        assert endpoint.state(ref) is State.STOPPED
        endpoint.act(ref, Stop())
        endpoint.act(ref, Start())
        assert endpoint.state(ref) is State.STARTED

    @proves(can.STOP_FORCE)
    def test_the_power_is_cut(self, endpoint):
        ref = endpoint.running()
        endpoint.act(ref, Stop(force=True))
        assert endpoint.state(ref) is State.STOPPED
        endpoint.act(ref, Stop(force=True))

    @pytest.mark.parametrize("force", [False, True])
    @proves(can.RESTART)
    def test_a_machine_restarts(self, endpoint, force):
        ref = endpoint.running()
        if endpoint.guest:
            endpoint.ask(ref, "hostname")
        endpoint.act(ref, Restart(force=force))
        endpoint.wait_for(lambda: endpoint.state(ref) is State.STARTED, "the machine runs again")
        stopped = endpoint.make(endpoint.spec(Kind.MACHINE))
        endpoint.act(stopped, Restart(force=force))
        assert endpoint.state(stopped) is State.STARTED

    @proves(can.PAUSE)
    def test_a_paused_machine_goes_on_where_it_was(self, endpoint):
        ref = endpoint.running()
        before = counter(endpoint, ref)
        for _ in range(2):
            endpoint.act(ref, Pause())
            assert endpoint.state(ref) is State.PAUSED
        endpoint.act(ref, Start())
        assert endpoint.state(ref) is State.STARTED
        assert before is None or counter(endpoint, ref) >= before

    @proves(can.SUSPEND)
    def test_a_suspended_machine_goes_on_where_it_was(self, endpoint):
        ref = endpoint.running()
        before = counter(endpoint, ref)
        for _ in range(2):
            endpoint.act(ref, Suspend())
            assert endpoint.state(ref) is State.SUSPENDED
        endpoint.act(ref, Start())
        assert endpoint.state(ref) is State.STARTED
        assert before is None or counter(endpoint, ref) >= before

    @proves(can.PAUSE)
    def test_a_stopped_machine_cannot_be_paused(self, endpoint):
        ref = endpoint.make(endpoint.spec(Kind.MACHINE))
        assert fault_of(endpoint.act, ref, Pause()) is Fault.CONFLICT

    @proves(can.SUSPEND)
    def test_a_stopped_machine_cannot_be_suspended(self, endpoint):
        ref = endpoint.make(endpoint.spec(Kind.MACHINE))
        assert fault_of(endpoint.act, ref, Suspend()) is Fault.CONFLICT

    @proves(can.RESIZE)
    def test_a_stopped_machine_is_resized(self, endpoint):
        ref = endpoint.make(endpoint.spec(Kind.MACHINE))
        endpoint.act(ref, Resize(2, 2 * endpoint.memory))
        facts = endpoint.see(ref).facts
        assert (facts.cpu, facts.memory) == (2, 2 * endpoint.memory)
        endpoint.act(ref, Resize(1, endpoint.memory))
        facts = endpoint.see(ref).facts
        assert (facts.cpu, facts.memory) == (1, endpoint.memory)

    @proves(can.RESIZE_LIVE)
    def test_a_running_machine_is_resized(self, endpoint):
        ref, larger = endpoint.running(), endpoint.memory + 128 * MIB
        before = counter(endpoint, ref)
        endpoint.act(ref, Resize(2, larger))
        seen = endpoint.see(ref)
        assert (seen.state, seen.facts.cpu, seen.facts.memory) == (State.STARTED, 2, larger)
        assert before is None or counter(endpoint, ref) >= before
        endpoint.act(ref, Stop(force=True))
        facts = endpoint.see(ref).facts
        assert (facts.cpu, facts.memory) == (2, larger)
