"""What a pool of libvirt hosts can do."""

from sirocco.connectors.libvirt.hosts import Hosts
from sirocco.connectors.libvirt.settings import Settings
from sirocco.connectors.ports import Cap, Descriptor
from sirocco.contracts import capabilities as names
from sirocco.images.inspect import FORMATS

_ANY = (
    names.PAUSE,
    names.SUSPEND,
    names.RESTART,
    names.STOP_FORCE,
    names.SNAPSHOT,
    names.RESTORE,
    names.RESIZE,
    names.NETWORK_ISOLATED,
    names.NETWORK_NAT,
    names.HOSTS,
    names.WATCH,
)
_REAL = (
    names.USAGE,
    names.CAPTURE,
    names.RESIZE_LIVE,
    names.CONSOLE,
    names.USER_DATA,
    names.VOLUME,
    names.VOLUME_HOTPLUG,
    names.VOLUME_GROW,
    names.VOLUME_CAPTURE,
    names.NIC_HOTPLUG,
)


def descriptor(provider: str, settings: Settings, hosts: Hosts) -> Descriptor:
    """Capabilities of a provider; libvirt's simulator lacks those that need real files and guests."""
    simulated = any(host.simulated for host in settings.hosts)
    known = [*_ANY, *(() if simulated else _REAL)]
    if len(settings.hosts) > 1 and not simulated:
        known += [names.MIGRATE] if settings.shared_storage else [names.MIGRATE, names.MIGRATE_COPY]
    caps = {Cap(name) for name in known} | {Cap(names.IMAGE_FORMATS, FORMATS)}
    version = hosts.first.connection().getLibVersion()
    number = f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}"
    return Descriptor(provider, f"libvirt {number}", frozenset(caps))
