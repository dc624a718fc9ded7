"""Open connectors, one per provider and version of its settings; opened late, shared by all threads."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sirocco.connectors.ports import Connector, ProviderSettings
from sirocco.connectors.registry import open_connector


@dataclass(frozen=True, slots=True)
class Cloud:
    """A provider that can be called."""

    provider_id: str
    name: str
    connector: Connector


class Clouds:
    """Connectors by provider; one whose settings changed is opened anew.

    ``look_up`` tells a provider's kind and settings, secrets unsealed, as they are now.
    """

    def __init__(self, look_up: Callable[[str], tuple[str, ProviderSettings]]) -> None:
        self._look_up = look_up
        self._guard = threading.Lock()
        self._open: dict[str, tuple[ProviderSettings, Cloud]] = {}

    def of(self, provider_id: str) -> Cloud:
        """The provider's connector; raises ConnectorError when it cannot be opened."""
        kind, settings = self._look_up(provider_id)
        with self._guard:
            known = self._open.get(provider_id)
            if known and known[0] == settings:
                return known[1]
            cloud = Cloud(provider_id, settings.name, open_connector(kind, settings))
            self._open[provider_id] = (settings, cloud)
        if known:
            known[1].connector.close()
        return cloud

    def close(self) -> None:
        """Close all connectors."""
        with self._guard:
            for _, cloud in self._open.values():
                cloud.connector.close()
            self._open.clear()
