"""Validity against the published schemas (DSP8023 1.1.0, DSP8027 1.1.0), without the network.

The schema asks that additions be members of its Section group, so sections of foreign namespaces are declared
as such on the fly. For version 2, whose schema is not publicly mirrored, the schema of 1.1 is carried over to
the namespace of version 2 and given the sections of DSP0243 2.1, clauses 9.11 to 9.16.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files

from lxml import etree

from ovf.findings import Issue
from ovf.names import ENVELOPE_1, ENVELOPE_2, split
from ovf.reader import Reading

_XS = "http://www.w3.org/2001/XMLSchema"
_MOST_ERRORS = 50
_ENVELOPE = "dsp8023_1.1.0.xsd"
_ITEM = '<xs:element name="Item" type="ovf:RASD_Type" minOccurs="0" maxOccurs="unbounded"/>'
_LAX = '<xs:any namespace="##any" processContents="lax" minOccurs="0" maxOccurs="unbounded"/>'
_FREE_ITEM = """
<xs:complexType name="FreeItem_Type">
  <xs:sequence><xs:any namespace="##other" processContents="lax" minOccurs="1" maxOccurs="unbounded"/></xs:sequence>
  <xs:attribute name="required" type="xs:boolean" default="true"/>
  <xs:attribute name="configuration" type="xs:string"/>
  <xs:attribute name="bound" type="xs:string"/>
  <xs:anyAttribute namespace="##any" processContents="lax"/>
</xs:complexType>
"""
_COUNT = """<xs:element name="Description" type="ovf:Msg_Type" minOccurs="0"/>
<xs:element name="InstanceCount"><xs:complexType>
  <xs:attribute name="default" type="xs:unsignedShort" use="required"/>
  <xs:attribute name="minimum" type="xs:unsignedShort"/>
  <xs:attribute name="maximum" type="xs:unsignedShort"/>
  <xs:anyAttribute namespace="##any" processContents="lax"/>
</xs:complexType></xs:element>"""
_FILES = """<xs:element name="File" maxOccurs="unbounded"><xs:complexType>
  <xs:attribute name="fileRef" type="xs:string" use="required"/>
  <xs:attribute name="path" type="xs:string" use="required"/>
  <xs:anyAttribute namespace="##any" processContents="lax"/>
