"""Archives that try to write elsewhere, to lie about sizes, or to exhaust their reader."""

import gzip
import hashlib
import io
import tarfile
import time

import pytest

from ovf import tar
from ovf.archive import MemberReader, members
from ovf.checking import check
from ovf.cli import main
from ovf.errors import OvfError, RefusedError, UnreadableError
from ovf.findings import acceptable
from ovf.limits import Limits
from ovf.opened import open_package
from ovf.packing import unpack
from ovf.streams import Gunzip
from tests.unit.ovf.making import descriptor, tar_of


def header(name: str = "a.ovf", kind: bytes = b"0", size: int = 0, **fields: bytes) -> bytes:
    """A header with a right checksum, whatever it says."""
    block = bytearray(tar.header(name, max(size, 0)))
    block[156:157] = kind
    for place, value in fields.items():
        start = {"raw_size": 124, "checksum": 148, "raw_name": 0}[place]
        block[start : start + len(value)] = value
    if "checksum" not in fields:
        block[148:156] = b" " * 8
        block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def pax(text: bytes, kind: bytes = b"x") -> bytes:
    record = text + bytes(tar.padding(len(text)))
    return header("pax", kind, len(text)) + record


def read_all(data: bytes, **options) -> list[str]:
    return [member.name for member, reader in members(io.BytesIO(data), **options) if reader.read() is not None]


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../up",
        "a/../../up",
        "..",
        "C:\\windows",
        "C:/windows",
        "\\share",
        "a\\..\\b",
        "~/x",
        "a\nb",
        "",
        "./",
    ],
)
def test_names_that_leave_the_package(name):
    with pytest.raises(RefusedError, match="leaves the package"):
        read_all(header("x", raw_name=name.encode() + b"\0") + bytes(1024))


@pytest.mark.parametrize("name", ["/abs/", "../up/"])
def test_folders_that_leave_the_package(name):
    with pytest.raises(RefusedError):
        read_all(header(name, b"5") + bytes(1024))


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"6", b"S", b"V", b"Z", b"K"])
def test_links_devices_pipes_and_sparse_files(kind):
    with pytest.raises(RefusedError, match="contains"):
        read_all(header("evil", kind) + bytes(1024))


def test_the_same_name_twice(tmp_path):
    with pytest.raises(RefusedError, match="twice"):
        read_all(header("a.ovf") + header("./a.ovf") + bytes(1024))


def test_long_names_hide_nothing():
    name = b"../" * 50 + b"etc/passwd\0"
    data = header("././@LongLink", b"L", len(name)) + name + bytes(tar.padding(len(name))) + header() + bytes(1024)
    with pytest.raises(RefusedError, match="leaves"):
        read_all(data)


@pytest.mark.parametrize("record", [b"20 path=../etc/pass\n", b"25 path=/etc/hosts.allow\n"])
def test_pax_names_hide_nothing(record):
    with pytest.raises(RefusedError, match="leaves"):
        read_all(pax(record) + header() + bytes(1024))


@pytest.mark.parametrize(
    "record",
    [
        b"99 path=x\n",
        b"path=x\n",
        b"0 path=x\n",
        b"-5 path=x\n",
        b"9 path=xy",
        b"5 abc\n",
        b"7 path\n\n",
        b"999999999999 a=b\n",
    ],
)
def test_malformed_pax_headers(record):
    with pytest.raises(RefusedError, match="pax"):
        read_all(pax(record) + header() + bytes(1024))


def test_pax_sparse_files():
    with pytest.raises(RefusedError, match="sparse"):
        read_all(pax(b"22 GNU.sparse.major=1\n") + header() + bytes(1024))


@pytest.mark.parametrize("size", [b"-5", b"abc", b"999999999999999999999999"])
def test_pax_sizes_that_are_no_sizes(size):
    body = b" size=" + size + b"\n"
    record = str(len(body) + 2).encode() + body
    with pytest.raises(RefusedError, match="states the size"):
        read_all(pax(record) + header() + bytes(1024))


def test_pax_headers_that_claim_gigabytes():
    with pytest.raises(RefusedError, match="has a header of"):
        read_all(header("pax", b"x", 2**33) + bytes(1024))


@pytest.mark.parametrize("kind", [b"x", b"L"])
def test_headers_cut_short(kind):
    with pytest.raises(UnreadableError, match="middle of a header"):
        read_all(header("pax", kind, 2000) + bytes(512))


@pytest.mark.parametrize("size", [b"\xff" * 12, b"0000000000x\0", b"99999999999\0"])
def test_sizes_that_are_negative_or_no_number(size):
    with pytest.raises(RefusedError, match="negative or no number"):
        read_all(header("a", raw_size=size) + bytes(1024))


