"""Level storage: volumes made, grown, attached and detached."""

import pytest

from sirocco.connectors.ports import (
    AttachVolume,
    Capture,
    DetachVolume,
    Fault,
    GrowVolume,
    Kind,
    State,
    VolumeSpec,
    VolumeUse,
)
from sirocco.contracts import capabilities as can
from tests.connector.conformance.core import fault_of
from tests.connector.conformance.endpoint import MIB
from tests.connector.conformance.evidence import proves


def volume(endpoint, **changes):
    """A volume of 8 MiB."""
    return endpoint.make(VolumeSpec(endpoint.name_for("volume"), 8 * MIB, **changes))


def attached(endpoint, ref):
    """Native ids of the volumes a machine has."""
    return [use.volume for use in endpoint.see(ref).facts.volumes]


class Storage:
    """Volumes, alone and in machines."""

    @pytest.mark.parametrize("filesystem", ["", "ext4"])
    @proves(can.VOLUME)
    def test_a_volume_is_as_asked_for(self, endpoint, filesystem):
        facts = endpoint.see(volume(endpoint, filesystem=filesystem)).facts
        assert (facts.capacity, facts.machine) == (8 * MIB, "")

    @proves(can.VOLUME)
    def test_a_volume_belongs_to_one_machine_until_detached(self, endpoint):
        disk = volume(endpoint)
        ref, other = (endpoint.make(endpoint.spec(Kind.MACHINE)) for _ in range(2))
        endpoint.act(ref, AttachVolume(VolumeUse(disk.native_id, "vdc")))
        assert endpoint.see(ref).facts.volumes == (VolumeUse(disk.native_id, "vdc"),)
        assert endpoint.see(disk).facts.machine == ref.native_id
        assert fault_of(endpoint.act, other, AttachVolume(VolumeUse(disk.native_id))) is Fault.CONFLICT
        assert fault_of(endpoint.delete, disk) is Fault.CONFLICT
        endpoint.act(ref, DetachVolume(disk.native_id))
        assert endpoint.see(disk).facts.machine == ""
        endpoint.act(ref, DetachVolume(disk.native_id))
        endpoint.act(other, AttachVolume(VolumeUse(disk.native_id)))
        assert attached(endpoint, other) == [disk.native_id]

    @proves(can.VOLUME)
    def test_a_volume_outlives_its_machine(self, endpoint):
        disk = volume(endpoint)
        ref = endpoint.make(endpoint.machine_spec(start=False, volumes=(VolumeUse(disk.native_id),)))
        assert attached(endpoint, ref) == [disk.native_id]
        endpoint.delete(ref)
        assert endpoint.see(disk).facts.machine == ""
        assert endpoint.state(disk) is State.AVAILABLE

    @proves(can.VOLUME_HOTPLUG)
    def test_a_running_machine_takes_and_gives_back_a_volume(self, endpoint):
        disk, ref = volume(endpoint), endpoint.running()
        if endpoint.guest:
            assert endpoint.ask(ref, "volumes").split() == []
        endpoint.act(ref, AttachVolume(VolumeUse(disk.native_id, "vdb")))
        assert attached(endpoint, ref) == [disk.native_id]
        if endpoint.guest:
            endpoint.wait_for(lambda: endpoint.ask(ref, "volumes").split() == ["vdb"], "the guest sees the volume")
        endpoint.act(ref, DetachVolume(disk.native_id))
        assert attached(endpoint, ref) == []
        if endpoint.guest:
            endpoint.wait_for(lambda: endpoint.ask(ref, "volumes").split() == [], "the guest has let the volume go")
        assert endpoint.state(ref) is State.STARTED

    @proves(can.VOLUME_CAPTURE)
    def test_a_captured_volume_is_an_image_of_its_own(self, endpoint):
        disk = volume(endpoint)
        name, token = endpoint.name_for("captured"), endpoint.token()
        endpoint.made.append((Kind.IMAGE, token))
        refs = {endpoint.done(endpoint.connector.act(disk, Capture(name), token=token)) for _ in range(2)}
        assert len(refs) == 1
        image = refs.pop()
        seen = endpoint.connector.find_by_token(Kind.IMAGE, token)
        assert (seen.ref, seen.state, seen.facts.name) == (image, State.AVAILABLE, name)
        assert seen.facts.capacity == 8 * MIB
        assert endpoint.see(disk).state is State.AVAILABLE
        endpoint.delete(disk)
        assert endpoint.state(image) is State.AVAILABLE

    @proves(can.VOLUME_CAPTURE)
    def test_an_attached_volume_is_not_captured(self, endpoint):
        disk = volume(endpoint)
        endpoint.act(endpoint.make(endpoint.spec(Kind.MACHINE)), AttachVolume(VolumeUse(disk.native_id)))
        assert fault_of(endpoint.act, disk, Capture("captured")) is Fault.CONFLICT

    @proves(can.VOLUME_GROW)
    def test_a_volume_grows_and_never_shrinks(self, endpoint):
        disk = volume(endpoint)
        endpoint.act(disk, GrowVolume(16 * MIB))
        assert endpoint.see(disk).facts.capacity == 16 * MIB
        endpoint.act(disk, GrowVolume(16 * MIB))
        assert fault_of(endpoint.act, disk, GrowVolume(8 * MIB)) is Fault.INVALID
        assert endpoint.see(disk).facts.capacity == 16 * MIB

    @proves(can.VOLUME_GROW)
    def test_an_attached_volume_grows(self, endpoint):
        disk = volume(endpoint)
        endpoint.running(volumes=(VolumeUse(disk.native_id),))
        endpoint.act(disk, GrowVolume(12 * MIB))
        assert endpoint.see(disk).facts.capacity == 12 * MIB
