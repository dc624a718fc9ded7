"""Machines: made, seen, removed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import libvirt

from sirocco.connectors.libvirt import names, seed, xml
from sirocco.connectors.libvirt.addresses import Addresses
from sirocco.connectors.libvirt.errors import absent_is_fine
from sirocco.connectors.libvirt.hosts import Host, Hosts
from sirocco.connectors.libvirt.images import Images
from sirocco.connectors.libvirt.inventory import Accelerators
from sirocco.connectors.libvirt.notes import Note, read, write
from sirocco.connectors.libvirt.power import start
from sirocco.connectors.libvirt.records import Phase, Shelf, Shelves
from sirocco.connectors.libvirt.tasks import Progress
from sirocco.connectors.libvirt.volumes import Volumes, attached
from sirocco.connectors.ports import (
    ConnectorError,
    Fault,
    Kind,
    MachineFacts,
    MachineSpec,
    NicFacts,
    Observed,
    Ref,
    State,
    VolumeUse,
)

_STATES = {
    libvirt.VIR_DOMAIN_NOSTATE: State.STARTED,
    libvirt.VIR_DOMAIN_RUNNING: State.STARTED,
    libvirt.VIR_DOMAIN_BLOCKED: State.STARTED,
    libvirt.VIR_DOMAIN_PAUSED: State.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: State.STARTED,
    libvirt.VIR_DOMAIN_SHUTOFF: State.STOPPED,
    libvirt.VIR_DOMAIN_CRASHED: State.ERROR,
    libvirt.VIR_DOMAIN_PMSUSPENDED: State.PAUSED,
}
_BUSY_PAUSES = {
    libvirt.VIR_DOMAIN_PAUSED_MIGRATION,
    libvirt.VIR_DOMAIN_PAUSED_SAVE,
    libvirt.VIR_DOMAIN_PAUSED_SNAPSHOT,
    libvirt.VIR_DOMAIN_PAUSED_STARTING_UP,
    libvirt.VIR_DOMAIN_PAUSED_DUMP,
}
_FORGET = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)
_MINIMUM_MEMORY = 1 << 20
_LOOKS = 3


def check(spec: MachineSpec) -> None:
    """INVALID for what no host could run."""
    if not spec.name.isprintable():
        raise ConnectorError(
            Fault.INVALID, why="machine {name}: its name has characters that cannot be shown", name=repr(spec.name)
        )
    if spec.cpu < 1 or spec.memory < _MINIMUM_MEMORY:
        raise ConnectorError(
            Fault.INVALID, why="machine {name}: at least one processor and 1 MiB of memory", name=spec.name
        )
    if not spec.disks:
        raise ConnectorError(Fault.INVALID, why="machine {name}: it needs a disk to boot from", name=spec.name)
    for disk in spec.disks:
        if not disk.image and disk.capacity < 1:
            raise ConnectorError(Fault.INVALID, why="machine {name}: an empty disk needs a capacity", name=spec.name)


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines of a provider."""

    hosts: Hosts
    shelves: Shelves
    images: Images
    volumes: Volumes
    addresses: Addresses
    accelerators: Accelerators

    def create(self, spec: MachineSpec, token: str, progress: Progress) -> None:
        """Define, make disks and seed, start: in this order, so that whatever exists is visible by its domain."""
        machine = names.native_id(Kind.MACHINE, token)
        host, domain = self._defined(machine, spec, token)
        note = read(domain)
        if note.phase is Phase.READY:
            return
        if not domain.isActive():
            progress.check()
            self._furnish(host, machine, spec)
            if spec.start:
                start(domain)
        write(domain, note.at(Phase.READY))

    def _defined(self, machine: str, spec: MachineSpec, token: str) -> tuple[Host, libvirt.virDomain]:
        host = self.hosts.named(spec.host)
        for there, domain in self._known(host, machine):
            if domain.isActive() or read(domain).phase is Phase.READY:
                return there, domain
        self._check_fits(host, spec)
        return host, host.connection().defineXML(self._description(host, machine, spec, token))

    def _known(self, host: Host, machine: str) -> list[tuple[Host, libvirt.virDomain]]:
        """Where the machine is already; an earlier attempt cannot have put it on another host than this one."""
        host.connection()
        try:
            return self.hosts.domains(machine)
        except ConnectorError:
            return []

    def _description(self, host: Host, machine: str, spec: MachineSpec, token: str) -> str:
        boot = self.images.require(spec.disks[0].image) if spec.disks[0].image else None
        image = spec.disks[0].image if boot and boot.boot else ""
        disks = tuple(
            xml.Disk(host.path(names.disk(machine, number)), names.target(number)) for number in range(len(spec.disks))
        )
        note = Note(token, spec.name, Phase.CREATING)
        return xml.domain(
            xml.Domain(
                domain_type=self.accelerators.of(host).domain_type,
                name=names.domain(spec.name, machine),
                uuid=machine,
                title=spec.name,
                metadata=note.pack(),
                cpu=spec.cpu,
                memory=spec.memory,
                disks=disks + self._volumes(host, machine, spec),
                nics=tuple(self.addresses.networks.nic(nic.network, nic.mac) for nic in spec.nics),
                seed=host.path(names.seed(machine)) if spec.seed else "",
                serial_log=host.path(names.serial_log(machine)),
                kernel=host.path(names.kernel(image)) if image else "",
                initrd=host.path(names.initrd(image)) if image else "",
                cmdline=boot.cmdline if boot and image else "",
                emulated_hardware=not host.settings.simulated,
            )
        )

    def _volumes(self, host: Host, machine: str, spec: MachineSpec) -> tuple[xml.Disk, ...]:
        disks = []
        taken = {names.target(number) for number in range(len(spec.disks))} | {use.device for use in spec.volumes}
        for use in spec.volumes:
            self.claimable(host, machine, use)
            device = use.device or free_target(taken)
            taken.add(device)
            disks.append(volume_disk(host, use.volume, device))
        return tuple(disks)

    def claimable(self, host: Host, machine: str, use: VolumeUse) -> None:
        """Raise unless a volume is within this host's reach and no other machine has it."""
        user = self.volumes.user(use.volume)
        if user not in {"", machine}:
            why = "volume {id} is attached to machine {user}: detach it first"
            raise ConnectorError(Fault.CONFLICT, why=why, id=use.volume, user=user)
        if self.volumes.shelf(use.volume) is not self.shelves.of(host):
            why = "volume {id} is not in the storage that host {host} sees"
            raise ConnectorError(Fault.CONFLICT, why=why, id=use.volume, host=host.name)

    def _check_fits(self, host: Host, spec: MachineSpec) -> None:
        """CAPACITY for more memory than the host has; INVALID for a disk that cannot hold its image."""
        memory = host.connection().getInfo()[1] << 20
        if spec.memory > memory and not host.settings.simulated:
            why = "machine {name}: host {host} has {memory} bytes of memory, not {wanted}"
            raise ConnectorError(
                Fault.CAPACITY, why=why, name=spec.name, host=host.name, memory=memory, wanted=spec.memory
            )
        for disk in spec.disks:
            needed = self.images.capacity(disk.image) if disk.image else 0
            if disk.capacity < needed:
                why = "machine {name}: a disk of {size} bytes cannot hold its image of {least}"
                raise ConnectorError(Fault.INVALID, why=why, name=spec.name, size=disk.capacity, least=needed)

    def _furnish(self, host: Host, machine: str, spec: MachineSpec) -> None:
        """Fixed addresses, disks and seed; what another attempt has made is taken as it is, for it may run already."""
        shelf = self.shelves.of(host)
        for nic in spec.nics:
            self.addresses.networks.reserve(nic)
        for number, disk in enumerate(spec.disks):
            if disk.image:
                self.images.bring(disk.image, shelf)
            backing = names.content(disk.image) if disk.image else ""
            shelf.store.ensure(names.disk(machine, number), disk.capacity, backing=backing)
        if spec.seed:
            data = seed.disc(spec.seed, machine, tuple(nic.mac for nic in spec.nics))
            shelf.store.put(names.seed(machine), data)

    def delete(self, machine: str) -> None:
        """End it, remove its files, then its definition: a crash in between leaves the definition to be found."""
        for _, domain in self.hosts.domains(machine):
            with absent_is_fine():
                self._release_addresses(domain)
            with absent_is_fine():
                if domain.isActive():
                    domain.destroy()
        for shelf in self.shelves.all():
            self.remove_files(shelf, machine)
        for _, domain in self.hosts.domains(machine):
            with absent_is_fine():
                _undefine(domain)

    def _release_addresses(self, domain: libvirt.virDomain) -> None:
        for nic in interfaces(xml.parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))):
            self.addresses.networks.release(nic.network, nic.mac)

    def remove_files(self, shelf: Shelf, machine: str) -> None:
        """Remove a machine's files from a store, and images that only served them."""
        for name in shelf.store.names():
            if name.startswith(names.pieces(machine)):
                shelf.store.remove(name)
        self.images.collect(shelf)

    def find(self, token: str) -> Observed | None:
        """What a create with this token made."""
        return self._seen(names.native_id(Kind.MACHINE, token), self.addresses.leases())

    def observe(self, machine: str) -> Observed:
        """The machine as it is now."""
        seen = self._seen(machine, self.addresses.leases(), ask_guest=True)
        if seen is None:
            raise ConnectorError(Fault.NOT_FOUND, why="machine {id} is on none of the provider's hosts", id=machine)
        return seen

    def _seen(self, machine: str, leases: dict[str, list[str]], *, ask_guest: bool = False) -> Observed | None:
        """The machine where it is; looked for again when it moves away while it is read."""
        for _ in range(_LOOKS):
            for host, domain in self.hosts.domains(machine)[:1]:
                with absent_is_fine():
                    return self._observed(host, domain, leases, ask_guest=ask_guest)
        return None

    def all(self) -> Iterator[Observed]:
        """All machines; one that moves is shown once."""
        leases = self.addresses.leases()
        there = [domain.UUIDString() for host in self.hosts.twice() for domain in host.connection().listAllDomains(0)]
        for machine in dict.fromkeys(there):
            seen = self._seen(machine, leases)
            if seen is not None:
                yield seen

    def _observed(
        self, host: Host, domain: libvirt.virDomain, leases: dict[str, list[str]], *, ask_guest: bool = False
    ) -> Observed:
        description, note = xml.parse(domain.XMLDesc(0)), read(domain)
        state, message = state_of(domain, note)
        guest = self.addresses.guest(domain, description) if ask_guest and state is State.STARTED else {}
        cpu, memory = xml.size(description)
        facts = MachineFacts(
            name=note.name or domain.name(),
            host=host.name,
            cpu=cpu,
            memory=memory,
            nics=tuple(self._nics(description, leases if domain.isActive() else {}, guest)),
            volumes=tuple(VolumeUse(stem, device) for stem, device in attached(description)),
            snapshots=tuple(snapshot.getName() for snapshot in domain.listAllSnapshots(0)),
        )
        return Observed(Ref(Kind.MACHINE, domain.UUIDString()), state, note.token, facts, message)

    @staticmethod
    def _nics(description: Any, leases: dict[str, list[str]], guest: dict[str, list[str]]) -> Iterator[NicFacts]:
        for nic in interfaces(description):
            yield replace(nic, addresses=tuple(leases.get(nic.mac) or guest.get(nic.mac, [])))


