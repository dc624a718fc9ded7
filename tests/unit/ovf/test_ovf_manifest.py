"""Manifests in every spelling, and the streams their files come in."""

import gzip
import hashlib
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovf import manifest
from ovf.errors import RefusedError
from ovf.limits import Limits
from ovf.manifest import Entry, digests, parse, parse_line, render
from ovf.streams import Gunzip, Joined

ONE = hashlib.sha1(b"a").hexdigest()
TWO = hashlib.sha256(b"a").hexdigest()
FIVE = hashlib.sha512(b"a").hexdigest()


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (f"SHA1(a.ovf)= {ONE}", Entry("SHA1", "a.ovf", ONE)),
        (f"SHA256(a b.vmdk)= {TWO}", Entry("SHA256", "a b.vmdk", TWO)),
        (f"SHA512 (a.vmdk) = {FIVE}", Entry("SHA512", "a.vmdk", FIVE)),
        (f"sha-256( a.vmdk )={TWO.upper()}", Entry("SHA256", "a.vmdk", TWO)),
        (f"  Sha1 (disk (1).vmdk)=   {ONE}  ", Entry("SHA1", "disk (1).vmdk", ONE)),
    ],
)
def test_spellings(line, entry):
    assert parse_line(line) == entry
    assert parse(f"{line}\r\n\r\n".encode()) == (entry,)


def test_several_algorithms_and_line_ends_in_one_manifest():
    data = f"\ufeffSHA1(a)= {ONE}\r\nSHA256(b)= {TWO}\rSHA256(a)= {TWO}\n".encode()
    assert [(entry.algorithm, entry.name) for entry in parse(data)] == [("SHA1", "a"), ("SHA256", "b"), ("SHA256", "a")]


@pytest.mark.parametrize(
    "data",
    [
        b"hello\n",
        f"MD5(a)= {ONE}\n".encode(),
        f"SHA256(a)= {ONE}\n".encode(),
        f"SHA1(a)= {ONE}\nSHA1(a)= {ONE[::-1]}\n".encode(),
        b"SHA1(a)= \xff\xfe\n",
        f"SHA1()= {ONE}\n".encode(),
    ],
)
def test_what_is_no_manifest_is_refused(data):
    with pytest.raises(RefusedError):
        parse(data)


def test_a_huge_manifest_is_refused():
    with pytest.raises(RefusedError, match="more than 10 bytes"):
        parse(b"x" * 11, Limits(manifest_bytes=10))


def test_the_same_line_twice_is_one_entry():
    assert len(parse(f"SHA1(a)= {ONE}\nSHA1(a)= {ONE}\n".encode())) == 1


@given(st.dictionaries(st.text("abc. ()-_\u00e9", min_size=1).filter(lambda text: text == text.strip()), st.binary()))
def test_what_is_written_is_read(files):
    entries = tuple(Entry("SHA256", name, hashlib.sha256(data).hexdigest()) for name, data in files.items())
    assert parse(render(entries)) == entries


def test_digests_of_a_stream_and_its_length():
    found, size = digests(io.BytesIO(b"a"), ["SHA1", "SHA512"])
    assert (found, size) == ({"SHA1": ONE, "SHA512": FIVE}, 1)
    assert manifest.new_digest("SHA256").hexdigest() == hashlib.sha256().hexdigest()


@given(st.lists(st.binary(max_size=50), max_size=6), st.integers(1, 40))
def test_chunks_are_one_stream(chunks, step):
    joined = Joined(iter([lambda data=data: io.BytesIO(data) for data in chunks]))
    pieces = []
    while piece := joined.read(step):
        pieces.append(piece)
    assert b"".join(pieces) == b"".join(chunks)
    assert joined.readable()


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=3), st.integers(1, 500))
def test_gzip_members_are_one_stream(parts, step):
    packed = b"".join(gzip.compress(part) for part in parts)
    stream = Gunzip(io.BytesIO(packed), 10_000, "a.gz")
    pieces = []
    while piece := stream.read(step):
        pieces.append(piece)
    assert b"".join(pieces) == b"".join(parts)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-5], lambda data: data[:20] + b"xxxx" + data[24:], lambda _: b"no"]
)
def test_damaged_gzip_is_refused(damage):
    packed = gzip.compress(bytes(range(256)) * 30)
    with pytest.raises(RefusedError, match="gzip"):
        Gunzip(io.BytesIO(damage(packed)), 10**6, "a.gz").read()


def test_a_gzip_stream_of_nothing_is_nothing():
    stream = Gunzip(io.BytesIO(b""), 10, "a.gz")
    assert stream.readable()
    assert stream.read() == b""


def test_gzip_that_holds_back_output_is_read_to_its_end():
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"\0" * 3_000_000
    packed = packer.compress(data) + packer.flush()
    stream = Gunzip(io.BytesIO(packed), len(data), "a.gz")
    assert sum(len(piece) for piece in iter(lambda: stream.read(1000), b"")) == len(data)
