"""Disk images are told by their own headers; what reaches outside the image is refused."""

import io
import shutil
import struct
import subprocess

import pytest

from ovf.disk_headers import Format, declared_format, probe
from ovf.errors import RefusedError
from ovf.limits import MIB, Limits
from tests.unit.ovf.making import image

needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-img") is None, reason="qemu-img (Debian: qemu-utils) makes the images"
)


def of(data: bytes, **options):
    return probe(io.BytesIO(data), "disk", **options)


def refused(data: bytes, match: str) -> None:
    with pytest.raises(RefusedError, match=match) as caught:
        of(data)
    assert caught.value.remedy
    assert caught.value.where == "disk"


@needs_qemu
@pytest.mark.parametrize(
    ("form", "options", "expected", "detail"),
    [
        ("vmdk", "subformat=streamOptimized", Format.VMDK, "streamOptimized"),
        ("vmdk", "subformat=monolithicSparse", Format.VMDK, "monolithicSparse"),
        ("qcow2", "compat=1.1", Format.QCOW2, "qcow2 v3"),
        ("qcow2", "compat=0.10", Format.QCOW2, "qcow2 v2"),
        ("qcow2", "compat=1.1,compression_type=zstd,extended_l2=on", Format.QCOW2, "qcow2 v3"),
        ("vpc", "subformat=dynamic,force_size=on", Format.VHD, "dynamic"),
        ("vpc", "subformat=fixed,force_size=on", Format.VHD, "fixed"),
        ("vhdx", "subformat=dynamic", Format.VHDX, "vhdx"),
        ("vhdx", "subformat=fixed", Format.VHDX, "vhdx"),
        ("raw", "", Format.RAW, ""),
    ],
)
def test_images_made_by_qemu_img_are_told(tmp_path, form, options, expected, detail):
    with image(tmp_path / "disk", form, options).open("rb") as stream:
        header = probe(stream, "disk")
    assert (header.format, header.detail, header.capacity) == (expected, detail, 10 * MIB)
    assert (header.parent, header.extents) == ("", ())


@needs_qemu
@pytest.mark.parametrize("form", ["qed", "vdi", "parallels"])
def test_other_formats_of_qemu_img_are_refused(tmp_path, form):
    path = tmp_path / "disk"
    subprocess.run(["qemu-img", "create", "-q", "-f", form, path, "10M"], check=True)
    refused(path.read_bytes(), "not taken")


@needs_qemu
def test_a_difference_names_its_parent(tmp_path):
    image(tmp_path / "base.qcow2", "qcow2", "")
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", "top.qcow2"]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert of((tmp_path / "top.qcow2").read_bytes()).parent == "base.qcow2"


@needs_qemu
def test_an_external_data_file_is_refused(tmp_path):
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file=/etc/shadow.raw", "d.qcow2", "1M"]
    command[6] = f"data_file={tmp_path / 'data.raw'}"
    subprocess.run(command, check=True, cwd=tmp_path)
    refused((tmp_path / "d.qcow2").read_bytes(), "external file")


def qcow2(version=3, backing=0, backing_size=0, bits=16, capacity=MIB, crypt=0, features=0, extensions=b"", length=104):
    head = struct.pack(">4sIQIIQI", b"QFI\xfb", version, backing, backing_size, bits, capacity, crypt)
    head = head.ljust(72, b"\0") + struct.pack(">QQQII", features, 0, 0, 4, length)
    return (head + extensions).ljust(4096, b"\0")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"version": 1}, "QCOW version 1"),
        ({"version": 4}, "QCOW version 4"),
        ({"crypt": 1}, "encrypted"),
        ({"bits": 40}, "cluster size"),
        ({"features": 2}, "corrupt"),
        ({"features": 4}, "external file"),
        ({"features": 1 << 40}, "unknown features"),
        ({"extensions": struct.pack(">II4s", 0x44415441, 4, b"/etc")}, "external data file"),
        ({"extensions": struct.pack(">II", 0x12345678, 0) * 70}, "too many header extensions"),
        ({"backing": 600, "backing_size": 0}, "backing file in an impossible way"),
        ({"backing": 600, "backing_size": 5000}, "backing file in an impossible way"),
        ({"backing": 10**9, "backing_size": 10}, "inside its own header"),
        ({"capacity": 2**63}, "claims to hold"),
    ],
)
def test_qcow2_that_is_refused(options, match):
    refused(qcow2(**options), match)


@pytest.mark.parametrize(
    "extensions",
    [struct.pack(">II5s3x", 0x6803F857, 5, b"x" * 5) + struct.pack(">II", 0, 0), struct.pack(">II", 1, 2**31)],
)
def test_qcow2_with_harmless_extensions(extensions):
    assert of(qcow2(extensions=extensions)).capacity == MIB


