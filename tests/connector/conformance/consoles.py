"""Level console: bytes both ways."""

import time

import pytest

from sirocco.connectors.ports import Fault, Kind, Stop
from sirocco.contracts import capabilities as can
from tests.connector.conformance.core import fault_of
from tests.connector.conformance.evidence import proves


def read_until(console, wanted, patience):
    """Bytes until a text has come, typing Return now and then: a guest may have been silent for long."""
    seen, deadline = b"", time.monotonic() + patience
    while wanted not in seen:
        assert time.monotonic() < deadline, f"no {wanted!r} in {seen!r}"
        data = console.receive(1.0)
        if not data:
            console.send(b"\r")
        seen += data
    return seen


class Consoles:
    """The serial console of a running machine."""

    @proves(can.CONSOLE)
    def test_what_is_typed_is_answered(self, endpoint):
        ref = endpoint.running()
        console = endpoint.connector.console(ref)
        try:
            read_until(console, b"\n", endpoint.patience)
            if endpoint.guest:
                endpoint.wait_for(lambda: self._answers(console), "the guest's shell answers")
        finally:
            console.close()

    @staticmethod
    def _answers(console):
        console.send(b"echo si''rocco-answers\r")
        seen, deadline = b"", time.monotonic() + 5
        while time.monotonic() < deadline and b"sirocco-answers" not in seen:
            seen += console.receive(0.5)
        return b"sirocco-answers" in seen

    @proves(can.CONSOLE)
    def test_a_second_session_follows_the_first(self, endpoint):
        ref = endpoint.running()
        for _ in range(2):
            console = endpoint.connector.console(ref)
            read_until(console, b"\n", endpoint.patience)
            console.close()

    @proves(can.CONSOLE)
    def test_a_stopped_machine_has_no_console(self, endpoint):
        ref = endpoint.make(endpoint.spec(Kind.MACHINE))
        assert fault_of(endpoint.connector.console, ref) is Fault.CONFLICT

    @proves(can.CONSOLE)
    def test_the_session_ends_with_the_machine(self, endpoint):
        ref = endpoint.running()
        console = endpoint.connector.console(ref)
        try:
            endpoint.act(ref, Stop(force=True))
            with pytest.raises(EOFError):
                for _ in range(int(endpoint.patience)):
                    console.receive(1.0)
        finally:
            console.close()
