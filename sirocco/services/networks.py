"""Networks, ports on them and addresses."""

import ipaddress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from sirocco.cmdb import capacity
from sirocco.cmdb.models import Address, Job, Network, NetworkPort, Nic, Provider
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts import capabilities as cap
from sirocco.contracts.errors import BUSY, IN_USE, INVALID, NO_CAPACITY, NO_PROVIDER, WRONG_STATE, SiroccoError
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import NetworkState, Role
from sirocco.domain.addresses import POOL, fixed_range, free_block, lowest_free, parse_cidr
from sirocco.domain.limits import check, check_text
from sirocco.domain.query import EVERYTHING, Query
from sirocco.services import events, jobs
from sirocco.services.providers import capabilities
from sirocco.services.words import edit

_ACTIONS = {
    "start": (NetworkState.STOPPED, NetworkState.STARTING, NetworkState.STARTED),
    "stop": (NetworkState.STARTED, NetworkState.STOPPING, NetworkState.STOPPED),
}


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    """A new network; an empty ``cidr`` takes a free block. ``shared`` with all tenants needs an operator."""

    name: str
    description: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    cidr: str = ""
    nat: bool = False
    mtu: int = 1500
    class_of_service: str = ""
    initial_state: str = NetworkState.STARTED
    provider_id: str = ""
    shared: bool = False


def create(tx: Transaction, request: NetworkRequest) -> tuple[Network, Job]:
    """Accept a new network: CREATING until its job ends."""
    tx.who.need(Role.OPERATOR if request.shared else Role.MEMBER)
    check_text(request.name, request.description, request.properties)
    check("mtu", request.mtu, 576, 9216)
    if request.initial_state not in {NetworkState.STARTED, NetworkState.STOPPED}:
        raise SiroccoError(INVALID, where="initialState", why="it is STARTED or STOPPED")
    provider = _provider(tx, request)
    network = tx.add(
        Network(
            id=new_id(),
            tenant_id=None if request.shared else tx.who.tenant_id,
            name=request.name or "network",
            description=request.description,
            properties=request.properties,
            network_type="nat" if request.nat else "isolated",
            cidr=_block(tx, provider, request.cidr),
            nat=request.nat,
            mtu=request.mtu,
            class_of_service=request.class_of_service,
            provider_id=provider.id,
        )
    )
    arguments = {"after": request.initial_state}
    job = jobs.submit(tx, "CreateNetwork", "add", network, arguments=arguments)
    events.changed(tx, network, "create", job_id=job.id)
    return network, job


def _provider(tx: Transaction, request: NetworkRequest) -> Provider:
    need = cap.NETWORK_NAT if request.nat else cap.NETWORK_ISOLATED
    rows = select(Provider).where(Provider.enabled).order_by(Provider.created, Provider.id)
    if request.provider_id:
        rows = rows.where(Provider.id == request.provider_id)
    fitting = [provider for provider in tx.session.scalars(rows) if need in capabilities(provider)]
    if not fitting:
        raise SiroccoError(NO_PROVIDER, why="none states the capability {capability}", capability=need)
    return fitting[0]


def _block(tx: Transaction, provider: Provider, wanted: str) -> str:
    rows = select(Network.cidr).where(Network.provider_id == provider.id, Network.cidr != "")
    taken = [ipaddress.ip_network(cidr) for cidr in tx.session.scalars(rows)]
    if not wanted:
        return str(free_block(taken, provider.settings.get("addresses", POOL)))
    block = parse_cidr(wanted)
    if any(block.overlaps(other) for other in taken):
        raise SiroccoError(INVALID, where="cidr", why="{block} overlaps another network of this provider", block=block)
    return str(block)


def get(tx: Transaction, network_id: str) -> Network:
    """One network."""
    return tx.get(Network, network_id)


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[Network]:
    """Networks that the tenant may use."""
    return fetch(tx, Network, query)


def update(tx: Transaction, network_id: str, changes: dict[str, Any], version: int | None = None) -> Network:
    """Change words or ``class_of_service``."""
    tx.who.need(Role.MEMBER)
    network = tx.own(Network, network_id)
    edit(tx, network, changes, version)
    network.class_of_service = changes.get("class_of_service", network.class_of_service)
    return network


def _settled(tx: Transaction, network_id: str, action: str, *states: NetworkState) -> Network:
    network = tx.own(Network, network_id)
    if network.job_id:
        raise SiroccoError(BUSY, kind="network", name=network.name, job=network.job_id)
    if network.state not in states:
        raise SiroccoError(
            WRONG_STATE, kind="network", name=network.name, state=network.state, action=action, needed=", ".join(states)
        )
    return network


def act(tx: Transaction, network_id: str, action: str) -> Job:
    """Start or stop a network."""
    tx.who.need(Role.MEMBER)
    before, during, after = _ACTIONS[action]
    network = _settled(tx, network_id, action, before)
    job = jobs.submit(tx, "ActOnNetwork", action, network, arguments={"before": before, "after": after})
    events.set_state(tx, network, during, job_id=job.id)
    return job


def actions(network: Network) -> tuple[str, ...]:
    """What can be asked of a network in its state."""
    if network.job_id:
        return ()
    return tuple(action for action, (before, _, _) in _ACTIONS.items() if network.state == before)


