"""Snapshots inside a machine's disks, with its memory when it runs; and images captured from its first disk."""

import contextlib
import time
from typing import Any

import libvirt

from sirocco.connectors.libvirt import names, xml
from sirocco.connectors.libvirt.errors import is_missing
from sirocco.connectors.libvirt.hosts import Host
from sirocco.connectors.libvirt.machines import Machines
from sirocco.connectors.libvirt.records import Phase, Record, Shelf
from sirocco.connectors.libvirt.tasks import Progress
from sirocco.connectors.libvirt.volumes import attached
from sirocco.connectors.ports import (
    Capture,
    ConnectorError,
    DropSnapshot,
    Fault,
    Kind,
    RestoreSnapshot,
    TakeSnapshot,
)

_LOOK = 0.1  # seconds between looks at a copy
_SETTLE = 30.0  # seconds a finished copy may need to be let go
_FIRST_DISK = names.target(0)


def _find(domain: libvirt.virDomain, name: str) -> libvirt.virDomainSnapshot | None:
    try:
        return domain.snapshotLookupByName(name, 0)
    except libvirt.libvirtError as error:
        if is_missing(error):
            return None
        raise


def take(domain: libvirt.virDomain, action: TakeSnapshot) -> None:
    """Take a snapshot; one of this name already is success."""
    if domain.hasManagedSaveImage(0):
        raise ConnectorError(Fault.CONFLICT, why="the machine is suspended: start it or stop it to take a snapshot")
    if _find(domain, action.snapshot) is None:
        _as_if_booted_so(domain, domain.snapshotCreateXML(xml.snapshot(action.snapshot), 0))


def _as_if_booted_so(domain: libvirt.virDomain, snapshot: libvirt.virDomainSnapshot) -> None:
    """Describe processors that were plugged in as there from the start: libvirt plugs them in too late to restore."""
    description = xml.parse(snapshot.getXMLDesc(libvirt.VIR_DOMAIN_SNAPSHOT_XML_SECURE))
    if description.find(".//vcpus/vcpu[@enabled='yes'][@hotpluggable='yes']") is None:
        return
    for processors in description.findall(".//vcpus"):
        processors.getparent().remove(processors)
    snapshot.delete(libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)
    flags = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT
    domain.snapshotCreateXML(xml.text(description), flags)


def restore(domain: libvirt.virDomain, action: RestoreSnapshot) -> None:
    """Put the machine back; CONFLICT when it has other volumes or another size now than it had then."""
    snapshot = _find(domain, action.snapshot)
    if snapshot is None:
        raise ConnectorError(Fault.NOT_FOUND, why="the machine has no snapshot {snapshot}", snapshot=action.snapshot)
    _refuse_if_changed(xml.parse(snapshot.getXMLDesc(0)).find("domain"), xml.parse(domain.XMLDesc(0)))
    if domain.hasManagedSaveImage(0):
        domain.managedSaveRemove(0)
    try:
        domain.revertToSnapshot(snapshot, 0)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_SNAPSHOT_REVERT_RISKY:
            raise
        domain.revertToSnapshot(snapshot, libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_FORCE)


def _refuse_if_changed(before: Any, now: Any) -> None:
    """What a machine has is counted and paid for outside the hypervisor: a snapshot must not change it."""
    if before is None:
        return
    then, volumes = ({stem for stem, _ in attached(description)} for description in (before, now))
    if then != volumes:
        lacking, more = ", ".join(sorted(then - volumes)) or "-", ", ".join(sorted(volumes - then)) or "-"
        why = "the snapshot was taken with other volumes; attach: {lacking}; detach: {more}"
        raise ConnectorError(Fault.CONFLICT, why=why, lacking=lacking, more=more)
    cpu, memory = xml.size(before)
    if (cpu, memory) != xml.size(now):
        why = "the snapshot was taken with {cores} processors and {memory} bytes of memory: resize the machine first"
        raise ConnectorError(Fault.CONFLICT, why=why, cores=cpu, memory=memory)


def drop(domain: libvirt.virDomain, action: DropSnapshot) -> None:
    """Forget a snapshot; its children stay."""
    snapshot = _find(domain, action.snapshot)
    if snapshot is not None:
        snapshot.delete(0)


