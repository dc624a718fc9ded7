"""How a model class stands in XML: each field says whether it is an attribute, a text or a child.

Reader and writer follow the same declaration, so what one writes the other reads, and the order of the
fields is the order of the schema.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from functools import lru_cache
from typing import Any

U16, U32, S63 = 2**16 - 1, 2**32 - 1, 2**63 - 1


class Form(Enum):
    """The forms a field takes in XML."""

    ATTRIBUTE = "attribute"
    LEAF = "leaf"
    LEAVES = "leaves"
    TEXT = "text"
    CHILD = "child"
    CHILDREN = "children"


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` to ``high``, both included."""

    low: int = 0
    high: int = S63


@dataclass(frozen=True)
class Flag:
    """``true`` or ``false``; XML Schema's ``1`` and ``0`` are read too."""


@dataclass(frozen=True)
class Words:
    """A list of words; separated by blanks, and on reading by any of ``commas`` as well."""

    commas: str = ""


@dataclass(frozen=True)
class Plain:
    """Any text; blanks around it carry no meaning unless ``exact``."""

    exact: bool = False


Value = Whole | Flag | Words | Plain


@dataclass(frozen=True)
class Shape:
    """Where a field stands, under which name, holding what."""

    form: Form
    name: str
    value: Value = Plain()
    child: Callable[[], type] | None = None
    namespace: str = ""


@dataclass(frozen=True)
class Slot:
    """A field of a model class together with its shape; ``many``, ``leaf`` and ``plain`` spare a second look."""

    attribute: str
    shape: Shape
    default: object
    many: bool
    leaf: bool
    plain: bool


def _declare(shape: Shape, default: object) -> Any:
    return dataclasses.field(default=default, metadata={"xml": shape})


def attribute(name: str, value: Value = Plain(), default: object = "", namespace: str = "") -> Any:
    """An attribute of the element (qualified with the envelope's namespace unless another is given)."""
    return _declare(Shape(Form.ATTRIBUTE, name, value, namespace=namespace), default)


def leaf(name: str, value: Value = Plain(), default: object = "") -> Any:
    """A child element that holds nothing but a value."""
    return _declare(Shape(Form.LEAF, name, value), default)


def leaves(name: str) -> Any:
    """A repeated child element that holds nothing but text."""
    return _declare(Shape(Form.LEAVES, name), ())


def text(name: str, default: object = None) -> Any:
    """A child element with a localisable text (DSP0243 2.1, clause 10)."""
    return _declare(Shape(Form.TEXT, name), default)


def child(name: str, cls: Callable[[], type]) -> Any:
    """At most one child element with a class of its own."""
    return _declare(Shape(Form.CHILD, name, child=cls), None)


def children(name: str, cls: Callable[[], type]) -> Any:
    """Child elements with a class of their own."""
    return _declare(Shape(Form.CHILDREN, name, child=cls), ())


@dataclass(frozen=True)
class Plan:
    """All slots of a class, found by the name their attribute or child element has.

    The two memories hold the slots of the full tags met so far: those of known names in known namespaces only.
    ``defaults`` are those of all fields that have one.
    """

    slots: tuple[Slot, ...]
    attributes: dict[str, Slot]
    children: dict[str, Slot]
    attribute_tags: dict[str, Slot]
    child_tags: dict[str, Slot]
    defaults: dict[str, object]


@lru_cache
def plan(cls: type) -> Plan:
    """The XML plan of a model class."""
    slots = tuple(_slot(field) for field in fields(cls) if "xml" in field.metadata)
    attributes = {slot.shape.name: slot for slot in slots if slot.shape.form is Form.ATTRIBUTE}
    others = {slot.shape.name: slot for slot in slots if slot.shape.form is not Form.ATTRIBUTE}
    defaults = {field.name: field.default for field in fields(cls) if field.default is not MISSING}
    return Plan(slots, attributes, others, {}, {}, defaults)


def plan_of(part: object) -> Plan:
    """The XML plan of a part's class."""
    return plan(type(part))  # type: ignore[arg-type]


def _slot(field: Field[Any]) -> Slot:
    default = None if field.default is MISSING else field.default
    shape: Shape = field.metadata["xml"]
    many = shape.form in {Form.CHILDREN, Form.LEAVES}
    leaf = shape.form in {Form.LEAF, Form.LEAVES}
    return Slot(field.name, shape, default, many, leaf, leaf and shape.value == Plain())
