"""What the conformance suite needs to know of a far end, and how it works with it."""

import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sirocco.connectors.ports import (
    Action,
    Connector,
    ConnectorError,
    DiskSpec,
    Done,
    Fault,
    ImageSpec,
    Kind,
    MachineSpec,
    NetworkSpec,
    NicSpec,
    Observed,
    Op,
    Ref,
    Spec,
    State,
    VolumeSpec,
)
from sirocco.connectors.registry import open_connector

ORDER = (Kind.MACHINE, Kind.VOLUME, Kind.IMAGE, Kind.NETWORK)
MIB = 1 << 20
_numbers = itertools.count(1)


@dataclass
class Endpoint:
    """One far end under test.

    ``name`` and ``evidence`` (``proven`` on the real thing, ``fake only``) go to the generated page. ``opening`` is
    what ``open_connector`` takes. ``image`` is a small image that boots, ``memory`` and ``disk`` (bytes) fit it, and
    ``patience`` is the longest that one operation may take, in seconds. Without evidence nothing goes to the page.

    Hooks, each None where the endpoint has no such thing: ``guest(ref, question)`` asks inside a running guest for
    ``hostname``, ``counter`` (a number that only grows while the guest runs), ``userdata``, ``volumes`` (device names
    without the boot disk) or ``addresses``, and waits until the guest can answer; ``stranger(kind)`` makes an object
    that no Sirocco made, and ``remove_stranger(ref)`` takes it away; ``lose_reply()`` lets the next ``create`` do its
    work and lose the answer. ``shared``: other processes that open the connector see the same far end.
    """

    name: str
    evidence: str
    opening: tuple[str, Any]
    image: ImageSpec | None
    memory: int = 64 * MIB
    disk: int = 64 * MIB
    patience: float = 60.0
    cidrs: Iterator[str] = field(default_factory=lambda: (f"10.213.{n}.0/24" for n in itertools.count(1)))
    guest: Callable[[Ref, str], str] | None = None
    stranger: Callable[[Kind], Ref] | None = None
    remove_stranger: Callable[[Ref], None] | None = None
    lose_reply: Callable[[], None] | None = None
    shared: bool = True
    made: list[tuple[Kind, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connector: Connector = self.open()
        self.caps = {cap.name: cap.value for cap in self.connector.describe().caps}
        self._image: Ref | None = None

    def open(self) -> Connector:
        """Another connector to the same far end."""
        return open_connector(*self.opening)

    # --- names and specs -------------------------------------------------------------------------------------------

    def token(self) -> str:
        """A token never used before."""
        return str(uuid.uuid4())

    def name_for(self, what: str) -> str:
        """A name that no other test uses."""
        return f"conf-{what}-{uuid.uuid4().hex[:8]}"

    def mac(self) -> str:
        """A MAC address that no other interface has."""
        return "52:54:00:" + ":".join(f"{byte:02x}" for byte in (next(_numbers) * 65537 % (1 << 24)).to_bytes(3, "big"))

    def machine_spec(self, **changes: Any) -> MachineSpec:
        """A small machine that boots from the image."""
        image = self.shared_image().native_id if self.image else None
        wanted = {"cpu": 1, "memory": self.memory, "disks": (DiskSpec(self.disk, image),), **changes}
        return MachineSpec(self.name_for("machine"), **wanted)

    def spec(self, kind: Kind) -> Spec:
        """The smallest thing of a kind."""
        match kind:
            case Kind.MACHINE:
                return self.machine_spec(start=False)
            case Kind.VOLUME:
                return VolumeSpec(self.name_for("volume"), MIB)
            case Kind.NETWORK:
                return NetworkSpec(self.name_for("network"), next(self.cidrs))
        assert self.image is not None
        return ImageSpec(self.name_for("image"), self.image.path, self.image.format, self.image.boot)

    # --- work ------------------------------------------------------------------------------------------------------

    def shared_image(self) -> Ref:
        """The image, imported once for all tests."""
        if self._image is None:
            assert self.image is not None
            self._image = self.done(self.connector.create(self.image, token=self.token()))
        return self._image

    def create(self, spec: Spec, token: str, kind: Kind) -> Op:
        """Begin to make something that is tidied away after the test, whatever happens."""
        self.made.append((kind, token))
        return self.connector.create(spec, token=token)

    def make(self, spec: Spec) -> Ref:
        """Make something and wait for it."""
        kind = {MachineSpec: Kind.MACHINE, VolumeSpec: Kind.VOLUME, ImageSpec: Kind.IMAGE, NetworkSpec: Kind.NETWORK}
        return self.done(self.create(spec, self.token(), kind[type(spec)]))

    def running(self, **changes: Any) -> Ref:
        """A machine that is STARTED."""
        return self.make(self.machine_spec(**changes))

    def nic(self) -> NicSpec:
        """An interface on a network of its own."""
        network = self.make(NetworkSpec(self.name_for("network"), next(self.cidrs)))
        return NicSpec(network.native_id, self.mac())

    def done(self, op: Op) -> Ref:
        """Wait for an operation; raises what it failed with."""
        deadline = time.monotonic() + self.patience
        while True:
            status = self.connector.poll(op)
            if status.done is Done.OK:
                return op.ref
            if status.done is Done.FAILED:
                assert status.error is not None
                raise status.error
            assert time.monotonic() < deadline, f"{op.verb} took more than {self.patience} s"
            time.sleep(min(status.poll_after, 0.5))

    def act(self, ref: Ref, action: Action) -> Ref:
        """Do it, wait, and do it again with the same token, as a caller does whose memory of it was lost."""
        token = self.token()
        first = self.done(self.connector.act(ref, action, token=token))
        again = self.done(self.connector.act(ref, action, token=token))
        assert again == first
        return first

    def delete(self, ref: Ref) -> None:
        """Remove and wait."""
        self.done(self.connector.delete(ref, token=self.token()))

    def see(self, ref: Ref) -> Observed:
        """The object as it is now."""
        return self.connector.observe(ref)

    def state(self, ref: Ref) -> State:
        """The object's state."""
        return self.see(ref).state

    def refs(self, kind: Kind, *, owned: bool = True) -> list[Ref]:
        """What the far end lists."""
        return [seen.ref for seen in self.connector.list(kind, owned=owned)]

    def ask(self, ref: Ref, question: str) -> str:
        """Ask inside the guest."""
        assert self.guest is not None, "the endpoint states what only a guest can show, and has no guest hook"
        return self.guest(ref, question)

    def wait_for(self, true: Callable[[], object], what: str) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + self.patience
        while not true():
            assert time.monotonic() < deadline, f"not within {self.patience} s: {what}"
            time.sleep(0.05)

    # --- tidying ---------------------------------------------------------------------------------------------------

    def tidy(self) -> None:
        """Remove all that the test made, and see that it is gone."""
        found = [self.connector.find_by_token(kind, token) for kind, token in self.made]
        refs = sorted((seen.ref for seen in found if seen), key=lambda ref: ORDER.index(ref.kind))
        for ref in refs:
            self.delete(ref)
        for ref in refs:
            assert self._gone(ref), f"left behind: {ref}"
        self.made.clear()

    def _gone(self, ref: Ref) -> bool:
        try:
            self.see(ref)
        except ConnectorError as error:
            return error.fault is Fault.NOT_FOUND
        return False

    def close(self) -> None:
        """Remove the shared image and let go of the connector."""
        if self._image is not None:
            self.delete(self._image)
        self.connector.close()
