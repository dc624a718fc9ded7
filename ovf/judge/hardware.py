"""Rules for virtual hardware and shared resources (DSP0243 2.1, clauses 8 and 9.3)."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ovf.findings import Issue
from ovf.hardware import DISKS, HardwareSection, Item, ResourceAllocationSection, ResourceType
from ovf.judge.context import Context, circular, unknown_configurations
from ovf.limits import TIB
from ovf.model import Content
from ovf.names import VMWARE, clark
from ovf.parts import Node
from ovf.sizes import memory_bytes, memory_is_assumed
from ovf.units import parse_unit

BOUNDS = frozenset({"", "min", "max", "normal"})
_REFERENCE = re.compile(r"ovf:/(disk|file)/(.+)")
_EXTRA_CONFIG = clark(VMWARE, "ExtraConfig")
_MOST_PROCESSORS = 65_536
_MOST_MEMORY = 1024 * TIB
_KNOWN_TYPES = frozenset(int(one) for one in ResourceType)
_VENDOR_TYPES = range(0x8000, 0x10000)
_BASES: dict[int, frozenset[str]] = {
    ResourceType.PROCESSOR: frozenset({"hertz", "count", "percent"}),
    ResourceType.MEMORY: frozenset({"byte", "bit"}),
}
_STANDALONE = frozenset({"", "0"})


def judge(context: Context, content: Content) -> Iterator[Issue]:
    """Everything wrong with the devices of one system or the shares of one collection."""
    sections = content.of(HardwareSection)
    if not content.collection and not sections:
        yield Issue("hardware.missing", content.at, content.id)
    for section in sections:
        if section.system is None or not section.system.types:
            yield Issue("hardware.type-missing", section.at, content.id)
        yield from _items(context, section.items)
        yield from _structure(section.items)
        yield from _connections(context, section.items)
        yield from _vendor_settings(section.extras, section.at)
    for shares in content.of(ResourceAllocationSection):
        yield from _items(context, shares.items, amounts_needed=False)


def _items(context: Context, items: tuple[Item, ...], *, amounts_needed: bool = True) -> Iterator[Issue]:
    for item in items:
        yield from _item(context, item)
        if amounts_needed:
            yield from _amount(item)
    yield from _duplicates(context, items)
    yield from _ranges(items)


def _item(context: Context, item: Item) -> Iterator[Issue]:
    yield from unknown_configurations(context, "item.configuration-unknown", item, item.configuration)
    if item.bound not in BOUNDS:
        yield Issue("item.bound-unknown", item.at, item.bound)
    if item.resource_type is None and not item.other_resource_type:
        yield Issue("item.type-missing" if item.required else "item.type-missing-optional", item.at, item.element_name)
    elif item.resource_type is not None and not _is_known(item.resource_type):
        yield Issue("item.type-unknown", item.at, str(item.resource_type))
    if item.reservation is not None and item.limit and item.reservation > item.limit:
        yield Issue("item.reservation", item.at, f"{item.reservation} of {item.limit}")
    yield from _units(item)
    yield from _vendor_settings(item.extras, item.at)


def _is_known(number: int) -> bool:
    return number in _KNOWN_TYPES or number in _VENDOR_TYPES


def _vendor_settings(extras: tuple[Node, ...], at: int) -> Iterator[Issue]:
    for node in extras:
        if node.tag == _EXTRA_CONFIG:
            yield Issue("item.config-filtered", at, node.get("key"))


def _units(item: Item) -> Iterator[Issue]:
    wanted = _BASES.get(item.resource_type or 0)
    for stated in filter(None, (item.allocation_units, item.virtual_quantity_units)):
        unit = parse_unit(stated)
        if unit is None:
            yield Issue("unit.malformed", item.at, stated)
        elif wanted is not None and unit.base not in wanted:
            yield Issue("unit.kind", item.at, stated)


def _amount(item: Item) -> Iterator[Issue]:
    quantity = item.virtual_quantity
    if item.resource_type == ResourceType.PROCESSOR:
        if quantity is None:
            yield Issue("item.quantity-assumed", item.at, item.element_name)
        elif quantity == 0 and item.required:
            yield Issue("item.quantity-zero", item.at, item.element_name)
        elif quantity > _MOST_PROCESSORS:
            yield Issue("item.quantity-impossible", item.at, str(quantity))
    elif item.resource_type == ResourceType.MEMORY:
        if memory_is_assumed(item):
            yield Issue("item.memory-unit", item.at, str(quantity))
        if quantity is None and item.required:
            yield Issue("item.quantity-missing", item.at, item.element_name)
        elif quantity == 0 and item.required:
            yield Issue("item.quantity-zero", item.at, item.element_name)
        elif memory_bytes(item) > _MOST_MEMORY:
            yield Issue("item.quantity-impossible", item.at, f"{memory_bytes(item)} bytes")


def _duplicates(context: Context, items: tuple[Item, ...]) -> Iterator[Issue]:
    """Two devices with one number in one configuration and one bound (clause 8.3); Claudia's documents may."""
    seen: set[tuple[str, str, str]] = set()
    for item in items:
        slots = {(item.instance_id, item.bound or "normal", name) for name in item.configuration or ("",)}
        if not slots.isdisjoint(seen) and not context.is_claudia:
            yield Issue("item.id-duplicate", item.at, item.instance_id)
        seen |= slots


