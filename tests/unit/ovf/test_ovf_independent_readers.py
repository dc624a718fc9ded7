"""What is written for a target is read by programs that share nothing with this library, and means the same to them.

COT (the Common OVF Tool, PyPI) reads every profile, version 2 included; virt-v2v (Debian) reads those of version 1.
Both take packages of one system.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ovf.checking import check
from ovf.export import export
from ovf.findings import acceptable
from ovf.limits import MIB
from ovf.opened import open_package
from ovf.profiles import EXPORTS, PROFILES
from tests.unit.ovf.making import NAMESPACES, image, item

COT = shutil.which("cot", path=str(Path(sys.executable).parent)) or shutil.which("cot")
V2V = shutil.which("virt-v2v")
VERSION_1 = sorted(name for name in EXPORTS if PROFILES[name].namespace.endswith("/1"))
SIZES = {"file": 10, "second": 20}  # MiB

DISKS = "".join(
    f'<Disk ovf:diskId="{name}-disk" ovf:fileRef="{name}" ovf:capacity="{size}"'
    ' ovf:capacityAllocationUnits="byte * 2^20"'
    ' ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>'
    for name, size in SIZES.items()
)
CHOICES = "".join(
    f'<Configuration ovf:id="{name}"><Label>{name}</Label><Description>{name}</Description></Configuration>'
    for name in ("small", "large")
)


def processors(count):
    return f"<rasd:VirtualQuantity>{count}</rasd:VirtualQuantity>"


def on(parent, address):
    return f"<rasd:AddressOnParent>{address}</rasd:AddressOnParent><rasd:Parent>{parent}</rasd:Parent>"


ITEMS = (
    item(1, 3, processors(2), name="processors"),
    item(1, 3, processors(4), 'ovf:configuration="large"', name="more processors"),
    item(2, 4, "<rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>" + processors(768), name="memory"),
    item(3, 6, "<rasd:Address>0</rasd:Address><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType>", name="SCSI"),
    item(4, 5, "<rasd:Address>0</rasd:Address>", name="IDE"),
    item(5, 17, on(3, 0) + "<rasd:HostResource>ovf:/disk/file-disk</rasd:HostResource>", name="first"),
    item(6, 17, on(4, 1) + "<rasd:HostResource>ovf:/disk/second-disk</rasd:HostResource>", name="second"),
    item(7, 10, "<rasd:Connection>inside</rasd:Connection><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType>",
         name="port 1"),
    item(8, 10, "<rasd:Connection>outside</rasd:Connection><rasd:ResourceSubType>E1000</rasd:ResourceSubType>",
         name="port 2"),
)  # fmt: skip

SINGLE = f"""<Envelope {NAMESPACES.format(version=1)}>
<References><File ovf:id="file" ovf:href="file.vmdk"/><File ovf:id="second" ovf:href="second.vmdk"/></References>
<DiskSection><Info>Disks</Info>{DISKS}</DiskSection>
<NetworkSection><Info>Networks</Info><Network ovf:name="inside"/><Network ovf:name="outside"/></NetworkSection>
<DeploymentOptionSection><Info>Sizes</Info>{CHOICES}</DeploymentOptionSection>
<VirtualSystem ovf:id="box"><Info>A system</Info><Name>Box</Name>
<ProductSection ovf:class="org.example"><Info>Product</Info><Product>Till</Product><Vendor>Shop</Vendor>
<Version>7</Version><Property ovf:key="colour" ovf:type="string" ovf:userConfigurable="true" ovf:value="blue"/>
</ProductSection>
<OperatingSystemSection ovf:id="96"><Info>System</Info><Description>Debian</Description></OperatingSystemSection>
<VirtualHardwareSection ovf:transport="iso"><Info>Hardware</Info><System><vssd:ElementName>Family</vssd:ElementName>
<vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
{"".join(ITEMS)}</VirtualHardwareSection></VirtualSystem></Envelope>"""


@pytest.fixture
def exported(tmp_path):
    """Writes the package for a target."""
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img (Debian: qemu-utils) makes the disks of this test")
    folder = tmp_path / "package"
    folder.mkdir()
    for name, size in SIZES.items():
        image(folder / f"{name}.vmdk", size=f"{size}M")
    (folder / "a.ovf").write_text(SINGLE, encoding="utf-8")

    def write(name):
        opened = open_package(folder)
        assert acceptable(check(opened))
        export(opened, tmp_path / f"{name}.ova", PROFILES[name])
        return tmp_path / f"{name}.ova"

    return write


def told_by(*command, home):
    """What a program prints about a package."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home), "LIBGUESTFS_BACKEND": "direct"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.mark.skipif(COT is None, reason="COT (in requirements/dev.txt) is the independent reader")
@pytest.mark.parametrize("name", EXPORTS)
def test_cot_reads_the_same_machine_in_every_profile(exported, tmp_path, name):
    told, _ = told_by(COT, "info", "-v", str(exported(name)), home=tmp_path)
    for line in (
        r"small \(default\) +2 +768 MiB +2 +0 +2 / +30 MiB",  # processors, memory, ports, serial ports, disks
        r"large +4 +768 MiB +2 +0 +2 / +30 MiB",
        r"\S+disk1\S+ +\S+ \wiB +10 MiB harddisk @ SCSI 0:0",
        r"\S+disk2\S+ +\S+ \wiB +20 MiB harddisk @ IDE 0:1",
        r"SCSI device types: +lsilogic",
        r"Ethernet device types: +VmxNet3 E1000",
        r"port 1 +: inside",
        r"port 2 +: outside",
        r"Transport types: iso",
        r'<colour> +"blue"',
    ):
        assert re.search(rf"^ +{line}$", told, re.MULTILINE), (line, told)


@pytest.mark.skipif(COT is None, reason="COT (in requirements/dev.txt) is the independent reader")
@pytest.mark.parametrize("name", ["ovf2", "vsphere5"])
def test_cot_finds_the_digests_right(exported, tmp_path, name):
    """COT takes the algorithm from the version: SHA-256 for 2, SHA-1 for 1; so these two profiles."""
    path = exported(name)
    assert "tampered" not in told_by(COT, "info", str(path), home=tmp_path)[1]
    spoilt = tmp_path / "spoilt.ova"
    data = path.read_bytes()
    spoilt.write_bytes(data.replace(b"<Vendor>Shop<", b"<Vendor>Chop<", 1))
    assert "tampered" in told_by(COT, "info", str(spoilt), home=tmp_path)[1]


@pytest.mark.skipif(V2V is None, reason="virt-v2v (Debian: virt-v2v) is the independent reader")
@pytest.mark.parametrize("name", VERSION_1)
def test_virt_v2v_reads_the_same_machine(exported, tmp_path, name):
    told, _ = told_by(V2V, "-i", "ova", str(exported(name)), "-o", "null", "--print-source", home=tmp_path)
    assert "source name: Box" in told
    assert f"memory: {768 * MIB} " in told
    assert re.findall(r"\[(scsi|ide)\]", told) == ["scsi", "ide"]
    assert re.findall(r'(?:Bridge|Network) "(\w+)" \[(\w+)\]', told) == [("inside", "vmxnet3"), ("outside", "e1000")]
