"""Rules for the place, number and inner consistency of sections (DSP0243 2.1, clauses 7 and 9)."""

from collections.abc import Iterator
from typing import TypeVar

from ovf import model
from ovf.findings import Issue
from ovf.hardware import HardwareSection, Item, ResourceAllocationSection
from ovf.hrefs import Kind, classify
from ovf.judge import vmware
from ovf.judge.context import Context, repeated
from ovf.model import Content
from ovf.names import VMWARE, is_vendor, split
from ovf.parts import Section, Text, UnknownSection
from ovf.products import ProductSection

S = TypeVar("S", bound=Section)

_ENVELOPE = (
    model.DiskSection,
    model.NetworkSection,
    model.DeploymentOptionSection,
    model.PlacementGroupSection,
    model.EncryptionSection,
    model.SharedDiskSection,
)
_COLLECTION = (ResourceAllocationSection, model.StartupSection, model.ScaleOutSection)
_SYSTEM = (
    HardwareSection,
    model.OperatingSystemSection,
    model.InstallSection,
    model.EnvironmentFilesSection,
    model.BootDeviceSection,
)
_CONTENT = (ProductSection, model.EulaSection, model.AnnotationSection, model.PlacementSection)
_ONCE = (
    model.DeploymentOptionSection,
    model.StartupSection,
    ResourceAllocationSection,
    model.OperatingSystemSection,
    model.InstallSection,
)
_ONCE_HARMLESS = (
    model.DiskSection,
    model.NetworkSection,
    model.SharedDiskSection,
    model.AnnotationSection,
    model.BootDeviceSection,
    model.EnvironmentFilesSection,
    model.PlacementSection,
)
_START_ACTIONS = frozenset({"powerOn", "none"})
_STOP_ACTIONS = frozenset({"powerOff", "guestShutdown", "none"})
_POLICIES = frozenset({"affinity", "availability"})


def judge(context: Context) -> Iterator[Issue]:
    """Everything wrong with how the package is put together."""
    package = context.package
    if package.content is None:
        yield Issue("content.missing")
    yield from _sections(package.sections, _ENVELOPE)
    contents = list(package.walk())
    yield from (Issue("content.id-duplicate", one.at, one.id) for one in repeated(contents, lambda one: one.id))
    yield from _configurations(context)
    yield from _placement(context, contents)
    yield from _disk_use(context, contents)
    for content in contents:
        yield from _sections(content.sections, _CONTENT + (_COLLECTION if content.collection else _SYSTEM))
        yield from _content(context, content)
    yield from _messages(context, contents)


def _sections(sections: tuple[Section, ...], allowed: tuple[type[Section], ...]) -> Iterator[Issue]:
    seen: set[type[Section]] = set()
    for section in sections:
        kind = type(section)
        if isinstance(section, UnknownSection):
            yield from _unknown(section)
        elif kind not in allowed:
            yield Issue("section.misplaced", section.at, kind.__name__)
        if kind in seen and kind in _ONCE:
            yield Issue("section.repeated", section.at, kind.__name__)
        elif kind in seen and kind in _ONCE_HARMLESS:
            yield Issue("section.repeated-harmless", section.at, kind.__name__)
        if isinstance(section, model.EncryptionSection) and section.required is not False:
            yield Issue("file.encrypted", section.at)
        seen.add(kind)


def _unknown(section: UnknownSection) -> Iterator[Issue]:
    namespace, name = split(section.xml.tag)
    known = is_vendor(namespace) and (section.required is None or namespace != VMWARE or name in vmware.SECTIONS)
    if section.required is False or known:
        yield Issue("section.unknown-kept", section.at, name)
    else:
        yield Issue("section.unknown-required", section.at, section.xml.tag)


def _configurations(context: Context) -> Iterator[Issue]:
    """Deployment options (clause 9.8)."""
    configurations = context.package.configurations
    for one in configurations:
        if not one.id:
            yield Issue("configuration.id-missing", one.at)
        if not one.label.value or not one.description.value:
            yield Issue("configuration.text-missing", one.at, one.id)
    yield from (Issue("configuration.id-duplicate", one.at, one.id) for one in repeated(configurations, lambda c: c.id))
    defaults = [one for one in configurations if one.default]
    yield from (Issue("configuration.default-twice", one.at, one.id) for one in defaults[1:])
    for section in context.package.of(model.DeploymentOptionSection):
        if not section.configurations:
            yield Issue("configuration.none", section.at)


def _placement(context: Context, contents: list[Content]) -> Iterator[Issue]:
    """Placement groups and their members (2.x, clause 9.15)."""
    groups = context.package.of(model.PlacementGroupSection)
    for group in groups:
        if not group.id:
            yield Issue("placement.id-missing", group.at)
        if group.policy.lower() not in _POLICIES:
            yield Issue("placement.policy", group.at, group.policy)
    yield from (Issue("placement.id-duplicate", one.at, one.id) for one in repeated(groups, lambda group: group.id))
    known = {group.id for group in groups}
    for content in contents:
        for member in content.of(model.PlacementSection):
            if member.group not in known:
                yield Issue("placement.unknown", member.at, member.group)


