"""Images: one copy per store, from which disks are cloned without copying."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sirocco.connectors.libvirt import names, xml
from sirocco.connectors.libvirt.records import Phase, Record, Shelf, Shelves
from sirocco.connectors.libvirt.store import Store
from sirocco.connectors.libvirt.tasks import Progress
from sirocco.connectors.ports import ConnectorError, Fault, ImageFacts, ImageSpec, Kind, Observed, Ref, State
from sirocco.images.inspect import ImageError, inspect
from sirocco.images.store import ImageStore

_PREFIX = f"{Kind.IMAGE}-"


def check(spec: ImageSpec) -> None:
    """INVALID unless the image is what it is declared to be, stands by itself, and its kernel is there."""
    try:
        inspect(Path(spec.path), spec.format)
    except ImageError as error:
        raise _unfit(spec, error) from error
    for path in (spec.boot.kernel, spec.boot.initrd) if spec.boot else ():
        if not Path(path).is_file():
            raise ConnectorError(Fault.INVALID, why="image {name}: there is no file {file}", name=spec.name, file=path)


def _unfit(spec: ImageSpec, error: ImageError) -> ConnectorError:
    why = "image {name}: {because}"
    told = error.details | {"why": why, "because": error.details["why"], "name": spec.name}
    return ConnectorError(Fault.INVALID, **told)


class Images:
    """The images of a provider."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def create(self, spec: ImageSpec, token: str, progress: Progress) -> None:
        """Upload to the first store; the others get it when a machine there needs it."""
        stem = names.native_id(Kind.IMAGE, token)
        shelf = self._shelves.all()[0]
        known = shelf.load(stem)
        if known and known.phase is Phase.READY:
            return
        boot = spec.boot
        record = Record(token, spec.name, boot=boot is not None, cmdline=boot.cmdline if boot else "")
        record = shelf.begin(stem, record)
        with _as_qcow2(spec) as content:
            files = [(names.content(stem), content)]
            if boot:
                files += [(names.kernel(stem), boot.kernel), (names.initrd(stem), boot.initrd)]
            _upload(shelf, files, progress)
        shelf.finish(stem, record)

    def _located(self, image: str) -> tuple[Shelf, Record]:
        found = self._shelves.find(image)
        if found is None or found[1] is None or found[1].phase is not Phase.READY:
            raise ConnectorError(Fault.NOT_FOUND, why="{kind} {id} is not at the provider", kind=Kind.IMAGE, id=image)
        return found[0], found[1]

    def require(self, image: str) -> Record:
        """The record of an image that machines can be made of."""
        return self._located(image)[1]

    def capacity(self, image: str) -> int:
        """Bytes of an image as a disk."""
        shelf, _ = self._located(image)
        return int(shelf.store.require(names.content(image)).info()[1])

    def bring(self, image: str, shelf: Shelf) -> Record:
        """Have an image in this store, copied from another one if need be."""
        here = shelf.load(image)
        if here and here.phase is Phase.READY:
            return here
        source, record = self._located(image)
        copied = shelf.begin(image, record)
        for name in files_of(image, record):
            copy(source.store, shelf.store, name)
        shelf.finish(image, copied)
        return record

    def delete(self, image: str) -> None:
        """Remove everywhere; where disks still share its content it only retires, and goes with the last of them."""
        for shelf in self._shelves.all():
            record = shelf.load(image)
            if record and names.content(image) in _backing_files(shelf):
                shelf.save(image, record.at(Phase.RETIRED))
            else:
                _erase(shelf, image)

    def collect(self, shelf: Shelf) -> None:
        """Remove retired images that no disk shares any more."""
        retired = [stem for stem in shelf.stems(_PREFIX) if _phase(shelf, stem) is Phase.RETIRED]
        if retired:
            used = _backing_files(shelf)
            for stem in retired:
                if names.content(stem) not in used:
                    _erase(shelf, stem)

    def find(self, token: str) -> Observed | None:
        """What a create with this token made."""
        return self._observed(names.native_id(Kind.IMAGE, token))

    def observe(self, image: str) -> Observed:
        """The image as it is now; NOT_FOUND when it is gone or retired."""
        observed = self._observed(image)
        if observed is None:
            raise ConnectorError(Fault.NOT_FOUND, why="{kind} {id} is not at the provider", kind=Kind.IMAGE, id=image)
        return observed

    def _observed(self, image: str) -> Observed | None:
        found = self._shelves.find(image)
        if found is None or (found[1] and found[1].phase is Phase.RETIRED):
            return None
        shelf, record = found
        state = State.AVAILABLE if record and record.phase is Phase.READY else State.CREATING
        volume = shelf.store.find(names.content(image))
        _, capacity, size = volume.info() if volume else (0, 0, 0)
        facts = ImageFacts(record.name if record else image, size, capacity)
        return Observed(Ref(Kind.IMAGE, image), state, record.token if record else "", facts)

    def all(self) -> Iterator[Observed]:
        """All images; one without a record is a stranger's."""
        stems = {stem for shelf in self._shelves.all() for stem in shelf.stems(_PREFIX)}
        for stem in sorted(stems):
            observed = self._observed(stem)
            if observed is not None:
                yield observed


