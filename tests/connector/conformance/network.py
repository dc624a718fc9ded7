"""Level network: networks, addresses, interfaces."""

from ipaddress import ip_address, ip_network

from sirocco.connectors.ports import AttachNic, DetachNic, Fault, Kind, NetworkSpec, NicSpec, Start, State, Stop
from sirocco.contracts import capabilities as can
from tests.connector.conformance.core import fault_of
from tests.connector.conformance.evidence import proves


def macs(endpoint, ref):
    """MAC addresses of a machine's interfaces."""
    return [nic.mac for nic in endpoint.see(ref).facts.nics]


def addresses(endpoint, ref):
    """Addresses of a machine, waited for: a guest asks for them itself."""
    endpoint.wait_for(lambda: all(nic.addresses for nic in endpoint.see(ref).facts.nics), "the addresses are known")
    return [address for nic in endpoint.see(ref).facts.nics for address in nic.addresses]


class Network:
    """Networks with DHCP, and machines on them."""

    @proves(can.NETWORK_ISOLATED)
    def test_an_isolated_network_is_as_asked_for(self, endpoint):
        spec = NetworkSpec(endpoint.name_for("network"), next(endpoint.cidrs), mtu=1400)
        facts = endpoint.see(endpoint.make(spec)).facts
        assert (facts.name, facts.cidr, facts.nat, facts.mtu) == (spec.name, spec.cidr, False, 1400)

    @proves(can.NETWORK_NAT)
    def test_a_network_with_a_way_out_is_as_asked_for(self, endpoint):
        ref = endpoint.make(NetworkSpec(endpoint.name_for("network"), next(endpoint.cidrs), nat=True))
        assert endpoint.see(ref).facts.nat

    @proves(can.NETWORK_ISOLATED)
    def test_a_network_stops_and_starts(self, endpoint):
        ref = endpoint.make(endpoint.spec(Kind.NETWORK))
        for action, state in ((Stop(), State.STOPPED), (Stop(), State.STOPPED), (Start(), State.STARTED)):
            endpoint.act(ref, action)
            assert endpoint.state(ref) is state

    @proves(can.NETWORK_ISOLATED)
    def test_a_network_in_use_stays(self, endpoint):
        nic = endpoint.nic()
        ref = endpoint.make(endpoint.machine_spec(start=False, nics=(nic,)))
        network = type(ref)(Kind.NETWORK, nic.network)
        assert fault_of(endpoint.delete, network) is Fault.CONFLICT
        assert endpoint.state(network) is State.STARTED
        endpoint.delete(ref)
        endpoint.delete(network)

    @proves(can.NETWORK_ISOLATED)
    def test_machines_on_a_network_get_addresses_of_their_own(self, endpoint):
        nic = endpoint.nic()
        refs = [endpoint.running(nics=(one,)) for one in (nic, NicSpec(nic.network, endpoint.mac()))]
        if endpoint.guest is None:
            assert [len(endpoint.see(ref).facts.nics) for ref in refs] == [1, 1]
            return
        found = [address for ref in refs for address in addresses(endpoint, ref)]
        cidr = endpoint.see(type(refs[0])(Kind.NETWORK, nic.network)).facts.cidr
        assert len(set(found)) == 2
        assert all(ip_address(address) in ip_network(cidr) for address in found)
        assert found[0] in endpoint.ask(refs[0], "addresses")

    @proves(can.NIC_HOTPLUG)
    def test_a_running_machine_takes_and_gives_back_an_interface(self, endpoint):
        first, second = endpoint.nic(), endpoint.nic()
        ref = endpoint.running(nics=(first,))
        endpoint.act(ref, AttachNic(second))
        assert macs(endpoint, ref) == [first.mac, second.mac]
        endpoint.act(ref, DetachNic(second.mac))
        assert macs(endpoint, ref) == [first.mac]
        endpoint.act(ref, DetachNic(second.mac))
        assert endpoint.state(ref) is State.STARTED