def delete(tx: Transaction, network_id: str) -> Job:
    """Accept the end of a network that no machine, port or fixed address uses."""
    tx.who.need(Role.MEMBER)
    network = _settled(tx, network_id, "delete", NetworkState.STARTED, NetworkState.STOPPED, NetworkState.ERROR)
    for model, name in ((Nic, "interfaces"), (NetworkPort, "ports"), (Address, "addresses")):
        rows = select(func.count()).select_from(model).where(model.network_id == network.id)
        if count := tx.session.scalar(rows):
            raise SiroccoError(IN_USE, kind="network", name=network.name, users=f"{count} {name}")
    job = jobs.submit(tx, "DeleteNetwork", "delete", network, arguments={"before": network.state})
    events.set_state(tx, network, NetworkState.DELETING, job_id=job.id)
    return job


def ports(tx: Transaction, query: Query = EVERYTHING) -> Page[NetworkPort]:
    """Ports of the tenant."""
    return fetch(tx, NetworkPort, query)


def port(tx: Transaction, port_id: str) -> NetworkPort:
    """One port."""
    return tx.get(NetworkPort, port_id)


def port_of(tx: Transaction, nic: Nic) -> NetworkPort | None:
    """The port that an interface is plugged into, if any."""
    return tx.session.scalar(select(NetworkPort).where(NetworkPort.nic_id == nic.id))


def create_port(tx: Transaction, network_id: str, name: str, **words: Any) -> NetworkPort:
    """Reserve a place on a network."""
    tx.who.need(Role.MEMBER)
    check_text(name, words.get("description", ""), words.get("properties"))
    network = tx.get(Network, network_id)
    row = tx.add(NetworkPort(tenant_id=tx.who.tenant_id, network_id=network.id, name=name or "network port", **words))
    events.changed(tx, row, "create")
    return row


def update_port(tx: Transaction, port_id: str, changes: dict[str, Any], version: int | None = None) -> NetworkPort:
    """Change words, ``port_type`` or ``class_of_service``."""
    tx.who.need(Role.MEMBER)
    row = tx.own(NetworkPort, port_id)
    edit(tx, row, changes, version)
    row.port_type = changes.get("port_type", row.port_type)
    row.class_of_service = changes.get("class_of_service", row.class_of_service)
    return row


def delete_port(tx: Transaction, port_id: str) -> None:
    """Give up a port that no interface uses."""
    tx.who.need(Role.MEMBER)
    row = tx.own(NetworkPort, port_id)
    if row.nic_id:
        raise SiroccoError(IN_USE, kind="network port", name=row.name, users=f"interface {row.nic_id}")
    events.changed(tx, row, "delete")
    tx.session.delete(row)


def addresses(tx: Transaction, query: Query = EVERYTHING) -> Page[Address]:
    """Addresses of the tenant."""
    return fetch(tx, Address, query)


def addresses_of(tx: Transaction, network: Network) -> list[Address]:
    """Addresses on a network that the principal may see."""
    return list(tx.session.scalars(tx.visible(Address).where(Address.network_id == network.id).order_by(Address.ip)))


def address(tx: Transaction, address_id: str) -> Address:
    """One address."""
    return tx.get(Address, address_id)


def create_address(tx: Transaction, network_id: str, ip: str = "", **words: Any) -> Address:
    """Take a fixed address on a network: the one named, or the lowest free one of the upper quarter of its range."""
    tx.who.need(Role.MEMBER)
    check_text(words.get("name", ""), words.get("description", ""), words.get("properties"))
    network = tx.get(Network, network_id, lock=True)
    block = parse_cidr(network.cidr)
    taken = set(tx.session.scalars(select(Address.ip).where(Address.network_id == network.id)))
    chosen = _fixed(block, taken, ip)
    capacity.take(tx, tx.who.tenant_id, {"addresses": 1})
    words["name"] = words.get("name") or chosen
    row = tx.add(
        Address(
            tenant_id=tx.who.tenant_id,
            network_id=network.id,
            ip=chosen,
            allocation="fixed",
            mask=str(block.netmask),
            default_gateway=str(block.network_address + 1) if network.nat else "",
            **words,
        )
    )
    events.changed(tx, row, "create")
    return row


def _fixed(block: ipaddress.IPv4Network, taken: set[str], wanted: str) -> str:
    if not wanted:
        lowest = lowest_free(block, taken)
        if lowest is None:
            raise SiroccoError(NO_CAPACITY, why="all fixed addresses of {block} are taken", block=block)
        return str(lowest)
    if wanted in taken or wanted not in map(str, fixed_range(block)):
        raise SiroccoError(
            INVALID, where="ip", why="{ip} is not free among the fixed addresses of {block}", ip=wanted, block=block
        )
    return wanted


def update_address(tx: Transaction, address_id: str, changes: dict[str, Any], version: int | None = None) -> Address:
    """Change words or ``hostname``."""
    tx.who.need(Role.MEMBER)
    row = tx.own(Address, address_id)
    edit(tx, row, changes, version)
    row.hostname = changes.get("hostname", row.hostname)
    return row


def delete_address(tx: Transaction, address_id: str) -> None:
    """Give up a fixed address that no machine uses; a dynamic one goes with its machine."""
    tx.who.need(Role.MEMBER)
    row = tx.own(Address, address_id)
    if row.machine_id:
        raise SiroccoError(IN_USE, kind="address", name=row.ip, users=f"machine {row.machine_id}")
    capacity.give_back(tx, row.tenant_id, {"addresses": 1})
    events.changed(tx, row, "delete")
    tx.session.delete(row)
