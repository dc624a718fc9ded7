"""Open connectors, one per provider and version of its record; opened late, shared by all threads."""

import threading
from dataclasses import dataclass

from sirocco.cmdb.models import Provider
from sirocco.cmdb.transaction import Cmdb
from sirocco.connectors.ports import Connector, ProviderSettings
from sirocco.connectors.registry import open_connector
from sirocco.domain.principal import SYSTEM
from sirocco.services import providers


@dataclass(frozen=True, slots=True)
class Cloud:
    """A provider that can be called."""

    provider_id: str
    name: str
    connector: Connector


class Clouds:
    """Connectors by provider; a provider whose settings changed is opened anew."""

    def __init__(self, cmdb: Cmdb) -> None:
        self._cmdb = cmdb
        self._guard = threading.Lock()
        self._open: dict[str, tuple[str, Cloud]] = {}

    def of(self, provider_id: str) -> Cloud:
        """The provider's connector; raises ConnectorError when it cannot be opened."""
        with self._cmdb.reading(SYSTEM) as tx:
            provider = tx.get(Provider, provider_id)
            wanted = ProviderSettings(provider.name, provider.settings, providers.secrets_of(tx, provider))
        mark = repr((provider.kind, provider.settings, provider.secrets))
        with self._guard:
            known = self._open.get(provider_id)
            if known and known[0] == mark:
                return known[1]
            cloud = Cloud(provider_id, provider.name, open_connector(provider.kind, wanted))
            self._open[provider_id] = (mark, cloud)
        if known:
            known[1].connector.close()
        return cloud

    def close(self) -> None:
        """Close all connectors."""
        with self._guard:
            for _, cloud in self._open.values():
                cloud.connector.close()
            self._open.clear()
