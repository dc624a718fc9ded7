"""What an attribute of a resource is: its type, its column, who may set it, how each format writes it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | datetime | list[Value] | dict[str, Value] | None"
Values: TypeAlias = dict[str, Value]

V1, V2 = 1, 2
BOTH = frozenset({V1, V2})
ONLY_1 = frozenset({V1})
ONLY_2 = frozenset({V2})

PREFIX = "sirocco_"
KIB, KB = 1024, 1000


class Type(StrEnum):
    """Types of DSP0263 2.0.0, 5.5; the value is the name that metadata states."""

    STRING = "string"
    URI = "URI"
    INTEGER = "integer"
    NUMBER = "double"
    BOOLEAN = "boolean"
    MOMENT = "dateTime"
    HEX = "byte[]"
    REFERENCE = "ref"
    COLLECTION = "collection"
    MAP = "map"
    DATA = "map of any"
    STRUCTURE = "structure"


class Access(IntEnum):
    """When a consumer may set an attribute; each level includes the one before."""

    READ = 0
    CREATE = 1
    EDIT = 2


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. The order of attributes in a kind is the order of elements in /1 XML.

    ``column`` is what of the record it shows, filters and sorts by; ``factor`` is how many of the record's units make
    one of CIMI's. ``kind`` names the kind that a reference or a collection leads to; ``embeddable`` lets a
    request give the referenced document by value; ``parts`` are the attributes of a structure, or those that accompany
    a reference. ``under`` says that the column holds what follows ``<namespace>/<under>/`` in the URI. A ``kept``
    attribute keeps its value when an update leaves it out.

    Of XML: ``element`` is the /1 element of one entry of an array; ``flat`` writes it as an XML attribute, ``body`` as
    the text of the structure's element; ``foreign`` puts it in Sirocco's namespace in /1, ``always`` writes it there
    even when empty.
    """

    name: str
    type: Type = Type.STRING
    column: str = ""
    access: Access = Access.READ
    required: bool = False
    factor: int = 1
    kind: str = ""
    embeddable: bool = False
    parts: "tuple[Attribute, ...]" = ()
    many: bool = False
    element: str = ""
    flat: bool = False
    body: bool = False
    foreign: bool = False
    always: bool = False
    secret: bool = False
    under: str = ""
    kept: bool = False
    versions: frozenset[int] = BOTH
    values: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    longest: int = 1024
    description: str = ""

    @property
    def extension(self) -> bool:
        """Whether the attribute is Sirocco's own on a resource of CIMI."""
        return self.name.startswith(PREFIX)

    @property
    def local(self) -> str:
        """The name of its XML element, without the prefix that a namespace stands for in XML."""
        return (self.element or self.name).removeprefix(PREFIX)

    def only(self, version: int) -> "Attribute":
        """The same attribute in one version."""
        return replace(self, versions=frozenset({version}))


def text(name: str, **more: object) -> Attribute:
    """A string shown from the column of the same name unless told otherwise."""
    return _made(name, Type.STRING, more)


def uri(name: str, **more: object) -> Attribute:
    """A URI."""
    return _made(name, Type.URI, more)


def integer(name: str, **more: object) -> Attribute:
    """A whole number."""
    return _made(name, Type.INTEGER, more)


def number(name: str, **more: object) -> Attribute:
    """A number with a fraction."""
    return _made(name, Type.NUMBER, more)


def boolean(name: str, **more: object) -> Attribute:
    """True or false."""
    return _made(name, Type.BOOLEAN, more)


def moment(name: str, **more: object) -> Attribute:
    """A date and time with its zone."""
    return _made(name, Type.MOMENT, more)


def reference(name: str, kind: str, **more: object) -> Attribute:
    """A reference to a resource of ``kind``."""
    return _made(name, Type.REFERENCE, {"kind": kind, **more})


def collection(name: str, kind: str, **more: object) -> Attribute:
    """A collection of ``kind`` below the resource."""
    return _made(name, Type.COLLECTION, {"kind": kind, **more})


def mapping(name: str, **more: object) -> Attribute:
    """Keys with text values."""
    return _made(name, Type.MAP, more)


def data(name: str, **more: object) -> Attribute:
    """Keys with values of any JSON type."""
    return _made(name, Type.DATA, more)


def structure(name: str, *parts: Attribute, **more: object) -> Attribute:
    """A group of attributes."""
    return _made(name, Type.STRUCTURE, {"parts": parts, **more})


def _made(name: str, kind: Type, more: dict[str, object]) -> Attribute:
    return Attribute(name, kind, **more)  # type: ignore[arg-type]
