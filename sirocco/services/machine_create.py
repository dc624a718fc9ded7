"""Asking for a machine: checks, quota, record and job in one transaction."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import or_, select

from sirocco.cmdb import capacity
from sirocco.cmdb.models import (
    Address,
    Credential,
    Disk,
    Host,
    Image,
    Job,
    Machine,
    MachineVolume,
    Network,
    NetworkPort,
    Nic,
    NicAddress,
    Provider,
    ProviderImage,
    Tenant,
    Volume,
)
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import IN_USE, INVALID, WRONG_STATE, SiroccoError
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import ImageState, MachineState, NetworkState, Role, VolumeState
from sirocco.domain.limits import check_machine, check_text
from sirocco.services import events, jobs, volumes

INITIAL_STATES = (MachineState.STARTED, MachineState.STOPPED, MachineState.PAUSED)


@dataclass(frozen=True, slots=True)
class DiskRequest:
    """A disk: capacity in bytes, 0 for as large as the image; the first one boots."""

    capacity: int = 0
    initial_location: str = ""


@dataclass(frozen=True, slots=True)
class NicRequest:
    """An interface on a network, or at one of the tenant's ports on it, with one of its fixed addresses if named."""

    network_id: str = ""
    address_id: str = ""
    port_id: str = ""


@dataclass(frozen=True, slots=True)
class VolumeRequest:
    """A volume to attach from the start."""

    volume_id: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class NewVolume:
    """A volume to make with the machine, and to attach; it outlives the machine."""

    wanted: volumes.VolumeRequest
    device: str = ""


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """All that a new machine needs. Memory in bytes; ``nics`` None means one interface on the default network.

    ``provider_id`` and ``host_id`` narrow the choice of placement; a host may be named by operators only.
    """

    name: str
    cpu: int
    memory: int
    image_id: str
    description: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    disks: tuple[DiskRequest, ...] = ()
    nics: tuple[NicRequest, ...] | None = None
    volumes: tuple[VolumeRequest, ...] = ()
    new_volumes: tuple[NewVolume, ...] = ()
    credential_id: str = ""
    user_data: bytes = b""
    initial_state: str = MachineState.STARTED
    provider_id: str = ""
    host_id: str = ""


def create(tx: Transaction, request: MachineRequest, *, parent: Job | None = None) -> tuple[Machine, Job]:
    """Accept a new machine in the principal's tenant: it is CREATING until its job ends."""
    tx.who.need(Role.OPERATOR if request.host_id else Role.MEMBER)
    image = _checked_image(tx, request)
    networks = _networks(tx, request)
    held = [free_volume(tx, use.volume_id) for use in request.volumes]
    _check_places(tx, request, image, [tx.get(Network, nic.network_id) for nic in networks], held)
    capacity.take(tx, tx.who.tenant_id, quota_of(request.cpu, request.memory, len(networks)))
    machine = tx.add(_row(tx, request))
    machine.disks = _disks(request, image)
    machine.nics = [new_nic(tx, machine, index, nic) for index, nic in enumerate(networks)]
    machine.volumes = [
        MachineVolume(volume_id=volume.id, device=use.device) for volume, use in zip(held, request.volumes, strict=True)
    ]
    narrowed: dict[str, Any] = {"provider_id": request.provider_id, "host_id": request.host_id}
    workflow = "CreateMachineWithVolumes" if request.new_volumes else "CreateMachine"
    job = jobs.submit(tx, workflow, "add", machine, arguments=narrowed, affected=held, parent=parent)
    for new in request.new_volumes:
        _make_with(tx, machine, new, job)
    events.changed(tx, machine, "create", job_id=job.id)
    return machine, job


def _make_with(tx: Transaction, machine: Machine, new: NewVolume, job: Job) -> None:
    """Ask for a volume whose job waits until the machine has its place."""
    volume, nested = volumes.create(tx, new.wanted, parent=job)
    nested.due = jobs.HELD
    machine.volumes.append(MachineVolume(volume_id=volume.id, device=new.device))


