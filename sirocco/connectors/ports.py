"""The contract between Sirocco and a cloud.

A connector is synchronous and blocking; activities call it from threads and own waiting, retries, deadlines and
rates. Every call that changes something carries a token chosen before the call: the same token again finds what the
first call made and never makes a second one. An operation is plain data and survives a restart of the caller.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Protocol

from sirocco.connectors.facts import (
    Facts,
    HostFacts,
    ImageFacts,
    MachineFacts,
    NetworkFacts,
    NicFacts,
    Usage,
    VolumeFacts,
)
from sirocco.connectors.orders import (
    Action,
    AttachNic,
    AttachVolume,
    Capture,
    DetachNic,
    DetachVolume,
    DiskSpec,
    DropSnapshot,
    GrowVolume,
    ImageSpec,
    KernelBoot,
    MachineSpec,
    Migrate,
    NetworkSpec,
    NicSpec,
    Pause,
    Resize,
    Restart,
    RestoreSnapshot,
    Seed,
    Spec,
    Start,
    Stop,
    Suspend,
    TakeSnapshot,
    VolumeSpec,
    VolumeUse,
    verb_of,
)
from sirocco.contracts.errors import explained

__all__ = [
    "CONTRACT",
    "Action",
    "AttachNic",
    "AttachVolume",
    "Cap",
    "Capture",
    "Connector",
    "ConnectorError",
    "Console",
    "Descriptor",
    "DetachNic",
    "DetachVolume",
    "DiskSpec",
    "Done",
    "DropSnapshot",
    "Facts",
    "Fault",
    "GrowVolume",
    "HostFacts",
    "ImageFacts",
    "ImageSpec",
    "KernelBoot",
    "Kind",
    "MachineFacts",
    "MachineSpec",
    "Migrate",
    "NetworkFacts",
    "NetworkSpec",
    "NicFacts",
    "NicSpec",
    "Observed",
    "Op",
    "OpStatus",
    "Pause",
    "ProviderSettings",
    "Ref",
    "Resize",
    "Restart",
    "RestoreSnapshot",
    "Seed",
    "SettingError",
    "Spec",
    "Start",
    "State",
    "Stop",
    "Suspend",
    "TakeSnapshot",
    "Usage",
    "VolumeFacts",
    "VolumeSpec",
    "VolumeUse",
    "Watch",
    "verb_of",
]

CONTRACT = 1


class Fault(Enum):
    """What a failed call means: ``(name, retry the same call, try another provider)``."""

    TRANSIENT = ("transient", True, False)
    UNKNOWN_OUTCOME = ("unknown-outcome", False, False)
    QUOTA = ("quota", False, True)
    CAPACITY = ("capacity", False, True)
    AUTH = ("auth", False, False)
    NOT_FOUND = ("not-found", False, False)
    CONFLICT = ("conflict", False, False)
    INVALID = ("invalid", False, False)
    UNSUPPORTED = ("unsupported", False, True)
    INTERNAL = ("internal", False, False)

    @property
    def retry(self) -> bool:
        """Whether the same call may simply be made again."""
        return self.value[1]

    @property
    def elsewhere(self) -> bool:
        """Whether another provider may succeed."""
        return self.value[2]


class ConnectorError(Exception):
    """A failed call: the fault, the far end's own code, and a sentence for people (no secrets in it).

    ``details`` are ``why``, a reason of the catalogue's manner (a text with places, translated before they are filled),
    and what fills its places; what the far end itself says is one of them. ``retry_after`` is in seconds.
    """

    def __init__(
        self, fault: Fault, native_code: str = "", retry_after: float | None = None, /, **details: object
    ) -> None:
        self.fault, self.native_code, self.retry_after = fault, native_code, retry_after
        self.details = {name: str(value) for name, value in details.items()}
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentence in English."""
        return explained(self.details)["why"]


class SettingError(ConnectorError):
    """A setting that a connector cannot be opened with: ``where`` it is (``hosts[0].name``), and why in ``reason``.

    ``reason`` is ``why`` and its places, as in every refusal.
    """

    def __init__(self, where: str, /, **reason: object) -> None:
        self.where, self.reason = where, {name: str(value) for name, value in reason.items()}
        why = "setting {setting}: {because}"
        told = self.reason | {"why": why, "because": self.reason["why"], "setting": where}
        super().__init__(Fault.INVALID, "Setting", **told)


class Kind(StrEnum):
    """What a cloud holds for us."""

    MACHINE = "machine"
    VOLUME = "volume"
    IMAGE = "image"
    NETWORK = "network"


