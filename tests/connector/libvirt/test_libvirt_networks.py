"""Hosts that are apart: each has every network for itself, with its own DHCP and its own way out."""

import http.server
import shutil
import threading
from pathlib import Path

import pytest

from sirocco.connectors.ports import NetworkSpec, NicSpec
from sirocco.hypervisor import local
from sirocco.hypervisor.layout import Layout, State
from tests.connector.conformance.network import addresses
from tests.connector.libvirt.far_end import endpoint_of, fetching, leftovers, ranges

pytestmark = [pytest.mark.hypervisor, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def apart(hypervisor, tmp_path_factory):
    """Settings of two hosts in network namespaces of their own, and the roots of their hypervisors."""
    second = tmp_path_factory.mktemp("apart")
    shutil.copytree(Path(hypervisor["root"], "host1/cache"), second / "host1/cache")
    states = [hypervisor, local.start(second)]
    hosts = [state["provider"]["settings"]["hosts"][0] | {"pool": "own"} for state in states]
    for host, state, name in zip(hosts, states, ("alpha", "beta"), strict=True):
        host |= {"name": name, "pool_path": f"{state['root']}/pool-{name}", "migrate_uri": ""}
    yield {"hosts": hosts, "domain_type": "qemu"}, [Path(state["root"]) for state in states]
    local.stop(second)


@pytest.fixture(scope="module")
def far(apart, hypervisor, tiny):
    settings, _ = apart
    endpoint = endpoint_of("libvirt-own-networks", settings, tiny, ranges(hypervisor, 140))
    yield endpoint
    endpoint.tidy()
    endpoint.close()
    assert leftovers(settings) == []


class Outside:
    """A page on this machine, at the outer end of a hypervisor's link; remembers who asked for it."""

    def __init__(self, root):
        askers = self.askers = []

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                askers.append(self.client_address[0])
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"outside")

            def log_message(self, *_):
                pass

        state = State.load(Layout(root).state_file)
        self._server = http.server.ThreadingHTTPServer((state.outside, 0), Page)
        self.inside, self.address, self.port = state.inside, state.outside, self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.mark.parametrize("nat", [True, False], ids=["nat", "isolated"])
def test_each_host_gives_addresses_and_a_way_out_only_with_nat(far, apart, nat):
    _, roots = apart
    network = far.make(NetworkSpec("apart", next(far.cidrs), nat=nat))
    range_of = far.see(network).facts.cidr.rsplit(".", 1)[0]
    for host, root in zip(("alpha", "beta"), roots, strict=True):
        outside, ref = Outside(root), far.running(nics=(NicSpec(network.native_id, far.mac()),), host=host)
        try:
            (found,) = addresses(far, ref)
            assert found.startswith(range_of)
            assert found in far.ask(ref, "addresses")
            if nat:
                far.command(ref, "until ip route | grep default; do sleep 0.1; done")
            page = far.command(ref, fetching(outside.address, outside.port))
            assert page == ("outside" if nat else "")
            assert outside.askers == ([outside.inside] if nat else []), "the guest's own address stays inside"
        finally:
            outside.close()
    far.tidy()


def test_an_address_that_no_host_gave_is_told_by_the_guest(far):
    network = far.make(NetworkSpec("told", next(far.cidrs)))
    ref = far.running(nics=(NicSpec(network.native_id, far.mac()),), host="beta")
    (given,) = addresses(far, ref)
    assert given in far.ask(ref, "addresses")
    own = f"{given.rsplit('.', 1)[0]}.9"
    far.command(ref, "killall udhcpc; while pidof udhcpc; do sleep 0.1; done")  # it gives its lease back
    far.command(ref, f"ip addr flush dev eth0; ip addr add {own}/24 dev eth0")
    far.wait_for(lambda: far.see(ref).facts.nics[0].addresses == (own,), "the guest's word counts")
    far.tidy()
