"""What differs between two packages in meaning, item by item; spelling and order of the file do not count."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

from ovf.hardware import Item
from ovf.model import Configuration, Content, Disk, File, Message, Network, Package, StartupItem, Strings
from ovf.parts import Node, Part, Section, Text, UnknownSection
from ovf.products import ConfiguredValue, ProductSection, Property

_HIDDEN = "***"


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same: where in the model, and both values in words (empty where there is none)."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"+ {self.path}: {self.after}"
        if not self.after:
            return f"- {self.path}: {self.before}"
        return f"~ {self.path}: {self.before} -> {self.after}"


def diff(before: Package, after: Package) -> list[Difference]:
    """All differences, in the order of the model; empty for packages that mean the same."""
    return list(_parts(before, after, ""))


def _parts(before: object, after: object, path: str) -> Iterator[Difference]:
    secret = bool(getattr(before, "password", False) or getattr(after, "password", False))
    for one in fields(before):  # type: ignore[arg-type]
        if not one.compare:
            continue
        old, new = getattr(before, one.name), getattr(after, one.name)
        if old == new:
            continue
        place = f"{path}/{one.name}" if path else one.name
        if secret and one.name in {"value", "values"}:
            yield Difference(place, _HIDDEN if old else "", _HIDDEN if new else "")
        else:
            yield from _values(old, new, place)


def _values(old: object, new: object, path: str) -> Iterator[Difference]:
    if _is_list(old) and _is_list(new):
        yield from _lists(old, new, path)  # type: ignore[arg-type]
    elif isinstance(old, (Part, Package)) and type(old) is type(new):
        yield from _parts(old, new, path)
    else:
        yield Difference(path, describe(old), describe(new))


def _is_list(value: object) -> bool:
    return isinstance(value, tuple) and all(is_dataclass(one) and not isinstance(one, Node) for one in value)


def _lists(old: tuple[object, ...], new: tuple[object, ...], path: str) -> Iterator[Difference]:
    before, after = _keyed(old), _keyed(new)
    for key, one in before.items():
        if key not in after:
            yield Difference(f"{path}[{key}]", describe(one), "")
        elif one != after[key]:
            yield from _values(one, after[key], f"{path}[{key}]")
    for key, one in after.items():
        if key not in before:
            yield Difference(f"{path}[{key}]", "", describe(one))
    common = [key for key in before if key in after]
    if common != [key for key in after if key in before]:
        yield Difference(f"{path}/order", " ".join(common), " ".join(key for key in after if key in before))


def _keyed(values: tuple[object, ...]) -> dict[str, object]:
    count: Counter[str] = Counter()
    result = {}
    for value in values:
        name = _key(value)
        count[name] += 1
        result[f"{name}#{count[name]}" if count[name] > 1 else name] = value
    return result


def _key(value: object) -> str:
    match value:
        case UnknownSection():
            return value.xml.tag
        case ProductSection():
            return ".".join(filter(None, ("ProductSection", value.product_class, value.instance)))
        case Section():
            return type(value).__name__
        case Item():
            return "/".join(filter(None, (value.instance_id, " ".join(value.configuration), value.bound)))
        case File() | Disk() | Content() | StartupItem() | Configuration():
            return value.id
        case Network():
            return value.name
        case Property():
            return value.key
        case Strings():
            return value.language or value.file_ref
        case Message():
            return value.msgid
        case ConfiguredValue():
            return value.configuration
        case _:
            return type(value).__name__


def describe(value: object) -> str:
    """A value in a few words."""
    match value:
        case None:
            return ""
        case Text():
            return repr(value.value) if not value.msgid else f"{value.value!r} ({value.msgid})"
        case Node():
            return value.tag
        case Content():
            return f"{'collection' if value.collection else 'system'} {value.label}"
        case Item():
            return value.element_name or "device"
        case Part():
            return type(value).__name__
        case tuple():
            return ", ".join(describe(one) for one in value)
        case str():
            return repr(value)
        case _:
            return str(value)
