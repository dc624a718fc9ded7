"""Whole packages: checked, packed, signed, converted and read again."""

import gzip
import hashlib
import re
import resource
import struct
import subprocess
import tarfile

import pytest

from ovf.archive import members
from ovf.checking import check
from ovf.cli import main
from ovf.convert import Source, Target, convert
from ovf.disk_headers import probe
from ovf.disks import source
from ovf.errors import OvfError, RefusedError, UnreadableError
from ovf.export import export, export_model, safe_stem, settle_content_id
from ovf.findings import acceptable
from ovf.limits import Limits
from ovf.model import Disk, DiskSection, File, Package
from ovf.opened import open_package
from ovf.packing import Piece, Signer, pack, unpack
from ovf.profiles import EXPORTS, PROFILES
from ovf.reader import read
from ovf.storage import Extent
from tests.unit.ovf.making import descriptor, image, tar_of

MIB = 2**20


def codes(path, **options):
    return {finding.code for finding in check(open_package(path), **options)}


def raw_digest(path, tmp_path):
    """The digest of a disk's content, told by qemu-img."""
    raw = tmp_path / "content.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", path, raw], check=True)
    return hashlib.sha256(raw.read_bytes()).hexdigest()


def packed(folder, target, **options):
    opened = open_package(folder)
    names = [opened.locate(file)[0] for file in opened.package.files]
    pieces = [Piece.of_path(name, folder / name) for name in names]
    pack(opened.data, "a", pieces, target, **options)
    return target


def test_a_good_folder_breaks_no_rule(folder):
    assert codes(folder, strict=True) == set()


def strictly(folder):
    return {finding.code: finding for finding in check(open_package(folder), strict=True)}


def test_strict_judgement_names_the_line_that_the_schema_refuses(folder):
    data = descriptor(("<Product>Shop</Product>", "<Product>Shop</Product>\n<Product>Two</Product>"))
    (folder / "a.ovf").write_bytes(data)
    finding = strictly(folder)["schema.invalid"]
    assert data.splitlines()[finding.line - 1] == b"<Product>Two</Product>"
    assert "Product" in finding.message
    assert "schema.invalid" not in codes(folder)


def test_strict_judgement_says_that_a_version_has_no_schema(folder):
    data = descriptor().replace(
        b"http://schemas.dmtf.org/ovf/envelope/1", b"http://www.vmware.com/schema/ovf/1/envelope"
    )
    (folder / "a.ovf").write_bytes(data)
    assert "0.9" in strictly(folder)["schema.none"].message


def test_a_file_that_two_references_name_is_read_once(folder, tmp_path):
    shared = '<File ovf:id="icon1" ovf:href="icon.png"/>'
    again = shared + '\n<File ovf:id="icon2" ovf:href="./icon.png"/>'
    target = packed(folder, tmp_path / "a.ova")
    with tarfile.open(target) as archive:
        archive.extract("a.mf", folder, filter="data")
    data = descriptor((shared, again), ("65536", str((folder / "disk1.vmdk").stat().st_size)))
    (folder / "a.ovf").write_bytes(data)
    seen = []
    check(open_package(folder), progress=lambda name, count: seen.append((name, count)))
    assert sum(count for name, count in seen if name == "icon.png") == 4


@pytest.mark.parametrize("digest", ["SHA1", "SHA256", "SHA512"])
def test_what_is_packed_is_accepted_and_in_the_right_order(folder, tmp_path, digest):
    target = packed(folder, tmp_path / "a.ova", digest=digest)
    assert codes(target, strict=True) == ({"package.manifest-weak"} if digest == "SHA1" else set())
    with tarfile.open(target) as archive:
        assert archive.getnames() == ["a.ovf", "a.mf", "disk1.vmdk", "icon.png"]
        assert archive.extractfile("a.mf").read().decode().startswith(f"{digest}(a.ovf)= ")


def test_packing_twice_gives_the_same_bytes(folder, tmp_path):
    first = packed(folder, tmp_path / "a.ova").read_bytes()
    assert packed(folder, tmp_path / "b.ova").read_bytes() == first


