"""Documents at their limits: sizes, largest numbers, lists that are shared, and what an error names."""

import gzip
import json

import pytest

from placement.errors import InputError
from placement.formats.document import Document, read_bytes, read_document, real, whole, write_document

LONGEST = "[" + "1" * 62 + "]"
"""A list of 64 bytes, the longest that is not shared."""


def test_as_many_bytes_as_allowed_are_read_and_not_one_more(tmp_path):
    for pack in (bytes, gzip.compress):
        (tmp_path / "x").write_bytes(pack(b" " * 2000))
        assert len(read_bytes(tmp_path / "x", 2000)) == 2000
        (tmp_path / "x").write_bytes(pack(b" " * 2001))
        with pytest.raises(InputError, match="larger than 0 MiB"):
            read_bytes(tmp_path / "x", 2000)


def test_the_largest_document(tmp_path):
    with (tmp_path / "x").open("wb") as file:
        file.truncate((256 << 20) + 1)
    with pytest.raises(InputError, match="larger than 256 MiB"):
        read_document(tmp_path / "x")


def test_the_largest_number():
    assert whole(1 << 40, "here") == real(1 << 40, "here") == 1 << 40
    for read in (whole, real):
        with pytest.raises(InputError, match="here"):
            read((1 << 40) + 1, "here")


def test_a_name_in_gz_means_packed_and_bears_no_date(tmp_path):
    write_document(tmp_path / "x.gz", {"a": 1})
    packed = (tmp_path / "x.gz").read_bytes()
    assert gzip.decompress(packed) == b'{"a":1}'
    assert packed[4:8] == bytes(4)


def test_an_error_names_the_file_once_and_the_key_that_occurs_twice(tmp_path):
    path = tmp_path / "x"
    path.write_text('{"b": 1, "a": 1, "a": 2}')
    with pytest.raises(InputError) as caught:
        read_document(path)
    assert str(caught.value) == f"{path}: key 'a' occurs twice in one object"
    with pytest.raises(InputError) as caught:
        read_document(tmp_path / "absent")
    assert str(caught.value).count(str(tmp_path)) == 1


def test_short_lists_are_not_shared():
    document = Document(f'{{"a": {{"nodes": {LONGEST}}}, "nodes": {LONGEST.replace("]", " ]")}}}'.encode())
    assert document.root == {"a": {"nodes": json.loads(LONGEST)}, "nodes": "@0"}


def test_sixty_four_lists_are_shared_wherever_they_recur():
    different = [[first, *range(100)] for first in range(65)]
    root = Document(json.dumps({"all": [{"nodes": one} for one in (*different, *different)]}).encode()).root
    kept = [entry["nodes"] for entry in root["all"]]
    assert kept[:64] == kept[65:129] == [f"@{n}" for n in range(64)]
    assert kept[64] == kept[129] == different[64]


def test_what_only_looks_like_a_shared_list_is_left_alone():
    document = Document(b'{"a": "@0"}')
    assert document.shared(document.root["a"]) == "@0"
