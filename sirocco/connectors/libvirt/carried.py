"""Snapshots of a machine that moves: libvirt does not take them along, though they lie in the disks.

What libvirt knows of them is written beside the disks, forgotten at the source, and told to the target; a move that was
interrupted in between is mended by the next one.
"""

import json

import libvirt

from sirocco.connectors.libvirt import names
from sirocco.connectors.libvirt.errors import is_missing
from sirocco.connectors.libvirt.store import Store

_LIMIT = 1 << 24  # bytes of descriptions


def put_down(store: Store, machine: str, domain: libvirt.virDomain) -> None:
    """Write a machine's snapshots down and let its host forget them, the youngest first."""
    snapshots = domain.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL)
    if not snapshots:
        return
    current = domain.snapshotCurrent(0).getName() if domain.hasCurrentSnapshot(0) else ""
    described = [(one.getName(), one.getXMLDesc(libvirt.VIR_DOMAIN_SNAPSHOT_XML_SECURE)) for one in snapshots]
    store.put(names.snapshots(machine), json.dumps({"current": current, "described": described}).encode())
    for snapshot in reversed(snapshots):
        snapshot.delete(libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)


def take_up(store: Store, machine: str, domain: libvirt.virDomain) -> None:
    """Tell the machine's host what was written down, if anything was."""
    data = store.read(names.snapshots(machine), _LIMIT)
    if data is None:
        return
    kept = json.loads(data)
    for name, description in kept["described"]:
        if not _knows(domain, name):
            flags = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE
            if name == kept["current"]:
                flags |= libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT
            domain.snapshotCreateXML(description, flags)
    store.remove(names.snapshots(machine))


def _knows(domain: libvirt.virDomain, name: str) -> bool:
    try:
        domain.snapshotLookupByName(name, 0)
    except libvirt.libvirtError as error:
        if is_missing(error):
            return False
        raise
    return True