def _ranges(items: tuple[Item, ...]) -> Iterator[Issue]:
    """Min <= normal <= max for items with one number (clause 8.4)."""
    groups: dict[tuple[str, tuple[str, ...]], dict[str, Item]] = defaultdict(dict)
    for item in items:
        if item.virtual_quantity is not None:
            groups[(item.instance_id, item.configuration)].setdefault(item.bound or "normal", item)
    for group in groups.values():
        amounts = [_comparable(group[bound]) for bound in ("min", "normal", "max") if bound in group]
        if amounts != sorted(amounts):
            first = next(iter(group.values()))
            yield Issue("item.bound-order", first.at, f"{first.instance_id}: {', '.join(map(str, amounts))}")


def _comparable(item: Item) -> int:
    """The amount of an item in the base of its unit."""
    unit = parse_unit(item.allocation_units) if item.resource_type == ResourceType.MEMORY else None
    return (item.virtual_quantity or 0) * (unit.factor if unit else 1)


def _structure(items: tuple[Item, ...]) -> Iterator[Issue]:
    """Controllers and addresses (clause 8.3)."""
    by_id = {item.instance_id: item for item in items}
    loops = circular({item.instance_id: item.parent for item in items if item.parent})
    taken: dict[tuple[str, str, str], Item] = {}
    for item in items:
        if item.parent and item.parent not in by_id:
            yield Issue(_parent_code(item), item.at, item.parent)
        elif item.instance_id in loops:
            yield Issue("item.parent-cycle", item.at, item.instance_id)
        if not item.parent or not item.address_on_parent or item.bound in {"min", "max"}:
            continue
        for configuration in item.configuration or ("",):
            slot = (item.parent, item.address_on_parent, configuration)
            other = taken.setdefault(slot, item)
            if other is not item and other.instance_id != item.instance_id:
                yield Issue("item.address-taken", item.at, f"{item.address_on_parent} on {item.parent}")


def _parent_code(item: Item) -> str:
    if item.parent in _STANDALONE:
        return "item.parent-zero"
    return "item.parent-unknown" if item.required else "item.parent-unknown-optional"


def _connections(context: Context, items: tuple[Item, ...]) -> Iterator[Issue]:
    """Networks, disks and files that devices refer to (clauses 8.3 and 9.2)."""
    networks = {network.name for network in context.package.networks}
    disks = {disk.id for disk in context.package.disks}
    for item in items:
        if item.resource_type == ResourceType.ETHERNET_ADAPTER:
            for name in item.connections:
                if name not in networks:
                    yield Issue("network.undeclared", item.at, name)
        if item.resource_type in DISKS and not any(item.host_resources):
            yield Issue("item.disk-empty", item.at, item.element_name)
        for resource in filter(None, item.host_resources):
            yield from _resource(context, item, resource, disks)


def _resource(context: Context, item: Item, resource: str, disks: set[str]) -> Iterator[Issue]:
    match = _REFERENCE.fullmatch(resource)
    if match is None:
        is_disk = item.resource_type in DISKS and item.required
        yield Issue("item.host-resource-malformed" if is_disk else "item.host-resource-foreign", item.at, resource)
    elif match.group(1) == "disk" and match.group(2) not in disks:
        yield Issue("item.host-resource-disk", item.at, match.group(2))
    elif match.group(1) == "file" and match.group(2) not in context.files:
        yield Issue("item.host-resource-file", item.at, match.group(2))
