"""Networks, ports and addresses of /1; segments and endpoints of /2, which are views of the same records."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import cast

from api.cimi import changes as change
from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, V2, Values
from api.cimi.model.kind import SHARED
from api.cimi.resource import Action, Below, Change, Creation, Removal, Resource, metadata_of
from api.cimi.templates import id_of, needed, template_of, words
from sirocco.cmdb.models import Address, Network, NetworkPort
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.contracts.states import NetworkState, Role
from sirocco.domain.query import Comparison, Query
from sirocco.services import machines, networks
from sirocco.services.networks import NetworkRequest

NETWORK, PORT, ADDRESS = KINDS["Network"], KINDS["NetworkPort"], KINDS["Address"]
SEGMENT, ENDPOINT = KINDS["ProtocolSegment"], KINDS["ProtocolEndpoint"]
_OUTSIDE = ("nat", "public")
_INSIDE = ("isolated", "private")
_DEFAULT_MTU = 1500


def _create(exchange: Exchange, values: Values) -> Made:
    name, description, properties = words(values)
    template = template_of(exchange, NETWORK, values)
    config = cast("Values", template.get("networkConfig") or {})
    nat = template.get("sirocco_nat", config.get("sirocco_nat"))
    network, job = networks.create(
        exchange.tx,
        NetworkRequest(
            name=name,
            description=description,
            properties=properties,
            cidr=str(template.get("sirocco_cidr") or config.get("sirocco_cidr") or ""),
            nat=_reaches_outside(str(config.get("networkType") or _INSIDE[0])) if nat is None else nat is True,
            mtu=cast("int", config.get("mtu") or _DEFAULT_MTU),
            class_of_service=str(config.get("classOfService") or ""),
            initial_state=str(template.get("initialState") or NetworkState.STARTED),
            provider_id=id_of(template.get("sirocco_provider")),
            shared=values.get(SHARED.name) is True,
        ),
    )
    return Made(network, job)


def _reaches_outside(network_type: str) -> bool:
    if network_type.lower() not in {*_OUTSIDE, *_INSIDE}:
        where = "networkTemplate.networkConfig.networkType"
        raise invalid(where, why="it is one of {choices}", choices=", ".join((*_OUTSIDE, *_INSIDE)))
    return network_type.lower() in _OUTSIDE


def _update(exchange: Exchange, network_id: str, values: Values) -> Made:
    columns = change.columns(NETWORK, values, exchange.wire.version)
    return Made(networks.update(exchange.tx, network_id, columns, exchange.expected))


def _delete(exchange: Exchange, network_id: str) -> Made:
    return Made(job=networks.delete(exchange.tx, network_id))


def _start(exchange: Exchange, network_id: str, _values: Values) -> Made:
    return Made(job=networks.act(exchange.tx, network_id, "start"))


def _stop(exchange: Exchange, network_id: str, _values: Values) -> Made:
    return Made(job=networks.act(exchange.tx, network_id, "stop"))


def _permits(tx: Transaction, network: Network) -> Iterable[tuple[str, bool]]:
    ours = network.tenant_id is not None or tx.who.may(Role.OPERATOR)
    possible = networks.actions(network)
    for action in ("start", "stop"):
        yield action, ours and action in possible
    settled = network.state in {NetworkState.STARTED, NetworkState.STOPPED, NetworkState.ERROR}
    yield "delete", ours and settled and not network.job_id


def _more(_exchange: Exchange, network: Network) -> Values:
    more = metadata_of(NETWORK, network.provider_id)
    return more | {"eventLog": {"href": f"eventLogs/networks.{network.id}"}, SHARED.name: network.tenant_id is None}


def _ports_of(exchange: Exchange, network: Network) -> Sequence[NetworkPort]:
    return networks.ports(exchange.tx, Query(Comparison("network_id", "=", network.id))).items


def _port_association(_exchange: Exchange, _network: Network, port: NetworkPort) -> Values:
    return {"networkPort": {"href": f"networkPorts/{port.id}"}}


def _segments_of(_exchange: Exchange, network: Network) -> Sequence[Network]:
    return (network,)


def _segment(_exchange: Exchange, network: Network) -> Values:
    parameters: Values = {}
    if network.cidr:
        block = ipaddress.ip_network(network.cidr)
        parameters = {"subnetAddress": str(block.network_address), "netmask": str(block.netmask)}
    event_log = {"href": f"eventLogs/networks.{network.id}"}
    return {
        "protocol": "IPv4",
        "noDefaultRouting": not network.nat,
        "parameters": parameters,
        "eventLog": cast("Values", event_log),
    }


def _endpoints_of(exchange: Exchange, network: Network) -> Sequence[Address]:
    return networks.addresses_of(exchange.tx, network)


def _endpoint(exchange: Exchange, address: Address) -> Values:
    values: Values = {
        "state": "ENABLED" if address.machine_id else "DISABLED",
        "origin": "STATIC" if address.allocation == "fixed" else "DYNAMIC",
        "parameters": {"hostname": address.hostname} if address.hostname else {},
    }
    if address.machine_id and (nic := _nic_of(exchange.tx, address)):
        values["interface"] = {"href": f"interfaces/{nic}"}
    return values


def _nic_of(tx: Transaction, address: Address) -> str | None:
    try:
        machine = machines.get(tx, str(address.machine_id))
    except SiroccoError as refusal:
        if refusal.problem is NOT_FOUND:
            return None
        raise
    return next((nic.id for nic in machine.nics if any(row.address_id == address.id for row in nic.addresses)), None)


def _create_endpoint(exchange: Exchange, values: Values) -> Made:
    """A fixed address on the segment."""
    name, description, properties = words(values)
    if values.get("origin") == "DYNAMIC":
        raise invalid("origin", why="one that is asked for is STATIC; DYNAMIC ones are learnt from machines")
    row = networks.create_address(
        exchange.tx,
        exchange.ids["id"],
        str(values.get("address") or ""),
        name=name,
        description=description,
        properties=properties,
        hostname=_hostname(values),
    )
    return Made(row, path=f"endpoints/{row.id}", kind=ENDPOINT)


def _hostname(values: Values) -> str:
    parameters = cast("dict[str, str]", values.get("parameters") or {})
    if unknown := set(parameters) - {"hostname"}:
        raise invalid(f"parameters.{min(unknown)}", why="an endpoint has the parameter hostname only")
    return parameters.get("hostname", "")


def _update_endpoint(exchange: Exchange, address_id: str, values: Values) -> Made:
    columns = change.columns(ENDPOINT, values, exchange.wire.version)
    if "parameters" in values:
        columns["hostname"] = _hostname(values)
    return Made(networks.update_address(exchange.tx, address_id, columns, exchange.expected))


def _update_segment(exchange: Exchange, network_id: str, values: Values) -> Made:
    columns = change.columns(SEGMENT, values, exchange.wire.version)
    return Made(networks.update(exchange.tx, network_id, columns, exchange.expected))


def _segment_permits(tx: Transaction, network: Network) -> Iterable[tuple[str, bool]]:
    return (one for one in _permits(tx, network) if one[0] != "delete")


def _create_port(exchange: Exchange, values: Values) -> Made:
    name, description, properties = words(values)
    template = template_of(exchange, PORT, values)
    config = cast("Values", template.get("networkPortConfig") or {})
    row = networks.create_port(
        exchange.tx,
        id_of(needed(template, "network", PORT.template)),
        name,
        description=description,
        properties=properties,
        port_type=str(config.get("portType") or ""),
        class_of_service=str(config.get("classOfService") or ""),
    )
    return Made(row)


def _update_port(exchange: Exchange, port_id: str, values: Values) -> Made:
    columns = change.columns(PORT, values, exchange.wire.version)
    return Made(networks.update_port(exchange.tx, port_id, columns, exchange.expected))


def _delete_port(exchange: Exchange, port_id: str) -> Made:
    networks.delete_port(exchange.tx, port_id)
    return Made()


def _create_address(exchange: Exchange, values: Values) -> Made:
    name, description, properties = words(values)
    template = template_of(exchange, ADDRESS, values)
    row = networks.create_address(
        exchange.tx,
        id_of(needed(template, "network", ADDRESS.template)),
        str(template.get("ip") or ""),
        name=name,
        description=description,
        properties=properties,
        hostname=str(template.get("hostname") or ""),
    )
    _check_given(row, template)
    return Made(row)


def _check_given(row: Address, template: Values) -> None:
    """What the network decides may be stated, but not otherwise than it is."""
    where, dns = ADDRESS.template, template.get("dns")
    if template.get("allocation") not in {None, "", row.allocation}:
        raise invalid(
            f"{where}.allocation", why="dynamic addresses are learnt from machines; one that is asked for is fixed"
        )
    for name, held in (("mask", row.mask), ("defaultGateway", row.default_gateway)):
        if template.get(name) not in {None, "", held}:
            why = "the network makes it {held}" if held else "the network gives it none"
            raise invalid(f"{where}.{name}", why=why, held=held)
    if dns:
        raise invalid(f"{where}.dns", why="machines learn their name servers from the network")


def _update_address(exchange: Exchange, address_id: str, values: Values) -> Made:
    columns = change.columns(ADDRESS, values, exchange.wire.version)
    return Made(networks.update_address(exchange.tx, address_id, columns, exchange.expected))


def _delete_address(exchange: Exchange, address_id: str) -> Made:
    networks.delete_address(exchange.tx, address_id)
    return Made()


_POWER = (
    Action("start", Role.MEMBER, _start, description="Let traffic pass."),
    Action("stop", Role.MEMBER, _stop, description="Let no traffic pass."),
)

NETWORKS = Resource(
    NETWORK,
    networks.get,
    networks.page,
    more=_more,
    permits=_permits,
    create=Creation(Role.MEMBER, _create),
    update=Change(Role.MEMBER, _update),
    delete=Removal(Role.MEMBER, _delete),
    actions=_POWER,
    below={
        ("networkPorts", V1): Below(KINDS["NetworkNetworkPort"], _ports_of, _port_association),
        ("segments", V2): Below(SEGMENT, _segments_of, elsewhere=True),
    },
)

PORTS = Resource(
    PORT,
    networks.port,
    networks.ports,
    create=Creation(Role.MEMBER, _create_port),
    update=Change(Role.MEMBER, _update_port),
    delete=Removal(Role.MEMBER, _delete_port),
)

ADDRESSES = Resource(
    ADDRESS,
    networks.address,
    networks.addresses,
    create=Creation(Role.MEMBER, _create_address),
    update=Change(Role.MEMBER, _update_address),
    delete=Removal(Role.MEMBER, _delete_address),
)

SEGMENTS = Resource(
    SEGMENT,
    networks.get,
    networks.page,
    more=_segment,
    permits=_segment_permits,
    update=Change(Role.MEMBER, _update_segment),
    actions=_POWER,
    below={
        ("endpoints", V2): Below(ENDPOINT, _endpoints_of, add=Creation(Role.MEMBER, _create_endpoint), elsewhere=True),
    },
)

ENDPOINTS = Resource(
    ENDPOINT,
    networks.address,
    networks.addresses,
    more=_endpoint,
    update=Change(Role.MEMBER, _update_endpoint),
    delete=Removal(Role.MEMBER, _delete_address),
)
