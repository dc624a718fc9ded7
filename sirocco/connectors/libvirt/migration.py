"""Machines on the move from one host to another."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import libvirt

from sirocco.connectors.libvirt import carried, images, names, xml
from sirocco.connectors.libvirt.errors import absent_is_fine
from sirocco.connectors.libvirt.hosts import Host
from sirocco.connectors.libvirt.machines import Machines
from sirocco.connectors.libvirt.records import Phase, Record
from sirocco.connectors.libvirt.settings import Settings
from sirocco.connectors.libvirt.tasks import Cancelled, Progress
from sirocco.connectors.libvirt.volumes import attached
from sirocco.connectors.ports import ConnectorError, Fault, Kind, Migrate

_MOVES = (libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT, libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN)
_LOOK = 0.2  # seconds between looks at a migration
_MOVE = libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
_NOTES_EVERY_WRITE = 9_000_000
"""The version from which QEMU's emulation misses no write while memory is sent (QEMU commit 03bfc2188f)."""
_MOVABLE_XML = libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_MIGRATABLE


def migrate(settings: Settings, machines: Machines, machine: str, action: Migrate, progress: Progress) -> None:
    """Move a machine; on its target already is success, and ends what an interrupted move left over."""
    if len(settings.hosts) < 2:
        raise ConnectorError(Fault.UNSUPPORTED, why="the provider has one host: there is nowhere to migrate to")
    target = machines.hosts.named(action.host)
    source, domain = _at_rest(machines, machine, progress)
    store = machines.shelves.of(source).store
    carried.take_up(store, machine, domain)
    if source is not target:
        _check(settings, domain, action)
        move = _Move(machines, machine, source, target, domain, progress=progress)
        if not settings.shared_storage:
            move.bring_files()
        carried.put_down(store, machine, domain)
        try:
            move.carry_out(copy=not settings.shared_storage, unsafe=settings.same_machine)
        except (libvirt.libvirtError, Cancelled):
            _tidy(machines, machine, _at_rest(machines, machine, Progress())[0])
            raise
        finally:
            carried.take_up(store, machine, machines.hosts.locate(machine)[1])
    _tidy(machines, machine, target)


def _at_rest(machines: Machines, machine: str, progress: Progress) -> tuple[Host, libvirt.virDomain]:
    """Where the machine is, once a move that an earlier attempt began has ended: the hosts go on by themselves."""
    while True:
        host, domain = machines.hosts.locate(machine)
        with absent_is_fine():
            if not _is_moving(domain) and not any(there.isActive() for there in _elsewhere(machines, machine, host)):
                return host, domain
        progress.check()
        progress.stopping.wait(_LOOK)


def _is_moving(domain: libvirt.virDomain) -> bool:
    """Whether a domain is leaving or arriving; where it arrives libvirt refuses to tell how far it is."""
    try:
        return domain.isActive() and domain.jobStats(0).get("operation") in _MOVES
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_OPERATION_UNSUPPORTED:
            return True
        raise


def _elsewhere(machines: Machines, machine: str, host: Host) -> list[libvirt.virDomain]:
    return [domain for other, domain in machines.hosts.domains(machine) if other is not host]


def _check(settings: Settings, domain: libvirt.virDomain, action: Migrate) -> None:
    if not settings.shared_storage and not action.copy_storage:
        raise ConnectorError(Fault.INVALID, why="the hosts share no storage: migrate with a copy of it")
    if domain.hasManagedSaveImage(0):
        why = "the machine is suspended and its memory lies on its host: start it first"
        raise ConnectorError(Fault.CONFLICT, why=why)
    if not settings.shared_storage and domain.listAllSnapshots(0):
        why = "the machine has snapshots, which stay behind when disks are copied: drop them first"
        raise ConnectorError(Fault.CONFLICT, why=why)


def may_run(description: str, qemu: int) -> bool:
    """Whether a machine may run while its memory is sent; else it stands still for that time and then goes on.

    ``qemu`` is the version as libvirt tells it: 7002022 is 7.2.22. Before 9.0 emulated processors write to pages sent
    already without a note of it, and the guest arrives with pages of different times.
    """
    return xml.parse(description).get("type") != "qemu" or qemu >= _NOTES_EVERY_WRITE


