"""Devices of a machine, from items of virtual hardware (DSP0243 2.1, clause 8.3)."""

from collections.abc import Iterable

from ovf.hardware import CONTROLLERS, DISKS, HardwareSection, Item, ResourceType
from ovf.machine import Controller, Device
from ovf.names import VMWARE, clark

_KNOWN = frozenset({ResourceType.PROCESSOR, ResourceType.MEMORY, ResourceType.ETHERNET_ADAPTER, *CONTROLLERS, *DISKS})
_FILE = "ovf:/file/"


def normal(items: Iterable[Item]) -> list[Item]:
    """The items that are no bounds of a range (clause 8.4)."""
    return [item for item in items if item.bound not in {"min", "max"}]


def is_other(item: Item) -> bool:
    """Whether an item is neither an amount nor a controller, disk or network port."""
    return item.resource_type not in _KNOWN


def cores(section: HardwareSection | None, items: list[Item]) -> int:
    """VMware's number of cores per socket, 1 where none is stated."""
    nodes = [node for item in items if item.resource_type == ResourceType.PROCESSOR for node in item.extras]
    nodes += section.extras if section else ()
    wanted = clark(VMWARE, "CoresPerSocket")
    return next((int(one.text) for one in nodes if one.tag == wanted and one.text.strip().isdecimal()), 1)


def controller(item: Item) -> Controller:
    """A controller."""
    return Controller(item.instance_id, item.resource_type or 0, item.resource_subtypes, item.address, item.required)


def device(item: Item) -> Device:
    """A device that is nothing else, with the file in it."""
    file = next((one.removeprefix(_FILE) for one in item.host_resources if one.startswith(_FILE)), "")
    return Device(item.instance_id, item.element_name, item.resource_type, item.resource_subtypes, file, item.required)
