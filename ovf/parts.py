"""What every part of the model has in common: a place, additions from foreign namespaces, localisable texts."""
# ruff: noqa: RUF009 -- the calls declare fields, as dataclasses.field does

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ovf.fields import Flag, attribute, text
from ovf.names import clark

NOWHERE = -1


def _at() -> Any:
    return dataclasses.field(default=NOWHERE, compare=False, repr=False, kw_only=True)


def _kept() -> Any:
    return dataclasses.field(default=(), kw_only=True)


@dataclass(frozen=True)
class Node:
    """An XML element kept as it came because the model has no word for it (DSP0243 2.1, clause 7.3)."""

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""
    children: tuple["Node", ...] = ()
    tail: str = ""

    def get(self, name: str, default: str = "") -> str:
        """The attribute with this local name, in whatever namespace."""
        for tag, value in self.attributes:
            if tag == name or tag.endswith("}" + name):
                return value
        return default

    def named(self, name: str) -> Iterator["Node"]:
        """The children with this local name, in whatever namespace."""
        return (node for node in self.children if node.tag == name or node.tag.endswith("}" + name))

    def leaf(self, name: str, default: str = "") -> str:
        """The text of the first child with this local name."""
        return next((node.text.strip() for node in self.named(name)), default)


@dataclass(frozen=True)
class Text:
    """A text with the key of its translations (DSP0243 2.1, clause 10), and attributes of foreign namespaces."""

    value: str = ""
    msgid: str = ""
    extra_attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Part:
    """What every element of a descriptor has: a place, and additions from foreign namespaces.

    ``leaf_attributes`` are those of its plain child elements: the child's name and number among its namesakes, the
    attribute's tag and value.
    """

    at: int = _at()
    extra_attributes: tuple[tuple[str, str], ...] = _kept()
    leaf_attributes: tuple[tuple[str, int, str, str], ...] = _kept()
    extras: tuple[Node, ...] = _kept()

    def vendor(self, namespace: str, name: str, default: str = "") -> str:
        """The value of a vendor's attribute."""
        return dict(self.extra_attributes).get(clark(namespace, name), default)


@dataclass(frozen=True)
class Section(Part):
    """What all sections share (clause 7): information for people, and whether it must be understood."""

    required: bool | None = attribute("required", Flag(), None)
    info: Text = text("Info", Text())


@dataclass(frozen=True)
class UnknownSection(Section):
    """A section no clause of the standard defines, kept for the way back (clause 7.3)."""

    xml: Node = Node("unknown")