def interfaces(description: Any) -> Iterator[NicFacts]:
    """A domain's interfaces, without their addresses."""
    for interface in description.iterfind("devices/interface"):
        hardware, source = interface.find("mac"), interface.find("source")
        mac = (hardware.get("address") or "").lower() if hardware is not None else ""
        name = (source.get("network") or "") if source is not None else ""
        yield NicFacts(mac, name.removeprefix(names.network("")))


def _undefine(domain: libvirt.virDomain) -> None:
    try:
        domain.undefineFlags(_FORGET)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in {libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_NO_SUPPORT}:
            raise
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)


def state_of(domain: libvirt.virDomain, note: Note) -> tuple[State, str]:
    """A domain's state in the contract's words, and what people should know of it."""
    state, reason = domain.state(0)
    if note.token and note.phase is Phase.CREATING:
        return State.CREATING, ""
    if state == libvirt.VIR_DOMAIN_SHUTOFF and domain.hasManagedSaveImage(0):
        return State.SUSPENDED, ""
    if state == libvirt.VIR_DOMAIN_PAUSED and reason == libvirt.VIR_DOMAIN_PAUSED_IOERROR:
        return State.ERROR, "the machine was halted by an error of its disk: its storage may be full"
    if state == libvirt.VIR_DOMAIN_PAUSED and reason in _BUSY_PAUSES:
        return State.BUSY, ""
    return _STATES.get(state, State.ERROR), ""


def volume_disk(host: Host, stem: str, device: str) -> xml.Disk:
    """A volume as a disk; its serial number lets the guest tell it from others."""
    return xml.Disk(host.path(names.content(stem)), device, stem.removeprefix(f"{Kind.VOLUME}-").replace("-", "")[:20])


def free_target(taken: set[str]) -> str:
    """The first device name that is not taken."""
    number = 0
    while names.target(number) in taken:
        number += 1
    return names.target(number)
