"""The conformance suite on libvirt's own simulator, which serves where no hypervisor can be had."""

import pytest

from sirocco.connectors.ports import ImageSpec, ProviderSettings
from tests.connector.conformance.endpoint import MIB, Endpoint
from tests.connector.conformance.suite import Conformance

libvirt = pytest.importorskip("libvirt", reason="libvirt's Python binding is not installed")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    disk = tmp_path_factory.mktemp("simulator") / "image.raw"
    disk.write_bytes(bytes(MIB))
    settings = {"hosts": [{"name": "simulated", "uri": "test:///default", "pool": "sirocco", "pool_path": "/sirocco"}]}
    far = Endpoint(
        name="libvirt-test",
        evidence="fake only",
        opening=("libvirt", ProviderSettings("libvirt-test", settings)),
        image=ImageSpec("image", str(disk), "raw"),
        patience=20.0,
        shared=False,
    )
    yield far
    far.close()


class TestSimulator(Conformance):
    """What the simulator states."""
