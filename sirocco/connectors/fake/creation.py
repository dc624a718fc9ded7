"""How the pretend cloud makes things: checked as if the caller were a stranger."""

import os
import re
import uuid
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from sirocco.connectors.fake.capacity import Size, claim
from sirocco.connectors.fake.objects import (
    ImageBody,
    MachineBody,
    NetworkBody,
    Run,
    Step,
    VolumeBody,
    add,
    change,
    conflict,
    invalid,
    load,
)
from sirocco.connectors.fake.wiring import give_address, link
from sirocco.connectors.ports import (
    DiskSpec,
    ImageFacts,
    ImageSpec,
    Kind,
    MachineFacts,
    MachineSpec,
    NetworkFacts,
    NetworkSpec,
    NicFacts,
    NicSpec,
    Ref,
    Spec,
    State,
    VolumeFacts,
    VolumeSpec,
    VolumeUse,
)

FORMATS = frozenset({"qcow2", "raw"})
LEAST_MEMORY = 1 << 20
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_DEVICES = tuple(f"vd{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")


def create(step: Step, spec: Spec) -> Ref:
    """Make what is asked for; refuses with CAPACITY, CONFLICT, INVALID or NOT_FOUND and then makes nothing."""
    if not spec.name:
        raise invalid(why="a name is needed")
    match spec:
        case MachineSpec():
            return _machine(step, spec)
        case VolumeSpec():
            return _volume(step, spec)
        case ImageSpec():
            return _image(step, spec)
        case NetworkSpec():
            return _network(step, spec)


def new_id(kind: Kind) -> str:
    """A name of the cloud's own choosing."""
    return f"{kind[0]}-{uuid.uuid4().hex[:17]}"


def image_capacity(step: Step, image: str) -> int:
    """Bytes of an image as a disk; CONFLICT while it cannot be used."""
    entry = load(step.db, ImageBody, image, step.now)
    if entry.body.state is not State.AVAILABLE:
        raise conflict("NotAvailable", why="image {id} is {state}", id=image, state=entry.body.state)
    return entry.body.facts.capacity


def _disk(step: Step, machine: str, number: int, disk: DiskSpec) -> int:
    if disk.image is not None:
        least = image_capacity(step, disk.image)
        if disk.capacity < least:
            raise invalid(
                why="disk {number} has {size} bytes, its image needs {least}",
                number=number,
                size=disk.capacity,
                least=least,
            )
        link(step, machine, disk.image, f"disk-{number}")
    elif disk.capacity < 1:
        raise invalid(why="disk {number} must have at least one byte", number=number)
    return disk.capacity


def connect_nic(step: Step, machine: str, nic: NicSpec) -> NicFacts:
    """Plug an interface in and give it an address."""
    if not _MAC.fullmatch(nic.mac):
        raise invalid(why="{mac} is not a MAC address in lower case", mac=nic.mac)
    network = load(step.db, NetworkBody, nic.network, step.now)
    if network.body.state is not State.STARTED:
        raise conflict("NotStarted", why="network {id} is {state}", id=nic.network, state=network.body.state)
    address = give_address(step, nic.network, network.body.facts.cidr, machine, nic.mac)
    link(step, machine, nic.network, nic.mac)
    return NicFacts(nic.mac, nic.network, (address,))


def connect_volume(step: Step, machine: str, use: VolumeUse, taken: tuple[VolumeUse, ...]) -> VolumeUse:
    """Plug a volume in, as the device asked for or the next free one."""
    entry = load(step.db, VolumeBody, use.volume, step.now)
    if entry.body.state is not State.AVAILABLE or entry.body.facts.machine:
        raise conflict(
            "InUse", why="volume {id} is {state}, or in use by another machine", id=use.volume, state=entry.body.state
        )
    used = {other.device for other in taken}
    device = use.device or next((name for name in _DEVICES if name not in used), "")
    if device in used or device not in _DEVICES:
        raise conflict("DeviceTaken", why="device {device} is taken, or none is left", device=use.device or "-")
    link(step, machine, use.volume, use.volume)
    after = replace(entry.body, facts=replace(entry.body.facts, machine=machine))
    change(step, use.volume, replace(after, state=State.BUSY), after)
    return VolumeUse(use.volume, device)


