"""Programmatic units of DSP0004 (Annex C), in the spellings found in the wild.

``byte * 2^20`` is the canonical form. Words such as ``MegaBytes`` or ``MHz`` mean powers of 1024 for bytes
and powers of 1000 for hertz.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_BASES = {
    "byte": "byte",
    "bit": "bit",
    "hertz": "hertz",
    "hz": "hertz",
    "percent": "percent",
    "count": "count",
    "b": "byte",
}
_PREFIXES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "kilo": 1, "mega": 2, "giga": 3, "tera": 4, "peta": 5}
_BINARY = {"kibi": 1, "mebi": 2, "gibi": 3, "tebi": 4, "ki": 1, "mi": 2, "gi": 3, "ti": 4}
_WORD = re.compile(
    r"(kilo|mega|giga|tera|peta|kibi|mebi|gibi|tebi|ki|mi|gi|ti|k|m|g|t|p|)(byte|bit|hertz|hz|b)s?", re.IGNORECASE
)
_FACTOR = re.compile(r"[*/]\s*(\d{1,20})\s*(?:\^\s*(-?\d{1,3}))?\s*")
_BASE = re.compile(r"\s*([A-Za-z]+)\s*")
_SUFFIXED = re.compile(r"\s*(\d+)\s*([A-Za-z]+)\s*")
_LARGEST = 2**80


@dataclass(frozen=True)
class Unit:
    """A base (``byte``, ``bit``, ``hertz``, ``percent``, ``count``) and how many of it one unit is."""

    base: str
    factor: int

    def __str__(self) -> str:
        """The canonical form, as the writer uses it."""
        if self.factor == 1:
            return self.base
        if self.factor & (self.factor - 1) == 0:
            return f"{self.base} * 2^{self.factor.bit_length() - 1}"
        digits = str(self.factor)
        if digits == "1" + "0" * (len(digits) - 1):
            return f"{self.base} * 10^{len(digits) - 1}"
        return f"{self.base} * {self.factor}"


BYTE = Unit("byte", 1)
MEBIBYTE = Unit("byte", 2**20)


@lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit | None:
    """The unit a text names, or None when it names none.

    >>> parse_unit("byte*1024*1024")
    Unit(base='byte', factor=1048576)
    """
    if len(text) > 100:
        return None
    base = _BASE.match(text)
    start = _word(base.group(1)) if base else None
    if base is None or start is None:
        return None
    factor, position = start.factor, base.end()
    while position < len(text):
        match = _FACTOR.match(text, position)
        scaled = _scaled(factor, match) if match else None
        if match is None or scaled is None:
            return None
        factor, position = scaled, match.end()
    return Unit(start.base, factor)


def _scaled(factor: int, match: re.Match[str]) -> int | None:
    exponent = int(match.group(2) or 1)
    number = int(match.group(1))
    if match.group().startswith("/") or exponent < 0 or (number > 1 and exponent > 80):
        return None
    result = factor * number**exponent
    return result if 0 < result <= _LARGEST else None


def _word(word: str) -> Unit | None:
    if word.lower() in _BASES or word.lower().removesuffix("s") in _BASES:
        return Unit(_BASES.get(word.lower()) or _BASES[word.lower().removesuffix("s")], 1)
    match = _WORD.fullmatch(word)
    if match is None:
        return None
    prefix, base = match.group(1).lower(), match.group(2)
    name = _BASES[base.lower()]
    if prefix in _BINARY:
        return Unit(name, 1024 ** _BINARY[prefix])
    return Unit(name, (1024 if name in {"byte", "bit"} else 1000) ** _PREFIXES[prefix])


def split_suffixed(text: str) -> tuple[int, Unit] | None:
    """A number with its unit behind it, as in ``1536MB``; None for anything else."""
    match = _SUFFIXED.fullmatch(text)
    unit = _word(match.group(2)) if match else None
    return (int(match.group(1)), unit) if match and unit else None
