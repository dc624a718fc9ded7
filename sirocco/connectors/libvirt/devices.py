"""Disks and interfaces that come and go, while the machine runs too."""

from collections.abc import Callable
from typing import Any

import libvirt

from sirocco.connectors.libvirt import names, xml
from sirocco.connectors.libvirt.errors import is_missing
from sirocco.connectors.libvirt.machines import Machines, free_target, interfaces, volume_disk
from sirocco.connectors.libvirt.tasks import Progress
from sirocco.connectors.libvirt.volumes import attached
from sirocco.connectors.ports import AttachNic, AttachVolume, ConnectorError, DetachNic, DetachVolume, Fault

_AGAIN = 50  # looks after which a guest that did not let a device go is asked again
_LOOK = 0.1  # seconds
_CONFIG, _LIVE = libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_AFFECT_LIVE

Chooser = Callable[[Any], Any]


def _flags(domain: libvirt.virDomain) -> int:
    return int(_CONFIG | (_LIVE if domain.isActive() else 0))


def attach_volume(machines: Machines, machine: str, action: AttachVolume) -> None:
    """Attach a volume; attached to this machine already is success, to another CONFLICT."""
    host, domain = machines.hosts.locate(machine)
    description = xml.parse(domain.XMLDesc(0))
    if action.use.volume in {stem for stem, _ in attached(description)}:
        return
    machines.claimable(host, machine, action.use)
    taken = {target.get("dev") for target in description.iterfind("devices/disk/target")}
    device = action.use.device or free_target(taken)
    if device in taken:
        raise ConnectorError(Fault.CONFLICT, why="the machine has a disk {device} already", device=device)
    disk = volume_disk(host, action.use.volume, device)
    domain.attachDeviceFlags(xml.text(xml.disk(disk)), _flags(domain))


def detach_volume(machines: Machines, machine: str, action: DetachVolume, progress: Progress) -> None:
    """Detach a volume and wait until the guest has let it go; not attached is success."""
    _, domain = machines.hosts.locate(machine)
    file = names.content(action.volume)

    def chosen(description: Any) -> Any:
        for disk in description.iterfind("devices/disk"):
            source = disk.find("source")
            if source is not None and (source.get("file") or "").endswith(f"/{file}"):
                return disk
        return None

    _detach(domain, chosen, progress)


def attach_nic(machines: Machines, machine: str, action: AttachNic) -> None:
    """Add an interface; one with this MAC address already is success."""
    _, domain = machines.hosts.locate(machine)
    if _with_mac(action.nic.mac)(xml.parse(domain.XMLDesc(0))) is not None:
        return
    nic = machines.addresses.networks.nic(action.nic.network, action.nic.mac)
    machines.addresses.networks.reserve(action.nic)
    domain.attachDeviceFlags(xml.text(xml.interface(nic)), _flags(domain))


def detach_nic(machines: Machines, machine: str, action: DetachNic, progress: Progress) -> None:
    """Remove an interface and wait until the guest has let it go; absent is success."""
    _, domain = machines.hosts.locate(machine)
    for nic in interfaces(xml.parse(domain.XMLDesc(0))):
        if nic.mac == action.mac.lower():
            machines.addresses.networks.release(nic.network, nic.mac)
    _detach(domain, _with_mac(action.mac), progress)


def _with_mac(mac: str) -> Chooser:
    def chosen(description: Any) -> Any:
        for interface in description.iterfind("devices/interface"):
            hardware = interface.find("mac")
            if hardware is not None and hardware.get("address", "").lower() == mac.lower():
                return interface
        return None

    return chosen


def _detach(domain: libvirt.virDomain, chosen: Chooser, progress: Progress) -> None:
    """From the stored form at once; from the running machine when its guest agrees, asked more than once."""
    stored = chosen(xml.parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))
    if stored is not None:
        domain.detachDeviceFlags(xml.text(stored), _CONFIG)
    looks = 0
    while domain.isActive() and (live := chosen(xml.parse(domain.XMLDesc(0)))) is not None:
        progress.check()
        if looks % _AGAIN == 0:
            _ask(domain, xml.text(live))
        looks += 1
        progress.stopping.wait(_LOOK)


def _ask(domain: libvirt.virDomain, device: str) -> None:
    try:
        domain.detachDeviceFlags(device, _LIVE)
    except libvirt.libvirtError as error:
        if not is_missing(error) and "in the process of unplug" not in str(error):
            raise
