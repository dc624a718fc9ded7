"""The OVF environment: what a guest is told about itself and its siblings (DSP0243 2.1, clause 11; DSP8027).

It is written as XML by a serialiser, packed as ISO 9660 (transport ``iso``) or passed as a guest variable
(transport ``com.vmware.guestInfo``), and read back from either.
"""

import base64
import io
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pycdlib
from lxml import etree
from pycdlib.pycdlibexception import PyCdlibException

from ovf import safe_xml
from ovf.errors import OvfError, UnreadableError
from ovf.hrefs import safe_member
from ovf.limits import DEFAULT, MIB, Limits
from ovf.machine import Deployment, Machine
from ovf.names import ENVIRONMENT, XML, XSI, clark, split

GUEST_VARIABLE = "guestinfo.ovfEnv"
FILE_NAME = "ovf-env.xml"
_LANGUAGE = clark(XML, "lang")


@dataclass(frozen=True)
class Platform:
    """Who runs the guest; the time zone is in minutes east of UTC. Empty parts are left out."""

    kind: str = ""
    version: str = ""
    vendor: str = ""
    locale: str = ""
    timezone: int | None = None


@dataclass(frozen=True)
class Environment:
    """What one guest is told: its id, the platform, its properties, and those of each sibling by id."""

    id: str
    platform: Platform
    properties: tuple[tuple[str, str], ...]
    entities: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


def for_machine(deployment: Deployment, machine: Machine, platform: Platform) -> Environment:
    """The environment of a machine: its own and inherited properties, and its siblings in the same collection."""
    siblings = [one for one in deployment.machines if one.collection == machine.collection and one.id != machine.id]
    entities = tuple((one.id, _pairs(one)) for one in siblings if machine.collection)
    return Environment(machine.id, platform, _pairs(machine), entities)


def _pairs(machine: Machine) -> tuple[tuple[str, str], ...]:
    return tuple((one.key, one.value) for one in machine.properties)


def render(environment: Environment) -> bytes:
    """The environment document in UTF-8.

    Raises:
        OvfError: a value holds characters that XML cannot carry.
    """
    names: dict[str | None, str] = {None: ENVIRONMENT, "oe": ENVIRONMENT, "xsi": XSI}
    root = etree.Element(clark(ENVIRONMENT, "Environment"), nsmap=names)  # type: ignore[arg-type]
    try:
        root.set(clark(ENVIRONMENT, "id"), environment.id)
        _platform(root, environment.platform)
        _properties(root, environment.properties)
        for name, pairs in environment.entities:
            entity = etree.SubElement(root, clark(ENVIRONMENT, "Entity"))
            entity.set(clark(ENVIRONMENT, "id"), name)
            _properties(entity, pairs)
    except ValueError:
        raise OvfError("a property holds a character that XML cannot carry", where=environment.id) from None
    etree.cleanup_namespaces(root, keep_ns_prefixes=["oe"])
    etree.indent(root, "  ")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + bytes(etree.tostring(root, encoding="utf-8")) + b"\n"


def _platform(root: etree._Element, platform: Platform) -> None:
    section = etree.SubElement(root, clark(ENVIRONMENT, "PlatformSection"))
    stated = {
        "Kind": platform.kind,
        "Version": platform.version,
        "Vendor": platform.vendor,
        "Locale": platform.locale,
        "Timezone": "" if platform.timezone is None else str(platform.timezone),
    }
    for name, text in stated.items():
        if text:
            etree.SubElement(section, clark(ENVIRONMENT, name)).text = text


def _properties(parent: etree._Element, pairs: Iterable[tuple[str, str]]) -> None:
    section = etree.SubElement(parent, clark(ENVIRONMENT, "PropertySection"))
    for key, value in pairs:
        element = etree.SubElement(section, clark(ENVIRONMENT, "Property"))
        element.set(clark(ENVIRONMENT, "key"), key)
        element.set(clark(ENVIRONMENT, "value"), value)


def parse(data: bytes, limits: Limits = DEFAULT) -> Environment:
    """Read an environment document.

    Raises:
        UnreadableError: no safe XML, or no environment.
    """
    root = safe_xml.parse(data, limits, where=FILE_NAME).root
    if str(root.tag) != clark(ENVIRONMENT, "Environment"):
        raise UnreadableError("is no OVF environment", where=FILE_NAME)
    entities = tuple(
        (_attribute(one, "id"), _read_properties(one)) for one in root if str(one.tag) == clark(ENVIRONMENT, "Entity")
    )
    return Environment(_attribute(root, "id"), _read_platform(root), _read_properties(root), entities)


