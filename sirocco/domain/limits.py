"""What no request may exceed, whoever asks: sizes, counts and texts."""

from collections.abc import Sequence
from typing import Final

from sirocco.contracts.errors import INVALID, SiroccoError

MIB: Final = 2**20
MAX_CPU: Final = 256
MIN_MEMORY: Final = 16 * MIB
MAX_MEMORY: Final = 2**44
MAX_DISK: Final = 2**50
MAX_DISKS: Final = 16
MAX_USER_DATA: Final = 64 * 1024
MAX_NAME: Final = 255
MAX_DESCRIPTION: Final = 4096
MAX_PROPERTIES: Final = 64


def check(where: str, value: int, low: int, high: int, unit: str = "") -> None:
    """Refuse a number outside ``low`` to ``high``, both allowed."""
    if not low <= value <= high:
        raise SiroccoError(INVALID, where=where, why=f"{value} is not between {low} and {high} {unit}".rstrip())


def check_text(name: str, description: str = "", properties: dict[str, str] | None = None) -> None:
    """Refuse names, descriptions and properties that are too long or hold control characters."""
    for where, text, longest in (("name", name, MAX_NAME), ("description", description, MAX_DESCRIPTION)):
        if len(text) > longest:
            raise SiroccoError(INVALID, where=where, why=f"it is longer than {longest} characters")
        if any(ord(char) < 32 and char not in "\n\t\r" for char in text):
            raise SiroccoError(INVALID, where=where, why="it holds control characters")
    if properties is not None:
        _check_properties(properties)


def _check_properties(properties: dict[str, str]) -> None:
    if len(properties) > MAX_PROPERTIES:
        raise SiroccoError(INVALID, where="properties", why=f"there are more than {MAX_PROPERTIES}")
    for key, value in properties.items():
        if not key or len(key) > MAX_NAME or len(value) > MAX_DESCRIPTION:
            raise SiroccoError(INVALID, where=f"properties.{key[:40]}", why="its key or value is empty or too long")


def check_machine(cpu: int, memory: int, disks: Sequence[int], user_data: bytes = b"") -> None:
    """Refuse sizes that no machine can have; a first disk of 0 takes the image's size."""
    check("cpu", cpu, 1, MAX_CPU)
    check("memory", memory, MIN_MEMORY, MAX_MEMORY, "bytes")
    if len(disks) > MAX_DISKS:
        raise SiroccoError(INVALID, where="disks", why=f"there are more than {MAX_DISKS}")
    for index, capacity in enumerate(disks):
        if capacity or index:
            check(f"disks[{index}].capacity", capacity, MIB, MAX_DISK, "bytes")
    if len(user_data) > MAX_USER_DATA:
        raise SiroccoError(INVALID, where="userData", why=f"it is longer than {MAX_USER_DATA} bytes")
