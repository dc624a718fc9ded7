"""The model of a package: what a descriptor of any version says, in one vocabulary.

Values that a descriptor leaves out have the default of the standard. ``at`` is the number of the element a
part was read from (-1 when it was made by a program) and never counts for equality. Clauses are those of
DSP0243 2.1.
"""
# ruff: noqa: RUF009 -- the calls declare fields, as dataclasses.field does

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from ovf.fields import U16, Flag, Whole, Words, attribute, child, children, text
from ovf.parts import Part, Section, Text

S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class File(Part):
    """A file of the package (clause 7.1). ``size`` is a claim in bytes, ``chunk_size`` is in bytes too."""

    id: str = attribute("id")
    href: str = attribute("href")
    size: int | None = attribute("size", Whole(), None)
    compression: str = attribute("compression")
    chunk_size: int | None = attribute("chunkSize", Whole(1), None)


@dataclass(frozen=True)
class Disk(Part):
    """A virtual disk (clause 9.1). ``capacity`` counts ``units``, or is ``${key}``: the value of a property."""

    id: str = attribute("diskId")
    file_ref: str = attribute("fileRef")
    capacity: str = attribute("capacity")
    units: str = attribute("capacityAllocationUnits", default="byte")
    format: str = attribute("format")
    populated_size: int | None = attribute("populatedSize", Whole(), None)
    parent_ref: str = attribute("parentRef")


@dataclass(frozen=True)
class Network(Part):
    """A logical network; its name is the key that network ports connect to (clause 9.2)."""

    name: str = attribute("name")
    description: Text | None = text("Description")


@dataclass(frozen=True)
class DiskSection(Section):
    """The virtual disks (clause 9.1)."""

    disks: tuple[Disk, ...] = children("Disk", lambda: Disk)


@dataclass(frozen=True)
class SharedDiskSection(Section):
    """Disks that several systems may open at once (2.x, clause 9.13)."""

    disks: tuple[Disk, ...] = children("SharedDisk", lambda: Disk)


@dataclass(frozen=True)
class NetworkSection(Section):
    """The logical networks (clause 9.2)."""

    networks: tuple[Network, ...] = children("Network", lambda: Network)


@dataclass(frozen=True)
class Configuration(Part):
    """A deployment option, for example *small* (clause 9.8)."""

    id: str = attribute("id")
    default: bool = attribute("default", Flag(), default=False)
    label: Text = text("Label", Text())
    description: Text = text("Description", Text())


@dataclass(frozen=True)
class DeploymentOptionSection(Section):
    """The deployment options, of which one is chosen (clause 9.8)."""

    configurations: tuple[Configuration, ...] = children("Configuration", lambda: Configuration)


@dataclass(frozen=True)
class PlacementGroupSection(Section):
    """A group of systems to keep together (affinity) or apart (availability) (2.x, clause 9.15)."""

    id: str = attribute("id")
    policy: str = attribute("policy")
    description: Text | None = text("Description")


@dataclass(frozen=True)
class PlacementSection(Section):
    """Membership of a placement group (2.x, clause 9.15)."""

    group: str = attribute("group")


@dataclass(frozen=True)
class EncryptionSection(Section):
    """Encrypted parts of the package (2.x, clause 9.16); the XML-Encryption content is kept as it is."""


@dataclass(frozen=True)
class AnnotationSection(Section):
    """Free text (clause 9.4)."""

    annotation: Text = text("Annotation", Text())


@dataclass(frozen=True)
class EulaSection(Section):
    """A licence to be accepted before deployment (clause 9.6)."""

    license: Text = text("License", Text())


@dataclass(frozen=True)
class InstallSection(Section):
    """The system must be booted once to install itself (clause 9.10); the delay is in seconds, 0 means no limit."""

    initial_boot_stop_delay: int = attribute("initialBootStopDelay", Whole(0, U16), 0)


@dataclass(frozen=True)
class OperatingSystemSection(Section):
    """The guest's operating system by its CIM number, and as vendors name it (clause 9.9)."""

    id: int | None = attribute("id", Whole(0, U16), None)
    version: str = attribute("version")
    description: Text | None = text("Description")


@dataclass(frozen=True)
class EnvironmentFile(Part):
    """An extra file for the environment, under ``path`` (2.x, clause 9.11)."""

    file_ref: str = attribute("fileRef")
    path: str = attribute("path")