def files_of(image: str, record: Record) -> list[str]:
    """The files of an image, its record apart."""
    return [names.content(image)] + ([names.kernel(image), names.initrd(image)] if record.boot else [])


def copy(source: Store, target: Store, name: str, *, new_name: str = "") -> None:
    """Bring a file from one store to another, through this process, as its bytes are."""
    volume = source.require(name)
    size = _bytes_of(volume.XMLDesc(0))
    image_format = "qcow2" if name.endswith(".qcow2") else "raw"
    target.upload(new_name or name, _Reader(source.chunks(volume, size)), size, image_format=image_format)


def _bytes_of(description: str) -> int:
    """The length of a volume's file (libvirt ``physical``), which the capacity of a qcow2 is not."""
    volume = xml.parse(description)
    physical = volume.findtext("physical")
    return int(physical if physical is not None else volume.findtext("capacity"))


class _Reader:
    """Chunks as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest, self._given = chunks, b"", 0

    def read(self, count: int, /) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = chunk
        data, self._rest = self._rest[:count], self._rest[count:]
        self._given += len(data)
        return data

    def tell(self) -> int:
        return self._given


@contextmanager
def _as_qcow2(spec: ImageSpec) -> Iterator[str]:
    """The image's file, or a converted copy that is gone afterwards."""
    if spec.format == "qcow2":
        yield spec.path
        return
    with tempfile.TemporaryDirectory(prefix="sirocco-convert-") as folder:
        try:
            yield str(ImageStore(Path(folder)).add("converted", Path(spec.path), spec.format).path)
        except ImageError as error:
            raise _unfit(spec, error) from error


def _upload(shelf: Shelf, files: list[tuple[str, str]], progress: Progress) -> None:
    total, before = sum(Path(path).stat().st_size for _, path in files), 0

    def sent(position: int) -> None:
        progress.check()
        progress.share = (before + position) / total

    for name, path in files:
        size = Path(path).stat().st_size
        image_format = "qcow2" if name.endswith(".qcow2") else "raw"
        with Path(path).open("rb") as file:
            shelf.store.upload(name, file, size, image_format=image_format, sent=sent)
        before += size


def _phase(shelf: Shelf, stem: str) -> Phase | None:
    record = shelf.load(stem)
    return record.phase if record else None


def _backing_files(shelf: Shelf) -> set[str]:
    """Names of files that disks in this store share."""
    used = set()
    for volume in shelf.store.refresh().listAllVolumes(0):
        path = xml.parse(volume.XMLDesc(0)).findtext("backingStore/path")
        if path:
            used.add(path.rsplit("/", 1)[-1])
    return used


def _erase(shelf: Shelf, image: str) -> None:
    for name in (names.content(image), names.kernel(image), names.initrd(image)):
        shelf.store.remove(name)
    shelf.drop(image)