@pytest.mark.parametrize("size", [1025, 2**40, 2**70])
def test_sizes_that_lie(size):
    block = header("a.ovf", raw_size=b"\x80" + size.to_bytes(11, "big"))
    with pytest.raises(UnreadableError, match="ends before"):
        read_all(block + bytes(1024))


def test_sizes_that_lie_in_a_pipe():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    with pytest.raises(UnreadableError, match="middle of a member"):
        [
            reader.read()
            for _, reader in members(Pipe(header("a", raw_size=b"\x80" + (2**40).to_bytes(11, "big")) + b"abc"))
        ]


def test_names_that_are_no_text():
    with pytest.raises(UnreadableError, match="UTF-8"):
        read_all(header("x", raw_name=b"\xff\xfe") + bytes(1024))


@pytest.mark.parametrize("checksum", [b"       \0", b"9999999\0", b"0000001\0", b"\xff" * 8])
def test_headers_with_a_wrong_checksum(checksum):
    with pytest.raises(UnreadableError, match="no tar archive"):
        read_all(header("x", checksum=checksum) + bytes(1024))


def test_a_header_cut_short():
    with pytest.raises(UnreadableError, match="no tar archive"):
        read_all(header()[:300])


def test_a_hundred_thousand_members(tmp_path):
    many = tmp_path / "many.ova"
    with many.open("wb") as output:
        for number in range(100_000):
            output.write(header(f"f{number}"))
    with pytest.raises(RefusedError, match="more than 10000 files"):
        open_package(many)
    assert main(["validate", str(many)]) == 1


def test_checking_many_files_does_not_slow_down_with_their_square(tmp_path):
    times = []
    for count in (400, 3200):
        place = tmp_path / str(count)
        place.mkdir()
        text = "".join(f'<File ovf:id="f{n}" ovf:href="f{n}"/>' for n in range(count))
        (place / "a.ovf").write_bytes(descriptor(("</References>", text + "</References>")))
        (place / "a.mf").write_text("".join(f"SHA256(g{n})= {'0' * 64}\n" for n in range(10 * count)))
        times.append(min(cost(place / "a.ovf") for _ in range(3)))
    assert times[1] < max(times[0], 0.02) * 32


def cost(path):
    """CPU seconds of checking a package once."""
    started = time.process_time()
    check(open_package(path))
    return time.process_time() - started


def test_headers_without_end():
    extended = pax(b"13 mtime=123\n") * 50
    with pytest.raises(RefusedError, match="more headers"):
        read_all(extended, limits=Limits(members=10))


def test_files_that_nobody_names_are_refused(tmp_path):
    text = descriptor(('<File ovf:id="icon1" ovf:href="icon.png"/>', ""), ('<Icon ovf:fileRef="icon1"/>', ""))
    path = tar_of({"a.ovf": text, "disk1.vmdk": b"", "rootkit.bin": b"!"}, tmp_path / "a.ova")
    codes = {finding.code for finding in check(open_package(path))}
    assert "package.unlisted" in codes