@dataclass(frozen=True)
class EnvironmentFilesSection(Section):
    """Extra files for the OVF environment (2.x, clause 9.11)."""

    transport: tuple[str, ...] = attribute("transport", Words(","), ())
    files: tuple[EnvironmentFile, ...] = children("File", lambda: EnvironmentFile)


@dataclass(frozen=True)
class BootDeviceSection(Section):
    """The boot order as CIM boot settings (2.x, clause 9.12); the settings are kept as they are."""


@dataclass(frozen=True)
class StartupItem(Part):
    """When a child is started and stopped (clause 9.7); delays are in seconds, order 0 is outside the sequence."""

    id: str = attribute("id")
    order: int | None = attribute("order", Whole(0, U16), None)
    start_delay: int = attribute("startDelay", Whole(0, U16), 0)
    waiting_for_guest: bool = attribute("waitingForGuest", Flag(), default=False)
    start_action: str = attribute("startAction", default="powerOn")
    stop_delay: int = attribute("stopDelay", Whole(0, U16), 0)
    stop_action: str = attribute("stopAction", default="powerOff")


@dataclass(frozen=True)
class StartupSection(Section):
    """The order in which the children of a collection start (clause 9.7)."""

    items: tuple[StartupItem, ...] = children("Item", lambda: StartupItem)


@dataclass(frozen=True)
class InstanceCount(Part):
    """How many copies of a child there may be (2.x, clause 9.14)."""

    minimum: int | None = attribute("minimum", Whole(), None)
    default: int | None = attribute("default", Whole(), None)
    maximum: int | None = attribute("maximum", Whole(), None)


@dataclass(frozen=True)
class ScaleOutSection(Section):
    """The number of copies of one child (2.x, clause 9.14)."""

    id: str = attribute("id")
    description: Text | None = text("Description")
    count: InstanceCount | None = child("InstanceCount", lambda: InstanceCount)


@dataclass(frozen=True)
class Message(Part):
    """One translated text."""

    msgid: str = attribute("msgid")
    value: str = ""


@dataclass(frozen=True)
class Strings(Part):
    """Translations for one language, inline or in a file of the package (clause 10)."""

    language: str = ""
    file_ref: str = attribute("fileRef")
    messages: tuple[Message, ...] = children("Msg", lambda: Message)


@dataclass(frozen=True)
class Content(Part):
    """A virtual system or a collection of them (clause 7.2); ``contents`` is empty for a system."""

    collection: bool = False
    id: str = attribute("id")
    info: Text = text("Info", Text())
    name: Text | None = text("Name")
    sections: tuple[Section, ...] = ()
    contents: tuple["Content", ...] = ()

    def of(self, kind: type[S]) -> list[S]:
        """The sections of one kind."""
        return [section for section in self.sections if isinstance(section, kind)]

    def walk(self) -> Iterator["Content"]:
        """This content and everything inside it, in the order of the descriptor."""
        yield self
        for inner in self.contents:
            yield from inner.walk()

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name.value if self.name and self.name.value else self.id


@dataclass(frozen=True)
class Package:
    """Everything a descriptor says (clause 6)."""

    version: str = dataclasses.field(default="2.0", compare=False)
    language: str = ""
    files: tuple[File, ...] = ()
    sections: tuple[Section, ...] = ()
    content: Content | None = None
    strings: tuple[Strings, ...] = ()
    extra_attributes: tuple[tuple[str, str], ...] = ()
    prefixes: tuple[tuple[str, str], ...] = dataclasses.field(default=(), compare=False)

    def of(self, kind: type[S]) -> list[S]:
        """The envelope's sections of one kind."""
        return [section for section in self.sections if isinstance(section, kind)]

    def walk(self) -> Iterator[Content]:
        """Every content element, in the order of the descriptor."""
        return iter(()) if self.content is None else self.content.walk()

    @property
    def disks(self) -> list[Disk]:
        """All virtual disks, shared ones last."""
        own = [disk for section in self.of(DiskSection) for disk in section.disks]
        return own + [disk for section in self.of(SharedDiskSection) for disk in section.disks]

    @property
    def networks(self) -> list[Network]:
        """All logical networks."""
        return [network for section in self.of(NetworkSection) for network in section.networks]

    @property
    def configurations(self) -> list[Configuration]:
        """All deployment options."""
        return [one for section in self.of(DeploymentOptionSection) for one in section.configurations]
