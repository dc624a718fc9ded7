"""What can be asked of a resource that exists. Ids are Sirocco's; memory and capacity are bytes."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Command:
    """A request to act on a resource; ``action`` is its word in jobs, states and APIs."""

    action: ClassVar[str] = ""

    def arguments(self) -> dict[str, Any]:
        """The command as plain data for the job."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Start(Command):
    """Boot, or resume from pause or suspension."""

    action: ClassVar[str] = "start"


@dataclass(frozen=True, slots=True)
class Stop(Command):
    """Shut down; ``force`` cuts the power."""

    action: ClassVar[str] = "stop"
    force: bool = False


@dataclass(frozen=True, slots=True)
class Restart(Command):
    """Reboot, or start when stopped."""

    action: ClassVar[str] = "restart"
    force: bool = False


@dataclass(frozen=True, slots=True)
class Pause(Command):
    """Freeze in memory."""

    action: ClassVar[str] = "pause"


@dataclass(frozen=True, slots=True)
class Suspend(Command):
    """Freeze to disk."""

    action: ClassVar[str] = "suspend"


@dataclass(frozen=True, slots=True)
class Snapshot(Command):
    """Record the machine's state under a name; makes an image of type SNAPSHOT."""

    action: ClassVar[str] = "snapshot"
    name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Restore(Command):
    """Put the machine back to one of its snapshots."""

    action: ClassVar[str] = "restore"
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class Capture(Command):
    """Make a new image of the machine's boot disk."""

    action: ClassVar[str] = "capture"
    name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Resize(Command):
    """New processors and memory."""

    action: ClassVar[str] = "resize"
    cpu: int = 0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class AttachVolume(Command):
    """Attach a volume, as ``device`` or the next free one."""

    action: ClassVar[str] = "attach-volume"
    volume_id: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class DetachVolume(Command):
    """Detach a volume."""

    action: ClassVar[str] = "detach-volume"
    volume_id: str = ""


@dataclass(frozen=True, slots=True)
class AttachNic(Command):
    """Add an interface on a network or at a port on it, with a fixed address if one is named."""

    action: ClassVar[str] = "attach-nic"
    network_id: str = ""
    address_id: str = ""
    port_id: str = ""


@dataclass(frozen=True, slots=True)
class DetachNic(Command):
    """Remove an interface."""

    action: ClassVar[str] = "detach-nic"
    nic_id: str = ""


@dataclass(frozen=True, slots=True)
class Migrate(Command):
    """Move to another host: the one named, or one that placement chooses."""

    action: ClassVar[str] = "migrate"
    host_id: str = ""


@dataclass(frozen=True, slots=True)
class Grow(Command):
    """Grow a volume."""

    action: ClassVar[str] = "grow"
    capacity: int = 0


@dataclass(frozen=True, slots=True)
class Drain(Command):
    """Move every machine off a host, then keep it in maintenance."""

    action: ClassVar[str] = "drain"


@dataclass(frozen=True, slots=True)
class Enable(Command):
    """Let a host take machines again."""

    action: ClassVar[str] = "enable"


MACHINE_COMMANDS: dict[str, type[Command]] = {
    command.action: command
    for command in (
        Start,
        Stop,
        Restart,
        Pause,
        Suspend,
        Snapshot,
        Restore,
        Capture,
        Resize,
        AttachVolume,
        DetachVolume,
        AttachNic,
        DetachNic,
        Migrate,
    )
}