class _Move:
    """One machine from one host to another."""

    def __init__(
        self,
        machines: Machines,
        machine: str,
        source: Host,
        target: Host,
        domain: libvirt.virDomain,
        *,
        progress: Progress,
    ) -> None:
        self._machines, self._machine, self._domain, self._progress = machines, machine, domain, progress
        self._source, self._target = source, target
        self._from, self._to = machines.shelves.of(source), machines.shelves.of(target)

    def bring_files(self) -> None:
        """Copy what the hypervisor does not: the seed, the kernel's image, whole disks of a stopped machine."""
        description = xml.parse(self._domain.XMLDesc(0))
        kernel = (description.findtext("os/kernel") or "").rsplit("/", 1)[-1]
        if kernel:
            self._machines.images.bring(kernel.removesuffix(".vmlinuz"), self._to)
        if self._from.store.find(names.seed(self._machine)) is not None:
            images.copy(self._from.store, self._to.store, names.seed(self._machine))
        for name, _ in _disks(description):
            self._make_room(name)

    def _make_room(self, name: str) -> None:
        """An empty file for a running machine's disk; for a stopped one a flat copy, made at the source first."""
        self._progress.check()
        stem = name.removesuffix(".qcow2")
        if name.startswith(f"{Kind.VOLUME}-"):
            record = self._from.load(stem) or Record("", stem)
            self._to.save(stem, record.at(Phase.CREATING))
        original = self._from.store.require(name)
        self._to.store.remove(name)
        if self._domain.isActive():
            self._to.store.ensure(name, original.info()[1])
            return
        flat = f"{names.pieces(self._machine)}move.qcow2"
        self._from.store.remove(flat)
        self._from.store.clone(flat, name)
        images.copy(self._from.store, self._to.store, flat, new_name=name)
        self._from.store.remove(flat)

    def _moved(self, flags: int) -> str:
        """The description with the target's paths and without the source's chains of files."""
        text = self._domain.XMLDesc(flags)
        here, there = self._source.settings.pool_path, self._target.settings.pool_path
        description = xml.parse(text.replace(f"{here}/", f"{there}/"))
        for disk in description.iterfind("devices/disk"):
            for chain in disk.findall("backingStore"):
                disk.remove(chain)
        return xml.text(description)

    def carry_out(self, *, copy: bool, unsafe: bool) -> None:
        """Move the machine, running or not."""
        if self._domain.isActive():
            self.live(copy=copy, unsafe=unsafe)
        else:
            self.offline()

    def offline(self) -> None:
        """Define a stopped machine at the target; the source's definition goes after that."""
        self._target.connection().defineXML(self._moved(libvirt.VIR_DOMAIN_XML_SECURE))
        self._domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)

    def live(self, *, copy: bool, unsafe: bool) -> None:
        """Move a running machine; libvirt ends up with it here or there, never on both."""
        flags, parameters = _MOVE, {}
        if may_run(self._domain.XMLDesc(0), self._source.connection().getVersion()):
            flags |= libvirt.VIR_MIGRATE_LIVE
        if copy:
            live, stored = self._moved(_MOVABLE_XML), self._moved(_MOVABLE_XML | libvirt.VIR_DOMAIN_XML_INACTIVE)
            flags |= libvirt.VIR_MIGRATE_NON_SHARED_DISK
            disks = [device for _, device in _disks(xml.parse(live))]
            parameters = {
                libvirt.VIR_MIGRATE_PARAM_DEST_XML: live,
                libvirt.VIR_MIGRATE_PARAM_PERSIST_XML: stored,
                libvirt.VIR_MIGRATE_PARAM_MIGRATE_DISKS: disks,
            }
        if unsafe:
            flags |= libvirt.VIR_MIGRATE_UNSAFE
        with _followed(self._domain, self._progress):
            self._send(parameters, flags)

    def _send(self, parameters: dict[str, Any], flags: int) -> None:
        try:
            if self._target.settings.migrate_uri:
                flags |= libvirt.VIR_MIGRATE_PEER2PEER
                self._domain.migrateToURI3(self._target.settings.migrate_uri, parameters, flags)
            else:
                self._domain.migrate3(self._target.connection(), parameters, flags)
        except libvirt.libvirtError as error:
            if self._progress.stopping.is_set() and error.get_error_code() == libvirt.VIR_ERR_OPERATION_ABORTED:
                raise Cancelled from error
            raise


@contextlib.contextmanager
def _followed(domain: libvirt.virDomain, progress: Progress) -> Iterator[None]:
    """While a migration runs, note how far it is and pass a cancellation on."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(_LOOK):
            with contextlib.suppress(libvirt.libvirtError):
                if progress.stopping.is_set():
                    domain.abortJob()
                    return
                job = domain.jobStats(0)
                if job.get("data_total"):
                    progress.share = min(job["data_processed"] / job["data_total"], 1.0)

    thread = threading.Thread(target=follow, name="libvirt-migration", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _disks(description: Any) -> list[tuple[str, str]]:
    """Files and device names of the writable disks."""
    return [
        (disk.find("source").get("file").rsplit("/", 1)[-1], disk.find("target").get("dev"))
        for disk in description.iterfind("devices/disk[@device='disk']")
    ]


def _tidy(machines: Machines, machine: str, target: Host) -> None:
    """After the move, done or failed: volumes are where the machine is, and nothing of it stays elsewhere."""
    for domain in _elsewhere(machines, machine, target):
        with absent_is_fine():
            if not domain.isActive():
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    to = machines.shelves.of(target)
    to.store.refresh()
    _, domain = machines.hosts.locate(machine)
    volumes = [stem for stem, _ in attached(xml.parse(domain.XMLDesc(0)))]
    for stem in volumes:
        record = to.load(stem)
        if record and record.phase is Phase.CREATING:
            to.save(stem, record.at(Phase.READY))
    for shelf in machines.shelves.all():
        if shelf is not to:
            for stem in volumes:
                shelf.store.remove(names.content(stem))
                shelf.drop(stem)
            machines.remove_files(shelf, machine)
