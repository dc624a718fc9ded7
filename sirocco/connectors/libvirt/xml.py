"""The XML that libvirt takes (its schemas are the source; the tests hold every form against them)."""

import ipaddress
from dataclasses import dataclass
from typing import Any

from lxml import etree
from lxml.builder import E, ElementMaker  # type: ignore[import-not-found]

METADATA = "urn:x-sirocco:machine:1"
METADATA_PREFIX = "sirocco"
_S = ElementMaker(namespace=METADATA, nsmap={METADATA_PREFIX: METADATA})
_LEASE_MINUTES = "10"
_MTU = 1500  # of Ethernet, as the kernel has it
GROWTH = 4  # times its size that a machine may become while it runs
SLOTS = 16  # pieces of memory that can be plugged in while it runs
_MOST_PROCESSORS = 240  # of machine type ``pc``


def _text(element: Any) -> str:
    return etree.tostring(element, encoding="unicode")


def parse(text: str) -> Any:
    """What libvirt answers; without entities or network, as a far end is not to be trusted with either."""
    return etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True))


def pool(name: str, path: str) -> str:
    """A folder of disks."""
    permissions = E.permissions(E.mode("0711"))
    return _text(E.pool(E.name(name), E.target(E.path(path), permissions), type="dir"))


def volume(name: str, capacity: int, image_format: str, backing: str = "") -> str:
    """A file in a pool, readable by its owner only; ``backing`` is a path and always qcow2."""
    target = E.target(E.format(type=image_format), E.permissions(E.mode("0600")))
    parts = [E.name(name), E.capacity(str(capacity), unit="bytes"), target]
    if backing:
        parts.append(E.backingStore(E.path(backing), E.format(type="qcow2")))
    return _text(E.volume(*parts))


@dataclass(frozen=True, slots=True)
class Addresses:
    """A network's range, and the part of it that DHCP gives to anybody (all but the gateway if not said)."""

    cidr: str
    first: str = ""
    last: str = ""


def network(unique: str, name: str, bridge: str, given: Addresses, forward: str, *, packet: int = _MTU) -> str:
    """A network with DHCP: isolated if ``forward`` is empty, else libvirt's mode of that name.

    ``packet`` is its MTU in bytes; its DHCP tells it to guests.
    """
    addresses = ipaddress.ip_network(given.cidr)
    first, last = given.first or str(addresses[2]), given.last or str(addresses[-2])
    span = E.range(E.lease(expiry=_LEASE_MINUTES, unit="minutes"), start=first, end=last)
    address = E.ip(E.dhcp(span), address=str(addresses[1]), netmask=str(addresses.netmask))
    parts = [E.forward(mode=forward)] if forward else []
    parts += [E.bridge(name=bridge, stp="off", delay="0"), E.mtu(size=str(packet)), address]
    return _text(E.network(E.name(name), E.uuid(unique), *parts))


def mtu(description: str) -> int:
    """A network's largest packet in bytes; the kernel's default where it says none."""
    found = parse(description).find("mtu")
    return _MTU if found is None else int(found.get("size"))


def bridged_network(unique: str, name: str, bridge: str) -> str:
    """The same network on a further host: its machines join the bridge that is already there."""
    return _text(E.network(E.name(name), E.uuid(unique), E.forward(mode="bridge"), E.bridge(name=bridge)))


def reservation(mac: str, address: str) -> str:
    """An address that DHCP keeps for one interface."""
    return _text(E.host(mac=mac, ip=address))


def reservations(description: str) -> dict[str, str]:
    """Addresses kept, by MAC address."""
    hosts = parse(description).iterfind("ip/dhcp/host")
    return {host.get("mac").lower(): host.get("ip") for host in hosts if host.get("mac")}


def metadata(token: str, name: str, phase: str, last: str, *, bare: bool = False) -> str:
    """What Sirocco writes on its machines; ``bare`` where libvirt puts the name space on by itself."""
    return _text((E if bare else _S).machine(token=token, name=name, phase=phase, last=last))


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk of a domain: file, guest's device name, serial number."""

    path: str
    target: str
    serial: str = ""


def disk(given: Disk) -> Any:
    """A writable qcow2 disk; ``none`` as cache, for migration needs the host's page cache out of the way.

    One queue, whatever the number of processors: saved memory only fits the hardware that it was saved on.
    """
    driver = E.driver(name="qemu", type="qcow2", cache="none", discard="unmap", queues="1")
    parts = [driver, E.source(file=given.path), E.target(dev=given.target, bus="virtio")]
    if given.serial:
        parts.append(E.serial(given.serial))
    return E.disk(*parts, type="file", device="disk")


def cdrom(path: str) -> Any:
    """A read-only disc."""
    driver = E.driver(name="qemu", type="raw")
    target = E.target(dev="hdc", bus="ide")
    return E.disk(driver, E.source(file=path), target, E.readonly(), type="file", device="cdrom")


@dataclass(frozen=True, slots=True)
class Nic:
    """An interface: libvirt's name of its network, its MAC address, the network's MTU in bytes."""

    network: str
    mac: str
    packet: int = _MTU


