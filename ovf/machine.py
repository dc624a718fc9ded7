"""What a connector deploys: machines with everything decided, and the reason of each decision."""

from dataclasses import dataclass

from ovf.property_values import Assigned
from ovf.startup import StartPlan


@dataclass(frozen=True)
class Choice:
    """A decision taken while resolving, and why."""

    subject: str
    value: str
    reason: str


@dataclass(frozen=True)
class Range:
    """The amounts a user may choose from, both ends included; None is no bound (clause 8.4)."""

    minimum: int | None
    maximum: int | None


@dataclass(frozen=True)
class Controller:
    """A controller devices sit on; ``models`` in order of preference."""

    id: str
    resource_type: int
    models: tuple[str, ...]
    address: str
    required: bool


@dataclass(frozen=True)
class MachineDisk:
    """A disk to create. ``files`` are ids of references, base first and this disk last; none means an empty disk."""

    id: str
    name: str
    size_bytes: int
    files: tuple[str, ...]
    controller: str
    address: int
    shared: bool
    required: bool


@dataclass(frozen=True)
class Nic:
    """A network port and the networks it connects to; ``models`` in order of preference."""

    id: str
    name: str
    networks: tuple[str, ...]
    models: tuple[str, ...]
    mac: str
    required: bool


@dataclass(frozen=True)
class Device:
    """Any other device; ``file`` is the id of the reference in it (a CD image, for example)."""

    id: str
    name: str
    resource_type: int | None
    models: tuple[str, ...]
    file: str
    required: bool


@dataclass(frozen=True)
class Machine:
    """One system, ready to be deployed. Memory in bytes; ``copies`` is minimum, default, maximum.

    ``settings`` are the vendor's settings that are known to be harmless; all others stay in the package.
    """

    id: str
    name: str
    collection: str
    copies: tuple[int, int, int]
    processors: int
    cores_per_socket: int
    memory_bytes: int
    processor_range: Range
    memory_range: Range
    controllers: tuple[Controller, ...]
    disks: tuple[MachineDisk, ...]
    nics: tuple[Nic, ...]
    devices: tuple[Device, ...]
    boot: tuple[str, ...]
    operating_system: str
    transports: tuple[str, ...]
    properties: tuple[Assigned, ...]
    placement_groups: tuple[str, ...]
    install_boot_seconds: int | None
    settings: tuple[tuple[str, str], ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Deployment:
    """The whole package resolved for one configuration."""

    configuration: str
    machines: tuple[Machine, ...]
    start_plans: tuple[StartPlan, ...]
    networks: tuple[str, ...]
    licences: tuple[str, ...]
    choices: tuple[Choice, ...]
