"""Machines: reading, editing, acting, deleting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from sirocco.cmdb import capacity
from sirocco.cmdb.models import Host, Image, Job, Machine, MachineVolume, Network, Nic, Provider, Record, UsageSample
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts import capabilities as cap
from sirocco.contracts import commands as c
from sirocco.contracts.errors import BUSY, FORBIDDEN, INVALID, NOT_CAPABLE, NOT_FOUND, WRONG_STATE, SiroccoError
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import ImageState, MachineState, Role
from sirocco.domain.limits import check_machine, check_text
from sirocco.domain.machines import TRANSITIONS, Transition
from sirocco.domain.query import EVERYTHING, Query
from sirocco.services import events, image_quota, jobs
from sirocco.services.machine_create import MachineRequest, NicRequest, create, free_volume, new_nic, plugged
from sirocco.services.outcomes.held import LOCKABLE
from sirocco.services.providers import capabilities
from sirocco.services.words import edit

__all__ = ["Allowed", "MachineRequest", "act", "allowed", "create", "delete", "get", "page", "update", "usage"]

_MOST = 10_000
_WORKFLOWS = {"resize": "ResizeMachine", "migrate": "MigrateMachine"}


def get(tx: Transaction, machine_id: str) -> Machine:
    """One machine."""
    return tx.get(Machine, machine_id)


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[Machine]:
    """Machines of the tenant."""
    return fetch(tx, Machine, query)


def update(tx: Transaction, machine_id: str, changes: dict[str, Any], version: int | None = None) -> Machine:
    """Change ``name``, ``description`` or ``properties``; refused when the row is no longer at ``version``."""
    tx.who.need(Role.MEMBER)
    machine = tx.own(Machine, machine_id)
    edit(tx, machine, changes, version)
    return machine


def usage(tx: Transaction, machine: Machine, *, limit: int = 360) -> Sequence[UsageSample]:
    """The latest samples of a machine's counters, oldest first."""
    rows = select(UsageSample).where(UsageSample.machine_id == machine.id).order_by(UsageSample.at.desc()).limit(limit)
    return list(reversed(tx.session.scalars(rows).all()))


def interfaces(tx: Transaction) -> Sequence[Nic]:
    """The interfaces of the tenant's machines, oldest first."""
    seen = tx.visible(Machine).with_only_columns(Machine.id)
    return tx.session.scalars(select(Nic).where(Nic.machine_id.in_(seen)).order_by(Nic.id).limit(_MOST)).all()


def interface(tx: Transaction, nic_id: str) -> Nic:
    """One interface of a machine that the principal may see."""
    nic = tx.session.get(Nic, nic_id)
    if nic is None or tx.find(Machine, nic.machine_id) is None:
        raise SiroccoError(NOT_FOUND, kind="interface", id=nic_id)
    return nic


def snapshots(tx: Transaction, machine: Machine) -> Sequence[Image]:
    """A machine's snapshots, oldest first."""
    rows = tx.visible(Image).where(Image.machine_id == machine.id, Image.type == "SNAPSHOT")
    return tx.session.scalars(rows.order_by(Image.created)).all()


@dataclass(frozen=True, slots=True)
class Allowed:
    """An operation of a machine: whether it can be asked for now, and if not, why (a problem's code and details)."""

    action: str
    available: bool
    reason: SiroccoError | None = None


def allowed(tx: Transaction, machine: Machine) -> tuple[Allowed, ...]:
    """Every operation that the caller's role and the provider's capabilities permit, available or not by state."""
    far_end = _far_end(tx, machine)
    answers = []
    for transition in TRANSITIONS.values():
        if tx.who.may(transition.role):
            reason = _refusal(machine, transition, far_end)
            answers.append(Allowed(transition.action, reason is None, reason))
    return tuple(answers)


@dataclass(frozen=True, slots=True)
class _FarEnd:
    """What a machine's provider is called and states."""

    name: str
    stated: frozenset[str]


def _far_end(tx: Transaction, machine: Machine) -> _FarEnd | None:
    """Where a machine is, read once in a transaction however many machines are listed."""
    held: dict[str, _FarEnd] = tx.session.info.setdefault("far ends", {})
    if machine.provider_id and machine.provider_id not in held:
        provider = tx.session.get_one(Provider, machine.provider_id)
        held[provider.id] = _FarEnd(provider.name, capabilities(provider))
    return held.get(machine.provider_id or "")


