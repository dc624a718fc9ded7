"""The conformance suite on a real hypervisor with guests that run."""

import pytest

from tests.connector.conformance.suite import Conformance
from tests.connector.libvirt.far_end import endpoint_of, leftovers, ranges

pytestmark = pytest.mark.hypervisor


@pytest.fixture(scope="module")
def endpoint(hypervisor, tiny):
    settings = hypervisor["provider"]["settings"]
    far = endpoint_of("libvirt", settings, tiny, ranges(hypervisor, 1))
    yield far
    far.close()
    assert leftovers(settings) == []


class TestLibvirt(Conformance):
    """Everything it states, with software emulation where the machine has nothing better."""
