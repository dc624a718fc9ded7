"""From XML elements to model parts, by the plan each class declares.

The builder never fails on content: what it cannot use it notes as an issue and leaves out, what it does not
know it keeps.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeVar

from lxml import etree

from ovf.fields import Flag, Form, Plain, Slot, Value, Whole, plan, plan_of
from ovf.findings import Issue
from ovf.model import BootDeviceSection, EncryptionSection, Message
from ovf.names import ALLOCATION_CLASSES, ENVELOPE_1, ENVELOPES, RASD, XSI, clark, is_vendor, key, split
from ovf.parts import Node, Part, Text
from ovf.products import ProductSection, Property

P = TypeVar("P", bound=Part)

_WHOLE = re.compile(r"[+-]?\d{1,30}")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_ALIASES = {"InstanceId": "InstanceID", "StorageItem": "Item", "EthernetPortItem": "Item"}
_UNLIMITED = frozenset({"Limit", "Weight", "Reservation"})
_DESCRIPTIVE = frozenset({"height", "width", "Weight"})
_FREE = (BootDeviceSection, EncryptionSection)
_CLOSED = frozenset({*ENVELOPES, RASD, RASD + ".xsd"})


@lru_cache(maxsize=4096)
def canonical(tag: str) -> str:
    """The tag with any envelope namespace replaced by that of version 1, which stands for all in kept nodes."""
    namespace, name = split(tag)
    return clark(ENVELOPE_1, name) if namespace in ENVELOPES else tag


def truth(raw: str) -> bool | None:
    """``true`` and ``false`` in any letter case, ``1`` and ``0``; None for everything else."""
    return _TRUTH.get(raw.strip().lower())


class Builder:
    """Builds parts from elements of one document and collects what was odd about them."""

    def __init__(self, index: dict[etree._Element, int]) -> None:
        self.issues: list[Issue] = []
        self._index = index
        self._categories: dict[etree._Element, Text] = {}

    def note(self, code: str, element: etree._Element, detail: str = "") -> None:
        """Remember a breach of a rule at this element."""
        self.issues.append(Issue(code, self._index.get(element, -1), detail))

    def at(self, element: etree._Element) -> int:
        """The element's number in document order."""
        return self._index[element]

    def node(self, element: etree._Element) -> Node:
        """The element as it is, blanks between elements left out."""
        inner = tuple(self.node(child) for child in element)
        attributes = tuple(sorted((canonical(str(tag)), str(value)) for tag, value in element.items()))
        return Node(
            canonical(str(element.tag)),
            attributes,
            _kept_text(element.text, blank_is_nothing=bool(inner)),
            inner,
            _kept_text(element.tail, blank_is_nothing=True),
        )

    def text(self, element: etree._Element) -> Text:
        """A localisable text (clause 10)."""
        msgid, others = "", []
        for name, value in element.items() if element.attrib else ():
            tag = canonical(str(name))
            namespace, local = split(tag)
            if local == "msgid":
                msgid = str(value)
            elif namespace != XSI:
                others.append((tag, str(value)))
        return Text(_content(element), msgid, tuple(sorted(others)))

    def build(self, cls: type[P], element: etree._Element, **given: Any) -> P:
        """A part of this class from an element; ``given`` sets fields the element does not hold."""
        values: dict[str, Any] = {"at": self._index[element], **given}
        if cls is ProductSection:
            self._remember_categories(element)
        extra_attributes = self._read_attributes(cls, element, values)
        extras = self._read_children(cls, element, values)
        if extra_attributes:
            values["extra_attributes"] = tuple(sorted(extra_attributes))
        if extras:
            values["extras"] = tuple(extras)
        return _made(cls, values)

    def _read_attributes(self, cls: type, element: etree._Element, values: dict[str, Any]) -> list[tuple[str, str]]:
        extras = []
        tags = plan(cls).attribute_tags
        for name, raw in element.items() if element.attrib else ():
            tag = str(name)
            slot = tags.get(tag) or self._attribute_slot(cls, tag, element)
            if slot is not None:
                values[slot.attribute] = self._value(slot, str(raw), element)
            elif split(tag)[0] != XSI:
                extras.append((canonical(tag), str(raw)))
        return extras

    def _attribute_slot(self, cls: type, tag: str, element: etree._Element) -> Slot | None:
        """The slot for an attribute, remembered when its tag is qualified as it should be."""
        namespace, name = split(tag)
        slot = plan(cls).attributes.get(name) if not namespace or namespace in ENVELOPES else None
        if slot is not None and namespace:
            plan(cls).attribute_tags[tag] = slot
        elif slot is not None:
            self.note("attribute.unqualified", element, name)
        return slot

    def _read_children(self, cls: type, element: etree._Element, values: dict[str, Any]) -> list[Node]:
        extras = []
        many: dict[str, list[Any]] = {}
        leaves: list[tuple[str, int, str, str]] = []
        tags = plan(cls).child_tags
        for child in element:
            tag = str(child.tag)
            slot = tags.get(tag) or _slot_of(cls, tag)
            if slot is None:
                if key(tag) != "Category" or cls is not ProductSection:
                    extras.append(self._unknown(cls, child))
                continue
            if slot.attribute in values:
                self.note("element.repeated", child, slot.shape.name)
                continue
            if slot.leaf and child.attrib:
                leaves += self._leaf_attributes(slot, child, len(many.get(slot.attribute, ())))
            value = _content(child).strip() if slot.plain else self._one(slot, child)
            if slot.many:
                many.setdefault(slot.attribute, []).append(value)
            else:
                values[slot.attribute] = value
        if leaves:
            values["leaf_attributes"] = tuple(sorted(leaves))
        values.update((name, tuple(parts)) for name, parts in many.items())
        return extras

    def _leaf_attributes(self, slot: Slot, element: etree._Element, number: int) -> Iterator[tuple[str, int, str, str]]:
        for tag, value in element.items():
            if split(str(tag))[0] != XSI:
                yield slot.shape.name, number, canonical(str(tag)), str(value)

    def _one(self, slot: Slot, element: etree._Element) -> Any:
        shape = slot.shape
        if shape.form is Form.TEXT:
            return self.text(element)
        if shape.child is None:
            return self._value(slot, _content(element), element)
        cls = shape.child()
        if cls is Property:
            return self.build(Property, element, category=self._categories.get(element))
        if cls is Message:
            return self.build(Message, element, value=_content(element))
        return self.build(cls, element)

    def _unknown(self, cls: type, element: etree._Element) -> Node:
        namespace, name = split(str(element.tag))
        node = self.node(element)
        required = truth(node.get("required"))
        if required and not is_vendor(namespace) and namespace not in ALLOCATION_CLASSES:
            self.note("element.unknown-required", element, name)
        if namespace in _CLOSED and cls not in _FREE and name != "BusNumber":
            self.note("element.unexpected", element, name)
        return node

    def _remember_categories(self, element: etree._Element) -> None:
        category = None
        for child in element:
            name = key(str(child.tag))
            if name == "Category":
                category = self.text(child)
            elif name == "Property" and category is not None:
                self._categories[child] = category

    def _value(self, slot: Slot, raw: str, element: etree._Element) -> Any:
        value: Value = slot.shape.value
        if isinstance(value, Plain):
            return raw if value.exact else raw.strip()
        if isinstance(value, Whole):
            return self._whole(slot, value, raw.strip(), element)
        if isinstance(value, Flag):
            return self._flag(slot, raw.strip(), element)
        for comma in value.commas:
            raw = raw.replace(comma, " ")
        return tuple(raw.split())

    def _whole(self, slot: Slot, bounds: Whole, raw: str, element: etree._Element) -> int | None:
        name = slot.shape.name
        if _WHOLE.fullmatch(raw):
            number = int(raw)
            if bounds.low <= number <= bounds.high:
                return number
            if number == -1 and name in _UNLIMITED:
                self.note("value.unlimited", element, name)
                return None
        harmless = not raw or name in _DESCRIPTIVE
        self.note("value.number-harmless" if harmless else "value.number", element, f"{name} is {raw!r}")
        return slot.default if isinstance(slot.default, int) else None

    def _flag(self, slot: Slot, raw: str, element: etree._Element) -> object:
        result = truth(raw)
        if result is None:
            code = "value.boolean" if raw else "value.boolean-spelling"
            self.note(code, element, f"{slot.shape.name} is {raw!r}")
            return slot.default
        if raw not in _TRUTH:
            self.note("value.boolean-spelling", element, f"{slot.shape.name} is {raw!r}")
        return result


def _made(cls: type[P], values: dict[str, Any]) -> P:
    """A part with these values, all others being defaults; ``__init__`` would set thirty frozen fields one by one."""
    part = object.__new__(cls)
    part.__dict__.update(plan_of(part).defaults)
    part.__dict__.update(values)
    return part


def _slot_of(cls: type, tag: str) -> Slot | None:
    """The slot for a full tag met for the first time."""
    found = plan(cls)
    name = key(tag)
    slot = found.children.get(_ALIASES.get(name, name))
    if slot is not None:
        found.child_tags[tag] = slot
    return slot


def _content(element: etree._Element) -> str:
    if len(element):
        return "".join(str(part) for part in element.itertext())
    return str(element.text or "")


def _kept_text(text: str | bytes | None, *, blank_is_nothing: bool) -> str:
    kept = str(text or "")
    return "" if blank_is_nothing and not kept.strip() else kept
