"""XML from strangers: no DTD, no entities, no network, bounded in size, depth and width.

The parser is lxml's. What it cannot bound itself is bounded before (bytes, number of elements) or straight
after (depth, attributes, text). It knows no columns, so places are looked up in the text, on the first
question for one and never for a descriptor without findings.
"""

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from lxml import etree

from ovf.errors import UnreadableError
from ovf.limits import DEFAULT, Limits

_DECLARATION = re.compile(
    r"""<\?xml\s+version\s*=\s*(?:"1\.\d"|'1\.\d')"""
    r"""(?:\s+encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["'])?(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>"""
)
_PROLOG = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_TAG = re.compile(rb"<(?:!--.*?--|!\[CDATA\[.*?\]\]|\?.*?\?|([^/!?]))", re.DOTALL)
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
}


@dataclass
class Document:
    """A parsed document: its root, and the place of each element in the bytes it came from."""

    root: etree._Element
    data: bytes
    index: dict[etree._Element, int] = field(repr=False)

    @cached_property
    def _starts(self) -> list[int]:
        """Where each element starts; in well-formed XML a ``<`` elsewhere is part of a comment and the like."""
        return [found.start() for found in _TAG.finditer(self.data) if found.lastindex]

    @cached_property
    def _lines(self) -> list[int]:
        """Where each line ends."""
        return list(accumulate(map(len, self.data.splitlines(keepends=True))))

    def place(self, at: int) -> tuple[int, int]:
        """Line and column, both from 1, of the element with this number in document order; (0, 0) if unknown."""
        if not 0 <= at < len(self._starts):
            return 0, 0
        start = self._starts[at]
        line = bisect_right(self._lines, start)
        first = self._lines[line - 1] if line else 0
        return line + 1, len(self.data[first:start].decode("utf-8")) + 1


def parse(data: bytes, limits: Limits = DEFAULT, *, where: str = "descriptor") -> Document:
    """Parse untrusted XML.

    Raises:
        UnreadableError: not well-formed, a DTD, an unusual encoding, or beyond a limit.
    """
    if len(data) > limits.descriptor_bytes:
        raise UnreadableError(
            f"has {len(data)} bytes, at most {limits.descriptor_bytes} are read",
            where=where,
            remedy="real descriptors are far smaller",
        )
    clean = _as_utf8(data, where)
    if clean.count(b"<") > 2 * limits.elements:
        raise UnreadableError(f"has more than {limits.elements} elements", where=where)
    parser = etree.XMLParser(
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
    )
    try:
        root = etree.fromstring(clean, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        reason = (error.msg or "not XML").rpartition(", line")[0] or error.msg
        raise UnreadableError(
            f"is not well-formed XML at line {line}, column {max(column, 1)}: {reason}",
            where=where,
            remedy="correct the file or ask its author for another",
        ) from None
    index = _bounded_index(root, limits, where)
    if len(clean) > limits.text_chars and root.xpath(f"boolean(//text()[string-length() > {limits.text_chars}])"):
        raise UnreadableError(f"has a text of more than {limits.text_chars} characters", where=where)
    return Document(root, clean, index)


def _as_utf8(data: bytes, where: str) -> bytes:
    """The document in UTF-8, its declaration blanked, with no DTD before the root element."""
    text = _decoded(data, where)
    declaration = _DECLARATION.match(text)
    if declaration is None and re.match(r"<\?xml\s", text):
        raise UnreadableError("is not well-formed XML at line 1, column 1: malformed XML declaration", where=where)
    blank = re.sub(r"[^\n]", " ", declaration.group()) if declaration else ""
    end = len(blank)
    while match := _PROLOG.match(text, end):
        end = match.end()
    if text.startswith("<!", end):
        raise UnreadableError(
            "contains a document type declaration", where=where, remedy="OVF needs none; remove the DTD"
        )
    if not text.startswith("<", end):
        raise UnreadableError("does not start with an XML element", where=where, remedy="is this really a descriptor?")
    return (blank + text[len(blank) :]).encode("utf-8")


def _decoded(data: bytes, where: str) -> str:
    encoding = _encoding_of(data, where)
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeError:
        raise UnreadableError(f"is not valid {encoding}", where=where, remedy="save it as UTF-8") from None


def _encoding_of(data: bytes, where: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = data[:200].removeprefix(codecs.BOM_UTF8).decode("latin-1")
    declaration = _DECLARATION.match(head)
    named = declaration.group(1) if declaration else None
    name = named.lower() if named else "utf-8"
    if name not in _ENCODINGS or name == "utf-16":
        raise UnreadableError(
            f"declares the encoding {name[:40]!r}, which is not read", where=where, remedy="use UTF-8"
        )
    return _ENCODINGS[name]


def _bounded_index(root: etree._Element, limits: Limits, where: str) -> dict[etree._Element, int]:
    index = {element: number for number, element in enumerate(root.iter("*"))}
    if len(index) > limits.elements:
        raise UnreadableError(f"has more than {limits.elements} elements", where=where)
    if root.xpath(f"boolean({'/*' * (limits.depth + 1)})"):
        raise UnreadableError(f"nests elements deeper than {limits.depth}", where=where)
    if root.xpath(f"boolean(//@*[{limits.attributes + 1}])"):
        raise UnreadableError(f"gives one element more than {limits.attributes} attributes", where=where)
    return index
