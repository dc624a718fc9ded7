"""Hosts that are reached over the network: with TLS and certificates of an authority of one's own, or secure shell."""

import shutil
import subprocess
import sys
from pathlib import Path

import libvirt
import pytest

from sirocco.connectors.ports import AttachVolume, ConnectorError, Fault, Kind, Migrate, ProviderSettings, VolumeUse
from sirocco.connectors.registry import open_connector
from sirocco.hypervisor import daemon, requirements
from sirocco.hypervisor.layout import Layout
from tests.authority import LOOPBACK, Authority
from tests.connector.conformance.consoles import read_until
from tests.connector.libvirt.far_end import endpoint_of, leftovers
from tests.connector.libvirt.remote import SecureShell, start_tls_daemon

pytestmark = [pytest.mark.hypervisor, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls(hypervisor, authority, tmp_path_factory):
    """Settings of two hosts that are daemons of their own, and how a client with other credentials would call them."""
    root = tmp_path_factory.mktemp("tls")
    credentials, cache = authority.equip("everybody"), Path(hypervisor["root"], "host1/cache")
    (root / "pool").mkdir()
    hosts, daemons = [], []
    for number in (1, 2):
        paths, port = start_tls_daemon(root, number, credentials, cache)
        daemons.append(paths)
        uri = f"qemu+tls://{LOOPBACK}:{port}/system?pkipath={credentials}"
        hosts.append({"name": paths.name, "uri": uri, "pool_path": str(root / "pool")})
    hosts[1]["migrate_uri"] = hosts[1]["uri"]
    yield {"hosts": hosts, "domain_type": "qemu", "shared_storage": True, "same_machine": True}
    for paths in daemons:
        daemon.stop(paths)


@pytest.fixture(scope="module")
def ssh(hypervisor, tmp_path_factory):
    """Settings of the first host of the private hypervisor, reached as a machine of its own."""
    absent = [program for program in ("ssh", "dropbear", "dropbearkey") if requirements.find(program) is None]
    if absent:
        pytest.skip(f"needs {', '.join(absent)}: apt-get install --no-install-recommends openssh-client dropbear-bin")
    shell = SecureShell(tmp_path_factory.mktemp("ssh"), Layout(Path(hypervisor["root"])).host(1))
    folder = Path(hypervisor["root"], "pool-ssh")
    host = {"name": "afar", "uri": shell.uri, "pool": "ssh", "pool_path": str(folder)}
    yield {"hosts": [host], "domain_type": "qemu"}
    shell.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["tls", "ssh"])
def far(request, tiny):
    settings = request.getfixturevalue(request.param)
    endpoint = endpoint_of(f"libvirt-{request.param}", settings, tiny, iter(()))
    yield endpoint
    endpoint.tidy()
    endpoint.close()
    assert leftovers(settings) == []


def test_a_machine_lives_on_a_host_afar(far):
    ref = far.running()
    volume = far.make(far.spec(Kind.VOLUME))
    far.act(ref, AttachVolume(VolumeUse(volume.native_id)))
    assert far.ask(ref, "volumes") == "vdb"
    console = far.connector.console(ref)
    try:
        read_until(console, b"\n", far.patience)
        console.send(b"echo si''rocco-answers\r")
        read_until(console, b"sirocco-answers", far.patience)
    finally:
        console.close()
    assert far.connector.usage([ref])[ref.native_id].cpu_time > 0
    assert all(host.cores > 0 for host in far.connector.hosts())


def test_a_machine_moves_between_hosts_that_call_each_other_and_hosts_that_are_called(tls, tiny):
    far = endpoint_of("libvirt-tls", tls, tiny, iter(()))
    try:
        ref = far.running(host="tls1")
        count = int(far.ask(ref, "counter"))
        for target in ("tls2", "tls1"):  # the second has an address for its fellows, the first has none
            far.act(ref, Migrate(target))
            assert far.see(ref).facts.host == target
            before, count = count, int(far.ask(ref, "counter"))
            assert count >= before
    finally:
        far.tidy()
        far.close()


OPEN = """
from sirocco.connectors.ports import ProviderSettings
from sirocco.connectors.registry import open_connector
host = {"name": "own", "uri": "qemu:///system", "pool": "system"}
connector = open_connector("libvirt", ProviderSettings("own", {"hosts": [host]}))
print(connector.hosts()[0].facts["hostname"])
"""


def test_the_machine_s_own_daemon_is_reached(hypervisor):
    paths = Layout(Path(hypervisor["root"])).host(1)
    script = 'mount --bind "$1" /run/libvirt; exec "$2" -c "$3"'
    command = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-ec", script, "sh"]
    told = subprocess.run([*command, paths.run, sys.executable, OPEN], check=True, capture_output=True, text=True)
    assert told.stdout == f"{paths.name}\n"
    pool = libvirt.open(paths.uri).storagePoolLookupByName("system")
    assert pool.isActive()


def test_who_has_another_authority_is_refused(tls, tmp_path):
    stranger = Authority(tmp_path).equip("stranger")
    uri = tls["hosts"][0]["uri"].split("pkipath=")[0] + f"pkipath={stranger}"
    connector = open_connector("libvirt", ProviderSettings("stranger", {"hosts": [{"name": "tls1", "uri": uri}]}))
    with pytest.raises(ConnectorError, match="certificate") as caught:
        connector.describe()
    assert caught.value.fault is Fault.AUTH
    connector.close()


def test_who_is_no_friend_of_the_shell_is_refused(ssh, tmp_path):
    uri = ssh["hosts"][0]["uri"].replace("/key&", "/no-such-key&")
    connector = open_connector("libvirt", ProviderSettings("stranger", {"hosts": [{"name": "afar", "uri": uri}]}))
    with pytest.raises(ConnectorError, match=r"Permission denied \(publickey") as caught:
        connector.describe()
    assert caught.value.fault is Fault.AUTH
    connector.close()
