"""Images are what they are declared to be, or do not come in."""

import shutil
import struct
import subprocess

import pytest

from sirocco.images.inspect import ImageError, inspect
from sirocco.images.store import Boot, ImageStore

MIB = 1 << 20
needs_qemu = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-img (Debian package qemu-utils)")


def made(path, form, *options):
    subprocess.run(["qemu-img", "create", "-q", "-f", form, *options, str(path), "4M"], check=True)
    return path


@needs_qemu
@pytest.mark.parametrize("form", ["qcow2", "raw", "vmdk", "vpc", "vhdx"])
def test_an_image_is_what_its_header_says(tmp_path, form):
    options = ["-o", "force_size=on"] if form == "vpc" else []
    found = inspect(made(tmp_path / "disk", form, *options), form)
    assert (found.format, found.capacity) == (form, 4 * MIB)


@needs_qemu
@pytest.mark.parametrize(("form", "declared"), [("qcow2", "raw"), ("raw", "qcow2"), ("vmdk", "qcow2")])
def test_an_image_declared_as_something_else_is_refused(tmp_path, form, declared):
    with pytest.raises(ImageError, match=f"declared as {declared}, but its header says {form}"):
        inspect(made(tmp_path / "disk", form), declared)


@needs_qemu
def test_an_image_that_reaches_into_another_file_is_refused(tmp_path):
    made(tmp_path / "base", "qcow2")
    overlay = made(tmp_path / "overlay", "qcow2", "-b", str(tmp_path / "base"), "-F", "qcow2")
    with pytest.raises(ImageError):
        inspect(overlay, "qcow2")
    data = made(tmp_path / "split", "qcow2", "-o", f"data_file={tmp_path / 'data.raw'}")
    with pytest.raises(ImageError):
        inspect(data, "qcow2")
    flat = made(tmp_path / "flat.vmdk", "vmdk", "-o", "subformat=monolithicFlat")
    with pytest.raises(ImageError):
        inspect(flat, "vmdk")


def test_a_header_that_a_guest_may_have_written_is_not_believed(tmp_path):
    secret = b"/etc/shadow"
    header = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 112, len(secret), 16, MIB).ljust(112, b"\0")
    path = tmp_path / "disk"
    path.write_bytes((header + secret).ljust(MIB, b"\0"))
    for declared in ("raw", "qcow2"):
        with pytest.raises(ImageError):
            inspect(path, declared)


@pytest.mark.parametrize("form", ["parchment", "", "qcow", "file"])
def test_a_strange_format_is_refused_and_the_known_ones_are_named(tmp_path, form):
    with pytest.raises(ImageError, match="qcow2"):
        inspect(tmp_path / "disk", form)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ImageError, match=r"gone.*No such file"):
        inspect(tmp_path / "gone", "raw")


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "images")


@needs_qemu
@pytest.mark.parametrize("form", ["raw", "qcow2", "vmdk"])
def test_what_comes_in_is_qcow2_and_the_same_to_the_byte(tmp_path, store, form):
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(range(256)) * 4096)
    source = tmp_path / "source"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, str(raw), str(source)], check=True)
    shares = []
    image = store.add("one", source, form, progress=shares.append)
    assert (image.capacity, image.path.suffix) == (MIB, ".qcow2")
    compare = ["qemu-img", "compare", "-q", "-f", "raw", "-F", "qcow2", str(raw), str(image.path)]
    assert subprocess.run(compare, check=False).returncode == 0
    assert inspect(image.path, "qcow2").capacity == MIB
    assert shares
    assert max(shares) <= 1.0


@needs_qemu
def test_an_image_has_one_life_under_its_id(tmp_path, store):
    source = made(tmp_path / "source", "raw")
    for name in ("kernel", "initrd"):
        (tmp_path / name).write_text(name)
    boot = Boot(tmp_path / "kernel", tmp_path / "initrd", "root=LABEL=root quiet")
    image = store.add("one", source, "raw", boot)
    source.unlink()
    assert store.add("one", source, "raw", boot) == image
    assert (image.boot.kernel.read_text(), image.boot.cmdline) == ("kernel", boot.cmdline)
    assert [kept.id for kept in store.all()] == ["one"]
    store.remove("one")
    store.remove("one")
    assert store.get("one") is None
    assert list((tmp_path / "images").iterdir()) == []
    with pytest.raises(ImageError, match="not in the store"):
        store.require("one")


@needs_qemu
def test_a_refused_image_leaves_nothing(tmp_path, store):
    source = made(tmp_path / "source", "raw")
    with pytest.raises(ImageError):
        store.add("one", source, "qcow2")
    with pytest.raises(ImageError, match=r"no file .*/kernel"):
        store.add("one", source, "raw", Boot(tmp_path / "kernel", source, ""))
    assert list(store.all()) == []
    assert not (tmp_path / "images").exists()


@pytest.mark.parametrize("image_id", ["", "../up", "a/b", ".hidden"])
def test_an_id_cannot_lead_out_of_the_store(store, tmp_path, image_id):
    with pytest.raises(ImageError, match="no id"):
        store.add(image_id, tmp_path, "raw")
