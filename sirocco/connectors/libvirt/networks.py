"""Networks: isolated or with a way out, addresses given by DHCP."""

import contextlib
import ipaddress
from collections.abc import Iterator

import libvirt

from sirocco.connectors.libvirt import names, xml
from sirocco.connectors.libvirt.errors import is_missing
from sirocco.connectors.libvirt.hosts import Host, Hosts
from sirocco.connectors.libvirt.records import Phase, Record, Shelf, Shelves
from sirocco.connectors.libvirt.settings import Settings
from sirocco.connectors.libvirt.tasks import Progress
from sirocco.connectors.ports import (
    ConnectorError,
    Fault,
    Kind,
    NetworkFacts,
    NetworkSpec,
    NicSpec,
    Observed,
    Ref,
    State,
)

_STEM = "network-"


def check(spec: NetworkSpec) -> None:
    """INVALID unless the range is IPv4 and has room for a gateway and at least two machines."""
    try:
        network = ipaddress.ip_network(spec.cidr)
    except ValueError as error:
        raise ConnectorError(
            Fault.INVALID, why="network {name}: its address range makes no sense: {said}", name=spec.name, said=error
        ) from None
    if network.version != 4 or network.prefixlen > 29:
        why = "network {name}: {cidr} is not IPv4 of /29 or larger"
        raise ConnectorError(Fault.INVALID, why=why, name=spec.name, cidr=spec.cidr)


