"""Interfaces of machines: those of /1 below their machine, those of /2 resources of their own."""

from collections.abc import Iterable, Sequence

from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, V2, Values
from api.cimi.resource import Below, Creation, Part, Removal, Resource
from api.cimi.templates import id_of
from sirocco.cmdb.models import Address, Machine, Network, Nic, NicAddress
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts import commands as c
from sirocco.contracts.states import MachineState, Role
from sirocco.domain.query import Query
from sirocco.services import machines, networks

_RUNNING = {MachineState.STARTED, MachineState.PAUSED}
_STATES = {V1: ("STANDBY", "ACTIVE"), V2: ("DISABLED", "ENABLED")}


def _nics(_exchange: Exchange, machine: Machine) -> Sequence[Nic]:
    return machine.nics


def _values(exchange: Exchange, machine: Machine, nic: Nic) -> Values:
    """What an interface shows beyond its columns, in either version."""
    network = exchange.tx.session.get(Network, nic.network_id)
    state = _STATES[exchange.wire.version][machine.state in _RUNNING]
    values: Values = {"mtu": network.mtu if network else None, "state": state}
    if exchange.wire.version == V1 and (port := networks.port_of(exchange.tx, nic)):
        values["networkPort"] = {"href": f"networkPorts/{port.id}"}
    return values


def _more(exchange: Exchange, nic: Nic) -> Values:
    return _values(exchange, exchange.tx.session.get_one(Machine, nic.machine_id), nic)


def _attach(exchange: Exchange, values: Values) -> Made:
    machine = machines.get(exchange.tx, exchange.ids["id"])
    before = {nic.id for nic in machine.nics}
    network = values.get("network") or values.get("sirocco_network")
    address = values.get("sirocco_address") or values.get("sirocco_endpoint")
    port = values.get("networkPort")
    if network is None and port is None:
        raise invalid("network", why="it is missing, and no networkPort names it")
    job = machines.act(exchange.tx, machine.id, c.AttachNic(id_of(network), id_of(address), id_of(port)))
    exchange.tx.session.flush()
    nic = next(nic for nic in machine.nics if nic.id not in before)
    first = exchange.wire.version == V1
    return Made(nic, job, path=f"machines/{machine.id}/networkInterfaces/{nic.id}" if first else f"interfaces/{nic.id}")


def _detach_below(exchange: Exchange, nic_id: str) -> Made:
    return Made(job=machines.act(exchange.tx, exchange.ids["id"], c.DetachNic(nic_id)))


def _detach(exchange: Exchange, nic_id: str) -> Made:
    nic = machines.interface(exchange.tx, nic_id)
    return Made(job=machines.act(exchange.tx, nic.machine_id, c.DetachNic(nic.id)))


def _permits(tx: Transaction, nic: Nic) -> Iterable[tuple[str, bool]]:
    machine = tx.session.get_one(Machine, nic.machine_id)
    yield from (("delete", one.available) for one in machines.allowed(tx, machine) if one.action == "detach-nic")


def _page(tx: Transaction, query: Query) -> Part:
    found = machines.interfaces(tx)
    return Part(found[query.first - 1 : query.last or None], len(found))


class _NicAddress:
    """An address of an interface under an id of its own, the address's."""

    def __init__(self, row: NicAddress) -> None:
        self.id = self.address_id = row.address_id


def _addresses(_exchange: Exchange, nic: Nic) -> Sequence[_NicAddress]:
    return [_NicAddress(row) for row in nic.addresses]


def _endpoints(exchange: Exchange, nic: Nic) -> Sequence[Address]:
    found = (exchange.tx.find(Address, row.address_id) for row in nic.addresses)
    return [row for row in found if row is not None]


_ENDPOINTS = Below(KINDS["ProtocolEndpoint"], _endpoints, elsewhere=True)

OF_MACHINE = {
    ("networkInterfaces", V1): Below(
        KINDS["MachineNetworkInterface"],
        _nics,
        _values,
        add=Creation(Role.MEMBER, _attach),
        remove=Removal(Role.MEMBER, _detach_below),
        inner={"addresses": Below(KINDS["MachineNetworkInterfaceAddress"], _addresses)},
    ),
    ("interfaces", V2): Below(
        KINDS["NetworkInterface"],
        _nics,
        add=Creation(Role.MEMBER, _attach),
        remove=Removal(Role.MEMBER, _detach_below),
        elsewhere=True,
    ),
}

INTERFACES = Resource(
    KINDS["NetworkInterface"],
    machines.interface,
    _page,
    more=_more,
    permits=_permits,
    delete=Removal(Role.MEMBER, _detach),
    below={("endpoints", V2): _ENDPOINTS},
    tabled=False,
)