def test_unpacking_never_follows_a_link_that_is_already_there(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = tmp_path / "out"
    target.mkdir()
    (target / "disks").symlink_to(elsewhere)
    source = tar_of({"disks/a.vmdk": b"x"}, tmp_path / "a.ova")
    with pytest.raises(RefusedError, match="outside"):
        unpack(source, target)
    assert not list(elsewhere.iterdir())


def test_resuming_never_writes_through_a_link(tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("x")
    target = tmp_path / "out"
    target.mkdir()
    (target / "a.ovf").symlink_to(mine)
    for body in (b"y", b"longer"):
        with pytest.raises(RefusedError, match="not overwritten"):
            unpack(tar_of({"a.ovf": body}, tmp_path / "a.ova"), target, resume=True)
    assert mine.read_text() == "x"


def test_unpacking_overwrites_nothing(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "a.ovf").write_text("mine")
    with pytest.raises(RefusedError, match="not overwritten"):
        unpack(tar_of({"a.ovf": b"theirs"}, tmp_path / "a.ova"), target)
    assert (target / "a.ovf").read_text() == "mine"


def test_unpacking_leaves_no_half_file(tmp_path):
    data = tar_of({"a.ovf": b"x" * 2000}, tmp_path / "a.ova").read_bytes()
    cut = tmp_path / "cut.ova"
    cut.write_bytes(data[:1000])
    with pytest.raises(UnreadableError):
        unpack(cut, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_gzip_bombs_stop_at_the_capacity_of_their_disk(tmp_path):
    bomb = gzip.compress(bytes(200 * 2**20))
    text = descriptor(('ovf:size="65536"', 'ovf:compression="gzip"'), ("#streamOptimized", ""), ("vmdk.html", "raw"))
    path = tar_of({"a.ovf": text, "disk1.vmdk": bomb, "icon.png": b""}, tmp_path / "a.ova")
    opened = open_package(path)
    with pytest.raises(RefusedError, match="unpacks to more"), opened.content(opened.package.files[0]) as stream:
        while stream.read(2**20):
            pass


def test_gzip_bombs_in_other_files_stop_at_a_ratio():
    bomb = gzip.compress(bytes(50 * 2**20))
    with pytest.raises(RefusedError, match="gzip bomb"):
        Gunzip(io.BytesIO(bomb), 2**20, "icon.png.gz").read()


def test_floods_of_chunks(tmp_path):
    text = descriptor(('ovf:size="65536"', 'ovf:chunkSize="1"'))
    files = {"a.ovf": text, "icon.png": b""} | {f"disk1.vmdk.{number:09d}": b"x" for number in range(60)}
    path = tar_of(files, tmp_path / "a.ova")
    with pytest.raises(RefusedError, match="more than 50 chunks"):
        opened = open_package(path, Limits(chunks=50))
        opened.locate(opened.package.files[0])


@pytest.mark.parametrize("chunks", [[b"abc", b"de", b"f"], [b"abc", b"defg"], [b"ab"]])
def test_chunks_of_wrong_length(tmp_path, chunks):
    text = descriptor(('ovf:size="65536"', 'ovf:chunkSize="3"' if chunks != [b"ab"] else 'ovf:chunkSize="1"'))
    files = {"a.ovf": text, "icon.png": b""} | {f"disk1.vmdk.{n:09d}": data for n, data in enumerate(chunks)}
    findings = check(open_package(tar_of(files, tmp_path / "a.ova")))
    assert "package.chunk-missing" in {finding.code for finding in findings}
    assert not acceptable(findings)


def test_one_file_referred_to_a_thousand_times_is_read_once(tmp_path, monkeypatch):
    """Checking costs what the files and the references cost, not their product."""
    count, opened_names = 200, []
    references = "".join(f'<File ovf:id="x{n}" ovf:href="disk1.vmdk" ovf:chunkSize="1"/>' for n in range(count))
    disks = "".join(
        f'<Disk ovf:diskId="x{n}" ovf:fileRef="x{n}" ovf:parentRef="x0" ovf:capacity="1"/>' for n in range(count)
    )
    text = descriptor(
        ("<References>", f"<References>{references}"),
        ('<Disk ovf:diskId="disk2"', f'{disks}<Disk ovf:diskId="disk2"'),
    )
    chunks = {f"disk1.vmdk.{number:09d}": b"x" for number in range(count)}
    lines = (f"SHA256({name})= {hashlib.sha256(b'x').hexdigest()}\n" for name in chunks)
    files = {"a.ovf": text, "a.mf": "".join(lines).encode()} | chunks
    opened = open_package(tar_of(files, tmp_path / "a.ova"))
    reading = type(opened.storage).open

    def counted(storage, name):
        opened_names.append(name)
        return reading(storage, name)

    monkeypatch.setattr(type(opened.storage), "open", counted)
    check(opened)
    assert set(opened_names) == files.keys() - {"a.ovf"}
    assert len(opened_names) < 3 * count


def test_content_that_belies_its_compression(tmp_path):
    for content, compression in ((b"plain", 'ovf:compression="gzip"'), (gzip.compress(b"packed"), "")):
        text = descriptor(('ovf:size="65536"', compression))
        path = tar_of({"a.ovf": text, "disk1.vmdk": content, "icon.png": b""}, tmp_path / "a.ova")
        assert "package.compression" in {finding.code for finding in check(open_package(path))}


def test_the_reader_of_a_member_never_reads_beyond_it():
    data = header("a", raw_size=b"00000000003\0") + b"abcSECRET" + bytes(503 + 1024)
    [(member, reader)] = [(member, MemberReader(io.BytesIO(data), member)) for member, _ in members(io.BytesIO(data))]
    assert reader.read() == b"abc"
    assert member.size == 3


def test_every_refusal_says_what_where_and_what_to_do(tmp_path, capsys):
    evil = tmp_path / "evil.ova"
    with tarfile.open(evil, "w") as archive:
        link = tarfile.TarInfo("a.ovf")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert main(["validate", str(evil)]) == 1
    message = capsys.readouterr().err
    assert "evil.ova" in message
    assert "symbolic link" in message
    assert "pack plain files only" in message
    assert "Traceback" not in message


def test_terminal_escapes_in_names_are_not_printed(tmp_path, capsys):
    with tarfile.open(tmp_path / "evil.ova", "w") as archive:
        link = tarfile.TarInfo("\x1b]0;owned\x07")
        link.type = tarfile.LNKTYPE
        archive.addfile(link)
    assert main(["validate", str(tmp_path / "evil.ova")]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_errors_of_the_library_are_one_family():
    assert issubclass(RefusedError, OvfError)
    assert issubclass(UnreadableError, OvfError)
