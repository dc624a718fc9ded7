"""Tar headers, read with suspicion and written the same way every time (POSIX.1 ustar; DSP0243 2.1, clause 5.3).

Only what an OVA needs is understood: files, directories, long names and long sizes (base-256, pax, GNU). Links,
devices and sparse files are refused, and so is every number that does not fit.
"""

from dataclasses import dataclass

from ovf.errors import RefusedError, UnreadableError

BLOCK = 512
_EIGHT_GIB = 8 * 2**30
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a named pipe",
    b"S": "a sparse file",
}


@dataclass(frozen=True)
class Header:
    """One header: its kind as tar writes it, name, and size in bytes."""

    kind: bytes
    name: str
    size: int

    @property
    def is_file(self) -> bool:
        """Whether it announces an ordinary file."""
        return self.kind in {b"0", b"\0", b"7"}


def parse(block: bytes, where: str) -> Header:
    """A header block of 512 bytes.

    Raises:
        UnreadableError: it is no tar header.
        RefusedError: it announces something no package needs.
    """
    if len(block) != BLOCK or not _has_right_sum(block):
        raise UnreadableError("is no tar archive, or is damaged here", where=where, remedy="fetch it again")
    kind = block[156:157]
    name = _text(block[:100], where)
    prefix = _text(block[345:500], where) if block[257:263] == b"ustar\0" else ""
    if prefix:
        name = f"{prefix}/{name}"
    if kind in _KINDS:
        raise RefusedError(f"contains {_KINDS[kind]}, {name[:80]!r}", where=where, remedy="pack plain files only")
    if kind not in {b"0", b"\0", b"7", b"5", b"x", b"g", b"L"}:
        raise RefusedError(f"contains an entry of unknown kind {kind!r}", where=where, remedy="pack plain files only")
    return Header(kind, name, _size(block[124:136], where))


def _has_right_sum(block: bytes) -> bool:
    stated = block[148:156].strip(b" \0")
    if not stated or not all(48 <= digit <= 55 for digit in stated):
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    signed = sum(byte - 256 if byte > 127 else byte for byte in rest)
    return int(stated, 8) in {sum(rest), signed}


def _text(raw: bytes, where: str) -> str:
    try:
        return raw.split(b"\0", 1)[0].decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableError("contains a name that is not UTF-8", where=where) from None


def _size(raw: bytes, where: str) -> int:
    if raw[0] == 0x80:
        return int.from_bytes(raw[1:], "big")
    digits = raw.strip(b" \0")
    if raw[0] > 0x80 or not all(48 <= digit <= 55 for digit in digits):
        raise RefusedError("states a size that is negative or no number", where=where, remedy="fetch it again")
    return int(digits or b"0", 8)


def parse_pax(data: bytes, where: str) -> dict[str, str]:
    """The records of a pax header (POSIX.1, pax Interchange Format).

    Raises:
        RefusedError: malformed, or announcing a sparse file.
    """
    records: dict[str, str] = {}
    position = 0
    while position < len(data):
        blank = data.find(b" ", position, position + 20)
        digits = data[position:blank] if blank > 0 else b""
        end = position + int(digits) if digits.isdigit() else 0
        record = data[blank + 1 : end]
        if end <= blank or end > len(data) or not record.endswith(b"\n") or b"=" not in record:
            raise RefusedError("has a malformed pax header", where=where, remedy="pack it again")
        key, _, value = record[:-1].partition(b"=")
        records[_text(key, where)] = _text(value, where)
        position = end
    if any(key.startswith("GNU.sparse") for key in records):
        raise RefusedError("contains a sparse file", where=where, remedy="pack plain files only")
    return records


def header(name: str, size: int) -> bytes:
    """A ustar header for a file: owned by nobody in particular, at no particular time, so always the same.

    Raises:
        RefusedError: the name is too long for ustar.
    """
    prefix, short = _split_name(name)
    stated = f"{size:011o}\0".encode() if size < _EIGHT_GIB else b"\x80" + size.to_bytes(11, "big")
    block = bytearray(BLOCK)
    block[:100] = short.ljust(100, b"\0")
    block[100:108] = b"0000644\0"
    block[108:124] = b"0000000\0" * 2
    block[124:136] = stated
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = b"0"
    block[257:265] = b"ustar\00000"
    block[329:345] = b"0000000\0" * 2
    block[345:500] = prefix.ljust(155, b"\0")
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def _split_name(name: str) -> tuple[bytes, bytes]:
    raw = name.encode("utf-8")
    if len(raw) <= 100:
        return b"", raw
    for position in range(len(raw) - 1, 0, -1):
        if raw[position : position + 1] == b"/" and position <= 155 and len(raw) - position - 1 <= 100:
            return raw[:position], raw[position + 1 :]
    raise RefusedError("the name is too long for an OVA", where=name[:80], remedy="use a name of at most 100 bytes")


def padding(size: int) -> int:
    """Bytes that fill a member up to a whole block."""
    return -size % BLOCK
