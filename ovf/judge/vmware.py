"""Rules for VMware's own sections: groups that exist, boot devices that exist."""

from collections.abc import Iterator

from ovf.findings import Issue
from ovf.hardware import HardwareSection
from ovf.judge.context import Context, repeated
from ovf.model import Content
from ovf.names import VMWARE, clark
from ovf.parts import UnknownSection

_GROUP_OF = {"StorageSection": "StorageGroupSection", "TagBasedPlacementSection": "TagBasedPlacementGroupSection"}
SECTIONS = frozenset(
    {"BootOrderSection", "CpuCompatibilitySection", "IpAssignmentSection", *_GROUP_OF, *_GROUP_OF.values()}
)


def judge(context: Context) -> Iterator[Issue]:
    """Everything wrong with groups of disks, groups of systems by tag, and boot orders."""
    contents = list(context.package.walk())
    for member, group in _GROUP_OF.items():
        groups = _named(context.package.of(UnknownSection), group)
        known = {one.xml.get("id") for one in groups}
        yield from (Issue("vendor.group-id-missing", one.at) for one in groups if not one.xml.get("id"))
        for one in repeated(groups, lambda section: section.xml.get("id")):
            yield Issue("vendor.group-id-duplicate", one.at, one.xml.get("id"))
        for content in contents:
            for one in _named(content.of(UnknownSection), member):
                if one.xml.get("group") not in known:
                    yield Issue("vendor.group-unknown", one.at, one.xml.get("group"))
    for content in contents:
        yield from _boot_order(content)


def _named(sections: list[UnknownSection], name: str) -> list[UnknownSection]:
    return [one for one in sections if one.xml.tag == clark(VMWARE, name)]


def _boot_order(content: Content) -> Iterator[Issue]:
    """A boot order names devices of the system by number."""
    known = {item.instance_id for section in content.of(HardwareSection) for item in section.items}
    for section in _named(content.of(UnknownSection), "BootOrderSection"):
        number = section.xml.get("instanceId")
        if number and number not in known:
            yield Issue("boot.unknown", section.at, number)