def test_qcow2_cut_short():
    refused(qcow2()[:50], "inside its own header")


def test_qcow2_whose_extensions_reach_the_end_of_the_file():
    assert of(qcow2(length=4092)).format is Format.QCOW2


SPARSE = '# Disk DescriptorFile\nversion=1\nCID=1\nparentCID={cid}\ncreateType="{kind}"\n{hint}{extents}\n'
ONE = 'RW 2048 SPARSE "disk.vmdk"'


def vmdk(kind="streamOptimized", extents=ONE, cid="ffffffff", hint="", version=1, grain=128, offset=1, length=4):
    head = struct.pack("<4sIIQQQQ", b"KDMV", version, 3, 2048, grain, offset, length)
    text = SPARSE.format(kind=kind, extents=extents, cid=cid, hint=hint).encode()
    return head.ljust(512, b"\0") + text.ljust(2048, b"\0") + bytes(1024)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"version": 9}, "unknown version"),
        ({"grain": 0}, "grain"),
        ({"grain": 3}, "grain"),
        ({"grain": 2**30}, "grain"),
        ({"offset": 0}, "without a description"),
        ({"length": 0}, "without a description"),
        ({"length": 10**6}, "without a description"),
        ({"length": 128}, "inside its own header"),
        ({"kind": "monolithicFlat"}, "of type 'monolithicFlat'"),
        ({"kind": "twoGbMaxExtentSparse"}, "of type"),
        ({"kind": "vmfs"}, "of type"),
        ({"kind": ""}, "of type"),
        ({"extents": 'RW 1 FLAT "/etc/shadow" 0'}, "other files"),
        ({"extents": f"{ONE}\n{ONE}"}, "other files"),
        ({"extents": ""}, "other files"),
        ({"extents": 'RW 1 SPARSE "/etc/shadow"'}, "host file"),
        ({"extents": 'RW 1 SPARSE "..\\\\x"'}, "host file"),
        ({"extents": 'RW 1 SPARSE "nbd:evil"'}, "host file"),
        ({"extents": "RW many SPARSE"}, "malformed VMDK extent"),
        ({"cid": "12345678"}, "unnamed image"),
    ],
)
def test_vmdk_that_is_refused(options, match):
    refused(vmdk(**options), match)


def test_a_vmdk_names_its_parent():
    assert of(vmdk(cid="12345678", hint='parentFileNameHint="base.vmdk"\n')).parent == "base.vmdk"


def flat(extents='RW 2048 FLAT "disk-flat.vmdk" 0', kind="monolithicFlat", **options):
    return SPARSE.format(kind=kind, extents=extents, cid="ffffffff", hint="", **options).encode()


def test_a_flat_vmdk_names_its_data():
    header = of(flat())
    assert (header.extents, header.capacity, header.detail) == ((("disk-flat.vmdk", MIB),), MIB, "monolithicFlat")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (flat('RW 1 FLAT "/dev/sda" 0'), "names '/dev/sda'"),
        (flat("RW 1 ZERO"), "names"),
        (flat('RW 1 FLAT "a" 0\nRW 1 FLAT "b" 0'), "more than one piece"),
        (flat(""), "more than one piece"),
        (flat(kind="fullDevice"), "of type 'fullDevice'"),
        (flat() + bytes(70_000), "of type"),
    ],
)
def test_vmdk_descriptors_that_are_refused(data, match):
    refused(data, match)


def vhd(kind=3, capacity=MIB, damage=0):
    footer = struct.pack(
        ">8sIIQI4sI4sQQII", b"conectix", 2, 0x10000, 512, 0, b"qemu", 0, b"Wi2k", capacity, capacity, 0, kind
    )
    footer = footer.ljust(512, b"\0")
    checksum = ~sum(footer) & 0xFFFFFFFF
    return footer[:64] + struct.pack(">I", checksum ^ damage) + footer[68:]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (vhd(4) + bytes(1024), "difference"),
        (vhd(2) + bytes(1024), "unknown type 2"),
        (vhd(9) + bytes(1024), "unknown type 9"),
        (bytes(1024) + vhd(3), "unknown type 3"),
        (bytes(1024) + vhd(4), "difference"),
        (bytes(1024) + vhd(2, 10 * MIB), "shorter than its capacity"),
        (vhd(3, damage=1) + bytes(1024), "damaged header"),
    ],
)
def test_vhd_that_is_refused(data, match):
    refused(data, match)


def test_a_raw_disk_that_ends_like_a_vhd_by_chance_is_raw():
    assert of(bytes(1024) + vhd(2, damage=1)).format is Format.RAW


@pytest.mark.parametrize("data", [b"", b"x", bytes(511), bytes(513), bytes(MIB), b"\0" * 600 + b"QFI\xfb" + bytes(900)])
def test_anything_else_is_raw(data):
    assert (of(data).format, of(data).capacity) == (Format.RAW, len(data))


