"""From records to what connectors are asked for."""

import ipaddress
from dataclasses import replace

from sqlalchemy import select

from sirocco.cmdb.models import (
    Address,
    Credential,
    Host,
    Image,
    Machine,
    MachineVolume,
    Network,
    Nic,
    ProviderImage,
    Volume,
)
from sirocco.cmdb.transaction import Transaction
from sirocco.connectors import ports
from sirocco.contracts import commands as c
from sirocco.contracts.states import MachineState
from sirocco.domain.addresses import dynamic_range


def machine_spec(tx: Transaction, machine: Machine) -> ports.MachineSpec:
    """A machine's record as a request to its provider, but for the image of its first disk."""
    host = tx.session.get_one(Host, machine.host_id)
    disks = [ports.DiskSpec(disk.capacity) for disk in machine.disks]
    return ports.MachineSpec(
        name=machine.name,
        cpu=machine.cpu,
        memory=machine.memory,
        disks=tuple(disks),
        nics=tuple(nic_spec(tx, nic) for nic in machine.nics),
        volumes=tuple(volume_use(tx, use) for use in sorted(machine.volumes, key=_named_first)),
        seed=seed(tx, machine),
        host=host.name,
        start=machine.initial_state != MachineState.STOPPED,
    )


def on_image(spec: ports.MachineSpec, image: str) -> ports.MachineSpec:
    """The request with its first disk made from an image, by the image's native id."""
    first, *others = spec.disks
    return replace(spec, disks=(replace(first, image=image), *others))


def nic_spec(tx: Transaction, nic: Nic) -> ports.NicSpec:
    """An interface, with its fixed address if it has one."""
    network = tx.session.get_one(Network, nic.network_id)
    rows = select(Address.ip).where(
        Address.id.in_([use.address_id for use in nic.addresses]), Address.allocation == "fixed"
    )
    return ports.NicSpec(network.native_id or "", nic.mac, tx.session.scalar(rows) or "")


def _named_first(use: MachineVolume) -> bool:
    """Volumes that take the next free device come after those that have asked for one."""
    return not use.device


def volume_use(tx: Transaction, use: MachineVolume) -> ports.VolumeUse:
    """An attached volume."""
    return ports.VolumeUse(tx.session.get_one(Volume, use.volume_id).native_id or "", use.device)


def seed(tx: Transaction, machine: Machine) -> ports.Seed:
    """What the guest reads at its first boot."""
    credential = tx.session.get(Credential, machine.credential_id) if machine.credential_id else None
    keys = (credential.public_key,) if credential and credential.public_key else ()
    return ports.Seed(hostname=hostname(machine.name), user_data=machine.user_data or b"", ssh_keys=keys)


def hostname(name: str) -> str:
    """A machine's name as a host name (RFC 1123): letters, digits and hyphens, 63 at most."""
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower())
    return kept.strip("-")[:63].strip("-") or "machine"


def image_spec(image: Image) -> ports.ImageSpec:
    """A file of the image store."""
    boot = ports.KernelBoot(**image.boot) if image.boot else None
    return ports.ImageSpec(image.name, image.path, image.format, boot)


def volume_spec(tx: Transaction, volume: Volume) -> ports.VolumeSpec:
    """A volume's record as a request to its provider."""
    image = native_image(tx, volume.volume_image_id, volume.provider_id) if volume.volume_image_id else None
    host = tx.session.get_one(Host, volume.host_id)
    return ports.VolumeSpec(volume.name, volume.capacity, image, volume.filesystem, host.name)


def network_spec(network: Network) -> ports.NetworkSpec:
    """A network's record as a request to its provider."""
    first, last = dynamic_range(ipaddress.IPv4Network(network.cidr))
    return ports.NetworkSpec(network.name, network.cidr, network.nat, str(first), str(last), network.mtu)


def native_image(tx: Transaction, image_id: str | None, provider_id: str | None) -> str | None:
    """An image's name at a provider, if it is there."""
    place = tx.session.get(ProviderImage, (image_id, provider_id)) if image_id and provider_id else None
    return place.native_id if place else None


def action(tx: Transaction, machine: Machine, name: str, arguments: dict[str, object]) -> ports.Action:
    """A job's action as a connector takes it."""
    command = c.MACHINE_COMMANDS[name](**_fields(name, arguments))
    match command:
        case c.Start():
            return ports.Start()
        case c.Stop(force):
            return ports.Stop(force)
        case c.Restart(force):
            return ports.Restart(force)
        case c.Pause():
            return ports.Pause()
        case c.Suspend():
            return ports.Suspend()
        case c.Resize(cpu, memory):
            return ports.Resize(cpu, memory)
        case _:
            return _on_parts(tx, machine, command, arguments)


def _on_parts(tx: Transaction, machine: Machine, command: c.Command, arguments: dict[str, object]) -> ports.Action:
    match command:
        case c.Snapshot():
            return ports.TakeSnapshot(str(arguments["image_id"]))
        case c.Restore(image_id):
            return ports.RestoreSnapshot(image_id)
        case c.Capture():
            return ports.Capture(str(arguments["image_id"]))
        case c.AttachVolume(volume_id):
            use = next(use for use in machine.volumes if use.volume_id == volume_id)
            return ports.AttachVolume(volume_use(tx, use))
        case c.DetachVolume(volume_id):
            return ports.DetachVolume(tx.session.get_one(Volume, volume_id).native_id or "")
        case c.AttachNic():
            return ports.AttachNic(nic_spec(tx, machine.nics[-1]))
        case c.DetachNic(nic_id):
            return ports.DetachNic(tx.session.get_one(Nic, nic_id).mac)
        case _:
            raise ValueError(f"{command.action} is no single action of a connector")


def _fields(name: str, arguments: dict[str, object]) -> dict[str, object]:
    known = c.MACHINE_COMMANDS[name].__dataclass_fields__
    return {key: value for key, value in arguments.items() if key in known}
