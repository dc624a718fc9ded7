"""Volumes: disks that outlive machines."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from sirocco.connectors.libvirt import names, xml
from sirocco.connectors.libvirt.hosts import Hosts
from sirocco.connectors.libvirt.images import Images
from sirocco.connectors.libvirt.records import Phase, Record, Shelf, Shelves
from sirocco.connectors.libvirt.tasks import Progress
from sirocco.connectors.ports import ConnectorError, Fault, Kind, Observed, Ref, State, VolumeFacts, VolumeSpec

_PREFIX = f"{Kind.VOLUME}-"
_SMALLEST = 1 << 20
FILESYSTEMS = frozenset({"ext4"})


def check(spec: VolumeSpec) -> None:
    """INVALID for what no store could make."""
    if spec.capacity < _SMALLEST:
        why = "volume {name}: {size} bytes are less than 1 MiB"
        raise ConnectorError(Fault.INVALID, why=why, name=spec.name, size=spec.capacity)
    if spec.image and spec.filesystem:
        why = "volume {name}: it is either from an image or has a new file system"
        raise ConnectorError(Fault.INVALID, why=why, name=spec.name)
    if spec.filesystem and spec.filesystem not in FILESYSTEMS:
        known = ", ".join(sorted(FILESYSTEMS))
        why = "volume {name}: file systems are {known}, not {filesystem}"
        raise ConnectorError(Fault.UNSUPPORTED, why=why, name=spec.name, known=known, filesystem=spec.filesystem)


class Volumes:
    """The volumes of a provider."""

    def __init__(self, hosts: Hosts, shelves: Shelves, images: Images) -> None:
        self._hosts, self._shelves, self._images = hosts, shelves, images

    def create(self, spec: VolumeSpec, token: str, _progress: Progress) -> None:
        """Make it in the store of its host; an unfinished earlier attempt is made anew."""
        stem = names.native_id(Kind.VOLUME, token)
        found = self._shelves.find(stem)
        if found and found[1] and found[1].phase is Phase.READY:
            return
        shelf = found[0] if found else self._shelves.of(self._hosts.named(spec.host))
        record = shelf.begin(stem, Record(token, spec.name))
        shelf.store.remove(names.content(stem))
        self._fill(shelf, stem, spec)
        shelf.finish(stem, record)

    def _fill(self, shelf: Shelf, stem: str, spec: VolumeSpec) -> None:
        name = names.content(stem)
        if spec.image:
            self._images.bring(spec.image, shelf)
            volume = shelf.store.clone(name, names.content(spec.image))
            if volume.info()[1] < spec.capacity:
                volume.resize(spec.capacity, 0)
        elif spec.filesystem:
            _upload_formatted(shelf, name, spec)
        else:
            shelf.store.ensure(name, spec.capacity)

    def delete(self, stem: str) -> None:
        """Remove; CONFLICT while a machine uses it."""
        self._refuse_in_use(stem)
        for shelf in self._shelves.all():
            shelf.store.remove(names.content(stem))
            shelf.drop(stem)

    def grow(self, stem: str, capacity: int) -> None:
        """Make it larger, under a running machine too; as large already is success."""
        shelf, _ = self._require(stem)
        volume = shelf.store.require(names.content(stem))
        now = volume.info()[1]
        if capacity < now:
            raise ConnectorError(
                Fault.INVALID, why="the volume holds {now} bytes already: it can grow, not shrink", now=now
            )
        user = self.user(stem)
        if user and capacity > now:
            host, domain = self._hosts.locate(user)
            if domain.isActive():
                domain.blockResize(host.path(names.content(stem)), capacity, _IN_BYTES)
                shelf.store.refresh()
                return
        if capacity > now:
            volume.resize(capacity, 0)

    def capture(self, stem: str, name: str, token: str) -> None:
        """Copy its content, whole, into a new image; CONFLICT while a machine uses it."""
        image = names.native_id(Kind.IMAGE, token)
        known = self._shelves.find(image)
        if known and known[1] and known[1].phase is Phase.READY:
            return
        self._refuse_in_use(stem)
        shelf = self.shelf(stem)
        record = shelf.begin(image, Record(token, name))
        shelf.store.remove(names.content(image))
        shelf.store.clone(names.content(image), names.content(stem))
        shelf.finish(image, record)

    def _refuse_in_use(self, stem: str) -> None:
        user = self.user(stem)
        if user:
            raise ConnectorError(
                Fault.CONFLICT, why="volume {id} is attached to machine {user}: detach it first", id=stem, user=user
            )

    def _require(self, stem: str) -> tuple[Shelf, Record | None]:
        found = self._shelves.find(stem)
        if found is None:
            raise ConnectorError(Fault.NOT_FOUND, why="{kind} {id} is not at the provider", kind=Kind.VOLUME, id=stem)
        return found

    def shelf(self, stem: str) -> Shelf:
        """Where a finished volume lies; NOT_FOUND for any other."""
        shelf, record = self._require(stem)
        if record is None or record.phase is not Phase.READY:
            raise ConnectorError(Fault.NOT_FOUND, why="volume {id} is not ready", id=stem)
        return shelf

    def user(self, stem: str) -> str:
        """The machine that a volume is attached to, or nothing."""
        return self._users().get(stem, "")

    def _users(self) -> dict[str, str]:
        """Machine by volume."""
        users = {}
        for host in self._hosts:
            for domain in host.connection().listAllDomains(0):
                for stem, _ in attached(xml.parse(domain.XMLDesc(0))):
                    users[stem] = domain.UUIDString()
        return users

    def find(self, token: str) -> Observed | None:
        """What a create with this token made."""
        stem = names.native_id(Kind.VOLUME, token)
        return self.observe(stem) if self._shelves.find(stem) else None

    def observe(self, stem: str) -> Observed:
        """The volume as it is now."""
        for shelf in self._shelves.all() if _is_stranger(stem) else ():
            if shelf.store.find(stem) is not None:
                return self._stranger(shelf, stem)
        shelf, record = self._require(stem)
        return self._observed(stem, shelf, record, self.user(stem))

    @staticmethod
    def _observed(stem: str, shelf: Shelf, record: Record | None, user: str) -> Observed:
        ready = record is not None and record.phase is Phase.READY
        volume = shelf.store.find(names.content(stem))
        if ready and volume is None:
            state, message = State.ERROR, "its file has vanished from the pool"
        else:
            state, message = (State.AVAILABLE if ready else State.CREATING), ""
        facts = VolumeFacts(record.name if record else stem, volume.info()[1] if volume else 0, user)
        return Observed(Ref(Kind.VOLUME, stem), state, record.token if record else "", facts, message)

    def all(self) -> Iterator[Observed]:
        """All volumes, those included that somebody else put into a pool."""
        users = self._users()
        for shelf in self._shelves.all():
            for stem in shelf.stems(_PREFIX):
                yield self._observed(stem, shelf, shelf.load(stem), users.get(stem, ""))
            for name in shelf.store.names():
                if _is_stranger(name):
                    yield self._stranger(shelf, name)

    @staticmethod
    def _stranger(shelf: Shelf, name: str) -> Observed:
        facts = VolumeFacts(name, shelf.store.require(name).info()[1])
        return Observed(Ref(Kind.VOLUME, name), State.AVAILABLE, "", facts)


def _is_stranger(name: str) -> bool:
    """Whether a file in a pool is a disk that no Sirocco made."""
    return name.endswith((".qcow2", ".raw", ".img")) and not name.startswith(tuple(f"{kind}-" for kind in Kind))


_IN_BYTES = 1  # VIR_DOMAIN_BLOCK_RESIZE_BYTES


def attached(description: Any) -> Iterator[tuple[str, str]]:
    """Volumes of a domain with the guest's name of each."""
    for disk in description.iterfind("devices/disk"):
        source, target = disk.find("source"), disk.find("target")
        file = (source.get("file") or "") if source is not None else ""
        name = file.rsplit("/", 1)[-1]
        if name.startswith(_PREFIX) and name.endswith(".qcow2") and target is not None:
            yield name.removesuffix(".qcow2"), target.get("dev") or ""