METADATA = bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e")
BAT = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")
FILE_PARAMETERS = bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b")
DISK_SIZE = bytes.fromhex("2442a52f1bcd7648b2115dbed83bf4b8")
PARENT_LOCATOR = bytes.fromhex("2d5fd3a80bb34d45abf7d3d84834ab0c")
ODD = b"o" * 16


def vhdx(
    regions=((METADATA, MIB, 1), (BAT, 2 * MIB, 1)), items=((FILE_PARAMETERS, 4), (DISK_SIZE, 4)), flags=0, **changed
):
    data = bytearray(MIB + 65536 + 4096)
    data[:8] = b"vhdxfile"
    start = 192 * 1024
    data[start : start + 16] = struct.pack(
        "<4sIII", changed.get("magic", b"regi"), 0, changed.get("count", len(regions)), 0
    )
    for number, (identity, offset, required) in enumerate(regions):
        entry = identity + struct.pack("<QII", offset, MIB, required)
        data[start + 16 + 32 * number : start + 48 + 32 * number] = entry
    table = struct.pack("<8sHH", changed.get("signature", b"metadata"), 0, changed.get("entries", len(items)))
    data[MIB : MIB + len(table)] = table
    for number, (identity, needed) in enumerate(items):
        entry = identity + struct.pack("<IIII", 65536 + 8 * number, 8, needed, 0)
        data[MIB + 32 + 32 * number : MIB + 64 + 32 * number] = entry
        value = struct.pack("<II", 2**20, flags) if identity == FILE_PARAMETERS else struct.pack("<Q", 5 * MIB)
        data[MIB + 65536 + 8 * number : MIB + 65544 + 8 * number] = value
    return bytes(data)


def test_vhdx_tells_its_size():
    assert of(vhdx()).capacity == 5 * MIB
    assert of(vhdx(items=((ODD, 0), (DISK_SIZE, 4)))).capacity == 5 * MIB
    assert of(vhdx(regions=((ODD, MIB, 0), (METADATA, MIB, 1)))).capacity == 5 * MIB


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (vhdx(magic=b"what"), "damaged region table"),
        (vhdx(count=5000), "too many regions"),
        (vhdx(regions=((ODD, MIB, 1),)), "unknown region"),
        (vhdx(regions=((BAT, MIB, 1),)), "without metadata"),
        (vhdx(regions=((METADATA, 2**40, 1),)), "inside its own header"),
        (vhdx(signature=b"whatever"), "damaged metadata"),
        (vhdx(entries=5000), "too much metadata"),
        (vhdx(items=((PARENT_LOCATOR, 4),)), "difference"),
        (vhdx(items=((ODD, 4),)), "unknown metadata"),
        (vhdx(items=((FILE_PARAMETERS, 4),)), "without a size"),
        (vhdx(flags=2), "difference"),
        (b"vhdxfile" + bytes(100), "inside its own header"),
    ],
)
def test_vhdx_that_is_refused(data, match):
    refused(data, match)


@pytest.mark.parametrize(
    "data",
    [
        b"COWD".ljust(600, b"\0"),
        b"QED\0".ljust(600, b"\0"),
        b"<<< QEMU VM Virtual Disk Image >>>\n".ljust(64, b"\0") + b"\x7f\x10\xda\xbe" + bytes(600),
        b"LUKS\xba\xbe".ljust(600, b"\0"),
        b"WithoutFreeSpace".ljust(600, b"\0"),
        b"WithouFreSpacExt".ljust(600, b"\0"),
        b"Bochs Virtual HD Image".ljust(600, b"\0"),
    ],
)
def test_formats_that_are_not_taken(data):
    refused(data, "not taken")


def test_the_operator_bounds_capacities():
    with pytest.raises(RefusedError, match="claims to hold"):
        of(bytes(2000), limits=Limits(disk_bytes=1000))


class Shrinking(io.BytesIO):
    """A file that loses its end while it is read."""

    def read(self, count=-1):
        return super().read(count) if self.tell() == 0 else b""


def test_a_file_that_changes_while_it_is_read_is_refused():
    with pytest.raises(RefusedError, match="inside its own header"):
        probe(Shrinking(vhdx()), "disk")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized", Format.VMDK),
        ("http://www.vmware.com/specifications/vmdk.html#sparse", Format.VMDK),
        ("http://www.gnome.org/~markmc/qcow-image-format.html", Format.QCOW2),
        ("http://technet.microsoft.com/en-us/library/vhd", Format.VHD),
        ("http://go.microsoft.com/vhdx", Format.VHDX),
        ("urn:raw", Format.RAW),
        ("", None),
        ("urn:something", None),
    ],
)
def test_declared_formats(uri, expected):
    assert declared_format(uri) is expected
