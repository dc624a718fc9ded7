"""The conformance suite on the fake provider, with and without delays."""

import pytest

from sirocco.connectors.fake import control
from sirocco.connectors.fake.control import Trouble
from sirocco.connectors.ports import ImageSpec, ProviderSettings
from sirocco.contracts.capabilities import IMAGE_FORMATS
from tests.connector.conformance.endpoint import MIB, Endpoint
from tests.connector.conformance.evidence import CAPABILITIES
from tests.connector.conformance.suite import Conformance

QUESTIONS = {
    "hostname": "hostname",
    "counter": "counter",
    "userdata": "userdata",
    "addresses": "ip",
    "volumes": "lsblk",
}


class FakeEndpoint(Endpoint):
    """Asks the pretend shell."""

    def look_inside(self, ref, question):
        console = self.connector.console(ref)
        try:
            console.receive(0)
            console.send(QUESTIONS[question].encode() + b"\r")
            lines = console.receive(1).decode().replace("\r", "").split("\n")[1:-1]
        finally:
            console.close()
        return "\n".join(line for line in lines if line != "vda")


FORMS = {
    "at-once": {},
    "delayed": {"delays": {"*": 0.02}},
    "bare": {"without": sorted({*CAPABILITIES} - {IMAGE_FORMATS})},
}


@pytest.fixture(scope="module", params=FORMS)
def endpoint(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("fake")
    disk = folder / "image.raw"
    disk.write_bytes(bytes(MIB))
    store = folder / "cloud.sqlite"
    far = FakeEndpoint(
        name="fake",
        evidence="fake only" if request.param == "at-once" else "",
        opening=("fake", ProviderSettings("fake", {"store": str(store), **FORMS[request.param]})),
        image=ImageSpec("image", str(disk), "raw"),
        patience=10.0,
    )
    if "without" not in FORMS[request.param]:
        far.guest = far.look_inside
    far.lose_reply = lambda: control.inject(store, Trouble.TIMEOUT_AFTER, verb="create")
    far.stranger = lambda kind: control.stranger(store, far.spec(kind))
    far.remove_stranger = lambda ref: control.vanish(store, ref)
    yield far
    far.close()
    assert not any(control.inventory(store).values())


class TestFake(Conformance):
    """Everything it states, on a cloud that does not exist."""