def test_unpacking_gives_the_files_back(folder, tmp_path):
    target = packed(folder, tmp_path / "a.ova")
    unpack(target, tmp_path / "out")
    for name in ("a.ovf", "disk1.vmdk", "icon.png"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()


def test_unpacking_resumes_behind_the_last_whole_file(folder, tmp_path):
    target, out = packed(folder, tmp_path / "a.ova"), tmp_path / "out"
    unpack(target, out)
    (out / "disk1.vmdk").write_bytes(b"cut short")
    (out / "icon.png").unlink()
    kept = (out / "a.ovf").stat().st_mtime_ns
    told = []
    written = unpack(target, out, resume=True, progress=lambda name, count: told.append((name, count)))
    sizes = {name: (folder / name).stat().st_size for name in ("a.ovf", "disk1.vmdk", "icon.png")}
    assert written == sizes["disk1.vmdk"] + sizes["icon.png"]
    assert (out / "a.ovf").stat().st_mtime_ns == kept
    assert sum(count for name, count in told if name != "a.mf") == sum(sizes.values())
    for name in sizes:
        assert (out / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("name", ["a.ovf", "disk1.vmdk", "icon.png"])
def test_a_changed_byte_is_noticed(folder, tmp_path, name):
    target = packed(folder, tmp_path / "a.ova")
    data = bytearray(target.read_bytes())
    with target.open("rb") as stream:
        place = next(member.data for member, _ in members(stream) if member.name == name)
    offset = data.index(b"Debian") if name == "a.ovf" else place + 1
    data[offset] ^= 1 if name == "a.ovf" else 0xFF
    target.write_bytes(data)
    expected = "package.descriptor-digest" if name == "a.ovf" else "package.file-digest"
    assert expected in codes(target)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda files: files.pop("icon.png"), "package.file-missing"),
        (lambda files: files.update({"a.mf": b"nonsense"}), "package.manifest-malformed"),
        (lambda files: files.update({"a.mf": b"SHA256(gone)= " + b"0" * 64}), "package.manifest-extra"),
        (lambda files: files.update({"a.mf": b"SHA256(icon.png)= " + b"0" * 64}), "package.manifest-descriptor"),
        (lambda files: files.update({"disk1.vmdk": files["disk1.vmdk"] + bytes(512)}), "package.file-size"),
        (lambda files: files.update({"disk1.vmdk": bytes(10 * MIB)}), "package.disk-format"),
    ],
)
def test_packages_that_lack_something(folder, tmp_path, change, expected):
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    change(files)
    ordered = {"a.ovf": files.pop("a.ovf"), **files}
    assert expected in codes(tar_of(ordered, tmp_path / "a.ova"))


def test_files_beside_a_bare_descriptor_may_be_absent(folder):
    (folder / "icon.png").unlink()
    findings = check(open_package(folder / "a.ovf"))
    assert {finding.code for finding in findings} == {"package.file-absent"}
    assert acceptable(findings)


def test_other_orders_are_read_but_told(folder, tmp_path):
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir(), reverse=True)}
    assert "package.order" in codes(tar_of(files, tmp_path / "a.ova"))


def test_uncovered_files_and_other_capacities_are_told(folder, tmp_path):
    digest = hashlib.sha256((folder / "a.ovf").read_bytes()).hexdigest()
    (folder / "a.mf").write_text(f"SHA256(a.ovf)= {digest}\n")
    assert codes(folder) == {"package.manifest-uncovered"}
    (folder / "a.mf").unlink()
    image(folder / "disk1.vmdk", size="12M")
    assert "package.disk-capacity" in codes(folder)


def test_a_name_with_percent_signs_is_tried_literally_first(tmp_path):
    text = descriptor(('ovf:href="icon.png"', 'ovf:href="my%20icon.png"'))
    for names, expected in ((["my%20icon.png", "my icon.png"], "my%20icon.png"), (["my icon.png"], "my icon.png")):
        path = tar_of({"a.ovf": text, **dict.fromkeys(names, b"")}, tmp_path / f"{len(names)}.ova")
        opened = open_package(path)
        assert opened.locate(opened.package.files[1]) == [expected]