def quota_of(cpu: int, memory: int, addresses: int) -> dict[str, int]:
    """What one machine counts against quotas."""
    return {"machines": 1, "cores": cpu, "memory": memory, "addresses": addresses}


def _row(tx: Transaction, request: MachineRequest) -> Machine:
    if request.credential_id:
        tx.get(Credential, request.credential_id)
    return Machine(
        id=new_id(),
        tenant_id=tx.who.tenant_id,
        user_id=tx.who.user_id,
        name=request.name or "machine",
        description=request.description,
        properties=request.properties,
        cpu=request.cpu,
        memory=request.memory,
        image_id=request.image_id,
        credential_id=request.credential_id or None,
        user_data=request.user_data or None,
        initial_state=request.initial_state,
        disks=[],
        nics=[],
        volumes=[],
    )


def _checked_image(tx: Transaction, request: MachineRequest) -> Image:
    check_text(request.name, request.description, request.properties)
    check_machine(request.cpu, request.memory, [disk.capacity for disk in request.disks], request.user_data)
    if request.initial_state not in INITIAL_STATES:
        raise SiroccoError(
            INVALID, where="initialState", why="it is one of {choices}", choices=", ".join(INITIAL_STATES)
        )
    image = tx.get(Image, request.image_id)
    if image.state != ImageState.AVAILABLE or image.type != "IMAGE":
        raise SiroccoError(
            WRONG_STATE, kind="image", name=image.name, state=image.state, action="add", needed=ImageState.AVAILABLE
        )
    if not image.path and not tx.session.scalar(select(ProviderImage).where(ProviderImage.image_id == image.id)):
        raise SiroccoError(INVALID, where="machineImage", why="the image {image} lies at no provider", image=image.name)
    return image


def _check_places(
    tx: Transaction, request: MachineRequest, image: Image, networks: Sequence[Network], held: Sequence[Volume]
) -> None:
    """Refuse what lies at different providers: no host could ever take the machine."""
    narrowest: tuple[str, frozenset[str]] | None = None
    at_providers = frozenset(
        tx.session.scalars(select(ProviderImage.provider_id).where(ProviderImage.image_id == image.id))
    )
    for where, name, places in (
        *_asked_places(tx, request),
        ("machineImage", image.name, frozenset() if image.path else at_providers),
        *(("network", network.name, _only(network.provider_id)) for network in networks),
        *(("volumes", volume.name, _only(volume.provider_id)) for volume in held),
    ):
        if narrowest and places and not narrowest[1] & places:
            raise SiroccoError(
                INVALID,
                where=where,
                why="{resource} is at another provider than {other}",
                resource=name,
                other=narrowest[0],
            )
        if places and (narrowest is None or len(places & narrowest[1]) < len(narrowest[1])):
            narrowest = name, places & narrowest[1] if narrowest else places


def _asked_places(tx: Transaction, request: MachineRequest) -> Iterator[tuple[str, str, frozenset[str]]]:
    tenant = tx.session.get_one(Tenant, tx.who.tenant_id)
    yield "tenant", tenant.name, frozenset(tenant.providers)
    if request.provider_id:
        yield "provider", tx.get(Provider, request.provider_id).name, frozenset({request.provider_id})
    if request.host_id:
        host = tx.get(Host, request.host_id)
        yield "host", host.name, frozenset({host.provider_id})


def _only(provider_id: str | None) -> frozenset[str]:
    return frozenset({provider_id} if provider_id else ())


def _disks(request: MachineRequest, image: Image) -> list[Disk]:
    wanted = request.disks or (DiskRequest(),)
    boot = wanted[0]
    if boot.capacity and boot.capacity < image.capacity:
        raise SiroccoError(
            INVALID,
            where="disks[0].capacity",
            why="the image {image} needs {least_size}",
            image=image.name,
            least_size=image.capacity,
        )
    sizes = [boot.capacity or image.capacity, *(disk.capacity for disk in wanted[1:])]
    return [
        Disk(position=index, capacity=size, initial_location=disk.initial_location)
        for index, (disk, size) in enumerate(zip(wanted, sizes, strict=True))
    ]