class Networks:
    """The networks of a provider."""

    def __init__(self, settings: Settings, hosts: Hosts, shelves: Shelves) -> None:
        self._settings, self._hosts, self._shelves = settings, hosts, shelves

    def create(self, spec: NetworkSpec, token: str, _progress: Progress) -> None:
        """Define and start on every host; what is there already stays."""
        unique = names.native_id(Kind.NETWORK, token)
        shelf = self._shelf()
        known = shelf.load(_STEM + unique)
        if known and known.phase is Phase.READY:
            return
        record = shelf.begin(_STEM + unique, Record(token, spec.name, cidr=spec.cidr, nat=spec.nat))
        for host in self._hosts:
            self._define(host, unique, spec)
        shelf.finish(_STEM + unique, record)

    def _shelf(self) -> Shelf:
        return self._shelves.of(self._hosts.first)

    def _define(self, host: Host, unique: str, spec: NetworkSpec) -> None:
        name, bridge = names.network(unique), names.bridge(unique)
        network = host.network(unique)
        if network is None:
            joins = self._settings.shared_network and host is not self._hosts.first
            forward = self._settings.forward_mode if spec.nat else ""
            given = xml.Addresses(spec.cidr, spec.first, spec.last)
            text = xml.network(unique, name, bridge, given, forward, packet=spec.mtu)
            network = host.connection().networkDefineXML(xml.bridged_network(unique, name, bridge) if joins else text)
        network.setAutostart(1)
        self._start(network)

    @staticmethod
    def _start(network: libvirt.virNetwork) -> None:
        if not network.isActive():
            network.create()

    def delete(self, unique: str) -> None:
        """Remove from every host; CONFLICT while machines use it."""
        users = [domain.name() for host in self._hosts for domain in self._users(host, names.network(unique))]
        if users:
            why = "the network is in use by {machines}: detach them first"
            raise ConnectorError(Fault.CONFLICT, why=why, machines=", ".join(sorted(users)))
        for host in reversed(list(self._hosts)):
            network = host.network(unique)
            if network is not None:
                if network.isActive():
                    network.destroy()
                network.undefine()
        self._shelf().drop(_STEM + unique)

    @staticmethod
    def _users(host: Host, name: str) -> list[libvirt.virDomain]:
        found = []
        for domain in host.connection().listAllDomains(0):
            sources = xml.parse(domain.XMLDesc(0)).findall("devices/interface/source")
            if any(source.get("network") == name for source in sources):
                found.append(domain)
        return found

    def start(self, unique: str) -> None:
        """Start on every host, the one that gives addresses first."""
        self._require(unique)
        for host in self._hosts:
            if (network := host.network(unique)) is not None:
                self._start(network)

    def stop(self, unique: str) -> None:
        """Stop on every host, the one that gives addresses last."""
        self._require(unique)
        for host in reversed(list(self._hosts)):
            network = host.network(unique)
            if network is not None and network.isActive():
                network.destroy()

    def _require(self, unique: str) -> libvirt.virNetwork:
        network = self._hosts.first.network(unique)
        if network is None:
            raise ConnectorError(
                Fault.NOT_FOUND, why="{kind} {id} is not at the provider", kind=Kind.NETWORK, id=unique
            )
        return network

    def find(self, token: str) -> Observed | None:
        """What a create with this token made."""
        try:
            return self.observe(names.native_id(Kind.NETWORK, token))
        except ConnectorError as error:
            if error.fault is Fault.NOT_FOUND:
                return None
            raise

    def observe(self, unique: str) -> Observed:
        """The network as it is now."""
        record, network = self._shelf().load(_STEM + unique), self._hosts.first.network(unique)
        if network is None and not self._shelf().holds(_STEM + unique):
            raise ConnectorError(
                Fault.NOT_FOUND, why="{kind} {id} is not at the provider", kind=Kind.NETWORK, id=unique
            )
        return self._observed(unique, record, network)

    @staticmethod
    def _observed(unique: str, record: Record | None, network: libvirt.virNetwork | None) -> Observed:
        ref = Ref(Kind.NETWORK, unique)
        if record is None and network is not None:
            return Observed(ref, _state(network), "", _stranger(network))
        if record is None or network is None or record.phase is Phase.CREATING:
            known = record or Record("", unique)
            return Observed(ref, State.CREATING, known.token, NetworkFacts(known.name, known.cidr, known.nat))
        mtu = xml.mtu(network.XMLDesc(0))
        return Observed(ref, _state(network), record.token, NetworkFacts(record.name, record.cidr, record.nat, mtu))

    def all(self) -> Iterator[Observed]:
        """All networks; those on further hosts are the same ones."""
        shelf = self._shelf()
        stems = {stem.removeprefix(_STEM) for stem in shelf.stems(_STEM)}
        there = {network.UUIDString(): network for network in self._hosts.first.connection().listAllNetworks(0)}
        for unique in sorted(stems | set(there)):
            record = shelf.load(_STEM + unique) if unique in stems else None
            yield self._observed(unique, record, there.get(unique))

    def nic(self, unique: str, mac: str) -> xml.Nic:
        """An interface on a network; NOT_FOUND for an unknown one."""
        network = self._require(unique)
        return xml.Nic(str(network.name()), mac, xml.mtu(network.XMLDesc(0)))

    def reserve(self, nic: NicSpec) -> None:
        """Fix the address that DHCP gives to an interface, if it asks for one; nothing to do a second time."""
        if nic.address:
            for network in self._givers(nic.network):
                known = xml.reservations(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)).get(nic.mac.lower())
                if known != nic.address:
                    if known:
                        self._change(network, libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, nic.mac, known)
                    self._change(network, libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, nic.mac, nic.address)

    def release(self, unique: str, mac: str) -> None:
        """Give a fixed address back."""
        for network in self._givers(unique):
            known = xml.reservations(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)).get(mac.lower())
            if known:
                self._change(network, libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, mac, known)

    def _givers(self, unique: str) -> list[libvirt.virNetwork]:
        """Where a network's addresses are given out; libvirt's simulator keeps no reservations."""
        hosts = [self._hosts.first] if self._settings.shared_network else list(self._hosts)
        return [network for host in hosts if not host.settings.simulated and (network := host.network(unique))]

    @staticmethod
    def _change(network: libvirt.virNetwork, command: int, mac: str, address: str) -> None:
        section = libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST
        flags = libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
        if network.isActive():
            flags |= libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE
        network.update(command, section, -1, xml.reservation(mac, address), flags)

    def leases(self) -> dict[str, list[str]]:
        """Addresses given out, by MAC address."""
        known: dict[str, list[str]] = {}
        for host in self._hosts:
            if host.settings.simulated or (host is not self._hosts.first and self._settings.shared_network):
                continue
            with contextlib.suppress(ConnectorError):  # a host that does not answer hides addresses, not machines
                for network in host.connection().listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE):
                    for lease in _leases(network):
                        known.setdefault(lease["mac"].lower(), []).append(lease["ipaddr"])
        return known


def _leases(network: libvirt.virNetwork) -> list[dict[str, str]]:
    try:
        return list(network.DHCPLeases())
    except libvirt.libvirtError as error:
        if is_missing(error) or error.get_error_code() in {
            libvirt.VIR_ERR_NO_SUPPORT,
            libvirt.VIR_ERR_OPERATION_INVALID,
        }:
            return []
        raise


def _state(network: libvirt.virNetwork) -> State:
    return State.STARTED if network.isActive() else State.STOPPED


def _stranger(network: libvirt.virNetwork) -> NetworkFacts:
    text = network.XMLDesc(0)
    description = xml.parse(text)
    address = description.find("ip")
    forward = description.find("forward")
    cidr = ""
    if address is not None and address.get("address"):
        mask = address.get("netmask") or address.get("prefix")
        cidr = str(ipaddress.ip_interface(f"{address.get('address')}/{mask}").network)
    nat = forward is not None and forward.get("mode") == "nat"
    return NetworkFacts(str(network.name()), cidr, nat, xml.mtu(text))