</xs:complexType></xs:element>"""
_SHARED = '<xs:element name="SharedDisk" type="ovf:VirtualDiskDesc_Type" maxOccurs="unbounded"/>'
_DESCRIPTION = '<xs:element name="Description" type="ovf:Msg_Type" minOccurs="0"/>'


def _text_attribute(name: str, *, required: bool = True) -> str:
    return (
        f'<xs:attribute name="{name}" type="xs:string"{" use=" + chr(34) + "required" + chr(34) if required else ""}/>'
    )


_ADDED = {
    "BootDeviceSection": (_LAX, ""),
    "EncryptionSection": (_LAX, ""),
    "EnvironmentFilesSection": (_FILES, _text_attribute("transport", required=False)),
    "PlacementGroupSection": (_DESCRIPTION, _text_attribute("id") + _text_attribute("policy")),
    "PlacementSection": ("", _text_attribute("group")),
    "ScaleOutSection": (_COUNT, _text_attribute("id")),
    "SharedDiskSection": (_SHARED, ""),
}


def schema_issues(reading: Reading) -> list[Issue]:
    """Every breach of the schema, as issues at the elements concerned."""
    root = reading.document.root
    namespace = split(str(root.tag))[0]
    if namespace not in {ENVELOPE_1, ENVELOPE_2}:
        return [Issue("schema.none", detail=f"version {reading.package.version}")]
    schema = _schema(namespace, frozenset(_foreign_sections(root, namespace)))
    if schema.validate(root):
        return []
    places = {reading.document.place(at)[0]: at for at in range(len(reading.document.index))}
    errors = list(_errors(schema))[:_MOST_ERRORS]
    return [Issue("schema.invalid", _nearest(places, int(error.line)), str(error.message)) for error in errors]


def environment_errors(root: etree._Element) -> list[str]:
    """What makes an OVF environment invalid against DSP8027; empty if nothing does."""
    schema = _environment_schema()
    return [] if schema.validate(root) else [str(error.message) for error in _errors(schema)]


def _errors(schema: etree.XMLSchema) -> Iterator[etree._LogEntry]:
    log: Iterable[etree._LogEntry] = schema.error_log  # type: ignore[assignment]
    return iter(log)


def _nearest(places: dict[int, int], line: int) -> int:
    """The element that starts at a line or last before it."""
    return next((places[one] for one in range(line, 0, -1) if one in places), -1)


def _foreign_sections(root: etree._Element, namespace: str) -> Iterator[str]:
    """The tags of foreign namespaces that stand where sections do."""
    contents = {f"{{{namespace}}}{name}" for name in ("VirtualSystem", "VirtualSystemCollection")}
    for parent in (root, *(element for element in root.iter(*contents))):
        for child in parent:
            if split(str(child.tag))[0] not in {namespace, ""}:
                yield str(child.tag)


class _Local(etree.Resolver):
    """Finds schemas by file name in this package; everything else is empty."""

    def __init__(self, made: dict[str, str]) -> None:
        super().__init__()
        self._made = made

    def resolve(self, system_url: str, public_id: str, context: object) -> object:  # type: ignore[override]  # noqa: ARG002
        name = system_url.rpartition("/")[2]
        if name in self._made:
            return self.resolve_string(self._made[name], context)  # type: ignore[call-arg]
        found = files("ovf").joinpath("schema", name)
        data = found.read_bytes() if found.is_file() else f'<xs:schema xmlns:xs="{_XS}"/>'
        return self.resolve_string(data, context)  # type: ignore[call-arg]


def _compile(text: str, made: dict[str, str]) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True, load_dtd=False, resolve_entities=False)
    parser.resolvers.add(_Local(made))
    return etree.XMLSchema(etree.fromstring(text.encode(), parser))


@lru_cache(maxsize=64)
def _schema(namespace: str, foreign: frozenset[str]) -> etree.XMLSchema:
    by_namespace: dict[str, list[str]] = {}
    for tag in sorted(foreign):
        uri, name = split(tag)
        by_namespace.setdefault(uri, []).append(name)
    made = {"envelope.xsd": _envelope(namespace)}
    imports = [f'<xs:import namespace="{namespace}" schemaLocation="envelope.xsd"/>']
    for number, (uri, names) in enumerate(by_namespace.items()):
        made[f"foreign{number}.xsd"] = _extension(namespace, uri, names)
        imports.append(f'<xs:import namespace="{_quoted(uri)}" schemaLocation="foreign{number}.xsd"/>')
    return _compile(f'<xs:schema xmlns:xs="{_XS}">{"".join(imports)}</xs:schema>', made)


@lru_cache(maxsize=1)
def _environment_schema() -> etree.XMLSchema:
    return _compile(
        files("ovf").joinpath("schema", "dsp8027_1.1.0.xsd").read_text(encoding="utf-8").partition("?>")[2], {}
    )


def _envelope(namespace: str) -> str:
    text = files("ovf").joinpath("schema", _ENVELOPE).read_text(encoding="utf-8").partition("?>")[2]
    if namespace == ENVELOPE_1:
        return text
    items = _ITEM + "".join(
        f'<xs:element name="{name}" type="ovf:FreeItem_Type" minOccurs="0" maxOccurs="unbounded"/>'
        for name in ("StorageItem", "EthernetPortItem")
    )
    added = "".join(_section(name, content, attributes) for name, (content, attributes) in _ADDED.items())
    body = text.replace(ENVELOPE_1, ENVELOPE_2).replace(_ITEM, items, 1)
    return body.replace("</xs:schema>", f"{_FREE_ITEM}{added}</xs:schema>")


def _section(name: str, content: str, attributes: str) -> str:
    return (
        f'<xs:element name="{name}" substitutionGroup="ovf:Section"><xs:complexType><xs:complexContent>'
        f'<xs:extension base="ovf:Section_Type"><xs:sequence>{content}</xs:sequence>{attributes}</xs:extension>'
        f"</xs:complexContent></xs:complexType></xs:element>"
    )


def _extension(namespace: str, uri: str, names: list[str]) -> str:
    sections = "".join(_section(name, _LAX, "") for name in names)
    return (
        f'<xs:schema xmlns:xs="{_XS}" xmlns:ovf="{namespace}" targetNamespace="{_quoted(uri)}">'
        f'<xs:import namespace="{namespace}" schemaLocation="envelope.xsd"/>{sections}</xs:schema>'
    )


def _quoted(uri: str) -> str:
    return uri.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
