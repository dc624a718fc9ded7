"""One request and its answer, as the resources see them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lxml.etree import _Element

from api.cimi.codec import json_reader, xml_reader
from api.cimi.codec.validate import Rules, check, complete
from api.cimi.codec.wire import Wire
from api.cimi.model.attribute import Access, Attribute, Values
from api.cimi.model.kind import Kind
from api.cimi.query.parameters import Parameters
from sirocco.cmdb.models import Job
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import INVALID, MALFORMED, UNSUPPORTED_MEDIA, SiroccoError

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Body:
    """What a request sends, still as bytes; ``media`` is its type without parameters."""

    content: bytes = b""
    media: str = ""

    @property
    def is_xml(self) -> bool:
        """Whether it is XML rather than JSON; any other type is refused."""
        if self.media in {"application/xml", "text/xml"}:
            return True
        if self.media == "application/json":
            return False
        raise SiroccoError(UNSUPPORTED_MEDIA, type=self.media[:100] or "(none)")


@dataclass(frozen=True)
class Exchange:
    """A request being answered: its transaction, its version of CIMI, what it asks for and sends."""

    tx: Transaction
    wire: Wire
    parameters: Parameters
    ids: Mapping[str, str]
    body: Body = field(default_factory=Body)
    expected: int | None = None
    translate: Translate = str

    @cached_property
    def _parsed(self) -> tuple[str, Values | _Element]:
        if self.body.is_xml:
            return xml_reader.read(self.body.content)
        values = json_reader.read(self.body.content)
        uri = values.get("resourceURI")
        if uri is not None and not isinstance(uri, str):
            raise SiroccoError(INVALID, where="resourceURI", why="it is not a string")
        return (uri or "").rpartition("/")[2], values

    @property
    def type_name(self) -> str:
        """The name of the type that the body says it is; empty when it does not say."""
        return self._parsed[0]

    def read(
        self, kind: Kind | str, attributes: tuple[Attribute, ...], level: Access, names: tuple[str, ...] = ()
    ) -> Values:
        """The attributes that the body sets; its type must be one of ``names`` when it states one."""
        word = kind if isinstance(kind, str) else kind.name
        stated, parsed = self._parsed
        if names and stated and stated.lower() not in {name.lower() for name in names}:
            raise SiroccoError(
                MALFORMED,
                format="XML" if self.body.is_xml else "JSON",
                why="it is a {sent}; expected: {expected}",
                sent=stated[:100],
                expected=", ".join(names),
            )
        raw = parsed if isinstance(parsed, dict) else xml_reader.values_of(parsed, attributes)
        values = check(attributes, raw, Rules(word, self.wire, textual=not isinstance(parsed, dict), level=level))
        if level is Access.CREATE:
            complete(attributes, values, level)
        return values


@dataclass(frozen=True, slots=True)
class Made:
    """What a write did: the record it made or changed, the job that carries it out, and the path of what is answered.

    ``status`` 0 lets the kind of write decide; ``document`` overrides the record's representation.
    """

    row: Any = None
    job: Job | None = None
    path: str = ""
    status: int = 0
    document: Values | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: a document of ``kind``, or a collection of it, or nothing."""

    status: int = 200
    kind: Kind | None = None
    values: Values | None = None
    collection: bool = False
    location: str = ""
    job: str = ""
    version: int | None = None
