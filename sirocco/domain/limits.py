"""What no request may exceed, whoever asks: sizes, counts and texts."""

import re
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
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Controls, line breaks, and what turns the direction of writing: with them one name can be made to look as another."""


def check(where: str, value: int, low: int, high: int, *, in_bytes: bool = False) -> None:
    """Refuse a number outside ``low`` to ``high``, both allowed."""
    if low <= value <= high:
        return
    if in_bytes:
        why = "{value_size} is not between {low_size} and {high_size}"
        raise SiroccoError(INVALID, where=where, why=why, value_size=value, low_size=low, high_size=high)
    raise SiroccoError(
        INVALID, where=where, why="{value} is not between {low} and {high}", value=value, low=low, high=high
    )


def check_text(name: str, description: str = "", properties: dict[str, str] | None = None) -> None:
    """Refuse names, descriptions and properties that are too long or hold control characters; a name is one line."""
    for where, text, longest in (("name", name, MAX_NAME), ("description", description, MAX_DESCRIPTION)):
        if len(text) > longest:
            raise SiroccoError(INVALID, where=where, why="it is longer than {most} characters", most=longest)
        if any(ord(char) < 32 and char not in "\n\t\r" for char in text):
            raise SiroccoError(INVALID, where=where, why="it holds control characters")
    if _UNSEEN.search(name):
        raise SiroccoError(INVALID, where="name", why="it holds a line break or an invisible control character")
    if name and not name.strip():
        raise SiroccoError(INVALID, where="name", why="it holds nothing but blanks")
    if properties is not None:
        _check_properties(properties)


def _check_properties(properties: dict[str, str]) -> None:
    if len(properties) > MAX_PROPERTIES:
        raise SiroccoError(INVALID, where="properties", why="there are more than {most}", most=MAX_PROPERTIES)
    for key, value in properties.items():
        if not key or len(key) > MAX_NAME or len(value) > MAX_DESCRIPTION:
            raise SiroccoError(INVALID, where=f"properties.{key[:40]}", why="its key or value is empty or too long")


def check_machine(cpu: int, memory: int, disks: Sequence[int], user_data: bytes = b"") -> None:
    """Refuse sizes that no machine can have; a first disk of 0 takes the image's size."""
    check("cpu", cpu, 1, MAX_CPU)
    check("memory", memory, MIN_MEMORY, MAX_MEMORY, in_bytes=True)
    if len(disks) > MAX_DISKS:
        raise SiroccoError(INVALID, where="disks", why="there are more than {most}", most=MAX_DISKS)
    for index, capacity in enumerate(disks):
        if capacity or index:
            check(f"disks[{index}].capacity", capacity, MIB, MAX_DISK, in_bytes=True)
    if len(user_data) > MAX_USER_DATA:
        raise SiroccoError(INVALID, where="userData", why="it is longer than {most_size}", most_size=MAX_USER_DATA)