def _machine(step: Step, spec: MachineSpec) -> Ref:
    if spec.cpu < 1 or spec.memory < LEAST_MEMORY or not spec.disks:
        raise invalid(
            why="a machine needs a processor, {least} bytes of memory and a disk at least", least=LEAST_MEMORY
        )
    native_id = new_id(Kind.MACHINE)
    disk = sum(_disk(step, native_id, number, disk) for number, disk in enumerate(spec.disks))
    host = claim(step, spec.host, Size(spec.cpu, spec.memory, disk))
    nics = tuple(connect_nic(step, native_id, nic) for nic in spec.nics)
    volumes: tuple[VolumeUse, ...] = ()
    for use in spec.volumes:
        volumes = (*volumes, connect_volume(step, native_id, use, volumes))
    facts = MachineFacts(spec.name, host, spec.cpu, spec.memory, nics, volumes)
    after = MachineBody(
        State.STARTED if spec.start else State.STOPPED,
        facts,
        spec.disks,
        spec.seed.hostname if spec.seed else spec.name,
        spec.seed.user_data.decode("latin-1") if spec.seed else "",
        Run(0.0, step.ready) if spec.start else Run(),
    )
    unknown = tuple(replace(nic, addresses=()) for nic in nics)
    during = replace(after, state=State.CREATING, facts=replace(facts, nics=unknown), run=Run())
    add(step, native_id, during, after)
    return Ref(Kind.MACHINE, native_id)


def _volume(step: Step, spec: VolumeSpec) -> Ref:
    least = image_capacity(step, spec.image) if spec.image is not None else 1
    if spec.capacity < least:
        raise invalid(
            why="a volume of {size} bytes is too small, at least {least} are needed", size=spec.capacity, least=least
        )
    if spec.filesystem not in {"", "ext4"}:
        raise invalid(
            why="the file system {filesystem} is not known here; {known} is", filesystem=spec.filesystem, known="ext4"
        )
    host = claim(step, spec.host, Size(disk=spec.capacity))
    native_id = new_id(Kind.VOLUME)
    after = VolumeBody(State.AVAILABLE, VolumeFacts(spec.name, spec.capacity), host)
    add(step, native_id, replace(after, state=State.CREATING), after)
    return Ref(Kind.VOLUME, native_id)


def _image(step: Step, spec: ImageSpec) -> Ref:
    if spec.format not in FORMATS:
        raise invalid(
            why="images of format {format} are not taken; these are: {known}",
            format=spec.format,
            known=", ".join(sorted(FORMATS)),
        )
    size, capacity = _measure(Path(spec.path), spec.format)
    native_id = new_id(Kind.IMAGE)
    after = ImageBody(State.AVAILABLE, ImageFacts(spec.name, size, capacity))
    add(step, native_id, replace(after, state=State.CREATING), after)
    return Ref(Kind.IMAGE, native_id)


def _measure(path: Path, form: str) -> tuple[int, int]:
    """Bytes in the file and as a disk (qcow2: the size stands big-endian in bytes 24 to 31)."""
    try:
        with path.open("rb") as file:
            head = file.read(32)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise invalid(why="the image file cannot be read: {said}", said=error) from error
    if form == "raw":
        return size, size
    if len(head) < 32 or head[:4] != b"QFI\xfb":
        raise invalid(why="{file} is not a qcow2 image", file=path.name)
    return size, int.from_bytes(head[24:32], "big")


def _network(step: Step, spec: NetworkSpec) -> Ref:
    try:
        size = ip_network(spec.cidr).num_addresses
    except ValueError as error:
        raise invalid(why="the address range makes no sense: {said}", said=error) from error
    if size < 4:
        raise invalid(why="{cidr} has no room for a gateway and a machine", cidr=spec.cidr)
    native_id = new_id(Kind.NETWORK)
    after = NetworkBody(State.STARTED, NetworkFacts(spec.name, spec.cidr, spec.nat, spec.mtu))
    add(step, native_id, replace(after, state=State.CREATING), after)
    return Ref(Kind.NETWORK, native_id)
