"""Amounts in bytes and hertz from quantities and units (DSP0243 2.1, clauses 8.3 and 9.1)."""

import re

from ovf.hardware import Item
from ovf.limits import MIB
from ovf.units import BYTE, MEBIBYTE, Unit, parse_unit

_PROPERTY = re.compile(r"\$\{([^{}]+)\}")


def property_key(capacity: str) -> str | None:
    """The key of the property a capacity refers to as ``${key}``, if it does."""
    match = _PROPERTY.fullmatch(capacity.strip())
    return match.group(1).strip() if match else None


def capacity_bytes(amount: str, units: str) -> int:
    """A disk's size in bytes; the amount must be decimal and the unit known."""
    unit = parse_unit(units) or BYTE
    size = int(amount) * unit.factor
    return -(-size // 8) if unit.base == "bit" else size


def memory_unit(item: Item) -> Unit | None:
    """The unit of a memory item, None if malformed. A tiny amount without unit is surely megabytes."""
    stated = item.virtual_quantity_units or item.allocation_units
    if stated:
        return parse_unit(stated)
    return MEBIBYTE if memory_is_assumed(item) else BYTE


def memory_is_assumed(item: Item) -> bool:
    """Whether megabytes are assumed for a memory item."""
    stated = item.virtual_quantity_units or item.allocation_units
    return not stated and item.virtual_quantity is not None and item.virtual_quantity < MIB


def memory_bytes(item: Item) -> int:
    """The memory of an item in bytes; 0 when nothing is stated or the unit is malformed."""
    unit = memory_unit(item)
    if unit is None or item.virtual_quantity is None:
        return 0
    return item.virtual_quantity * unit.factor // (8 if unit.base == "bit" else 1)
