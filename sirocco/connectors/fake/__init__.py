"""The fake provider: plays a cloud whose state outlives us, with delays, capacities and faults on demand."""

from sirocco.connectors.fake import capacity
from sirocco.connectors.fake.connector import FakeConnector
from sirocco.connectors.fake.settings import DEFAULT_HOSTS, read
from sirocco.connectors.fake.store import Store
from sirocco.connectors.ports import Connector, ProviderSettings


def connect(settings: ProviderSettings) -> Connector:
    """Open the pretend cloud in ``settings["store"]``, made if need be; INVALID for senseless settings."""
    wanted = read(settings.settings)
    store = Store(wanted.store)
    with store.write() as db:
        capacity.keep_hosts(db, wanted.hosts, DEFAULT_HOSTS)
    return FakeConnector(store, wanted)
