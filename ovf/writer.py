"""Writes descriptors: strictly, in the order of the schema, the same bytes for the same model (clauses 6 to 10)."""

import re

from lxml import etree

from ovf import model
from ovf.errors import OvfError
from ovf.fields import Form, Slot, plan_of
from ovf.hardware import Group, Item, System
from ovf.model import Content, Message, Package, Strings
from ovf.names import ENVELOPE_1, ENVELOPE_2, EPASD, PREFIXES, RASD, SASD, VSSD, XML, clark, split
from ovf.parts import Node, Part, Section, Text, UnknownSection
from ovf.products import ConfiguredValue, Icon, ProductSection, Property
from ovf.reader import SECTIONS_1, SECTIONS_2

_NAMES: dict[type, str] = {cls: name for name, cls in (SECTIONS_1 | SECTIONS_2).items()}
_MODERN = tuple(SECTIONS_2.values())
_LANGUAGE = clark(XML, "lang")
_ITEM_NAMES = {
    Group.PLAIN: ("Item", RASD),
    Group.STORAGE: ("StorageItem", SASD),
    Group.PORT: ("EthernetPortItem", EPASD),
}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(package: Package, namespace: str = ENVELOPE_2) -> bytes:
    """The descriptor of a package as UTF-8, in the envelope of version 1 or 2.

    Sections that only version 2 knows are written into a version 1 envelope under their own namespace.

    Raises:
        OvfError: a text holds characters that XML cannot carry.
    """
    root = _Writer(namespace).envelope(package)
    etree.cleanup_namespaces(root, keep_ns_prefixes=["ovf"])
    etree.indent(root, "  ")
    body = etree.tostring(root, encoding="utf-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + bytes(body) + b"\n"


class _Writer:
    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._modern = namespace == ENVELOPE_2

    def envelope(self, package: Package) -> etree._Element:
        """The envelope (clause 7)."""
        names: dict[str | None, str] = {None: self._namespace, "ovf": self._namespace}
        names.update(PREFIXES.items())
        if not self._modern:
            names["ovf2"] = ENVELOPE_2
        taken = set(names.values())
        for prefix, uri in package.prefixes:
            if uri not in taken and prefix not in names and not re.fullmatch(r"ns\d+", prefix):
                names[prefix] = uri
        root = etree.Element(clark(self._namespace, "Envelope"), nsmap=names)  # type: ignore[arg-type]
        if self._modern:
            root.set(clark(self._namespace, "version"), "2.0")
        if package.language:
            root.set(_LANGUAGE, package.language)
        self._extra_attributes(root, package.extra_attributes)
        references = etree.SubElement(root, clark(self._namespace, "References"))
        for file in package.files:
            self.part(references, "File", file)
        self._sections(root, package.sections)
        if package.content is not None:
            self.content(root, package.content)
        for bundle in package.strings:
            self.bundle(root, bundle)
        return root

    def bundle(self, parent: etree._Element, bundle: Strings) -> None:
        """A message bundle (clause 10)."""
        element = self.part(parent, "Strings", bundle)
        if bundle.language:
            element.set(_LANGUAGE, bundle.language)

    def content(self, parent: etree._Element, content: Content) -> None:
        """A system or collection with everything inside (clause 7.2)."""
        name = "VirtualSystemCollection" if content.collection else "VirtualSystem"
        element = etree.SubElement(parent, clark(self._namespace, name))
        element.set(clark(self._namespace, "id"), _legal(content.id))
        self._extra_attributes(element, content.extra_attributes)
        self._text(element, "Info", content.info, self._namespace)
        if content.name is not None:
            self._text(element, "Name", content.name, self._namespace)
        self._sections(element, content.sections)
        for inner in content.contents:
            self.content(element, inner)

    def _sections(self, parent: etree._Element, sections: tuple[Section, ...]) -> None:
        for section in sections:
            if isinstance(section, UnknownSection):
                self._node(parent, section.xml)
            else:
                self.part(parent, _NAMES[type(section)], section)

    def part(self, parent: etree._Element, name: str, part: Part) -> etree._Element:
        """An element for a part of the model."""
        outer = ENVELOPE_2 if isinstance(part, _MODERN) else split(str(parent.tag))[0]
        outer = outer if outer in {ENVELOPE_1, ENVELOPE_2} else self._namespace
        inner = outer
        if isinstance(part, Item):
            name, inner = _ITEM_NAMES[part.group] if self._modern and _is_hardware(parent) else ("Item", RASD)
        elif isinstance(part, System):
            inner = VSSD
        element = etree.SubElement(parent, clark(outer, name))
        for slot in plan_of(part).slots:
            self._slot(element, part, slot, outer, inner)
        self._leaf_attributes(element, part, inner)
        if isinstance(part, Message):
            element.text = _legal(part.value)
        self._extra_attributes(element, part.extra_attributes)
        for node in part.extras:
            self._node(element, node)
        if isinstance(part, System):
            element[:] = sorted(element, key=lambda child: split(str(child.tag)) if _is_vssd(child) else ("~", ""))
        return element

    def _leaf_attributes(self, element: etree._Element, part: Part, namespace: str) -> None:
        for name, number, tag, value in part.leaf_attributes:
            children = element.findall(clark(namespace, name))
            if number < len(children):
                children[number].set(self._tag(tag), _legal(value))

    def _slot(self, element: etree._Element, part: Part, slot: Slot, outer: str, inner: str) -> None:
        value = getattr(part, slot.attribute)
        shape = slot.shape
        if shape.form is Form.ATTRIBUTE:
            if value != slot.default or shape.name in _ALWAYS.get(type(part), ()):
                namespace = self._namespace if shape.name == "required" else outer
                element.set(clark(namespace, shape.name), _legal(_format(value)))
        elif shape.form is Form.TEXT:
            if value is not None:
                namespace = self._namespace if shape.name == "Info" else inner
                self._text(element, shape.name, value, namespace)
        elif shape.form is Form.LEAF:
            if value != slot.default or shape.name in _ALWAYS.get(type(part), ()):
                self._leaf(element, clark(inner, shape.name), _format(value))
        elif shape.form is Form.LEAVES:
            for one in value:
                self._leaf(element, clark(inner, shape.name), one)
        elif shape.form is Form.CHILD:
            if value is not None:
                self.part(element, shape.name, value)
        else:
            self._children(element, part, shape.name, value)

    def _children(self, element: etree._Element, part: Part, name: str, children: tuple[Part, ...]) -> None:
        category: Text | None = None
        for one in children:
            wanted = getattr(one, "category", None) if isinstance(part, ProductSection) else None
            if wanted is not None and wanted != category:
                self._text(element, "Category", wanted, self._namespace)
                category = wanted
            self.part(element, name, one)

    def _text(self, parent: etree._Element, name: str, text: Text, namespace: str) -> None:
        element = self._leaf(parent, clark(namespace, name), text.value)
        if text.msgid:
            element.set(clark(namespace, "msgid"), _legal(text.msgid))
        self._extra_attributes(element, text.extra_attributes)

    def _leaf(self, parent: etree._Element, tag: str, text: str) -> etree._Element:
        element = etree.SubElement(parent, tag)
        if text:
            element.text = _legal(text)
        return element

    def _extra_attributes(self, element: etree._Element, attributes: tuple[tuple[str, str], ...]) -> None:
        for tag, value in attributes:
            element.set(self._tag(tag), _legal(value))

    def _node(self, parent: etree._Element, node: Node) -> None:
        element = etree.SubElement(parent, self._tag(node.tag))
        self._extra_attributes(element, node.attributes)
        element.text = _legal(node.text) or None
        for child in node.children:
            self._node(element, child)
        element.tail = _legal(node.tail) or None

    def _tag(self, tag: str) -> str:
        namespace, name = split(tag)
        return clark(self._namespace, name) if namespace == ENVELOPE_1 else tag


_ALWAYS: dict[type, frozenset[str]] = {
    model.Disk: frozenset({"diskId", "capacity"}),
    model.File: frozenset({"id", "href"}),
    model.Network: frozenset({"name"}),
    model.StartupItem: frozenset({"id"}),
    model.Configuration: frozenset({"id"}),
    model.Message: frozenset({"msgid"}),
    model.PlacementGroupSection: frozenset({"id", "policy"}),
    model.PlacementSection: frozenset({"group"}),
    model.ScaleOutSection: frozenset({"id"}),
    model.EnvironmentFile: frozenset({"fileRef", "path"}),
    ConfiguredValue: frozenset({"value"}),
    Icon: frozenset({"fileRef"}),
    Item: frozenset({"ElementName", "InstanceID"}),
    System: frozenset({"ElementName", "InstanceID"}),
    Property: frozenset({"key", "type"}),
}


def _format(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(value)
    return "" if value is None else str(value)


def _legal(text: str) -> str:
    match = _ILLEGAL.search(text)
    if match:
        raise OvfError(
            f"a text holds the character {ord(match.group()):#x}, which XML cannot carry", where=repr(text[:60])
        )
    return text


def _is_hardware(element: etree._Element) -> bool:
    """Whether storage and ports have elements of their own here (clause 8.1)."""
    return split(str(element.tag))[1] == "VirtualHardwareSection"


def _is_vssd(element: etree._Element) -> bool:
    return split(str(element.tag))[0] == VSSD
