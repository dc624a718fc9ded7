"""The values properties have in one deployment (DSP0243 2.1, clauses 9.5.1 and 9.8)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ovf.errors import RefusedError
from ovf.model import Content
from ovf.products import ProductSection, Property
from ovf.values import Qualifiers, fits_type, meets, parse_qualifiers


@dataclass(frozen=True)
class Assigned:
    """A property's value and why it has it; a password's value is for the guest only and never printed."""

    key: str
    value: str
    reason: str
    password: bool = False
    type: str = "string"

    def __repr__(self) -> str:
        shown = "'***'" if self.password else repr(self.value)
        return f"Assigned(key={self.key!r}, value={shown}, reason={self.reason!r})"


def assign(content: Content, configuration: str, given: Mapping[str, str]) -> tuple[Assigned, ...]:
    """The values of a content element's own properties.

    Args:
        content: a system or collection.
        configuration: id of the chosen deployment option, empty when there is none.
        given: values by full key (``class.key.instance``), by ``content-id/full-key``, or by plain key.

    Raises:
        RefusedError: a given value is not allowed, or breaks type or qualifiers.
    """
    return tuple(_assigned(content, configuration, given))


def by_name(properties: Sequence[Assigned]) -> dict[str, str]:
    """Values by full key, and by any part of a key that is no full key itself; of several the first counts."""
    found: dict[str, str] = {}
    for one in properties:
        found.setdefault(one.key, one.value)
    for one in properties:
        for part in one.key.split("."):
            found.setdefault(part, one.value)
    return found


def _assigned(content: Content, configuration: str, given: Mapping[str, str]) -> Iterator[Assigned]:
    for section in content.of(ProductSection):
        for prop in section.properties:
            if prop.configuration and configuration not in prop.configuration:
                continue
            key = section.full_key(prop)
            names = (f"{content.id}/{key}", key, prop.key)
            stated = next((given[name] for name in names if name in given), None)
            value, reason = _value(prop, configuration, stated, key)
            yield Assigned(key, value, reason, prop.password, prop.type)


def _value(prop: Property, configuration: str, stated: str | None, key: str) -> tuple[str, str]:
    default = next((one.value for one in prop.values if one.configuration == configuration), None)
    if stated is not None:
        _check(prop, stated, key)
        return stated, "given"
    if default is not None and configuration:
        return default, f"value for configuration {configuration}"
    plain = next((one.value for one in prop.values if not one.configuration), None)
    if prop.value or plain:
        return prop.value or plain or "", "default of the package"
    return "", "no value given" if prop.user_configurable else "the package states no value"


def _check(prop: Property, value: str, key: str) -> None:
    if not prop.user_configurable:
        raise RefusedError("may not be set by a user", where=f"property {key}", remedy="leave it out")
    if not fits_type(value, prop.type):
        raise RefusedError(f"the value does not fit the type {prop.type}", where=f"property {key}")
    broken = meets(value, prop.type, parse_qualifiers(prop.qualifiers) or Qualifiers())
    if broken:
        raise RefusedError(f"the value breaks {prop.qualifiers}: {broken}", where=f"property {key}")


def unused(contents: Iterator[Content], given: Mapping[str, str]) -> list[str]:
    """The given names that no property has."""
    known: set[str] = set()
    for content in contents:
        for section in content.of(ProductSection):
            for prop in section.properties:
                key = section.full_key(prop)
                known |= {key, prop.key, f"{content.id}/{key}"}
    return sorted(set(given) - known)
