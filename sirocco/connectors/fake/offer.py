"""What the fake provider offers, and which capability a request needs."""

from sirocco.connectors.fake.creation import FORMATS
from sirocco.connectors.ports import (
    Action,
    AttachNic,
    AttachVolume,
    Cap,
    Capture,
    ConnectorError,
    DetachNic,
    DetachVolume,
    DropSnapshot,
    Fault,
    GrowVolume,
    Kind,
    MachineSpec,
    Migrate,
    NetworkSpec,
    Pause,
    Resize,
    Restart,
    RestoreSnapshot,
    Spec,
    Stop,
    Suspend,
    TakeSnapshot,
    VolumeSpec,
)
from sirocco.contracts import capabilities as can

ALL = frozenset(
    {
        *(
            Cap(name)
            for name in (
                can.PAUSE,
                can.SUSPEND,
                can.RESTART,
                can.STOP_FORCE,
                can.SNAPSHOT,
                can.RESTORE,
                can.CAPTURE,
                can.RESIZE,
                can.RESIZE_LIVE,
                can.MIGRATE,
                can.MIGRATE_COPY,
                can.CONSOLE,
                can.USAGE,
                can.USER_DATA,
                can.VOLUME,
                can.VOLUME_HOTPLUG,
                can.VOLUME_GROW,
                can.VOLUME_CAPTURE,
                can.NIC_HOTPLUG,
                can.NETWORK_ISOLATED,
                can.NETWORK_NAT,
                can.HOSTS,
                can.WATCH,
            )
        ),
        Cap(can.IMAGE_FORMATS, FORMATS),
    }
)

_NEEDS: dict[type, str] = {
    Restart: can.RESTART,
    Pause: can.PAUSE,
    Suspend: can.SUSPEND,
    Resize: can.RESIZE,
    AttachVolume: can.VOLUME,
    DetachVolume: can.VOLUME,
    TakeSnapshot: can.SNAPSHOT,
    DropSnapshot: can.SNAPSHOT,
    RestoreSnapshot: can.RESTORE,
    Capture: can.CAPTURE,
    Migrate: can.MIGRATE,
    GrowVolume: can.VOLUME_GROW,
}
_LIVE: dict[type, str] = {
    Resize: can.RESIZE_LIVE,
    AttachVolume: can.VOLUME_HOTPLUG,
    DetachVolume: can.VOLUME_HOTPLUG,
    AttachNic: can.NIC_HOTPLUG,
    DetachNic: can.NIC_HOTPLUG,
}


def needed_by(request: Spec | Action, kind: Kind = Kind.MACHINE) -> frozenset[str]:
    """The capabilities without which a request is refused, whatever the state of things; ``kind`` is acted on."""
    match request:
        case Capture() if kind is Kind.VOLUME:
            return frozenset({can.VOLUME_CAPTURE})
        case VolumeSpec():
            return frozenset({can.VOLUME})
        case NetworkSpec(nat=nat):
            return frozenset({can.NETWORK_NAT if nat else can.NETWORK_ISOLATED})
        case MachineSpec(seed=seed, volumes=volumes):
            return frozenset(
                {*({can.USER_DATA} if seed and seed.user_data else ()), *({can.VOLUME} if volumes else ())}
            )
        case Stop(force=True):
            return frozenset({can.STOP_FORCE})
        case Migrate(copy_storage=True):
            return frozenset({can.MIGRATE, can.MIGRATE_COPY})
    return frozenset({_NEEDS[type(request)]} if type(request) in _NEEDS else ())


def needed_while_running(action: Action) -> frozenset[str]:
    """The capabilities that an action needs besides on a machine that is not stopped."""
    return frozenset({_LIVE[type(action)]} if type(action) in _LIVE else ())


def refuse_unless(offered: frozenset[Cap], needed: frozenset[str]) -> None:
    """UNSUPPORTED when a capability is not offered."""
    lacking = sorted(needed - {cap.name for cap in offered})
    if lacking:
        raise ConnectorError(
            Fault.UNSUPPORTED,
            "Unsupported",
            why="this provider does not offer: {capability}",
            capability=", ".join(lacking),
        )
