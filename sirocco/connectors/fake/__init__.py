"""The fake provider: plays a cloud whose state outlives us, with delays, capacities and faults on demand."""

from sirocco.connectors.fake.settings import DEFAULT_HOSTS, KIND, read
from sirocco.connectors.ports import Connector, ProviderSettings

__all__ = ["KIND", "connect"]


def connect(settings: ProviderSettings) -> Connector:
    """Open the pretend cloud in ``settings["store"]``, made if need be; INVALID for senseless settings."""
    from sirocco.connectors.fake import capacity  # noqa: PLC0415 - late: a form needs none of it
    from sirocco.connectors.fake.connector import FakeConnector  # noqa: PLC0415
    from sirocco.connectors.fake.store import Store  # noqa: PLC0415

    wanted = read(settings.settings)
    store = Store(wanted.store)
    with store.write() as db:
        capacity.keep_hosts(db, wanted.hosts, DEFAULT_HOSTS)
    return FakeConnector(store, wanted)
