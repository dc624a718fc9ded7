"""Every form of XML that the connector writes, held against libvirt's own schemas."""

from pathlib import Path

import pytest
from lxml import etree

from sirocco.connectors.libvirt import migration, xml

SCHEMAS = Path("/usr/share/libvirt/schemas")
UNIQUE = "9f0c7a52-7a4e-5d0f-8f0b-2b6f6c1f4a11"
MIB = 1 << 20


def valid(schema, text):
    path = SCHEMAS / f"{schema}.rng"
    if not path.exists():
        pytest.skip("libvirt's schemas are not installed (Debian package libvirt-daemon)")
    etree.RelaxNG(etree.parse(path)).assertValid(etree.fromstring(text))
    return etree.fromstring(text)


def described(**changes):
    wanted = {
        "domain_type": "qemu",
        "name": "web-9f0c7a52",
        "uuid": UNIQUE,
        "title": "web\nof <things>",
        "metadata": xml.metadata("token", 'a "name"', "creating", ""),
        "cpu": 2,
        "memory": 128 * MIB,
        "disks": (xml.Disk("/pool/a.qcow2", "vda"), xml.Disk("/pool/b.qcow2", "vdb", "serial")),
        "nics": (xml.Nic("sirocco-net", "52:54:00:00:00:01", 1400),),
        "seed": "/pool/seed.iso",
        "serial_log": "/pool/serial.log",
    }
    return xml.domain(xml.Domain(**wanted | changes))


@pytest.mark.parametrize("domain_type", ["qemu", "kvm"])
@pytest.mark.parametrize("boot", [{}, {"kernel": "/pool/k", "initrd": "/pool/i", "cmdline": "a=b c"}])
def test_a_domain_is_valid(domain_type, boot):
    domain = valid("domain", described(domain_type=domain_type, **boot))
    assert domain.get("type") == domain_type
    assert (domain.findtext("os/kernel") or "") == boot.get("kernel", "")
    assert domain.findtext("memory") == str(128 * 1024)
    assert domain.findtext("title") == "web of <things>"


def test_a_simulated_domain_is_valid():
    valid("domain", described(domain_type="test", emulated_hardware=False, seed="", nics=()))


def test_a_domain_has_room_to_grow_while_it_runs():
    domain = etree.fromstring(described())
    assert xml.size(domain) == (2, 128 * MIB)
    assert (domain.findtext("vcpu"), domain.findtext("maxMemory")) == ("8", str(512 * 1024))
    assert etree.fromstring(described(cpu=100)).findtext("vcpu") == "240"
    assert etree.fromstring(described(cpu=250)).findtext("vcpu") == "250"


@pytest.mark.parametrize("simulated", [{}, {"domain_type": "test", "emulated_hardware": False, "seed": "", "nics": ()}])
def test_a_domain_of_another_size_differs_in_its_size_alone(simulated):
    smaller = etree.fromstring(described(**simulated))
    smaller.find("devices").append(etree.fromstring(xml.piece(128 * MIB)))
    resized = valid("domain", xml.sized(smaller, 3, 384 * MIB))
    wanted = etree.fromstring(described(**simulated, cpu=3, memory=384 * MIB))
    canonical = [sorted(etree.tostring(part) for part in domain) for domain in (resized, wanted)]
    assert canonical[0] == canonical[1]


def test_every_disk_states_its_format():
    disks = etree.fromstring(described()).findall("devices/disk")
    assert [disk.find("driver").get("type") for disk in disks] == ["qcow2", "qcow2", "raw"]
    backing = valid("storagevol", xml.volume("v", MIB, "qcow2", "/pool/base.qcow2")).find("backingStore")
    assert backing.find("format").get("type") == "qcow2"


@pytest.mark.parametrize("image_format", ["raw", "qcow2"])
def test_a_volume_is_valid(image_format):
    volume = valid("storagevol", xml.volume("v", MIB, image_format))
    assert volume.findtext("target/permissions/mode") == "0600"


def test_a_pool_is_valid():
    valid("storagepool", xml.pool("sirocco", "/var/lib/pool"))


@pytest.mark.parametrize("forward", ["", "nat", "open"])
def test_a_network_is_valid(forward):
    text = xml.network(UNIQUE, "n", "sirb0", xml.Addresses("10.1.2.0/24"), forward, packet=1400)
    network = valid("network", text)
    assert (xml.mtu(text), xml.mtu("<network/>")) == (1400, 1500)
    assert (network.find("forward") is not None) == bool(forward)
    address, span = network.find("ip"), network.find("ip/dhcp/range")
    assert (address.get("address"), address.get("netmask")) == ("10.1.2.1", "255.255.255.0")
    assert (span.get("start"), span.get("end")) == ("10.1.2.2", "10.1.2.254")


def test_addresses_beyond_the_dynamic_ones_are_kept_free():
    given = xml.Addresses("10.1.2.0/24", "10.1.2.2", "10.1.2.191")
    span = etree.fromstring(xml.network(UNIQUE, "n", "b", given, "")).find("ip/dhcp/range")
    assert span.get("end") == "10.1.2.191"


def test_the_other_forms_are_valid():
    valid("network", xml.bridged_network(UNIQUE, "n", "sirb0"))
    valid("domainsnapshot", xml.snapshot("a name"))
    with_memory = etree.fromstring(described())
    with_memory.find("devices").append(etree.fromstring(xml.piece(128 * MIB)))
    valid("domain", etree.tostring(with_memory))
    reserved = xml.network(UNIQUE, "n", "b", xml.Addresses("10.1.2.0/24"), "").replace(
        "</range>", "</range>" + xml.reservation("52:54:00:00:00:01", "10.1.2.9")
    )
    valid("network", reserved)
    assert xml.reservations(reserved) == {"52:54:00:00:00:01": "10.1.2.9"}


def test_entities_of_a_far_end_are_not_resolved(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    hostile = f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{secret}">]><domain><name>&x;</name></domain>'
    assert "secret" not in (xml.parse(hostile).findtext("name") or "")


@pytest.mark.parametrize(
    ("domain_type", "qemu", "may"),
    [("kvm", 7_002_022, True), ("qemu", 7_002_022, False), ("qemu", 8_002_099, False), ("qemu", 9_000_000, True)],
)
def test_only_an_emulation_that_misses_no_write_lets_a_machine_run_while_it_moves(domain_type, qemu, may):
    assert migration.may_run(described(domain_type=domain_type), qemu) is may
