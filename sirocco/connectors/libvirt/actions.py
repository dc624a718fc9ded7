"""Actions on objects: each is carried out once per token and remembered on the machine itself."""

from dataclasses import replace

import libvirt

from sirocco.connectors.libvirt import devices, migration, names, power, snapshots
from sirocco.connectors.libvirt.errors import is_missing
from sirocco.connectors.libvirt.machines import Machines
from sirocco.connectors.libvirt.networks import Networks
from sirocco.connectors.libvirt.notes import read, write
from sirocco.connectors.libvirt.resize import resize
from sirocco.connectors.libvirt.settings import Settings
from sirocco.connectors.libvirt.tasks import Progress, Tasks, Work
from sirocco.connectors.ports import (
    Action,
    AttachNic,
    AttachVolume,
    Capture,
    ConnectorError,
    DetachNic,
    DetachVolume,
    DropSnapshot,
    Fault,
    GrowVolume,
    Kind,
    Migrate,
    Op,
    Pause,
    Ref,
    Resize,
    Restart,
    RestoreSnapshot,
    Start,
    Stop,
    Suspend,
    TakeSnapshot,
    verb_of,
)

_REMEMBERED = 8  # tokens of ended actions kept on a machine


class Actions:
    """Carries actions out."""

    def __init__(self, settings: Settings, machines: Machines, networks: Networks, tasks: Tasks) -> None:
        self._settings, self._machines, self._networks, self._tasks = settings, machines, networks, tasks

    def begin(self, ref: Ref, action: Action, token: str) -> Op:
        """Begin an action; its operation's ``ref`` is what it makes, if it makes something."""
        made = Ref(Kind.IMAGE, names.native_id(Kind.IMAGE, token)) if isinstance(action, Capture) else ref
        return self._tasks.begin(Op(verb_of(action), token, made), self._work(ref, action, token))

    def _work(self, ref: Ref, action: Action, token: str) -> Work:
        if ref.kind is Kind.MACHINE:
            return lambda progress: self._once(ref.native_id, action, token, progress)
        if ref.kind is Kind.VOLUME and isinstance(action, GrowVolume):
            return lambda _: self._machines.volumes.grow(ref.native_id, action.capacity)
        if ref.kind is Kind.VOLUME and isinstance(action, Capture):
            return lambda _: self._machines.volumes.capture(ref.native_id, action.name, token)
        if ref.kind is Kind.NETWORK and isinstance(action, Start):
            return lambda _: self._networks.start(ref.native_id)
        if ref.kind is Kind.NETWORK and isinstance(action, Stop):
            return lambda _: self._networks.stop(ref.native_id)
        raise _unsupported(ref.kind, action)

    def _once(self, machine: str, action: Action, token: str, progress: Progress) -> None:
        if self.ended(machine, token):
            return
        self._perform(machine, action, token, progress)
        self._remember(machine, token)

    def ended(self, machine: str, token: str) -> bool:
        """Whether a machine remembers this token's action."""
        _, domain = self._machines.hosts.locate(machine)
        return token in read(domain).last.split()

    def _remember(self, machine: str, token: str) -> None:
        _, domain = self._machines.hosts.locate(machine)
        note = read(domain)
        last = [*note.last.split(), token][-_REMEMBERED:]
        try:
            write(domain, replace(note, last=" ".join(last)))
        except libvirt.libvirtError as error:
            if not is_missing(error):
                raise

    def _perform(self, machine: str, action: Action, token: str, progress: Progress) -> None:
        machines = self._machines
        match action:
            case AttachVolume():
                devices.attach_volume(machines, machine, action)
            case DetachVolume():
                devices.detach_volume(machines, machine, action, progress)
            case AttachNic():
                devices.attach_nic(machines, machine, action)
            case DetachNic():
                devices.detach_nic(machines, machine, action, progress)
            case Capture():
                snapshots.capture(machines, machine, action, token, progress)
            case Migrate():
                migration.migrate(self._settings, machines, machine, action, progress)
            case _:
                self._perform_on_domain(machine, action, progress)

    def _perform_on_domain(self, machine: str, action: Action, progress: Progress) -> None:
        host, domain = self._machines.hosts.locate(machine)
        match action:
            case Start():
                power.start(domain)
            case Stop():
                power.stop(domain, action, progress)
            case Restart():
                power.restart(host, domain, action, progress)
            case Pause():
                power.pause(domain)
            case Suspend():
                power.suspend(domain)
            case Resize():
                resize(domain, action, progress)
            case TakeSnapshot():
                snapshots.take(domain, action)
            case RestoreSnapshot():
                snapshots.restore(domain, action)
            case DropSnapshot():
                snapshots.drop(domain, action)
            case _:
                raise _unsupported(Kind.MACHINE, action)


def _unsupported(kind: Kind, action: Action) -> ConnectorError:
    return ConnectorError(
        Fault.UNSUPPORTED,
        why="{request} is not possible for this kind of object: {kind}",
        request=type(action).__name__,
        kind=kind,
    )
