"""The conformance suite: every level; a test is left out where the endpoint does not offer what it proves."""

import pytest

from tests.connector.conformance.consoles import Consoles
from tests.connector.conformance.core import Core
from tests.connector.conformance.evidence import CONTRACT
from tests.connector.conformance.images import Images
from tests.connector.conformance.migration import Migration
from tests.connector.conformance.network import Network
from tests.connector.conformance.observing import Observing
from tests.connector.conformance.power import Power
from tests.connector.conformance.snapshots import Snapshots
from tests.connector.conformance.storage import Storage

LEVELS = {
    "core": Core,
    "power": Power,
    "storage": Storage,
    "network": Network,
    "images": Images,
    "snapshots": Snapshots,
    "migration": Migration,
    "console": Consoles,
    "usage and watch": Observing,
}


class Conformance(Core, Power, Storage, Network, Images, Snapshots, Migration, Consoles, Observing):
    """Subclass as ``TestSomething`` beside a fixture ``endpoint`` of scope ``module`` that yields an ``Endpoint``."""

    @pytest.fixture(autouse=True)
    def _offered_and_tidied(self, request, endpoint):
        absent = [n for n in request.function.proves if n not in CONTRACT and n not in endpoint.caps]
        if absent:
            pytest.skip(f"{endpoint.name} does not offer {', '.join(absent)}")
        yield
        endpoint.tidy()
