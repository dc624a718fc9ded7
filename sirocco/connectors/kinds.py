"""What a kind of provider is opened with, as data: one source for the portal's form, the API's metadata and checks.

Labels and helps are English texts of the catalogues: readers get them in their language.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Value(StrEnum):
    """What a setting holds. ``LINES``: a list of objects, written one a line with a word for each of its columns."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    LINES = "lines"
    SECRET = "secret"  # noqa: S105 - a word for what a setting holds, no password


class Measure(StrEnum):
    """What a word of a line is: a text, a whole number, or gibibytes that are kept as bytes."""

    WORD = "word"
    COUNT = "count"
    GIB = "gib"


@dataclass(frozen=True, slots=True)
class Column:
    """A word of a line, kept under ``name``."""

    name: str
    measure: Measure = Measure.WORD
    required: bool = True


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting with a field of its own. ``name`` is its path (``delays.*``); a secret's is its name among the secrets.

    ``choices`` are pairs of value and label, the default first; ``example`` is what the field of a new provider shows.
    """

    name: str
    value: Value
    label: str
    help: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    columns: tuple[Column, ...] = ()
    example: str = ""

    @property
    def where(self) -> str:
        """How requests and refusals name it."""
        return f"secrets.{self.name}" if self.value is Value.SECRET else f"settings.{self.name}"


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """A kind of provider. ``check`` raises a ``SettingError`` for settings that its connector cannot be opened with.

    Settings that only some need have no field: they are given as JSON, and ``check`` knows them too.
    """

    name: str
    label: str
    settings: tuple[Setting, ...]
    check: Callable[[Mapping[str, Any]], object]

    def texts(self) -> Iterator[str]:
        """All that people read of it."""
        yield self.label
        for setting in self.settings:
            yield from filter(None, (setting.label, setting.help, *(label for _, label in setting.choices)))
