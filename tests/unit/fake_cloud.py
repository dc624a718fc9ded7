"""A pretend cloud with a clock that the test turns."""

from dataclasses import dataclass, field
from pathlib import Path

from sirocco.connectors.fake import capacity
from sirocco.connectors.fake.connector import FakeConnector
from sirocco.connectors.fake.settings import DEFAULT_HOSTS, read
from sirocco.connectors.fake.store import Store
from sirocco.connectors.ports import ConnectorError, DiskSpec, Fault, ImageSpec, MachineSpec, Ref, VolumeSpec

MIB = 1 << 20


@dataclass
class Turned:
    """A clock."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeCloud:
    """A connector on a store of its own, with short ways to make things."""

    folder: Path
    settings: dict = field(default_factory=dict)
    clock: Turned = field(default_factory=Turned)
    count: int = 0

    def __post_init__(self):
        self.path = self.folder / "cloud.sqlite"
        wanted = read({"store": str(self.path), **self.settings})
        self.store = Store(wanted.store)
        with self.store.write() as db:
            capacity.keep_hosts(db, wanted.hosts, DEFAULT_HOSTS)
        self.connector = FakeConnector(self.store, wanted, self.clock)

    def token(self) -> str:
        self.count += 1
        return f"token-{self.count}"

    def image(self, size: int = MIB) -> Ref:
        file = self.folder / "image.raw"
        file.write_bytes(bytes(size))
        return self.create(ImageSpec("image", str(file), "raw"))

    def create(self, spec) -> Ref:
        return self.connector.create(spec, token=self.token()).ref

    def machine(self, **changes) -> Ref:
        wanted = {"cpu": 1, "memory": 64 * MIB, "disks": (DiskSpec(MIB),), **changes}
        return self.create(MachineSpec("machine", **wanted))

    def volume(self, capacity: int = MIB, **changes) -> Ref:
        return self.create(VolumeSpec("volume", capacity, **changes))

    def act(self, ref, action):
        return self.connector.act(ref, action, token=self.token())

    def delete(self, ref):
        return self.connector.delete(ref, token=self.token())

    def host(self, number: int = 0):
        return self.connector.hosts()[number]


def fault_of(call, *arguments, **named) -> Fault:
    """The fault that a call ends with."""
    try:
        call(*arguments, **named)
    except ConnectorError as error:
        return error.fault
    raise AssertionError("the call was not refused")
