"""What Sirocco must know of volumes, images and networks, kept beside the disks in the pool.

libvirt keeps notes on domains only. A record is written before the object it describes and marked ready after it, so
at every instant either there is nothing, or there is something that a second attempt or a deletion finds.
"""

import json
import threading
import uuid
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from sirocco.connectors.libvirt import names
from sirocco.connectors.libvirt.hosts import Host, Hosts
from sirocco.connectors.libvirt.settings import Settings
from sirocco.connectors.libvirt.store import Store
from sirocco.connectors.ports import ConnectorError, Fault

_SIZE = 4096  # always, so that a record is overwritten in place by one write


class Phase(StrEnum):
    """Where an object's life stands; a retired image only serves the disks that were cloned from it."""

    CREATING = "creating"
    READY = "ready"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Record:
    """An object's token and name; ``boot`` tells that an image has a kernel of its own; ``cidr``, ``nat``: networks.

    ``attempt`` tells who is making it, so that of two that try at once only the later one declares it ready.
    """

    token: str
    name: str
    phase: Phase = Phase.CREATING
    boot: bool = False
    cmdline: str = ""
    cidr: str = ""
    nat: bool = False
    attempt: str = ""

    def at(self, phase: Phase) -> "Record":
        """The same object in another phase."""
        return replace(self, phase=phase)

    def pack(self) -> bytes:
        """As kept."""
        return json.dumps(asdict(self)).encode().ljust(_SIZE)

    @classmethod
    def unpack(cls, data: bytes) -> "Record | None":
        """What ``pack`` made; nothing for what a crash left half written."""
        try:
            fields = json.loads(data)
            return cls(**{**fields, "phase": Phase(fields["phase"])})
        except (ValueError, TypeError, KeyError):
            return None


class Shelf:
    """A store and the records in it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._memory: dict[str, Record] = {}
        self._lock = threading.Lock()

    @property
    def simulated(self) -> bool:
        """Whether files are not real, so that records stay in memory."""
        return self.store.host.settings.simulated

    def load(self, stem: str) -> Record | None:
        """The record of an object, if it is there and whole."""
        if self.simulated:
            with self._lock:
                return self._memory.get(stem)
        data = self.store.read(names.record(stem), _SIZE)
        return None if data is None else Record.unpack(data)

    def holds(self, stem: str) -> bool:
        """Whether anything of an object is here, be it a record that a crash left empty."""
        if self.simulated:
            return self.load(stem) is not None
        return any(self.store.find(name) is not None for name in (names.record(stem), names.content(stem)))

    def save(self, stem: str, record: Record) -> None:
        """Write a record."""
        if self.simulated:
            with self._lock:
                self._memory[stem] = record
        else:
            self.store.put(names.record(stem), record.pack())

    def begin(self, stem: str, record: Record) -> Record:
        """Announce an object that is going to be made; an earlier unfinished attempt loses its right to it."""
        announced = replace(record, attempt=uuid.uuid4().hex, phase=Phase.CREATING)
        self.save(stem, announced)
        return announced

    def finish(self, stem: str, record: Record) -> None:
        """Declare an object ready; TRANSIENT when another attempt has taken it over meanwhile."""
        now = self.load(stem)
        if now is not None and now.attempt != record.attempt and now.phase is Phase.CREATING:
            raise ConnectorError(Fault.TRANSIENT, why="another attempt is making {id}: ask again", id=stem)
        self.save(stem, record.at(Phase.READY))

    def drop(self, stem: str) -> None:
        """Forget a record; absent already is success."""
        if self.simulated:
            with self._lock:
                self._memory.pop(stem, None)
        else:
            self.store.remove(names.record(stem))

    def stems(self, prefix: str) -> list[str]:
        """Objects whose names begin so, by record or by content."""
        with self._lock:
            known = set(self._memory) if self.simulated else set()
        suffixes = (".json", ".qcow2")
        known |= {name.rsplit(".", 1)[0] for name in self.store.names() if name.endswith(suffixes)}
        return sorted(stem for stem in known if stem.startswith(prefix))


class Shelves:
    """The shelves of a provider: one per host, or a single one where the hosts share their storage."""

    def __init__(self, settings: Settings, hosts: Hosts) -> None:
        self._shared = settings.shared_storage
        self._shelves = {host.name: Shelf(Store(host)) for host in hosts}

    def of(self, host: Host) -> Shelf:
        """Where this host's disks are."""
        return self.all()[0] if self._shared else self._shelves[host.name]

    def all(self) -> list[Shelf]:
        """Every distinct shelf; a shared one through the first host that answers."""
        shelves = list(self._shelves.values())
        if not self._shared:
            return shelves
        for shelf in shelves[:-1]:
            try:
                shelf.store.host.connection()
            except ConnectorError:
                continue
            return [shelf]
        return shelves[-1:]

    def find(self, stem: str) -> tuple[Shelf, Record | None] | None:
        """The shelf that has a record or the content of an object; records that are ready win.

        A host that does not answer is no obstacle when another has the object; TRANSIENT when none has.
        """
        unfinished: tuple[Shelf, Record | None] | None = None
        silence: ConnectorError | None = None
        for shelf in self.all():
            try:
                record = shelf.load(stem)
                if record is not None and record.phase is not Phase.CREATING:
                    return shelf, record
                if record is not None or shelf.holds(stem):
                    unfinished = unfinished or (shelf, record)
            except ConnectorError as error:
                silence = error
        if silence and not unfinished:
            raise silence
        return unfinished
