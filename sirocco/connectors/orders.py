"""What a provider is asked for: objects to make, and actions on those that exist."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KernelBoot:
    """Kernel, initial RAM disk (paths readable by the caller) and command line, for a boot without a boot loader."""

    kernel: str
    initrd: str
    cmdline: str


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """A disk image to bring to the provider: a local file whose format is stated, never guessed."""

    name: str
    path: str
    format: str
    boot: KernelBoot | None = None


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """A disk that lives and dies with its machine: cloned from an image, or empty. Capacity in bytes."""

    capacity: int
    image: str | None = None


@dataclass(frozen=True, slots=True)
class NicSpec:
    """An interface on a network (native id) with a MAC address chosen by Sirocco; ``address`` fixes what DHCP gives."""

    network: str
    mac: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class VolumeUse:
    """A volume (native id) seen by the machine as ``device`` (``vdb``), or the next free one if empty."""

    volume: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class Seed:
    """What the guest reads at its first boot (cloud-init NoCloud)."""

    hostname: str
    user_data: bytes = b""
    ssh_keys: tuple[str, ...] = ()
    network_config: str = ""


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """A machine: memory in bytes, the first disk boots, ``host`` as placement chose it, ``start`` after definition."""

    name: str
    cpu: int
    memory: int
    disks: tuple[DiskSpec, ...]
    nics: tuple[NicSpec, ...] = ()
    volumes: tuple[VolumeUse, ...] = ()
    seed: Seed | None = None
    host: str = ""
    start: bool = True


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """A volume: capacity in bytes; ``image`` (native id) as content or ``filesystem`` (``ext4``), or blank."""

    name: str
    capacity: int
    image: str | None = None
    filesystem: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A network with DHCP on ``cidr``; ``nat`` lets machines reach the outside, otherwise it is isolated.

    DHCP gives ``first`` to ``last`` to anybody; the addresses above are for interfaces that fix theirs. ``mtu`` is the
    largest packet in bytes.
    """

    name: str
    cidr: str
    nat: bool = False
    first: str = ""
    last: str = ""
    mtu: int = 1500


Spec = MachineSpec | VolumeSpec | ImageSpec | NetworkSpec


@dataclass(frozen=True, slots=True)
class Start:
    """Boot a stopped machine, resume a paused or suspended one; start a network."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask the guest to shut down, or cut the power with ``force``; never escalates by itself. Also stops a network."""

    force: bool = False


@dataclass(frozen=True, slots=True)
class Restart:
    """Reboot a started machine, start a stopped one."""

    force: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Keep processor and memory as they are, in memory."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """Save memory to disk and release it."""


@dataclass(frozen=True, slots=True)
class Resize:
    """New processors and memory (bytes); live where the far end can, else on a stopped machine."""

    cpu: int
    memory: int


@dataclass(frozen=True, slots=True)
class AttachVolume:
    """Attach a volume, while running too."""

    use: VolumeUse


@dataclass(frozen=True, slots=True)
class DetachVolume:
    """Detach a volume (native id); done when the guest has let it go."""

    volume: str


@dataclass(frozen=True, slots=True)
class AttachNic:
    """Add an interface."""

    nic: NicSpec


@dataclass(frozen=True, slots=True)
class DetachNic:
    """Remove the interface with this MAC address."""

    mac: str


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Record disks, and memory when running, under a name that is unique within the machine."""

    snapshot: str


@dataclass(frozen=True, slots=True)
class RestoreSnapshot:
    """Put the machine back to a snapshot."""

    snapshot: str


@dataclass(frozen=True, slots=True)
class DropSnapshot:
    """Forget a snapshot; gone already is success."""

    snapshot: str


@dataclass(frozen=True, slots=True)
class Capture:
    """Copy a machine's boot disk, or a volume, into a new stand-alone image; the operation's ``ref`` is the image."""

    name: str


@dataclass(frozen=True, slots=True)
class Migrate:
    """Move a machine to another host, live when it runs; ``copy_storage`` where the hosts share no disks."""

    host: str
    copy_storage: bool = False


@dataclass(frozen=True, slots=True)
class GrowVolume:
    """Grow a volume to ``capacity`` bytes; seen by the guest at once when attached."""

    capacity: int


Action = (
    Start
    | Stop
    | Restart
    | Pause
    | Suspend
    | Resize
    | AttachVolume
    | DetachVolume
    | AttachNic
    | DetachNic
    | TakeSnapshot
    | RestoreSnapshot
    | DropSnapshot
    | Capture
    | Migrate
    | GrowVolume
)


def verb_of(action: Action) -> str:
    """``AttachVolume`` is ``attach-volume``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(action).__name__).lower()