class State(StrEnum):
    """What a cloud says of an object; the CMDB's states are derived from it."""

    CREATING = "CREATING"
    STARTED = "STARTED"
    STOPPED = "STOPPED"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"
    AVAILABLE = "AVAILABLE"
    BUSY = "BUSY"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Ref:
    """An object at the far end; ``native_id`` keeps its value for the object's whole life, migrations included."""

    kind: Kind
    native_id: str


@dataclass(frozen=True, slots=True)
class Observed:
    """An object as it is now; ``token`` tells which of our calls made it, empty for a stranger's."""

    ref: Ref
    state: State
    token: str
    facts: Facts
    message: str = ""


class Done(StrEnum):
    """Where an operation stands."""

    PENDING = "PENDING"
    OK = "OK"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Op:
    """An operation under way or ended: plain data, kept by the caller. ``ref`` is what it acts on or has made."""

    verb: str
    token: str
    ref: Ref
    native_task: str = ""
    done: Done = Done.OK


@dataclass(frozen=True, slots=True)
class OpStatus:
    """Answer of ``poll``: progress 0..1 when known, the error when failed, seconds to wait before asking again."""

    done: Done
    progress: float | None = None
    error: ConnectorError | None = None
    poll_after: float = 0.5


@dataclass(frozen=True, slots=True)
class Cap:
    """A capability as data. ``value``: bool = has it, number = at least, set = one of; ``scope``: a host, or ``*``."""

    name: str
    value: bool | int | frozenset[str] = True
    scope: str = "*"

    def meets(self, need: "Cap") -> bool:
        """Whether this capability answers ``need`` (same name; value at least, equal, or containing)."""
        if self.name != need.name or self.scope not in {"*", need.scope}:
            return False
        if isinstance(self.value, frozenset):
            return isinstance(need.value, frozenset) and need.value <= self.value
        if isinstance(self.value, bool) or isinstance(need.value, bool):
            return self.value == need.value
        return not isinstance(need.value, frozenset) and self.value >= need.value


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a provider is and can do, as probed."""

    provider: str
    api_version: str
    caps: frozenset[Cap]
    contract: int = CONTRACT

    def missing(self, needs: Iterable[Cap]) -> tuple[Cap, ...]:
        """The needs no capability meets: empty means that all fit, otherwise it is the user's explanation."""
        return tuple(need for need in needs if not any(cap.meets(need) for cap in self.caps))


class Console(Protocol):
    """A serial console: raw bytes both ways."""

    def receive(self, timeout: float) -> bytes:
        """Bytes from the guest; empty when none came in ``timeout`` seconds; raises EOFError at the end."""
        ...

    def send(self, data: bytes) -> None:
        """Bytes to the guest."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class Watch(Protocol):
    """A subscription that lasts until it is closed."""

    def close(self) -> None:
        """End the subscription."""
        ...


class Connector(Protocol):
    """One provider. All methods may be called from several threads; all raise ``ConnectorError`` only."""

    def describe(self) -> Descriptor:
        """Capabilities, probed now."""
        ...

    def hosts(self) -> tuple[HostFacts, ...]:
        """Hypervisor hosts by name; empty for a cloud that hides them."""
        ...

    def find_by_token(self, kind: Kind, token: str) -> Observed | None:
        """What an earlier ``create`` with this token made, if anything."""
        ...

    def observe(self, ref: Ref) -> Observed:
        """The object as it is now; NOT_FOUND when it is gone."""
        ...

    def list(self, kind: Kind, *, owned: bool = True) -> Iterator[Observed]:
        """All objects of a kind; ``owned`` leaves out those that no Sirocco made."""
        ...

    def create(self, spec: Spec, *, token: str) -> Op:
        """Make an object once per token; the operation's ``ref`` is known at once."""
        ...

    def act(self, ref: Ref, action: Action, *, token: str) -> Op:
        """Do something to an object; reaching a state that already holds is success."""
        ...

    def delete(self, ref: Ref, *, token: str) -> Op:
        """Remove an object and all that lives and dies with it; gone already is success."""
        ...

    def poll(self, op: Op) -> OpStatus:
        """How an operation stands."""
        ...

    def cancel(self, op: Op) -> None:
        """Ask an operation to end early; harmless when it has ended."""
        ...

    def usage(self, refs: Iterable[Ref]) -> Mapping[str, Usage]:
        """Counters of running machines by native id."""
        ...

    def console(self, ref: Ref) -> Console:
        """Open the serial console of a machine; CONFLICT unless it runs."""
        ...

    def watch(self, changed: Callable[[Ref], None]) -> Watch:
        """Call ``changed`` (from any thread) when an object may have changed; needs capability ``watch``."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What a connector is opened with: its name, plain settings, and secrets already unsealed (never printed)."""

    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
