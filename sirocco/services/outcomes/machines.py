"""How jobs on machines end."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from sirocco.cmdb import capacity
from sirocco.cmdb.models import Address, Claim, Image, Job, Machine, NetworkPort, Nic, ProviderImage
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import CANCELLED
from sirocco.contracts.states import ImageState, MachineState
from sirocco.services import events, faults, image_quota
from sirocco.services.outcomes.held import held_one


def created(tx: Transaction, job: Job) -> None:
    """The machine is in its initial state."""
    if machine := held_one(tx, job, Machine):
        machine.fault, machine.cause = "", {}
        events.set_state(tx, machine, machine.initial_state, job_id=job.id)


def not_created(tx: Transaction, job: Job) -> None:
    """A stopped creation leaves nothing; a failed one leaves a machine in ERROR that says why and holds no host."""
    machine = held_one(tx, job, Machine)
    if machine is None:
        return
    if job.error == CANCELLED.code:
        forget(tx, machine, job)
        return
    capacity.release(tx, machine.id)
    machine.volumes = []
    machine.host_id = None
    faults.blame(machine, job)
    events.set_state(tx, machine, MachineState.ERROR, job_id=job.id)


def acted(tx: Transaction, job: Job) -> None:
    """The action is done: the machine is as the action leaves it."""
    machine = held_one(tx, job, Machine)
    if machine is None:
        return
    state = job.arguments["after"]
    image = held_one(tx, job, Image)
    match job.action:
        case "snapshot" | "capture" if image is not None:
            _offer(tx, machine, image, job)
        case "restore" if image is not None:
            state = image.machine_state or state
        case "detach-volume":
            _unplug_volume(tx, machine, job.arguments)
        case "detach-nic":
            _unplug_nic(tx, machine, job.arguments["nic_id"])
    events.set_state(tx, machine, state, job_id=job.id)


def not_acted(tx: Transaction, job: Job) -> None:
    """The action is undone: what it was to add is gone, the machine is as before."""
    machine = held_one(tx, job, Machine)
    if machine is None:
        return
    image = held_one(tx, job, Image)
    match job.action:
        case "snapshot" | "capture" if image is not None:
            image_quota.give_back(tx, image)
            tx.session.delete(image)
        case "attach-volume":
            _unplug_volume(tx, machine, job.arguments)
        case "attach-nic":
            newest = max(machine.nics, key=lambda nic: nic.position, default=None)
            if newest is not None:
                _unplug_nic(tx, machine, newest.id)
    events.set_state(tx, machine, job.arguments["before"], job_id=job.id)


def _offer(tx: Transaction, machine: Machine, image: Image, job: Job) -> None:
    if image.type == "SNAPSHOT":
        machine.latest_snapshot_id = image.id
    events.set_state(tx, image, ImageState.AVAILABLE, job_id=job.id)


def _unplug_volume(tx: Transaction, machine: Machine, arguments: Mapping[str, Any]) -> None:
    machine.volumes = [use for use in machine.volumes if use.volume_id != arguments["volume_id"]]
    tx.session.flush()


def _unplug_nic(tx: Transaction, machine: Machine, nic_id: str) -> None:
    nic = next((nic for nic in machine.nics if nic.id == nic_id), None)
    if nic is not None:
        _unplugged(tx, [nic])
        machine.nics.remove(nic)
        capacity.give_back(tx, machine.tenant_id, {"addresses": 1})


def _unplugged(tx: Transaction, nics: list[Nic]) -> None:
    """Ports and fixed addresses go back to their tenant, learnt addresses are forgotten."""
    for port in tx.session.scalars(select(NetworkPort).where(NetworkPort.nic_id.in_([nic.id for nic in nics]))):
        port.nic_id = None
    ids = [use.address_id for nic in nics for use in nic.addresses]
    for nic in nics:
        nic.addresses = []
    tx.session.flush()
    for address in tx.session.scalars(select(Address).where(Address.id.in_(ids))):
        if address.allocation == "fixed":
            address.machine_id = None
        else:
            tx.session.delete(address)


def resized(tx: Transaction, job: Job) -> None:
    """The machine has its new size; what it no longer needs is given back."""
    machine = held_one(tx, job, Machine)
    if machine is None:
        return
    cpu, memory = job.arguments["cpu"], job.arguments["memory"]
    capacity.give_back(tx, machine.tenant_id, {"cores": machine.cpu - cpu, "memory": machine.memory - memory})
    machine.cpu, machine.memory = cpu, memory
    _claim_size(tx, machine)
    events.changed(tx, machine, "update", job_id=job.id)


def not_resized(tx: Transaction, job: Job) -> None:
    """The machine keeps its size; what the larger one had taken is given back."""
    machine = held_one(tx, job, Machine)
    if machine is None:
        return
    cpu, memory = job.arguments["cpu"], job.arguments["memory"]
    capacity.give_back(tx, machine.tenant_id, {"cores": cpu - machine.cpu, "memory": memory - machine.memory})
    _claim_size(tx, machine)


def _claim_size(tx: Transaction, machine: Machine) -> None:
    held = tx.session.get(Claim, (machine.id, machine.host_id)) if machine.host_id else None
    if machine.host_id and held is not None:
        capacity.resize_claim(tx, machine.host_id, machine.id, capacity.Amount(machine.cpu, machine.memory, held.disk))


def migrated(tx: Transaction, job: Job) -> None:
    """The machine is where its record says by now; other hosts have their capacity back."""
    if machine := held_one(tx, job, Machine):
        capacity.release(tx, machine.id, keep_host=machine.host_id or "")
        events.changed(tx, machine, "update", job_id=job.id)


def deleted(tx: Transaction, job: Job) -> None:
    """Nothing of the machine is left."""
    if machine := held_one(tx, job, Machine):
        forget(tx, machine, job)


def not_deleted(tx: Transaction, job: Job) -> None:
    """The machine is still there."""
    if machine := held_one(tx, job, Machine):
        events.set_state(tx, machine, job.arguments["before"], job_id=job.id)


def forget(tx: Transaction, machine: Machine, job: Job | None = None) -> None:
    """Remove a machine's records and give back all it counted for."""
    for snapshot in tx.session.scalars(select(Image).where(Image.machine_id == machine.id, Image.type == "SNAPSHOT")):
        for place in tx.session.scalars(select(ProviderImage).where(ProviderImage.image_id == snapshot.id)):
            tx.session.delete(place)
        tx.session.delete(snapshot)
    _unplugged(tx, machine.nics)
    amounts = {"machines": 1, "cores": machine.cpu, "memory": machine.memory, "addresses": len(machine.nics)}
    capacity.give_back(tx, machine.tenant_id, amounts)
    capacity.release(tx, machine.id)
    events.changed(tx, machine, "delete", job_id=job.id if job else None)
    tx.session.delete(machine)
    tx.session.flush()
