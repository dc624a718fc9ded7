"""Fits a package to a target, and reports what the target cannot keep, item by item.

Each step takes one kind of thing away; what a step changed is found by comparing before and after, so the
report and the result cannot disagree.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ovf import model
from ovf.diff import diff
from ovf.hardware import HardwareSection, Item, ResourceAllocationSection, System
from ovf.model import Content, Package
from ovf.names import ALLOCATION_CLASSES, CLAUDIA, ENVELOPE_1, ENVELOPE_2, split
from ovf.parts import Node, Part, Section, Text, UnknownSection
from ovf.products import ConfiguredValue, Icon, ProductSection, Property
from ovf.profiles import Feature, Profile
from ovf.values import STANDARD, standard_type

S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Loss:
    """Something a target does not get: where in the model, what becomes of it, and why."""

    path: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what} ({self.why})"


def adapt(package: Package, profile: Profile, *, passwords: bool = False) -> tuple[Package, tuple[Loss, ...]]:
    """The package as the target can have it, and everything that is lost on the way.

    Args:
        package: the package to fit.
        profile: the target.
        passwords: whether values of password properties may go into the descriptor.
    """
    steps: list[tuple[str, Callable[[Package], Package]]] = [
        (f"{profile.name} keeps no {feature.value}", remover)
        for feature, remover in _REMOVERS.items()
        if feature not in profile.features
    ]
    if not passwords:
        steps.append(("passwords are not written unless asked for", _without_passwords))
    if profile.namespace == ENVELOPE_1:
        steps.append(("the schema of version 1 has no place for it", _without_strangers))
    steps.append(("the schema asks for content", _without_empty))
    if profile.family:
        steps.append((f"{profile.name} does not know this family of hardware", _typed(profile)))
    losses: list[Loss] = []
    for why, step in steps:
        changed = step(package)
        if changed is not package and changed != package:
            losses += [Loss(one.path, _say(one.before, one.after), why) for one in diff(package, changed)]
            package = changed
    return package, tuple(losses)


def _say(before: str, after: str) -> str:
    if not after:
        return f"{before or 'nothing'} is left out"
    return f"{before} becomes {after}" if before else f"{after} is added"


def _map_contents(package: Package, change: Callable[[Content], Content]) -> Package:
    def visit(content: Content) -> Content:
        inner = tuple(visit(one) for one in content.contents)
        return change(replace(content, contents=inner))

    return package if package.content is None else replace(package, content=visit(package.content))


def _map_sections(package: Package, change: Callable[[Section], Section | None]) -> Package:
    def kept(sections: tuple[Section, ...]) -> tuple[Section, ...]:
        return tuple(changed for one in sections if (changed := change(one)) is not None)

    outer = replace(package, sections=kept(package.sections))
    return _map_contents(outer, lambda content: replace(content, sections=kept(content.sections)))


def _without(*kinds: type[Section]) -> Callable[[Package], Package]:
    return lambda package: _map_sections(package, lambda one: None if isinstance(one, kinds) else one)


def _map_items(package: Package, change: Callable[[Item], Item | None]) -> Package:
    def visit(section: Section) -> Section:
        if not isinstance(section, (HardwareSection, ResourceAllocationSection)):
            return section
        return replace(section, items=tuple(new for one in section.items if (new := change(one)) is not None))

    return _map_sections(package, visit)


def _map_properties(package: Package, change: Callable[[Property], Property | None]) -> Package:
    def visit(section: Section) -> Section:
        if not isinstance(section, ProductSection):
            return section
        kept = tuple(new for one in section.properties if (new := change(one)) is not None)
        return replace(section, properties=kept)

    return _map_sections(package, visit)


def _unshared(package: Package) -> Package:
    """Shared disks as ordinary ones, so that no reference is left hanging."""
    shared = tuple(disk for one in package.of(model.SharedDiskSection) for disk in one.disks)
    if not shared:
        return package
    rest = tuple(one for one in package.sections if not isinstance(one, model.SharedDiskSection))
    sections = package.of(model.DiskSection)
    if not sections:
        return replace(package, sections=(model.DiskSection(info=Text("Virtual disks"), disks=shared), *rest))
    larger = replace(sections[0], disks=sections[0].disks + shared)
    return replace(package, sections=tuple(larger if one is sections[0] else one for one in rest))


def _one_configuration(package: Package) -> Package:
    """Only what the default configuration holds."""
    known = package.configurations
    default = next((one.id for one in known if one.default), known[0].id if known else "")
    plain = _without(model.DeploymentOptionSection)(package)

    def visit(section: Section) -> Section:
        if not isinstance(section, (HardwareSection, ResourceAllocationSection)):
            return section
        special = [one for one in section.items if default in one.configuration]
        replaced = {one.instance_id for one in special}
        kept = [
            replace(one, configuration=())
            for one in section.items
            if default in one.configuration or (not one.configuration and one.instance_id not in replaced)
        ]
        return replace(section, items=tuple(kept))

    def simple(prop: Property) -> Property | None:
        if prop.configuration and default not in prop.configuration:
            return None
        value = next((one.value for one in prop.values if one.configuration == default), prop.value)
        return replace(prop, value=value, values=(), configuration=())

    return _map_properties(_map_sections(plain, visit), simple)


def _one_alternative(package: Package) -> Package:
    def visit(content: Content) -> Content:
        extra = content.of(HardwareSection)[1:]
        return replace(content, sections=tuple(one for one in content.sections if not any(one is x for x in extra)))

    return _map_contents(package, visit)


def _standard_types(package: Package) -> Package:
    def visit(prop: Property) -> Property:
        return prop if prop.type in STANDARD else replace(prop, type=standard_type(prop.type))

    return _map_properties(package, visit)


def _untranslated(package: Package) -> Package:
    return replace(package, strings=())


def _without_passwords(package: Package) -> Package:
    def visit(prop: Property) -> Property:
        return replace(prop, value=None, values=()) if prop.password else prop

    return _map_properties(package, visit)


def _without_foreign(package: Package) -> Package:
    def visit(section: Section) -> Section | None:
        return None if isinstance(section, UnknownSection) else replace(section, extras=())

    plain = _map_items(_map_sections(package, visit), lambda item: replace(item, extras=(), leaf_attributes=()))
    return _map_contents(plain, _without_copies)


def _without_copies(content: Content) -> Content:
    kept = tuple((tag, value) for tag, value in content.extra_attributes if split(tag)[0] != CLAUDIA)
    return replace(content, extra_attributes=kept)


_REMOVERS: dict[Feature, Callable[[Package], Package]] = {
    Feature.SCALE_OUT: _without(model.ScaleOutSection),
    Feature.PLACEMENT: _without(model.PlacementGroupSection, model.PlacementSection),
    Feature.SHARED_DISKS: _unshared,
    Feature.BOOT_ORDER: _without(model.BootDeviceSection),
    Feature.ENVIRONMENT_FILES: _without(model.EnvironmentFilesSection),
    Feature.ENCRYPTION: _without(model.EncryptionSection),
    Feature.START_ORDER: _without(model.StartupSection),
    Feature.RESOURCE_SHARES: _without(ResourceAllocationSection),
    Feature.CONFIGURATIONS: _one_configuration,
    Feature.ALTERNATIVES: _one_alternative,
    Feature.RANGES: lambda package: _map_items(package, lambda one: None if one.bound in {"min", "max"} else one),
    Feature.PROPERTIES: lambda package: _map_properties(package, lambda _prop: None),
    Feature.PROPERTY_TYPES: _standard_types,
    Feature.LICENCES: _without(model.EulaSection),
    Feature.INSTALL: _without(model.InstallSection),
    Feature.TRANSLATIONS: _untranslated,
    Feature.FOREIGN: _without_foreign,
}

_UNKNOWN_SYSTEM = 0
_CLOSED = (model.Network, model.Configuration, model.StartupItem, model.InstanceCount, model.Message, Icon, Property)


def _without_strangers(package: Package) -> Package:
    """Without elements that the schema of version 1 allows nowhere (it is closed inside some elements)."""
    return _map_parts(package, _stranger_free)


def _stranger_free(part: Part) -> Part:
    if not part.extras:
        return part
    if isinstance(part, _CLOSED):
        return replace(part, extras=())
    own = {ENVELOPE_1, ENVELOPE_2, *(ALLOCATION_CLASSES if isinstance(part, (Item, System)) else ())}
    kept = tuple(node for node in part.extras if split(node.tag)[0] not in own or _is_setting(part, node))
    return part if kept == part.extras else replace(part, extras=kept)


def _is_setting(part: Part, node: Node) -> bool:
    """Settings of the family that the model has no field for; they have a place in the schema."""
    return isinstance(part, System) and split(node.tag)[0].endswith("CIM_VirtualSystemSettingData")


def _map_parts(package: Package, change: Callable[[Part], Part]) -> Package:
    def visit(section: Section) -> Section:
        changes: dict[str, object] = {}
        for name in ("disks", "networks", "configurations", "items", "properties", "icons"):
            values = getattr(section, name, None)
            if values:
                changes[name] = tuple(change(_valued(one, change)) for one in values)
        for name in ("system", "count"):
            value = getattr(section, name, None)
            if value is not None:
                changes[name] = change(value)
        new = replace(section, **changes) if changes else section  # type: ignore[arg-type]
        result = change(new)
        return result if isinstance(result, Section) else section

    files = tuple(change(one) for one in package.files)
    return _map_sections(replace(package, files=files), visit)  # type: ignore[arg-type]


def _valued(part: Part, change: Callable[[Part], Part]) -> Part:
    if isinstance(part, Property) and part.values:
        values = tuple(one for one in map(change, part.values) if isinstance(one, ConfiguredValue))
        return replace(part, values=values)
    return part


def _without_empty(package: Package) -> Package:
    """Sections as the schema wants them: options are not empty, a system has a number (0 is CIM's *unknown*)."""

    def visit(section: Section) -> Section | None:
        if isinstance(section, model.OperatingSystemSection) and section.id is None:
            return replace(section, id=_UNKNOWN_SYSTEM)
        empty = isinstance(section, model.DeploymentOptionSection) and not section.configurations
        return None if empty else section

    return _map_sections(package, visit)


def _typed(profile: Profile) -> Callable[[Package], Package]:
    """Names the target's family of hardware where no alternative is for it."""

    def visit(content: Content) -> Content:
        sections = content.of(HardwareSection)
        types = [name.lower() for one in sections for name in (one.system.types if one.system else ())]
        if not sections or any(name.startswith(profile.family) for name in types):
            return content
        system = sections[0].system or System(element_name="Virtual Hardware Family", instance_id="0")
        new = replace(sections[0], system=replace(system, types=(profile.system_type,)))
        return replace(content, sections=tuple(new if one is sections[0] else one for one in content.sections))

    return lambda package: _map_contents(package, visit)
