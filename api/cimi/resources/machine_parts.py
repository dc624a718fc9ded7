"""What lies below a machine: disks, attached volumes, interfaces with their addresses, snapshots."""

from collections.abc import Sequence
from typing import Any

from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, V2, Values
from api.cimi.resource import Below, Creation, Removal
from api.cimi.templates import id_of
from sirocco.cmdb.models import Address, Disk, Image, Machine, MachineVolume, Network, Nic, NicAddress
from sirocco.contracts import commands as c
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.contracts.states import MachineState, Role
from sirocco.services import machines, networks

_RUNNING = {MachineState.STARTED, MachineState.PAUSED}


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


def _nics(_exchange: Exchange, machine: Machine) -> Sequence[Nic]:
    return machine.nics


def nic_values(exchange: Exchange, machine: Machine, nic: Nic) -> Values:
    """What an interface shows beyond its columns, in either version."""
    network = exchange.tx.session.get(Network, nic.network_id)
    mtu = network.mtu if network else None
    if exchange.wire.version == V2:
        state = "ENABLED" if machine.state in _RUNNING else "DISABLED"
    else:
        state = "ACTIVE" if machine.state in _RUNNING else "STANDBY"
    values: Values = {"mtu": mtu, "state": state}
    if exchange.wire.version == V1 and (port := networks.port_of(exchange.tx, nic)):
        values["networkPort"] = {"href": f"networkPorts/{port.id}"}
    return values


def _attach_nic(exchange: Exchange, values: Values) -> Made:
    machine = _machine(exchange)
    before = {nic.id for nic in machine.nics}
    network = values.get("network") or values.get("sirocco_network")
    address = values.get("sirocco_address") or values.get("sirocco_endpoint")
    port = values.get("networkPort")
    if network is None and port is None:
        raise invalid("network", "it is missing, and no networkPort names it")
    job = machines.act(exchange.tx, machine.id, c.AttachNic(id_of(network), id_of(address), id_of(port)))
    exchange.tx.session.flush()
    nic = next(nic for nic in machine.nics if nic.id not in before)
    name = "networkInterfaces" if exchange.wire.version == V1 else "interfaces"
    return Made(nic, job, path=f"machines/{machine.id}/{name}/{nic.id}")


def _detach_nic(exchange: Exchange, nic_id: str) -> Made:
    return Made(job=machines.act(exchange.tx, _machine(exchange).id, c.DetachNic(nic_id)))


class _NicAddress:
    """An address of an interface under an id of its own, the address's."""

    def __init__(self, row: NicAddress) -> None:
        self.id = self.address_id = row.address_id


def _nic_addresses(_exchange: Exchange, nic: Nic) -> Sequence[_NicAddress]:
    return [_NicAddress(row) for row in nic.addresses]


def _endpoints(exchange: Exchange, nic: Nic) -> Sequence[Address]:
    found = (exchange.tx.find(Address, row.address_id) for row in nic.addresses)
    return [row for row in found if row is not None]


def _snapshots(exchange: Exchange, machine: Machine) -> Sequence[Image]:
    return machines.snapshots(exchange.tx, machine)


def _snapshot(_exchange: Exchange, _machine: Machine, image: Image) -> Values:
    return {"snapshot": {"href": f"machineImages/{image.id}"}}


_ADDRESSES = Below(KINDS["MachineNetworkInterfaceAddress"], _nic_addresses)
_ENDPOINTS = Below(KINDS["ProtocolEndpoint"], _endpoints, elsewhere=True)

BELOW = {
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
    ("networkInterfaces", V1): Below(
        KINDS["MachineNetworkInterface"],
        _nics,
        nic_values,
        add=Creation(Role.MEMBER, _attach_nic),
        remove=Removal(Role.MEMBER, _detach_nic),
        inner={"addresses": _ADDRESSES},
    ),
    ("interfaces", V2): Below(
        KINDS["NetworkInterface"],
        _nics,
        nic_values,
        add=Creation(Role.MEMBER, _attach_nic),
        remove=Removal(Role.MEMBER, _detach_nic),
        inner={"endpoints": _ENDPOINTS},
    ),
    ("snapshots", V1): Below(KINDS["MachineSnapshot"], _snapshots, _snapshot),
    ("snapshots", V2): Below(KINDS["MachineImage"], _snapshots, elsewhere=True),
}