def _refusal(machine: Machine, transition: Transition, far_end: _FarEnd | None) -> SiroccoError | None:
    if transition.needs and far_end and not _capable(far_end.stated, transition, machine):
        return SiroccoError(NOT_CAPABLE, provider=far_end.name, capability=transition.needs)
    if machine.job_id and not (transition.action == "stop" and machine.state == MachineState.STOPPING):
        return SiroccoError(BUSY, kind="machine", name=machine.name, job=machine.job_id)
    if MachineState(machine.state) not in transition.before:
        return SiroccoError(
            WRONG_STATE,
            kind="machine",
            name=machine.name,
            state=machine.state,
            action=transition.action,
            needed=", ".join(sorted(transition.before)),
        )
    return None


def _capable(stated: frozenset[str], transition: Transition, machine: Machine) -> bool:
    running = machine.state == MachineState.STARTED
    if transition.action in {"attach-volume", "detach-volume"} and running:
        return cap.VOLUME_HOTPLUG in stated
    if transition.action == "resize" and running:
        return cap.RESIZE_LIVE in stated
    return transition.needs in stated


def act(tx: Transaction, machine_id: str, command: c.Command, *, parent: Job | None = None) -> Job:
    """Accept an action on a machine; refused by role, state, capability, or another job at work."""
    transition = TRANSITIONS[command.action]
    tx.who.need(transition.role)
    machine = tx.own(Machine, machine_id)
    if reason := _refusal(machine, transition, _far_end(tx, machine)):
        raise reason
    _refuse_unheard_stop(machine, command)
    if machine.state == MachineState.STOPPING and machine.job_id:
        _supersede(tx, machine, command)
    affected = _prepare(tx, machine, command)
    before = machine.state if machine.state != MachineState.STOPPING else MachineState.STARTED
    arguments = command.arguments() | {"before": before, "after": transition.after or before}
    if new := [row.id for row in affected if isinstance(row, Image) and row.state == ImageState.CREATING]:
        arguments["image_id"] = new[0]
    workflow = _WORKFLOWS.get(command.action, "ActOnMachine")
    job = jobs.submit(tx, workflow, command.action, machine, arguments=arguments, affected=affected, parent=parent)
    if transition.during:
        events.set_state(tx, machine, transition.during, job_id=job.id)
    return job


def _refuse_unheard_stop(machine: Machine, command: c.Command) -> None:
    """A guest that does not run cannot be asked to shut down; cutting its power has to be asked for."""
    frozen = machine.state in {MachineState.PAUSED, MachineState.SUSPENDED}
    if isinstance(command, c.Stop) and frozen and not command.force:
        needed = "STARTED, or the stop to be forced"
        raise SiroccoError(
            WRONG_STATE, kind="machine", name=machine.name, state=machine.state, action="stop", needed=needed
        )


def _supersede(tx: Transaction, machine: Machine, command: c.Command) -> None:
    """A forced stop takes over from a graceful one that the guest ignores; anything else waits for it."""
    if not (isinstance(command, c.Stop) and command.force):
        raise SiroccoError(BUSY, kind="machine", name=machine.name, job=machine.job_id)
    patient, machine.job_id = machine.job_id, None
    if patient:
        jobs.stop(tx, patient)


def _prepare(tx: Transaction, machine: Machine, command: c.Command) -> list[Record]:
    """Check what the command refers to, count it, and return the further resources that the job holds."""
    match command:
        case c.Snapshot() | c.Capture():
            return [_new_image(tx, machine, command)]
        case c.Restore(image_id):
            return [_own_snapshot(tx, machine, image_id)]
        case c.Resize(cpu, memory):
            _check_resize(tx, machine, cpu, memory)
        case c.AttachVolume(volume_id, device):
            volume = free_volume(tx, volume_id)
            machine.volumes.append(MachineVolume(volume_id=volume.id, device=device))
            return [volume]
        case c.DetachVolume(volume_id):
            return [_attached(tx, machine, volume_id)]
        case c.AttachNic(network_id, address_id, port_id):
            _add_nic(tx, machine, NicRequest(network_id, address_id, port_id))
        case c.DetachNic(nic_id):
            _nic_of(machine, nic_id)
        case c.Migrate(host_id):
            _check_target(tx, machine, host_id)
    return []