def _upload_formatted(shelf: Shelf, name: str, spec: VolumeSpec) -> None:
    """Format here and upload: what is written is small, as the file system's tables are made lazily.

    Both files have no name, so that nothing of them is left when this process is killed.
    """
    with tempfile.TemporaryFile() as raw, tempfile.TemporaryFile() as packed:
        raw.truncate(spec.capacity)
        _run("mke2fs", "-q", "-F", "-t", spec.filesystem, "-m", "0", "-L", "data", raw)
        _run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, packed)
        shelf.store.upload(name, packed, os.fstat(packed.fileno()).st_size, image_format="qcow2")
    shelf.store.refresh()


def _run(*command: str | IO[bytes]) -> None:
    """Run a program; an open file among its arguments is handed to it."""
    files = [part.fileno() for part in command if not isinstance(part, str)]
    arguments = [part if isinstance(part, str) else f"/dev/fd/{part.fileno()}" for part in command]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, pass_fds=files)
    except FileNotFoundError:
        why = "a volume with a file system needs the program {program} here"
        raise ConnectorError(Fault.UNSUPPORTED, why=why, program=arguments[0]) from None
    if done.returncode:
        said = done.stderr.strip()[-300:]
        raise ConnectorError(
            Fault.INTERNAL, why="the program {program} failed: {said}", program=arguments[0], said=said
        )
