"""A pool of libvirt hosts as one provider: Sirocco's own hypervisors, and any other that libvirt reaches."""

from sirocco.connectors.libvirt.settings import KIND, read
from sirocco.connectors.ports import Connector, ProviderSettings

__all__ = ["KIND", "connect"]


def connect(settings: ProviderSettings) -> Connector:
    """Open the provider; libvirt's library is loaded here and not before. INVALID for settings that make no sense."""
    from sirocco.connectors.libvirt.connector import LibvirtConnector  # noqa: PLC0415 - late on purpose

    return LibvirtConnector(settings.name, read(settings.settings))