@pytest.mark.parametrize("compression", ["", "gzip"])
def test_chunks_and_compression_are_joined_and_converted(folder, tmp_path, compression):
    whole = (folder / "disk1.vmdk").read_bytes()
    expected = raw_digest(folder / "disk1.vmdk", tmp_path)
    stored = gzip.compress(whole) if compression else whole
    step = len(stored) // 3 + 1
    (folder / "disk1.vmdk").unlink()
    for number in range(3):
        (folder / f"disk1.vmdk.{number:09d}").write_bytes(stored[number * step : (number + 1) * step])
    old = f'ovf:size="{len(whole)}"'
    new = f'ovf:size="{len(stored)}" ovf:chunkSize="{step}" ovf:compression="{compression}"'
    path = folder / "a.ovf"
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    assert codes(folder) == set()
    export(open_package(folder), tmp_path / "b.ova", PROFILES["vsphere"])
    unpack(tmp_path / "b.ova", tmp_path / "out")
    assert raw_digest(tmp_path / "out" / "b-disk1.vmdk", tmp_path) == expected


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_are_valid_and_keep_the_disks(folder, tmp_path, name):
    target = tmp_path / f"{name}.ova"
    done = export(open_package(folder), target, PROFILES[name])
    assert acceptable(check(open_package(target), strict=True))
    again = open_package(target)
    assert again.package == done.package
    unpack(target, tmp_path / "out")
    href = again.package.files[0].href
    assert raw_digest(tmp_path / "out" / href, tmp_path) == raw_digest(folder / "disk1.vmdk", tmp_path)
    expected = {"ovf2": "qcow2", "vsphere5": "vmdk", "vsphere": "vmdk", "virtualbox": "vmdk"}[name]
    with (tmp_path / "out" / href).open("rb") as stream:
        assert probe(stream, href).format.value == expected
    algorithm = again.manifest_bytes.partition(b"(")[0]
    assert algorithm == (b"SHA1" if name == "vsphere5" else b"SHA256")


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_are_the_same_bytes_every_time(folder, tmp_path, name):
    written = []
    for number in range(2):
        place = tmp_path / str(number)
        place.mkdir()
        export(open_package(folder), place / "a.ova", PROFILES[name])
        written.append((place / "a.ova").read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("written", ["CID=a1b2c3d4\nRW 8\n", "CID=a1b2c3\nRW 8\n\0\n"])
def test_what_a_longer_content_id_left_behind_is_cleared(tmp_path, written):
    """qemu-img writes ids of fewer digits, now and then, over longer ones."""
    disk = tmp_path / "a.vmdk"
    text = f"# Disk DescriptorFile\nversion=1\n{written}".encode().ljust(1024, b"\0")
    disk.write_bytes(struct.pack("<28xQQ", 1, 2).ljust(512, b"\0") + text)
    settle_content_id(disk)
    kept = disk.read_bytes()[512:]
    assert re.fullmatch(rb"# Disk DescriptorFile\nversion=1\nCID=[0-9a-f]{8}\nRW 8\n\0+", kept)
    assert len(kept) == 1024


def test_exports_can_be_folders_and_hold_passwords_only_if_asked(folder, tmp_path):
    path = folder / "a.ovf"
    path.write_bytes(path.read_bytes().replace(b'ovf:key="secret"', b'ovf:key="secret" ovf:value="hunter2"'))
    done = export(open_package(folder), tmp_path / "plain", PROFILES["vsphere"])
    assert b"hunter2" not in (tmp_path / "plain" / "plain.ovf").read_bytes()
    assert any("passwords" in loss.why for loss in done.losses)
    assert all("hunter2" not in str(loss) for loss in done.losses)
    export(open_package(folder), tmp_path / "full", PROFILES["vsphere"], passwords=True)
    assert b"hunter2" in (tmp_path / "full" / "full.ovf").read_bytes()


def test_a_model_is_written_with_its_images(tmp_path, folder):
    base = read(descriptor()).package
    path = folder / "disk1.vmdk"
    extent = Extent(path, 0, path.stat().st_size)
    with path.open("rb") as stream:
        disk = Source(extent, probe(stream, "disk1"))
    sources = {"file1": disk, "icon1": Piece.of_path("icon.png", folder / "icon.png")}
    export_model(base, sources, tmp_path / "m.ova", PROFILES["ovf2"])
    assert acceptable(check(open_package(tmp_path / "m.ova"), strict=True))
    with pytest.raises(OvfError, match="has no content"):
        export_model(base, {}, tmp_path / "n.ova", PROFILES["ovf2"])
    assert sorted(one.name for one in tmp_path.glob("*n.ova*")) == []


@pytest.mark.parametrize("stored", ["folder", "archive"])
def test_a_difference_inside_the_package_is_flattened(tmp_path, stored):
    place = tmp_path / "p"
    place.mkdir()
    image(place / "base.qcow2", "qcow2", "")
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", "top.qcow2"]
    subprocess.run(command, check=True, cwd=place)
    write = ["qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 64k", "top.qcow2"]
    subprocess.run(write, check=True, cwd=place, stdout=subprocess.DEVNULL)
    expected = raw_digest(place / "top.qcow2", tmp_path)
    chain = (
        '<Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:parentRef="disk0"',
        '<File ovf:id="file1" ovf:href="top.qcow2"/><File ovf:id="file0" ovf:href="base.qcow2"/>',
    )
    text = descriptor(
        ('<Disk ovf:diskId="disk1" ovf:fileRef="file1"', chain[0]),
        ('<File ovf:id="file1" ovf:href="disk1.vmdk" ovf:size="65536"/>', chain[1]),
        ("http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized", "qcow2"),
        ("</DiskSection>", '<Disk ovf:diskId="disk0" ovf:fileRef="file0" ovf:capacity="10485760"/></DiskSection>'),
    )
    (place / "a.ovf").write_bytes(text)
    (place / "icon.png").write_bytes(b"")
    ova = tar_of({path.name: path.read_bytes() for path in sorted(place.iterdir())}, tmp_path / "p.ova")
    opened = open_package(place if stored == "folder" else ova)
    assert acceptable(check(opened))
    disk = next(one for one in opened.package.disks if one.id == "disk1")
    convert(source(opened, disk, tmp_path), tmp_path / "flat.raw", Target.RAW)
    assert hashlib.sha256((tmp_path / "flat.raw").read_bytes()).hexdigest() == expected


def test_a_flat_vmdk_inside_the_package_is_read(tmp_path):
    place = tmp_path / "p"
    place.mkdir()
    image(place / "disk1.vmdk", "vmdk", "subformat=monolithicFlat")
    text = descriptor(
        ('ovf:size="65536"', ""),
        ("</References>", '<File ovf:id="flat" ovf:href="disk1-flat.vmdk"/></References>'),
    )
    (place / "a.ovf").write_bytes(text)
    (place / "icon.png").write_bytes(b"")
    assert acceptable(check(open_package(place)))
    opened = open_package(place)
    convert(source(opened, opened.package.disks[0], tmp_path), tmp_path / "flat.raw", Target.RAW)
    assert (tmp_path / "flat.raw").read_bytes()[: 256 * 4096] == bytes(range(256)) * 4096
    (place / "a.ovf").write_bytes(text.replace(b'<File ovf:id="flat" ovf:href="disk1-flat.vmdk"/>', b""))
    assert "package.disk-format" in codes(place)


@pytest.mark.parametrize("form", [Target.VHD, Target.VHDX, Target.QCOW2, Target.RAW])
def test_every_target_format_holds_the_same_content(folder, tmp_path, form):
    opened = open_package(folder)
    target = tmp_path / f"out.{form.format}"
    shares = []
    size = convert(source(opened, opened.package.disks[0], tmp_path), target, form, progress=shares.append)
    assert size == target.stat().st_size
    assert shares[-1] == 1.0
    expected = raw_digest(folder / "disk1.vmdk", tmp_path)
    if form is Target.VHD:
        with target.open("rb") as stream:
            assert probe(stream, "x").capacity == 10 * MIB
    assert raw_digest(target, tmp_path) == expected


def test_conversion_is_stopped_by_its_limits(folder, tmp_path):
    opened = open_package(folder)
    disk = source(opened, opened.package.disks[0], tmp_path)
    with pytest.raises(OvfError, match="qemu-img failed"):
        convert(disk, tmp_path / "no" / "such" / "folder", Target.RAW)
    with pytest.raises(OvfError, match="took longer than 0 s"):
        convert(disk, tmp_path / "late.raw", Target.RAW, Limits(convert_seconds=0))
    small = Limits(disk_bytes=MIB)
    with pytest.raises(OvfError, match="qemu-img failed"):
        convert(disk, tmp_path / "big.raw", Target.RAW, small)
    assert not list(tmp_path.glob("*.raw"))


def test_a_missing_program_is_told(folder, tmp_path, monkeypatch):
    opened = open_package(folder)
    disk = source(opened, opened.package.disks[0], tmp_path)
    monkeypatch.setattr("ovf.convert._confinement", lambda *_: [])
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(OvfError, match="qemu-img is not installed"):
        convert(disk, tmp_path / "x.raw", Target.RAW)


def test_packing_notices_files_that_change(tmp_path):
    piece = Piece("x", 10, lambda: (tmp_path / "x").open("rb"))
    (tmp_path / "x").write_bytes(b"short")
    with pytest.raises(OvfError, match="5 bytes instead of 10"):
        pack(b"<x/>", "a", [piece], tmp_path / "a.ova")
    assert not list(tmp_path.glob("*.ova*"))


def test_what_is_no_package_is_told(tmp_path):
    with pytest.raises(UnreadableError, match="does not exist"):
        open_package(tmp_path / "nowhere")
    with pytest.raises(UnreadableError, match="no descriptor"):
        open_package(tmp_path)
    (tmp_path / "a.ovf").write_text("x")
    (tmp_path / "b.ovf").write_text("x")
    with pytest.raises(UnreadableError, match="2 descriptors"):
        open_package(tmp_path)


def test_message_bundles_in_files_are_read(tmp_path):
    bundle = b'<Strings xmlns="http://schemas.dmtf.org/ovf/envelope/1"><Msg msgid="web.name">Netz</Msg></Strings>'
    text = descriptor(
        ('<Strings xml:lang="fr-FR">', '<Strings xml:lang="de" ovf:fileRef="icon1"/><Strings xml:lang="fr-FR">')
    )
    path = tar_of({"a.ovf": text, "disk1.vmdk": b"", "icon.png": bundle}, tmp_path / "a.ova")
    [found] = open_package(path).bundles()
    assert [(message.msgid, message.value) for message in found.messages] == [("web.name", "Netz")]


@pytest.mark.parametrize(("bundle", "told"), [(b"<Strings", "package.bundle"), (None, "package.file-missing")])
def test_message_bundles_that_cannot_be_read_are_told_and_do_without(tmp_path, capsys, bundle, told):
    text = descriptor(('<Strings xml:lang="fr-FR">', '<Strings ovf:fileRef="icon1"/><Strings xml:lang="fr-FR">'))
    files = {"a.ovf": text, "disk1.vmdk": b""} | ({"icon.png": bundle} if bundle else {})
    path = tar_of(files, tmp_path / "a.ova")
    assert told in codes(path)
    assert open_package(path).bundles() == ()
    main(["inspect", str(path)])
    assert "product     Shop 1.0 Example" in capsys.readouterr().out


def test_stems_are_safe():
    assert (safe_stem("My VM (1)/../x"), safe_stem("..")) == ("My-VM-1-..-x", "package")


def test_memory_does_not_grow_with_the_package(tmp_path):
    big = tmp_path / "big.img"
    with big.open("wb") as stream:
        stream.truncate(300 * MIB)
    package = descriptor(('ovf:size="65536"', ""), ('ovf:capacity="10"', 'ovf:capacity="300"'), (FORMAT, ""))
    pieces = [Piece.of_path("disk1.vmdk", big), Piece("icon.png", 0, lambda: (tmp_path / "icon").open("rb"))]
    (tmp_path / "icon").write_bytes(b"")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pack(package, "a", pieces, tmp_path / "a.ova")
    assert acceptable(check(open_package(tmp_path / "a.ova")))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


FORMAT = 'ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"'


def test_a_package_without_disks_is_written(tmp_path):
    package = Package(content=read(descriptor()).package.content, sections=(DiskSection(disks=()),), files=())
    bare = Package(sections=(DiskSection(disks=(Disk(id="d", capacity="1"),)),), content=package.content)
    export_model(bare, {}, tmp_path / "a.ova", PROFILES["ovf2"])
    assert open_package(tmp_path / "a.ova").package.disks[0].id == "d"


def test_signers_are_needed_whole(folder, tmp_path, signer):
    with pytest.raises(OvfError, match="cannot be read"):
        packed(folder, tmp_path / "a.ova", signer=Signer(b"no key", signer.pem))
    assert not (tmp_path / "a.ova").exists()


def test_a_missing_source_is_refused(folder):
    opened = open_package(folder)
    with pytest.raises(RefusedError, match="has no file"):
        source(opened, Disk(id="x", file_ref="nowhere"), folder)
    with pytest.raises(RefusedError, match="not in the package"):
        opened.locate(File(id="x", href="nowhere.vmdk"))