def capture(machines: Machines, machine: str, action: Capture, token: str, progress: Progress) -> None:
    """Copy the first disk, whole, into a new image; of a running machine, with its file systems frozen if possible."""
    stem = names.native_id(Kind.IMAGE, token)
    host, domain = machines.hosts.locate(machine)
    shelf = machines.shelves.of(host)
    known = shelf.load(stem)
    if known and known.phase is Phase.READY:
        return
    description = xml.parse(domain.XMLDesc(0))
    origin = _kernel_image(description)
    cmdline = description.findtext("os/cmdline") or ""
    record = shelf.begin(stem, Record(token, action.name, boot=bool(origin), cmdline=cmdline if origin else ""))
    _clear(domain, host.path(names.content(stem)))
    _copy_files(shelf, stem, origin)
    if domain.isActive():
        _copy_live(domain, host, stem, progress)
        shelf.store.refresh()
    else:
        shelf.store.clone(names.content(stem), _first_disk(description))
    shelf.finish(stem, record)


def _kernel_image(description: Any) -> str:
    """The image whose kernel the machine boots directly, if it does."""
    kernel = description.findtext("os/kernel") or ""
    return kernel.rsplit("/", 1)[-1].removesuffix(".vmlinuz")


def _first_disk(description: Any) -> str:
    for disk in description.iterfind("devices/disk[@device='disk']"):
        if disk.find("target").get("dev") == _FIRST_DISK:
            return str(disk.find("source").get("file")).rsplit("/", 1)[-1]
    raise ConnectorError(Fault.CONFLICT, why="the machine has no disk {device} to capture", device=_FIRST_DISK)


def _copy_files(shelf: Shelf, stem: str, origin: str) -> None:
    shelf.store.remove(names.content(stem))
    if origin:
        for name in (names.kernel, names.initrd):
            shelf.store.remove(name(stem))
            shelf.store.clone(name(stem), name(origin), image_format="raw")


def _clear(domain: libvirt.virDomain, path: str) -> None:
    """End a copy that an earlier attempt began; someone else's is left alone and makes this attempt fail."""
    mirror = xml.parse(domain.XMLDesc(0)).find(f"devices/disk/mirror[@file='{path}']")
    if mirror is not None:
        domain.blockJobAbort(_FIRST_DISK, 0)


def _copy_live(domain: libvirt.virDomain, host: Host, stem: str, progress: Progress) -> None:
    target = xml.copy_target(host.path(names.content(stem)))
    domain.blockCopy(_FIRST_DISK, target, {}, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
    try:
        _await_mirror(domain, progress)
    except BaseException:
        with contextlib.suppress(libvirt.libvirtError):
            domain.blockJobAbort(_FIRST_DISK, 0)
        raise
    frozen = _freeze(domain)
    try:
        _let_go(domain)
    finally:
        if frozen:
            domain.fsThaw()


def _await_mirror(domain: libvirt.virDomain, progress: Progress) -> None:
    while True:
        progress.check()
        job = domain.blockJobInfo(_FIRST_DISK, 0)
        if not job:
            raise ConnectorError(Fault.TRANSIENT, why="the copy of the disk ended early: make the call again")
        if job["end"] > 0:
            progress.share = job["cur"] / job["end"]
            if job["cur"] == job["end"] and _mirror_ready(domain):
                return
        time.sleep(_LOOK)


def _mirror_ready(domain: libvirt.virDomain) -> bool:
    mirror = xml.parse(domain.XMLDesc(0)).find("devices/disk/mirror")
    return mirror is not None and mirror.get("ready") == "yes"


def _freeze(domain: libvirt.virDomain) -> bool:
    try:
        domain.fsFreeze()
    except libvirt.libvirtError:
        return False  # no agent, or none that can: the copy is then as after a power cut
    return True


def _let_go(domain: libvirt.virDomain) -> None:
    deadline = time.monotonic() + _SETTLE
    while True:
        try:
            domain.blockJobAbort(_FIRST_DISK, 0)
        except libvirt.libvirtError:
            if not domain.blockJobInfo(_FIRST_DISK, 0):
                return
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK)
        else:
            return