def _new_image(tx: Transaction, machine: Machine, command: c.Snapshot | c.Capture) -> Image:
    snapshot = isinstance(command, c.Snapshot)
    name = command.name or f"{machine.name} {command.action}"
    check_text(name, command.description)
    image = Image(
        id=new_id(),
        tenant_id=machine.tenant_id,
        name=name,
        description=command.description,
        type="SNAPSHOT" if snapshot else "IMAGE",
        machine_id=machine.id if snapshot else None,
        machine_state=machine.state if snapshot else "",
        related_image_id=machine.latest_snapshot_id or machine.image_id if snapshot else None,
        capacity=machine.disks[0].capacity if machine.disks else 0,
        format="qcow2",
    )
    image_quota.count(tx, image)
    return tx.add(image)


def _own_snapshot(tx: Transaction, machine: Machine, image_id: str) -> Image:
    image = tx.get(Image, image_id, lock=True)
    if image.machine_id != machine.id or image.type != "SNAPSHOT" or image.state != ImageState.AVAILABLE:
        raise SiroccoError(
            INVALID,
            where="image",
            why="{snapshot} is no snapshot of {machine} that is available",
            snapshot=image.name,
            machine=machine.name,
        )
    return image


def _check_resize(tx: Transaction, machine: Machine, cpu: int, memory: int) -> None:
    check_machine(cpu, memory, ())
    more = {"cores": cpu - machine.cpu, "memory": memory - machine.memory}
    capacity.take(tx, machine.tenant_id, more)


def _attached(tx: Transaction, machine: Machine, volume_id: str) -> Record:
    use = next((use for use in machine.volumes if use.volume_id == volume_id), None)
    if use is None:
        raise SiroccoError(NOT_FOUND, kind="attached volume", id=volume_id)
    return tx.get(LOCKABLE["volume"], volume_id, lock=True)


def _add_nic(tx: Transaction, machine: Machine, asked: NicRequest) -> Nic:
    request = plugged(tx, asked)
    network = tx.get(Network, request.network_id)
    if network.provider_id not in {None, machine.provider_id}:
        raise SiroccoError(
            INVALID,
            where="network",
            why="{network} is at another provider than {machine}",
            network=network.name,
            machine=machine.name,
        )
    capacity.take(tx, machine.tenant_id, {"addresses": 1})
    position = max((nic.position for nic in machine.nics), default=-1) + 1
    nic = new_nic(tx, machine, position, request)
    machine.nics.append(nic)
    tx.session.flush()
    return nic


def _nic_of(machine: Machine, nic_id: str) -> Nic:
    nic = next((nic for nic in machine.nics if nic.id == nic_id), None)
    if nic is None:
        raise SiroccoError(NOT_FOUND, kind="interface", id=nic_id)
    return nic


def _check_target(tx: Transaction, machine: Machine, host_id: str) -> None:
    if host_id and tx.get(Host, host_id).provider_id != machine.provider_id:
        raise SiroccoError(INVALID, where="host", why="it belongs to another provider")
    if host_id and host_id == machine.host_id:
        raise SiroccoError(INVALID, where="host", why="{machine} is there already", machine=machine.name)


def delete(tx: Transaction, machine_id: str, *, parent: Job | None = None) -> Job:
    """Accept the end of a machine; its volumes survive, its disks, interfaces and snapshots do not."""
    machine = tx.own(Machine, machine_id)
    transition = TRANSITIONS["delete"]
    if not tx.who.may(transition.role):
        raise SiroccoError(FORBIDDEN, role=transition.role.value)
    if reason := _refusal(machine, transition, None):
        raise reason
    volumes = [tx.get(LOCKABLE["volume"], use.volume_id, lock=True) for use in machine.volumes]
    arguments = {"before": machine.state}
    job = jobs.submit(tx, "DeleteMachine", "delete", machine, arguments=arguments, affected=volumes, parent=parent)
    events.set_state(tx, machine, MachineState.DELETING, job_id=job.id)
    return job