def interface(given: Nic) -> Any:
    """A network interface; libvirt tells guests of an unusual MTU only if it stands here too."""
    parts = [E.mac(address=given.mac), E.source(network=given.network), E.model(type="virtio")]
    if given.packet != _MTU:
        parts.append(E.mtu(size=str(given.packet)))
    return E.interface(*parts, type="network")


@dataclass(frozen=True, slots=True)
class Domain:
    """All that makes a domain. Memory in bytes; ``kernel``, ``initrd`` and ``cmdline`` together or not at all."""

    domain_type: str
    name: str
    uuid: str
    title: str
    metadata: str
    cpu: int
    memory: int
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]
    seed: str
    serial_log: str
    kernel: str = ""
    initrd: str = ""
    cmdline: str = ""
    emulated_hardware: bool = True


def domain(given: Domain) -> str:
    """A domain of machine type ``pc``, which takes every device while it runs without preparation."""
    parts = [
        E.name(given.name),
        E.uuid(given.uuid),
        E.title(given.title.replace("\n", " ")),
        E.metadata(parse(given.metadata)),
        *_size(given.cpu, given.memory, grows=given.emulated_hardware),
        _os(given),
        *(_hardware(given) if given.emulated_hardware else []),
        E.on_poweroff("destroy"),
        E.on_reboot("restart"),
        E.on_crash("destroy"),
        _devices(given),
    ]
    return _text(E.domain(*parts, type=given.domain_type))


def _os(given: Domain) -> Any:
    if not given.emulated_hardware:
        return E.os(E.type("hvm"))
    hvm = E.type("hvm", arch="x86_64", machine="pc")
    if given.kernel:
        return E.os(hvm, E.kernel(given.kernel), E.initrd(given.initrd), E.cmdline(given.cmdline))
    return E.os(hvm, E.boot(dev="hd"))


def _hardware(given: Domain) -> list[Any]:
    features = [E.acpi(), E.apic()]
    if given.domain_type == "qemu":
        features.append(E.tcg(E("tb-cache", "64", unit="MiB")))
    mode = "maximum" if given.domain_type == "qemu" else "host-model"
    return [E.features(*features), E.cpu(_cell(given.cpu, given.memory), mode=mode)]


def _most(cpu: int) -> int:
    return max(min(GROWTH * cpu, _MOST_PROCESSORS), cpu)


def _size(cpu: int, memory: int, *, grows: bool) -> list[Any]:
    """Processors and memory (bytes), with room for more while the machine runs if it ``grows``."""
    kib = memory // 1024
    size = [E.memory(str(kib), unit="KiB"), E.currentMemory(str(kib), unit="KiB")]
    if not grows:
        return [*size, E.vcpu(str(cpu))]
    room = E.maxMemory(str(GROWTH * kib), slots=str(SLOTS), unit="KiB")
    return [room, *size, E.vcpu(str(_most(cpu)), current=str(cpu))]


def _cell(cpu: int, memory: int) -> Any:
    """All of the machine as one node, which libvirt wants where memory is plugged in."""
    return E.numa(E.cell(id="0", cpus=f"0-{_most(cpu) - 1}", memory=str(memory // 1024), unit="KiB"))


def size(description: Any) -> tuple[int, int]:
    """Processors in use and bytes of memory, plugged in ones included."""
    processors = description.find("vcpu")
    return int(processors.get("current") or processors.text), int(description.findtext("memory")) * 1024


def sized(description: Any, cpu: int, memory: int) -> str:
    """A stored domain with another size; memory that was plugged in becomes part of it."""
    for part in ("maxMemory", "memory", "currentMemory", "vcpu", "vcpus", "cpu/numa", "devices/memory"):
        for old in description.findall(part):
            old.getparent().remove(old)
    processor = description.find("cpu")
    description.extend(_size(cpu, memory, grows=processor is not None))
    if processor is not None:
        processor.append(_cell(cpu, memory))
    return _text(description)


def piece(memory: int) -> str:
    """Memory (bytes) to plug in."""
    return _text(E.memory(E.target(E.size(str(memory // 1024), unit="KiB"), E.node("0")), model="dimm"))


def _devices(given: Domain) -> Any:
    devices = [disk(entry) for entry in given.disks]
    if given.seed:
        devices.append(cdrom(given.seed))
    devices += map(interface, given.nics)
    if given.emulated_hardware:
        channel = E.target(type="virtio", name="org.qemu.guest_agent.0")
        log = E.log(file=given.serial_log, append="on")
        devices += [
            E.controller(type="usb", model="none"),
            E.serial(log, E.target(port="0"), type="pty"),
            E.console(E.target(type="serial", port="0"), type="pty"),
            E.channel(channel, type="unix"),
            E.rng(E.backend("/dev/urandom", model="random"), model="virtio"),
            E.memballoon(E.stats(period="5"), model="virtio"),
            E.video(E.model(type="none")),
        ]
    return E.devices(*devices)


def snapshot(name: str) -> str:
    """A snapshot inside the disks, with memory when the machine runs."""
    return _text(E.domainsnapshot(E.name(name)))


def text(element: Any) -> str:
    """An element as libvirt takes it."""
    return _text(element)


def copy_target(path: str) -> str:
    """Where the running copy of a disk goes: a new qcow2 file without a backing file."""
    return _text(E.disk(E.source(file=path), E.driver(type="qcow2"), type="file"))
