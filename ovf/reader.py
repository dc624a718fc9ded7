"""Reads a descriptor of any version and dialect into the model (DSP0243 2.1, clauses 6 to 10).

Reading is lenient: it normalises what has one meaning (old spellings of units and references, sections of
version 0.9), invents what a deployment can do without, and notes each such step. It refuses only what is no
OVF descriptor at all.
"""

import re
from dataclasses import dataclass, field, replace

from lxml import etree

from ovf import model, safe_xml
from ovf.builder import Builder, canonical
from ovf.errors import UnreadableError
from ovf.findings import Issue
from ovf.hardware import HardwareSection, Item, ResourceAllocationSection
from ovf.limits import DEFAULT, Limits
from ovf.model import Content, Disk, DiskSection, File, Package, SharedDiskSection, Strings
from ovf.names import ENVELOPE_09, ENVELOPE_1, ENVELOPE_2, ENVELOPES, XML, XSI, clark, key, split
from ovf.parts import Node, Section, Text, UnknownSection
from ovf.products import ProductSection
from ovf.units import parse_unit, split_suffixed

SECTIONS_1: dict[str, type[Section]] = {
    "DiskSection": DiskSection,
    "NetworkSection": model.NetworkSection,
    "DeploymentOptionSection": model.DeploymentOptionSection,
    "AnnotationSection": model.AnnotationSection,
    "EulaSection": model.EulaSection,
    "InstallSection": model.InstallSection,
    "OperatingSystemSection": model.OperatingSystemSection,
    "ProductSection": ProductSection,
    "ResourceAllocationSection": ResourceAllocationSection,
    "StartupSection": model.StartupSection,
    "VirtualHardwareSection": HardwareSection,
}
SECTIONS_2: dict[str, type[Section]] = {
    "BootDeviceSection": model.BootDeviceSection,
    "EncryptionSection": model.EncryptionSection,
    "EnvironmentFilesSection": model.EnvironmentFilesSection,
    "PlacementGroupSection": model.PlacementGroupSection,
    "PlacementSection": model.PlacementSection,
    "ScaleOutSection": model.ScaleOutSection,
    "SharedDiskSection": SharedDiskSection,
}
_CONTENTS = {"VirtualSystem": False, "VirtualSystemCollection": True}
_BASES = frozenset({"byte", "bit", "hertz", "percent", "count"})
_RESOURCE = re.compile(r"(?:ovf:)?/{0,3}(disk|file)/(.+)")
_LANGUAGE = clark(XML, "lang")


@dataclass(frozen=True)
class Reading:
    """A descriptor read: the model, what was noted on the way, and where each element stands."""

    package: Package
    issues: tuple[Issue, ...]
    document: safe_xml.Document = field(repr=False, compare=False)


def read(data: bytes, limits: Limits = DEFAULT, *, where: str = "descriptor") -> Reading:
    """Read a descriptor.

    Raises:
        UnreadableError: no safe, well-formed XML, or no envelope of a known version.
    """
    document = safe_xml.parse(data, limits, where=where)
    namespace, name = split(str(document.root.tag))
    if name != "Envelope" or namespace not in ENVELOPES:
        raise UnreadableError(
            f"is no OVF envelope of a known version: its root is {name[:60]!r} in namespace {namespace[:100]!r}",
            where=where,
            remedy="versions 0.9, 1.x and 2.x are read",
        )
    reader = _Reader(document, namespace, limits)
    return Reading(reader.package(), tuple(reader.issues), document)


def read_strings(data: bytes, limits: Limits = DEFAULT, *, where: str = "message bundle") -> Strings:
    """Read an external message bundle: a file whose root is ``Strings`` (clause 10.2).

    Raises:
        UnreadableError: no safe, well-formed XML, or another root.
    """
    document = safe_xml.parse(data, limits, where=where)
    if key(str(document.root.tag)) != "Strings":
        raise UnreadableError("is no message bundle: its root is not Strings", where=where)
    return _Reader(document, ENVELOPE_1, limits).strings(document.root)


