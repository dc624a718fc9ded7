"""What lies below a machine: disks, attached volumes, interfaces, snapshots."""

from collections.abc import Sequence
from typing import Any

from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, V2, Values
from api.cimi.resource import Below, Creation, Removal
from api.cimi.resources.interfaces import OF_MACHINE
from api.cimi.templates import id_of
from sirocco.cmdb.models import Disk, Image, Machine, MachineVolume
from sirocco.contracts import commands as c
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.contracts.states import Role
from sirocco.services import machines


def _machine(exchange: Exchange) -> Machine:
    return machines.get(exchange.tx, exchange.ids["id"])


def _disks(_exchange: Exchange, machine: Machine) -> Sequence[Disk]:
    return machine.disks


def _volumes(_exchange: Exchange, machine: Machine) -> Sequence[MachineVolume]:
    return machine.volumes


def _attach_volume(exchange: Exchange, values: Values) -> Made:
    volume_id = id_of(values["volume"])
    machine = _machine(exchange)
    command = c.AttachVolume(volume_id, str(values.get("initialLocation") or ""))
    job = machines.act(exchange.tx, machine.id, command)
    exchange.tx.session.flush()
    use = next(use for use in machine.volumes if use.volume_id == volume_id)
    return Made(use, job, path=f"machines/{machine.id}/volumes/{use.id}")


def _detach_volume(exchange: Exchange, use_id: str) -> Made:
    machine = _machine(exchange)
    use = _one(machine.volumes, use_id, "attached volume")
    return Made(job=machines.act(exchange.tx, machine.id, c.DetachVolume(use.volume_id)))


def _one(rows: Sequence[Any], row_id: str, word: str) -> Any:
    row = next((row for row in rows if row.id == row_id), None)
    if row is None:
        raise SiroccoError(NOT_FOUND, kind=word, id=row_id)
    return row


def _located(_exchange: Exchange, _machine: Machine, use: MachineVolume) -> Values:
    return {"initialLocation": use.device, "volume": {"href": f"volumes/{use.volume_id}"}}


def _snapshots(exchange: Exchange, machine: Machine) -> Sequence[Image]:
    return machines.snapshots(exchange.tx, machine)


def _snapshot(_exchange: Exchange, _machine: Machine, image: Image) -> Values:
    return {"snapshot": {"href": f"machineImages/{image.id}"}}


BELOW = {
    **OF_MACHINE,
    ("disks", V1): Below(KINDS["Disk"], _disks),
    ("disks", V2): Below(KINDS["Disk"], _disks),
    ("volumes", V1): Below(
        KINDS["MachineVolume"],
        _volumes,
        add=Creation(Role.MEMBER, _attach_volume),
        remove=Removal(Role.MEMBER, _detach_volume),
    ),
    ("volumes", V2): Below(
        KINDS["locatedVolume"],
        _volumes,
        _located,
        add=Creation(Role.MEMBER, _attach_volume),
        remove=Removal(Role.MEMBER, _detach_volume),
    ),
    ("snapshots", V1): Below(KINDS["MachineSnapshot"], _snapshots, _snapshot),
    ("snapshots", V2): Below(KINDS["MachineImage"], _snapshots, elsewhere=True),
}
