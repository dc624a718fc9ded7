"""What is written is read as the same, in every profile, or differs exactly by the losses announced."""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from ovf.diff import diff
from ovf.errors import OvfError
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
EXAMPLES = int(os.environ.get("OVF_EXAMPLES", "100"))  # a long run: OVF_EXAMPLES=2000
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


@pytest.mark.parametrize("text", ["\0", "\x0b", "\ud800", "\uffff"])
def test_characters_that_xml_cannot_carry_are_refused(text):
    package = Package(content=Content(id="a", info=Text(text)))
    with pytest.raises(OvfError, match="cannot carry"):
        write(package)