class _Reader(Builder):
    def __init__(self, document: safe_xml.Document, envelope: str, limits: Limits) -> None:
        super().__init__(document.index)
        self._root = document.root
        self._envelope = envelope
        self._limits = limits

    def package(self) -> Package:
        """The whole envelope (clause 7)."""
        root = self._root
        files: list[File] = []
        sections: list[Section] = []
        contents: list[Content] = []
        bundles: list[Strings] = []
        found = False
        for child in root:
            name = self._name(child)
            if name == "References":
                if found:
                    self.note("element.repeated", child, name)
                found = True
                files.extend(self.build(File, one) for one in child if key(str(one.tag)) == "File")
            elif name in _CONTENTS:
                contents.append(self.content(child, 1))
            elif name == "Strings":
                bundles.append(self.strings(child))
            else:
                sections.append(self.section(child))
        if not found:
            self.note("references.missing", root)
        for extra in contents[1:]:
            self.issues.append(Issue("content.multiple", extra.at, extra.id))
        return Package(
            version=self._version(),
            language=str(root.get(_LANGUAGE, "")),
            files=tuple(files),
            sections=tuple(sections),
            content=contents[0] if contents else None,
            strings=tuple(bundles),
            extra_attributes=self._envelope_attributes(),
            prefixes=tuple(sorted((prefix, uri) for prefix, uri in root.nsmap.items() if prefix)),
        )

    def _version(self) -> str:
        stated = next((str(value) for tag, value in self._root.items() if split(str(tag))[1] == "version"), "")
        known = ENVELOPES[self._envelope]
        return stated if re.fullmatch(re.escape(known[:2]) + r"\d", stated) else known

    def _envelope_attributes(self) -> tuple[tuple[str, str], ...]:
        ours = {*ENVELOPES, XSI, XML, ""}
        items = ((str(tag), str(value)) for tag, value in self._root.items())
        return tuple(sorted((tag, value) for tag, value in items if split(tag)[0] not in ours))

    def _name(self, element: etree._Element) -> str:
        """The key of an element; for the typed elements of version 0.9 that of their type."""
        name = key(str(element.tag))
        if name in {"Section", "Content"} and (kind := element.get(clark(XSI, "type"))):
            prefix, _, local = str(kind).strip().rpartition(":")
            uri = str(element.nsmap.get(prefix or None, ""))
            return key(clark(uri, local.removesuffix("_Type")))
        return name

    def strings(self, element: etree._Element) -> Strings:
        """A message bundle (clause 10)."""
        bundle = self.build(Strings, element, language=str(element.get(_LANGUAGE, "")))
        others = tuple((tag, value) for tag, value in bundle.extra_attributes if tag != _LANGUAGE)
        return replace(bundle, extra_attributes=others)

    def content(self, element: etree._Element, depth: int) -> Content:
        """A system or a collection with everything inside (clause 7.2)."""
        info = name = None
        sections: list[Section] = []
        inner: list[Content] = []
        for child in element:
            tag = self._name(child)
            if tag == "Info":
                info = info or self.text(child)
            elif tag == "Name":
                name = name or self.text(child)
            elif tag in _CONTENTS and depth < self._limits.collection_depth:
                inner.append(self.content(child, depth + 1))
            elif tag in _CONTENTS:
                self.note("content.too-deep", child)
            else:
                sections.append(self.section(child))
        if info is None:
            self.note("info.missing", element)
        values: dict[str, object] = {}
        extra = self._read_attributes(Content, element, values)
        return Content(
            collection=_CONTENTS[self._name(element)],
            id=self._content_id(element, str(values.get("id", ""))),
            info=info or Text(),
            name=name,
            sections=tuple(sections),
            contents=tuple(inner),
            at=self.at(element),
            extra_attributes=tuple(sorted(extra)),
        )

    def _content_id(self, element: etree._Element, stated: str) -> str:
        if stated:
            return stated
        self.note("content.id-missing", element)
        return f"system-{self.at(element)}"

    def section(self, element: etree._Element) -> Section:
        """A section of any kind (clause 9), unknown ones as they are (clause 7.3)."""
        name = self._name(element)
        namespace = split(str(element.tag))[0]
        cls = SECTIONS_1.get(name) or (SECTIONS_2.get(name) if namespace == ENVELOPE_2 else None)
        if cls is None:
            return self._unknown_section(element, name)
        if namespace == ENVELOPE_2 and self._envelope != ENVELOPE_2:
            self.note("section.version", element, name)
        section = self.build(cls, element)
        if not section.info.value and not section.info.msgid:
            self.note("info.missing", element, name)
        return self._normalised(section)

    def _unknown_section(self, element: etree._Element, name: str) -> UnknownSection:
        xml = self.node(element)
        if name != key(str(element.tag)):
            kept = tuple(pair for pair in xml.attributes if split(pair[0])[0] != XSI)
            xml = replace(
                xml, tag=canonical(name if name.startswith("{") else clark(ENVELOPE_1, name)), attributes=kept
            )
        stated = xml.get("required", "absent")
        required = None if stated == "absent" else stated.strip().lower() not in {"false", "0"}
        return UnknownSection(required=required, xml=replace(xml, tail=""), at=self.at(element))

    def _normalised(self, section: Section) -> Section:
        if isinstance(section, (DiskSection, SharedDiskSection)):
            return replace(section, disks=tuple(self._disk(disk) for disk in section.disks))
        if isinstance(section, (HardwareSection, ResourceAllocationSection)):
            items = self._named([self._item(item) for item in section.items])
            system = getattr(section, "system", None)
            if system is not None and self._envelope == ENVELOPE_09 and not system.element_name:
                return replace(section, items=items, system=replace(system, element_name="Virtual Hardware Family"))
            return replace(section, items=items)
        return section

    def _disk(self, disk: Disk) -> Disk:
        suffixed = split_suffixed(disk.capacity)
        if suffixed is not None:
            self.issues.append(Issue("disk.capacity-suffix", disk.at, disk.capacity))
            disk = replace(disk, capacity=str(suffixed[0]), units=str(suffixed[1]))
        return replace(disk, units=self._unit(disk.units or "byte", disk.at))

    def _unit(self, text: str, at: int) -> str:
        unit = parse_unit(text) if text else None
        if unit is None:
            return text
        word = re.match(r"\s*([A-Za-z]+)", text)
        if word and word.group(1) not in _BASES:
            self.issues.append(Issue("unit.spelling", at, text))
        return str(unit)

    def _item(self, item: Item) -> Item:
        changes: dict[str, object] = {}
        units = self._unit(item.allocation_units, item.at) if item.allocation_units else ""
        if units != item.allocation_units:
            changes["allocation_units"] = units
        resources = tuple(self._resource(one, item.at) for one in item.host_resources)
        if resources != item.host_resources:
            changes["host_resources"] = resources
        legacy = [node for node in item.extras if _is_legacy(node)]
        if legacy:
            changes["extras"] = tuple(node for node in item.extras if node not in legacy)
            changes["address"] = item.address or legacy[0].text.strip()
            if self._envelope != ENVELOPE_09:
                self.issues.append(Issue("item.legacy", item.at, "BusNumber"))
        return replace(item, **changes) if changes else item  # type: ignore[arg-type]

    def _resource(self, text: str, at: int) -> str:
        match = _RESOURCE.fullmatch(text)
        if match is None:
            return text
        result = f"ovf:/{match.group(1)}/{match.group(2)}"
        if result != text:
            self.issues.append(Issue("item.host-resource-odd", at, text))
        return result

    def _named(self, items: list[Item]) -> tuple[Item, ...]:
        """The items in the order of OVF 2.x, each with a name and a number."""
        last = max((int(item.instance_id) for item in items if item.instance_id.isdecimal()), default=0)
        result = []
        for item in items:
            number, name = item.instance_id, item.element_name
            if not number:
                last += 1
                number = str(last)
                self.issues.append(Issue("item.id-missing", item.at, f"{number} is used"))
            if not name:
                name = item.caption or item.description or f"device {number}"
                if self._envelope != ENVELOPE_09:
                    self.issues.append(Issue("item.name-missing", item.at, f"{name} is used"))
            changed = (number, name) != (item.instance_id, item.element_name)
            result.append(replace(item, instance_id=number, element_name=name) if changed else item)
        return tuple(sorted(result, key=lambda item: item.group))


def _is_legacy(node: Node) -> bool:
    return split(node.tag)[1] == "BusNumber"