def _disk_use(context: Context, contents: list[Content]) -> Iterator[Issue]:
    """Disks nobody uses and disks several use (clauses 9.1 and 9.13)."""
    used: dict[str, tuple[Content, Item]] = {}
    shared = {disk.id for one in context.package.of(model.SharedDiskSection) for disk in one.disks}
    for content in contents:
        for section in content.of(HardwareSection)[:1]:
            for item in section.items:
                for name in (one.removeprefix("ovf:/disk/") for one in item.host_resources if "/disk/" in one):
                    owner = used.setdefault(name, (content, item))
                    if owner[1].instance_id != item.instance_id or owner[0] is not content:
                        yield from () if name in shared else (Issue("disk.shared-implicitly", item.at, name),)
    parents = {disk.parent_ref for disk in context.package.disks}
    has_alternatives = any(one.of(HardwareSection)[1:] for one in contents)
    for disk in context.package.disks:
        if disk.id not in used and disk.id not in parents and not has_alternatives:
            yield Issue("disk.unused", disk.at, disk.id)


def _content(context: Context, content: Content) -> Iterator[Issue]:
    for section in content.of(model.StartupSection):
        yield from _startup(section, content)
    yield from _scale_out(context, content)
    for eula in content.of(model.EulaSection):
        if not eula.license.value and not eula.license.msgid:
            yield Issue("eula.empty", eula.at)
    for system in content.of(model.OperatingSystemSection):
        if system.id is None:
            yield Issue("os.id-missing", system.at, system.vendor(VMWARE, "osType"))
    for files in content.of(model.EnvironmentFilesSection):
        yield from _environment_files(context, files)


def _startup(section: model.StartupSection, content: Content) -> Iterator[Issue]:
    """The start-up list (clause 9.7)."""
    children = {inner.id for inner in content.contents}
    for item in section.items:
        if not item.id:
            yield Issue("startup.id-missing", item.at)
        elif item.id not in children:
            yield Issue("startup.unknown", item.at, item.id)
        if item.order is None:
            yield Issue("startup.order-missing", item.at, item.id)
        if item.start_action not in _START_ACTIONS or item.stop_action not in _STOP_ACTIONS:
            yield Issue("startup.action", item.at, f"{item.start_action}, {item.stop_action}")
    yield from (Issue("startup.duplicate", one.at, one.id) for one in repeated(section.items, lambda item: item.id))
    zeros = [item for item in section.items if item.order == 0]
    if zeros and len(section.items) > len(zeros) and (zeros[0].waiting_for_guest or len(zeros) == 1):
        yield Issue("startup.zero-first", zeros[0].at, zeros[0].id)


def _scale_out(context: Context, content: Content) -> Iterator[Issue]:
    """Numbers of copies (2.x, clause 9.14)."""
    sections = content.of(model.ScaleOutSection)
    children = {inner.id for inner in content.contents}
    yield from (Issue("scale.duplicate", one.at, one.id) for one in repeated(sections, lambda section: section.id))
    for section in sections:
        if section.id not in children:
            yield Issue("scale.unknown", section.at, section.id)
        count = section.count
        if count is None or count.default is None:
            yield Issue("scale.count-missing", section.at, section.id)
            continue
        low, high = count.minimum or 0, count.maximum if count.maximum is not None else count.default
        if not low <= count.default <= high:
            yield Issue("scale.count-order", count.at, f"{low}, {count.default}, {high}")
        if high > context.limits.copies:
            yield Issue("scale.count-impossible", count.at, str(high))


def _environment_files(context: Context, section: model.EnvironmentFilesSection) -> Iterator[Issue]:
    """Extra files of the environment (2.x, clause 9.11)."""
    for file in section.files:
        if file.file_ref not in context.files:
            yield Issue("environment.file-unknown", file.at, file.file_ref)
        if classify(file.path) is not Kind.LOCAL:
            yield Issue("environment.path-unsafe", file.at, file.path)


def _messages(context: Context, contents: list[Content]) -> Iterator[Issue]:
    """Keys of texts without any translation (clause 10); bundles in files are not looked into here."""
    strings = context.package.strings
    if any(bundle.file_ref for bundle in strings) or not strings:
        return
    known = {message.msgid for bundle in strings for message in bundle.messages}
    for content in contents:
        texts: list[Text | None] = [content.info, content.name, *(section.info for section in content.sections)]
        texts += [prop.label for section in content.of(ProductSection) for prop in section.properties]
        for text in texts:
            if text is not None and text.msgid and text.msgid not in known:
                yield Issue("message.unknown", content.at, text.msgid)
