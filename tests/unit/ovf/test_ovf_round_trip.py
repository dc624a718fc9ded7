"""What is written is read as the same, in every profile, or differs exactly by the losses announced."""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from ovf.diff import diff
from ovf.errors import OvfError
from ovf.hardware import HardwareSection
from ovf.loss import adapt
from ovf.model import Content, Package
from ovf.names import ENVELOPE_1, ENVELOPE_2
from ovf.parts import Text
from ovf.profiles import EXPORTS, PROFILES
from ovf.reader import read
from ovf.validity import schema_issues
from ovf.writer import write
from tests.unit.ovf.generating import packages
from tests.unit.ovf.making import SAMPLES, descriptor

samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the open samples lie beside the repository, not in it")
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
EXAMPLES = int(os.environ.get("OVF_EXAMPLES", "300"))  # a long run: OVF_EXAMPLES=2000
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@pytest.mark.parametrize("namespace", [ENVELOPE_1, ENVELOPE_2])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(package=packages)
def test_everything_written_is_read_as_the_same(namespace, package):
    written = write(package, namespace)
    assert read(written).package == package
    assert diff(package, read(written).package) == []


@pytest.mark.parametrize("name", EXPORTS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(package=packages)
def test_profiles_lose_exactly_what_they_announce_and_stay_valid(name, package):
    profile = PROFILES[name]
    fitted, losses = adapt(package, profile)
    again = read(write(fitted, profile.namespace))
    assert again.package == fitted
    assert {one.path for one in diff(package, again.package)} == {loss.path for loss in losses}
    assert [issue.detail for issue in schema_issues(again)] == []


@settings(max_examples=EXAMPLES // 5, deadline=None, suppress_health_check=SLOW)
@given(package=packages)
def test_fitting_twice_loses_nothing_more(package):
    for name in EXPORTS:
        fitted, _ = adapt(package, PROFILES[name])
        assert adapt(fitted, PROFILES[name]) == (fitted, ())


@settings(max_examples=EXAMPLES // 5, deadline=None, suppress_health_check=SLOW)
@given(package=packages)
def test_the_same_model_gives_the_same_bytes(package):
    written = write(package)
    assert written == write(package)
    assert write(read(written).package) == written


@samples
@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.ovf")), ids=lambda path: path.stem)
def test_samples_survive_every_profile(path, name):
    package = read(path.read_bytes()).package
    fitted, losses = adapt(package, PROFILES[name])
    again = read(write(fitted, PROFILES[name].namespace))
    assert {one.path for one in diff(package, again.package)} == {loss.path for loss in losses}
    assert [issue.detail for issue in schema_issues(again)] == []


@pytest.mark.parametrize("namespace", [ENVELOPE_1, ENVELOPE_2])
def test_the_base_survives_both_envelopes_without_a_finding(namespace):
    package = read(descriptor()).package
    reading = read(write(package, namespace))
    assert (reading.package, reading.issues, schema_issues(reading)) == (package, (), [])


def test_attributes_of_plain_elements_are_kept():
    kept = '<rasd:Connection x:ip="10.0.0.1">net</rasd:Connection><rasd:Connection>net</rasd:Connection>'
    package = read(descriptor(("<rasd:Connection>net</rasd:Connection>", kept))).package
    for namespace in (ENVELOPE_1, ENVELOPE_2):
        written = write(package, namespace)
        assert b'x:ip="10.0.0.1"' in written
        assert read(written).package == package


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<rasd:VirtualQuantity>4<", '<rasd:VirtualQuantity x:hot="yes">4<'),
        ("<Product>Shop<", '<Product x:short="S">Shop<'),
        ("<Category>", '<Category x:optional="true">'),
        ("<Info>Disks<", '<Info x:seen="2026">Disks<'),
    ],
)
def test_attributes_of_numbers_and_texts_are_kept(old, new):
    package = read(descriptor((old, new))).package
    for namespace in (ENVELOPE_1, ENVELOPE_2):
        written = write(package, namespace)
        assert new[new.index("x:") : new.index(">")].encode() in written
        reading = read(written)
        assert reading.package == package
        assert schema_issues(reading) == []


@pytest.mark.parametrize("text", ["\0", "\x0b", "\ud800", "\uffff"])
def test_characters_that_xml_cannot_carry_are_refused(text):
    package = Package(content=Content(id="a", info=Text(text)))
    with pytest.raises(OvfError, match="cannot carry"):
        write(package)


def test_the_report_for_a_plain_cloud_names_each_thing_it_cannot_keep():
    package = read(descriptor(("<!--envelope-->", SHARED), ("<!--collection-->", SCALED))).package
    fitted, losses = adapt(package, PROFILES["cloud"])
    told = "\n".join(str(loss) for loss in losses)
    for part in (
        "content/sections[StartupSection]: StartupSection is left out (cloud keeps no start-up order)",
        "content/sections[ScaleOutSection]: ScaleOutSection is left out (cloud keeps no numbers of copies)",
        "sections[SharedDiskSection]: SharedDiskSection is left out (cloud keeps no disks shared between systems)",
        "sections[DiskSection]/disks[s]: Disk is added (cloud keeps no disks shared between systems)",
        "sections[DeploymentOptionSection]: DeploymentOptionSection is left out (cloud keeps no deployment options)",
        "items[2//min]: least memory is left out (cloud keeps no ranges of amounts)",
        "strings[fr-FR]: Strings is left out (cloud keeps no translations)",
        "sections[EulaSection]: EulaSection is left out (cloud keeps no licences)",
        "sections[InstallSection]: InstallSection is left out (cloud keeps no installation boot)",
    ):
        assert part in told or part.replace("2//min", "2/min") in told
    web = next(content for content in fitted.walk() if content.id == "web")
    [hardware] = web.of(HardwareSection)
    assert [item.virtual_quantity for item in hardware.items if item.resource_type == 3] == [4]
    assert {one.path for one in diff(package, fitted)} == {loss.path for loss in losses}


def test_a_report_never_tells_a_password():
    text = descriptor(('ovf:key="secret"', 'ovf:key="secret" ovf:value="hunter2"'))
    package = read(text).package
    _, losses = adapt(package, PROFILES["vsphere"])
    assert [loss.why for loss in losses] == ["passwords are not written unless asked for"]
    assert "hunter2" not in "".join(map(str, losses))


SHARED_DISK = '<ovf2:SharedDisk ovf2:diskId="s" ovf2:capacity="1"/>'
SHARED = f"<ovf2:SharedDiskSection><Info>x</Info>{SHARED_DISK}</ovf2:SharedDiskSection>"
SCALED = (
    '<ovf2:ScaleOutSection ovf2:id="web"><Info>x</Info><ovf2:InstanceCount ovf2:default="2"/></ovf2:ScaleOutSection>'
)
