"""Level images: imports, captures, user data."""

from dataclasses import replace

from sirocco.connectors.ports import Capture, DiskSpec, Fault, Kind, Seed, State
from sirocco.contracts import capabilities as can
from tests.connector.conformance.core import fault_of
from tests.connector.conformance.evidence import proves


class Images:
    """Images brought in, machines made from them, images made from machines."""

    @proves(can.IMAGE_FORMATS)
    def test_an_image_is_measured(self, endpoint):
        assert endpoint.image.format in endpoint.caps[can.IMAGE_FORMATS]
        facts = endpoint.see(endpoint.make(endpoint.spec(Kind.IMAGE))).facts
        assert facts.size > 0
        assert facts.capacity > 0

    @proves(can.IMAGE_FORMATS)
    def test_an_image_that_is_not_there_or_of_a_strange_format_is_refused(self, endpoint):
        spec = endpoint.spec(Kind.IMAGE)
        for wrong in (replace(spec, path="/nowhere/at-all"), replace(spec, format="parchment")):
            assert fault_of(endpoint.make, wrong) in {Fault.INVALID, Fault.UNSUPPORTED, Fault.NOT_FOUND}

    @proves(can.IMAGE_FORMATS)
    def test_a_disk_smaller_than_its_image_is_refused(self, endpoint):
        image = endpoint.shared_image()
        disks = (DiskSpec(endpoint.see(image).facts.capacity - 512, image.native_id),)
        assert fault_of(endpoint.make, endpoint.machine_spec(disks=disks)) is Fault.INVALID

    @proves(can.CAPTURE)
    def test_a_capture_is_an_image_of_its_own(self, endpoint):
        machine = endpoint.make(endpoint.spec(Kind.MACHINE))
        name, token = endpoint.name_for("captured"), endpoint.token()
        endpoint.made.append((Kind.IMAGE, token))
        refs = {endpoint.done(endpoint.connector.act(machine, Capture(name), token=token)) for _ in range(2)}
        assert len(refs) == 1
        image = refs.pop()
        seen = endpoint.connector.find_by_token(Kind.IMAGE, token)
        assert (seen.ref, seen.state, seen.facts.name) == (image, State.AVAILABLE, name)
        assert [other.facts.name for other in endpoint.connector.list(Kind.IMAGE)].count(name) == 1
        endpoint.delete(machine)
        assert endpoint.state(image) is State.AVAILABLE
        copy = endpoint.running(disks=(DiskSpec(max(endpoint.disk, seen.facts.capacity), image.native_id),))
        assert endpoint.state(copy) is State.STARTED
        if endpoint.guest:
            assert endpoint.ask(copy, "hostname")

    @proves(can.USER_DATA)
    def test_user_data_and_host_name_reach_the_guest(self, endpoint):
        marker = endpoint.name_for("marker")
        seed = Seed("sirocco-guest", f"#cloud-config\n# {marker}\n".encode())
        ref = endpoint.running(seed=seed)
        assert endpoint.ask(ref, "hostname") == "sirocco-guest"
        assert marker in endpoint.ask(ref, "userdata")
