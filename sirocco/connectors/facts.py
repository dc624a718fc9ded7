"""What a provider shows of its objects and hosts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sirocco.connectors.orders import VolumeUse


@dataclass(frozen=True, slots=True)
class NicFacts:
    """An interface as the far end shows it, with the addresses that are known by now."""

    mac: str
    network: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """A machine as the far end shows it. Memory in bytes; volumes are native ids."""

    name: str
    host: str
    cpu: int
    memory: int
    nics: tuple[NicFacts, ...] = ()
    volumes: tuple[VolumeUse, ...] = ()
    snapshots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """A volume: capacity in bytes and the machine (native id) that uses it, if any."""

    name: str
    capacity: int
    machine: str = ""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image at the provider: bytes on disk and bytes as a disk."""

    name: str
    size: int
    capacity: int


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """A network, its address range, and its largest packet in bytes."""

    name: str
    cidr: str
    nat: bool
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A hypervisor host: memory and disk in bytes, load as a share of all cores (0..1), how guests are run and why.

    ``cause`` are the details of the ``ConnectorError`` whose text the reason is, if it is one's.
    """

    name: str
    cores: int
    memory: int
    disk: int
    load: float
    memory_used: int
    accelerator: str
    reason: str
    architecture: str = "x86_64"
    facts: Mapping[str, str] = field(default_factory=dict)
    cause: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Counters of a machine since its boot: CPU nanoseconds, memory bytes, bytes read, written, received, sent."""

    cpu_time: int
    memory: int
    read: int
    written: int
    received: int
    sent: int


Facts = MachineFacts | VolumeFacts | ImageFacts | NetworkFacts
