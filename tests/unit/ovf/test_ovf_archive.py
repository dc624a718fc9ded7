"""Archives: read member by member, resumable, and written the same every time."""

import io
import tarfile

import pytest

from ovf import tar
from ovf.archive import members
from ovf.errors import RefusedError, UnreadableError
from ovf.limits import Limits
from tests.unit.ovf.making import tar_of

FILES = {"a.ovf": b"<x/>", "a.mf": b"", "disk.vmdk": bytes(range(256)) * 20}


class Pipe(io.RawIOBase):
    """A stream that cannot seek, as a download."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self._data.read(min(len(buffer), 700))
        buffer[: len(data)] = data
        return len(data)


def contents(stream, **options):
    return {member.name: reader.read() for member, reader in members(stream, **options)}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_every_common_form_are_read(tmp_path, form):
    path = tar_of(FILES, tmp_path / "a.ova", form)
    with path.open("rb") as stream:
        assert contents(stream) == FILES


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_are_read(tmp_path, form):
    name = "folder/" * 12 + "n" * (60 if form == tarfile.USTAR_FORMAT else 150)
    with tar_of({name: b"1"}, tmp_path / "a.ova", form).open("rb") as stream:
        assert contents(stream) == {name: b"1"}


def test_a_stream_that_cannot_seek_is_read_forward(tmp_path):
    data = tar_of(FILES, tmp_path / "a.ova").read_bytes()
    assert contents(io.BufferedReader(Pipe(data))) == FILES


def test_members_nobody_reads_are_skipped_in_a_pipe(tmp_path):
    data = tar_of(FILES, tmp_path / "a.ova").read_bytes()
    assert [member.name for member, _ in members(io.BufferedReader(Pipe(data)))] == list(FILES)


def test_reading_resumes_at_the_end_of_a_member(tmp_path):
    with tar_of(FILES, tmp_path / "a.ova").open("rb") as stream:
        first, _ = next(members(stream))
        assert list(contents(stream, start=first.end)) == ["a.mf", "disk.vmdk"]


def test_a_member_is_a_file_of_its_own(tmp_path):
    with tar_of(FILES, tmp_path / "a.ova").open("rb") as stream:
        for member, reader in members(stream):
            if member.name == "disk.vmdk":
                assert reader.seekable()
                assert reader.readable()
                assert reader.seek(-6, io.SEEK_END) == member.size - 6
                assert reader.read(100) == FILES["disk.vmdk"][-6:]
                reader.seek(1)
                assert reader.seek(2, io.SEEK_CUR) == 3
                assert reader.read(2) == FILES["disk.vmdk"][3:5]
                assert reader.seek(10**9) == member.size


def test_folders_in_an_archive_are_passed_over(tmp_path):
    path = tmp_path / "a.ova"
    with tarfile.open(path, "w") as archive:
        folder = tarfile.TarInfo("disks")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        info = tarfile.TarInfo("disks/a.vmdk")
        archive.addfile(info, io.BytesIO())
    with path.open("rb") as stream:
        assert list(contents(stream)) == ["disks/a.vmdk"]


def test_sizes_beyond_eight_gibibytes_are_written_and_read():
    size = 9 * 2**30
    read = tar.parse(tar.header("big.vmdk", size), "here")
    assert (read.size, read.name, read.is_file) == (size, "big.vmdk", True)
    info = tarfile.TarInfo.frombuf(tar.header("big.vmdk", size), "utf-8", "strict")
    assert info.size == size


def test_headers_are_what_pythons_tarfile_reads():
    long = "d" * 80 + "/" + "n" * 90
    info = tarfile.TarInfo.frombuf(tar.header(long, 5), "utf-8", "strict")
    assert (info.name, info.size, info.mtime, info.uid, info.mode) == (long, 5, 0, 0, 0o644)


@pytest.mark.parametrize("name", ["n" * 101, "d" * 160 + "/n", "d/" + "n" * 120])
def test_names_too_long_for_ustar_are_refused(name):
    with pytest.raises(RefusedError, match="too long"):
        tar.header(name, 0)


def test_signed_checksums_of_old_tars_are_taken():
    block = bytearray(tar.header("disk-\u00e9.vmdk", 0))
    block[148:156] = b" " * 8
    signed = sum(byte - 256 if byte > 127 else byte for byte in block)
    block[148:156] = f"{signed:06o}\0 ".encode()
    assert tar.parse(bytes(block), "here").name == "disk-\u00e9.vmdk"


def test_an_archive_without_its_end_mark_is_read(tmp_path):
    data = tar_of({"a.ovf": b"x" * 512}, tmp_path / "a.ova").read_bytes()[:1024]
    assert contents(io.BytesIO(data)) == {"a.ovf": b"x" * 512}


def test_an_empty_file_is_no_archive():
    with pytest.raises(UnreadableError, match="empty"):
        list(members(io.BytesIO()))


@pytest.mark.parametrize("size", ["12", "007"])
def test_sizes_of_pax_headers_win(size):
    record = f" size={size}\n"
    pax = f"{len(record) + 2}{record}".encode()
    block = bytearray(tar.header("pax", len(pax)))
    block[156:157] = b"x"
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    data = bytes(block) + pax.ljust(512, b"\0") + tar.header("a", 0) + b"y" * 512 + bytes(1024)
    [(member, _)] = members(io.BytesIO(data))
    assert member.size == int(size)


def test_more_members_than_allowed_are_refused(tmp_path):
    path = tar_of({f"{number}": b"" for number in range(6)}, tmp_path / "a.ova")
    with path.open("rb") as stream, pytest.raises(RefusedError, match="more than 5 files"):
        list(members(stream, Limits(members=5)))


def test_more_bytes_than_allowed_are_refused(tmp_path):
    with tar_of(FILES, tmp_path / "a.ova").open("rb") as stream, pytest.raises(RefusedError, match="larger"):
        list(members(stream, Limits(package_bytes=2000)))
