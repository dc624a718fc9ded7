"""Types and qualifiers of properties, and whether a value meets them (DSP0243 2.1, clause 9.5.1; DSP0004).

Types outside the standard that are found in practice are mapped to the nearest one of the standard.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

_SIGNED = {f"sint{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)}
_UNSIGNED = {f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)}
RANGES = _SIGNED | _UNSIGNED
STANDARD = frozenset({*RANGES, "string", "boolean", "real32", "real64"})
_NEAREST = {
    "int": "sint32",
    "integer": "sint32",
    "long": "sint64",
    "short": "sint16",
    "byte": "uint8",
    "real": "real64",
    "float": "real32",
    "double": "real64",
    "bool": "boolean",
}
_VMWARE_RANGE = re.compile(r"(?:string|password)\((\d*)\.\.(\d*)\)|(?:int|real)\(([^.)]*)\.\.([^)]*)\)", re.IGNORECASE)
_TRUTH = frozenset({"true", "false", "1", "0"})
_NUMBER = re.compile(r"[+-]?\d{1,40}")
_REAL = re.compile(r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,4})?")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def standard_type(stated: str) -> str:
    """The standard's type for a stated one; ``string`` for what is not known.

    >>> standard_type("Int"), standard_type("ip:VM Network")
    ('sint32', 'string')
    """
    name = stated.strip().lower()
    if name in STANDARD:
        return name
    return _NEAREST.get(name.partition("(")[0].strip(), "string")


@dataclass(frozen=True)
class Qualifiers:
    """What a value must meet; ``unknown`` names qualifiers nobody here can check."""

    min_length: int | None = None
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    unknown: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether no value can meet them."""
        return _crossed(self.min_length, self.max_length) or _crossed(self.minimum, self.maximum)


def _crossed(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low > high


@lru_cache(maxsize=512)
def parse_qualifiers(text: str) -> Qualifiers | None:
    """The qualifiers a text states, or None when it cannot be understood.

    >>> parse_qualifiers('MinLen(1),ValueMap{"a","b, c"}').choices
    ('a', 'b, c')
    """
    found: dict[str, object] = {}
    unknown: list[str] = []
    position = 0
    while position < len(text):
        name, argument, position = _next(text, position)
        if not name or not _accept(name.lower(), argument, found):
            return None
        if name.lower() not in _READERS:
            unknown.append(name)
    return Qualifiers(**found, unknown=tuple(unknown))  # type: ignore[arg-type]


def _next(text: str, start: int) -> tuple[str, str, int]:
    """Name, argument and end of the qualifier at ``start``; an empty name when there is none."""
    match = re.compile(r"[\s,;]*([A-Za-z]\w*)?\s*").match(text, start)
    name, position = (match.group(1) or "", match.end()) if match else ("", start)
    if not name or position >= len(text) or text[position] not in "({[":
        return name, "", position
    close = {"(": ")", "{": "}", "[": "]"}[text[position]]
    body = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^"' + re.escape(close) + r"])*").match(text, position + 1)
    end = body.end() if body else position
    if body is None or end >= len(text) or text[end] != close:
        return "", "", len(text)
    rest = re.compile(r"[\s,;]*").match(text, end + 1)
    return name, body.group().strip(), rest.end() if rest else end + 1


def _accept(name: str, argument: str, found: dict[str, object]) -> bool:
    reader = _READERS.get(name)
    if reader is None:
        return True
    field, read = reader
    found[field] = read(argument)
    return found[field] is not None


def _length(argument: str) -> int | None:
    return int(argument) if _NUMBER.fullmatch(argument) and int(argument) >= 0 else None


def _amount(argument: str) -> float | None:
    if _NUMBER.fullmatch(argument):
        return int(argument)
    return float(argument) if _REAL.fullmatch(argument) else None


def _choices(argument: str) -> tuple[str, ...] | None:
    quoted = tuple(re.sub(r"\\(.)", r"\1", one) for one in _QUOTED.findall(argument))
    if quoted or not argument:
        return quoted or None
    return None if '"' in argument else tuple(one.strip() for one in argument.split(","))


_READERS = {
    "minlen": ("min_length", _length),
    "maxlen": ("max_length", _length),
    "minvalue": ("minimum", _amount),
    "maxvalue": ("maximum", _amount),
    "valuemap": ("choices", _choices),
}


def fits_type(value: str, stated: str) -> bool:
    """Whether a value, blanks around it aside, is of the stated type."""
    kind, text = standard_type(stated), value.strip()
    if kind in RANGES:
        low, high = RANGES[kind]
        return bool(_NUMBER.fullmatch(text)) and low <= int(text) <= high and _inside_vmware_range(text, stated)
    if kind == "boolean":
        return text.lower() in _TRUTH
    if kind in {"real32", "real64"}:
        return bool(_REAL.fullmatch(text)) and math.isfinite(float(text)) and _inside_vmware_range(text, stated)
    match = _VMWARE_RANGE.fullmatch(stated.strip())
    return match is None or int(match.group(1) or 0) <= len(value) <= int(match.group(2) or 2**31)


def _inside_vmware_range(text: str, stated: str) -> bool:
    match = _VMWARE_RANGE.fullmatch(stated.strip())
    if match is None:
        return True
    low, high = _amount((match.group(3) or "").strip()), _amount((match.group(4) or "").strip())
    return (low is None or low <= float(text)) and (high is None or float(text) <= high)


def meets(value: str, stated: str, qualifiers: Qualifiers) -> str:
    """Which qualifier a value of the right type breaks, in words; empty when none."""
    kind = standard_type(stated)
    text = value if kind == "string" else value.strip()
    if qualifiers.choices is not None and text not in qualifiers.choices:
        return "it is none of the values listed"
    if kind == "string":
        return _meets_length(text, qualifiers)
    if kind == "boolean":
        return ""
    number = int(text) if kind in RANGES else float(text)
    if qualifiers.minimum is not None and number < qualifiers.minimum:
        return f"it is below {qualifiers.minimum:g}"
    if qualifiers.maximum is not None and number > qualifiers.maximum:
        return f"it is above {qualifiers.maximum:g}"
    return ""


def _meets_length(text: str, qualifiers: Qualifiers) -> str:
    if qualifiers.min_length is not None and len(text) < qualifiers.min_length:
        return f"it is shorter than {qualifiers.min_length}"
    if qualifiers.max_length is not None and len(text) > qualifiers.max_length:
        return f"it is longer than {qualifiers.max_length}"
    return ""
