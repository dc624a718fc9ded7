"""The connector: each call goes to the room that knows."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from sirocco.connectors.libvirt import images, machines, networks, volumes
from sirocco.connectors.libvirt.actions import Actions
from sirocco.connectors.libvirt.addresses import Addresses
from sirocco.connectors.libvirt.capabilities import descriptor
from sirocco.connectors.libvirt.console import SerialConsole
from sirocco.connectors.libvirt.errors import translated
from sirocco.connectors.libvirt.events import DomainWatch
from sirocco.connectors.libvirt.hosts import Hosts
from sirocco.connectors.libvirt.inventory import Accelerators, Inventory
from sirocco.connectors.libvirt.names import native_id
from sirocco.connectors.libvirt.records import Shelves
from sirocco.connectors.libvirt.settings import Settings
from sirocco.connectors.libvirt.statistics import usage
from sirocco.connectors.libvirt.tasks import Progress, Tasks
from sirocco.connectors.ports import (
    Action,
    ConnectorError,
    Console,
    Descriptor,
    Fault,
    HostFacts,
    ImageSpec,
    Kind,
    MachineSpec,
    Observed,
    Op,
    OpStatus,
    Ref,
    Spec,
    State,
    Usage,
    VolumeSpec,
    Watch,
)

Room = machines.Machines | volumes.Volumes | images.Images | networks.Networks


class LibvirtConnector:
    """A provider whose hosts are reached by libvirt."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name, self._settings = name, settings
        self._hosts = Hosts(settings)
        shelves = Shelves(settings, self._hosts)
        accelerators = Accelerators(settings)
        self._networks = networks.Networks(settings, self._hosts, shelves)
        self._images = images.Images(shelves)
        self._volumes = volumes.Volumes(self._hosts, shelves, self._images)
        addresses = Addresses(self._networks)
        self._machines = machines.Machines(self._hosts, shelves, self._images, self._volumes, addresses, accelerators)
        self._inventory = Inventory(self._hosts, shelves, accelerators)
        self._tasks = Tasks()
        self._actions = Actions(settings, self._machines, self._networks, self._tasks)

    def describe(self) -> Descriptor:
        """Capabilities, probed now."""
        with translated(why="its capabilities cannot be read: {said}"):
            return descriptor(self._name, self._settings, self._hosts)

    def hosts(self) -> tuple[HostFacts, ...]:
        """Hosts by name."""
        with translated(why="its hosts cannot be read: {said}"):
            return self._inventory.all()

    def find_by_token(self, kind: Kind, token: str) -> Observed | None:
        """What an earlier ``create`` with this token made, finished or not."""
        with translated(why="{kind} cannot be looked for: {said}", kind=kind):
            return self._room(kind).find(token)

    def _room(self, kind: Kind) -> Room:
        rooms: dict[Kind, Room] = {
            Kind.MACHINE: self._machines,
            Kind.VOLUME: self._volumes,
            Kind.IMAGE: self._images,
            Kind.NETWORK: self._networks,
        }
        return rooms[kind]

    def observe(self, ref: Ref) -> Observed:
        """The object as it is now."""
        with translated(why="{kind} {id} cannot be read: {said}", kind=ref.kind, id=ref.native_id):
            return self._room(ref.kind).observe(ref.native_id)

    def list(self, kind: Kind, *, owned: bool = True) -> Iterator[Observed]:
        """All objects of a kind."""
        with translated(why="the list cannot be read ({kind}): {said}", kind=kind):
            for seen in self._room(kind).all():
                if seen.token or not owned:
                    yield seen

    def create(self, spec: Spec, *, token: str) -> Op:
        """Make an object once per token."""
        kind, work = self._creation(spec, token)
        return self._tasks.begin(Op("create", token, Ref(kind, native_id(kind, token))), work)

    def _creation(self, spec: Spec, token: str) -> tuple[Kind, Callable[[Progress], None]]:
        if isinstance(spec, MachineSpec):
            machines.check(spec)
            return Kind.MACHINE, lambda progress: self._machines.create(spec, token, progress)
        if isinstance(spec, VolumeSpec):
            volumes.check(spec)
            return Kind.VOLUME, lambda progress: self._volumes.create(spec, token, progress)
        if isinstance(spec, ImageSpec):
            images.check(spec)
            return Kind.IMAGE, lambda progress: self._images.create(spec, token, progress)
        networks.check(spec)
        return Kind.NETWORK, lambda progress: self._networks.create(spec, token, progress)

    def act(self, ref: Ref, action: Action, *, token: str) -> Op:
        """Do something to an object."""
        return self._actions.begin(ref, action, token)

    def delete(self, ref: Ref, *, token: str) -> Op:
        """Remove an object and all that lives and dies with it."""
        room = self._room(ref.kind)
        return self._tasks.begin(Op("delete", token, ref), lambda _progress: room.delete(ref.native_id))

    def poll(self, op: Op) -> OpStatus:
        """How an operation stands."""
        with translated(why="how {action} stands cannot be asked: {said}", action=op.verb):
            return self._tasks.poll(op, self._has_effect)

    def _has_effect(self, op: Op) -> bool:
        """Whether an operation that this process does not know shows its effect."""
        try:
            if op.verb == "create":
                return self.observe(op.ref).state is not State.CREATING
            if op.verb == "delete":
                self.observe(op.ref)
                return False
            if op.ref.kind is Kind.MACHINE:
                return self._actions.ended(op.ref.native_id, op.token)
            return op.verb == "capture" and self.observe(op.ref).state is State.AVAILABLE
        except ConnectorError as error:
            return op.verb == "delete" and error.fault is Fault.NOT_FOUND

    def cancel(self, op: Op) -> None:
        """Ask an operation to end early."""
        self._tasks.cancel(op)

    def usage(self, refs: Iterable[Ref]) -> Mapping[str, Usage]:
        """Counters of running machines."""
        with translated(why="figures of use cannot be read: {said}"):
            return usage(self._hosts, {ref.native_id for ref in refs})

    def console(self, ref: Ref) -> Console:
        """The serial console of a machine."""
        with translated(why="the console of {id} cannot be opened: {said}", id=ref.native_id):
            return SerialConsole.open(*self._hosts.locate(ref.native_id))

    def watch(self, changed: Callable[[Ref], None]) -> Watch:
        """Call ``changed`` when a machine may have changed."""
        with translated(why="its events cannot be listened to: {said}"):
            return DomainWatch(self._hosts, changed)

    def close(self) -> None:
        """Release connections."""
        self._tasks.close()
        self._hosts.close()