def _networks(tx: Transaction, request: MachineRequest) -> Sequence[NicRequest]:
    if request.nics is None:
        default = default_network(tx, request.provider_id)
        return (NicRequest(default.id),) if default else ()
    return [plugged(tx, nic) for nic in request.nics]


def plugged(tx: Transaction, nic: NicRequest) -> NicRequest:
    """The request with its network, which a port names too; refused unless machines can be put there."""
    port = free_port(tx, nic.port_id) if nic.port_id else None
    if port is not None and nic.network_id not in {"", port.network_id}:
        raise SiroccoError(INVALID, where="networkPort", why="port {port} is on another network", port=port.name)
    network_id = port.network_id if port else nic.network_id
    started_network(tx, network_id)
    return replace(nic, network_id=network_id)


def free_port(tx: Transaction, port_id: str) -> NetworkPort:
    """The port, held, refused when an interface uses it."""
    port = tx.get(NetworkPort, port_id, lock=True)
    if port.nic_id:
        raise SiroccoError(IN_USE, kind="network port", name=port.name, users=f"interface {port.nic_id}")
    return port


def default_network(tx: Transaction, provider_id: str = "") -> Network | None:
    """The network a machine gets when none is named: the oldest shared one that is started, where it has to be."""
    rows = select(Network).where(Network.tenant_id.is_(None), Network.state == NetworkState.STARTED)
    if provider_id:
        rows = rows.where(or_(Network.provider_id.is_(None), Network.provider_id == provider_id))
    return tx.session.scalar(rows.order_by(Network.created, Network.id).limit(1))


def started_network(tx: Transaction, network_id: str) -> Network:
    """The network, refused unless machines can be put on it."""
    network = tx.get(Network, network_id)
    if network.state != NetworkState.STARTED:
        raise SiroccoError(
            WRONG_STATE, kind="network", name=network.name, state=network.state, action="attach", needed="STARTED"
        )
    return network


def free_volume(tx: Transaction, volume_id: str) -> Volume:
    """The volume, held, refused unless it is available and attached nowhere."""
    volume = tx.get(Volume, volume_id, lock=True)
    if volume.state != VolumeState.AVAILABLE:
        raise SiroccoError(
            WRONG_STATE, kind="volume", name=volume.name, state=volume.state, action="attach", needed="AVAILABLE"
        )
    taken = tx.session.scalar(select(MachineVolume).where(MachineVolume.volume_id == volume.id))
    if taken is not None:
        raise SiroccoError(IN_USE, kind="volume", name=volume.name, users=f"machine {taken.machine_id}")
    return volume


def new_nic(tx: Transaction, machine: Machine, index: int, request: NicRequest) -> Nic:
    """An interface for a machine, with its fixed address taken."""
    nic = Nic(id=new_id(), network_id=request.network_id, position=index, mac=new_mac(), addresses=[])
    if request.port_id:
        free_port(tx, request.port_id).nic_id = nic.id
    if request.address_id:
        address = fixed_address(tx, request.address_id, request.network_id)
        address.machine_id = machine.id
        nic.addresses = [NicAddress(address_id=address.id)]
    return nic


def fixed_address(tx: Transaction, address_id: str, network_id: str) -> Address:
    """A fixed address of the tenant's on this network that no machine uses."""
    address = tx.get(Address, address_id, lock=True)
    if address.network_id != network_id or address.allocation != "fixed":
        raise SiroccoError(INVALID, where="address", why="{ip} is no fixed address on that network", ip=address.ip)
    if address.machine_id:
        raise SiroccoError(IN_USE, kind="address", name=address.ip, users=f"machine {address.machine_id}")
    return address


def new_mac() -> str:
    """A MAC address of QEMU's range; the table's unique constraint refuses the one chance in sixteen million."""
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(3))