def _read_platform(root: etree._Element) -> Platform:
    section = root.find(clark(ENVIRONMENT, "PlatformSection"))
    leaves = {} if section is None else {split(str(one.tag))[1]: str(one.text or "") for one in section}
    zone = leaves.get("Timezone", "").strip()
    return Platform(
        kind=leaves.get("Kind", ""),
        version=leaves.get("Version", ""),
        vendor=leaves.get("Vendor", ""),
        locale=leaves.get("Locale", ""),
        timezone=int(zone) if zone.lstrip("+-").isdecimal() else None,
    )


def _read_properties(parent: etree._Element) -> tuple[tuple[str, str], ...]:
    path = f"{clark(ENVIRONMENT, 'PropertySection')}/{clark(ENVIRONMENT, 'Property')}"
    return tuple((_attribute(one, "key"), _attribute(one, "value")) for one in parent.iterfind(path))


def _attribute(element: etree._Element, name: str) -> str:
    return str(element.get(clark(ENVIRONMENT, name)) or element.get(name) or "")


def iso(
    environment: Environment, files: Mapping[str, bytes] | None = None, seed: Mapping[str, bytes] | None = None
) -> bytes:
    """A CD with ``ovf-env.xml`` at its root, as ISO 9660 with Joliet and Rock Ridge.

    Args:
        environment: what the guest is told.
        files: extra files by path (clause 9.11).
        seed: ``user-data``, ``meta-data`` and the like for cloud-init; the volume is then called ``cidata``.

    Raises:
        RefusedError: a path leaves the CD.
    """
    content = {FILE_NAME: render(environment), **(files or {}), **(seed or {})}
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident="cidata" if seed else "OVF ENV")
    folders: dict[str, str] = {"": ""}
    for number, (path, data) in enumerate(sorted(content.items())):
        *parents, name = safe_member(path).split("/")
        folder = ""
        for part in parents:
            folder = _folder(image, folders, folder, part)
        image.add_fp(
            io.BytesIO(data),
            len(data),
            f"{folders[folder]}/F{number:07d}.;1",
            rr_name=name,
            joliet_path=f"{folder}/{name}",
        )
    output = io.BytesIO()
    image.write_fp(output)
    image.close()
    return output.getvalue()


def _folder(image: pycdlib.PyCdlib, folders: dict[str, str], parent: str, name: str) -> str:
    path = f"{parent}/{name}"
    if path not in folders:
        folders[path] = f"{folders[parent]}/D{len(folders):07d}"
        image.add_directory(folders[path], rr_name=name, joliet_path=path)
    return path


def read_iso(data: bytes) -> dict[str, bytes]:
    """The files at the root of an environment CD by name.

    Raises:
        UnreadableError: it is no ISO 9660 image, or a file in it is too large.
    """
    image = pycdlib.PyCdlib()
    found: dict[str, bytes] = {}
    try:
        image.open_fp(io.BytesIO(data))
        for child in image.list_children(joliet_path="/"):
            name = child.file_identifier().decode("utf-16-be", "replace")
            if child.is_dir() or child.get_data_length() > MIB:
                continue
            output = io.BytesIO()
            image.get_file_from_iso_fp(output, joliet_path=f"/{name}")
            found[name] = output.getvalue()
    except (PyCdlibException, IndexError, ValueError) as error:
        raise UnreadableError(f"is no environment CD: {error}") from None
    return found


def guestinfo(environment: Environment, *, compressed: bool = False) -> dict[str, str]:
    """Guest variables for VMware: the document as text, or compressed with its encoding named."""
    document = render(environment)
    if not compressed:
        return {GUEST_VARIABLE: document.decode("utf-8")}
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    packed = packer.compress(document) + packer.flush()
    return {GUEST_VARIABLE: base64.b64encode(packed).decode("ascii"), f"{GUEST_VARIABLE}.encoding": "gzip+base64"}


def read_guestinfo(variables: Mapping[str, str]) -> Environment:
    """The environment from guest variables.

    Raises:
        UnreadableError: the variable is missing, or is no environment.
    """
    text = variables.get(GUEST_VARIABLE, "")
    if variables.get(f"{GUEST_VARIABLE}.encoding") != "gzip+base64":
        return parse(text.encode("utf-8"))
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return parse(unpacker.decompress(base64.b64decode(text, validate=True), DEFAULT.descriptor_bytes))
    except (ValueError, zlib.error):
        raise UnreadableError("is no packed environment", where=GUEST_VARIABLE) from None


def read(data: bytes) -> Environment:
    """An environment in any of its forms: the document, a CD, or guest variables as lines ``name=value``.

    Raises:
        UnreadableError: it is none of them.
    """
    if data.lstrip().startswith(b"<"):
        return parse(data)
    if data.startswith(GUEST_VARIABLE.encode()):
        lines = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
        return read_guestinfo({name: value for name, _, value in lines})
    return parse(read_iso(data).get(FILE_NAME, b""))
