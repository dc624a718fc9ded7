"""Rules for products and their properties (DSP0243 2.1, clause 9.5)."""

import re
from collections.abc import Iterator

from ovf.findings import Issue
from ovf.judge.context import Context, repeated, unknown_configurations
from ovf.model import Content
from ovf.products import ProductSection, Property
from ovf.values import STANDARD, Qualifiers, fits_type, meets, parse_qualifiers

_ODD_KEY = re.compile(r"[.:\s]")


def judge(context: Context, content: Content) -> Iterator[Issue]:
    """Everything wrong with the products of one system or collection."""
    sections = content.of(ProductSection)
    for one in repeated(sections, lambda section: f"{section.product_class}\0{section.instance}"):
        yield Issue("product.duplicate", one.at, f"{one.product_class!r}, {one.instance!r}")
    seen: set[str] = set()
    for section in sections:
        for icon in section.icons:
            if icon.file_ref not in context.files:
                yield Issue("product.icon-unknown", icon.at, icon.file_ref)
        for prop in section.properties:
            key = section.full_key(prop)
            if prop.key and key in seen:
                yield Issue("property.key-duplicate", prop.at, key)
            seen.add(key)
            yield from _property(context, prop)


def _property(context: Context, prop: Property) -> Iterator[Issue]:
    if not prop.key:
        yield Issue("property.key-missing", prop.at)
    elif _ODD_KEY.search(prop.key):
        yield Issue("property.key-odd", prop.at, prop.key)
    if not prop.type:
        yield Issue("property.type-missing", prop.at, prop.key)
    elif prop.type not in STANDARD:
        yield Issue("property.type-unknown", prop.at, prop.type)
    yield from unknown_configurations(context, "property.configuration-unknown", prop, prop.configuration)
    qualifiers = parse_qualifiers(prop.qualifiers)
    if qualifiers is None:
        yield Issue("property.qualifiers-malformed", prop.at, prop.qualifiers)
        return
    if qualifiers.unknown:
        yield Issue("property.qualifiers-unknown", prop.at, ", ".join(qualifiers.unknown))
    if qualifiers.empty:
        yield Issue("property.qualifiers-empty", prop.at, prop.qualifiers)
        return
    yield from _values(context, prop, qualifiers)


def _values(context: Context, prop: Property, qualifiers: Qualifiers) -> Iterator[Issue]:
    if not prop.value and not prop.user_configurable and not prop.values and not _may_be_empty(prop, qualifiers):
        yield Issue("property.value-missing", prop.at, prop.key)
    if prop.password and prop.value:
        yield Issue("property.password-inside", prop.at, prop.key)
    if prop.value:
        yield from check_value(prop, prop.value, qualifiers, prop.at)
    yield from (
        Issue("property.configuration-twice", one.at, one.configuration)
        for one in repeated(prop.values, lambda value: value.configuration)
    )
    for value in prop.values:
        names = (value.configuration,) if value.configuration else ()
        yield from unknown_configurations(context, "property.configuration-unknown", value, names)
        if value.value:
            yield from check_value(prop, value.value, qualifiers, value.at)


def _may_be_empty(prop: Property, qualifiers: Qualifiers) -> bool:
    """Whether the empty text is a proper value: a string that need not have a letter."""
    return prop.type.lower() == "string" and prop.value == "" and not meets("", "string", qualifiers)


def check_value(prop: Property, value: str, qualifiers: Qualifiers, at: int) -> Iterator[Issue]:
    """What is wrong with a value given to a property (clause 9.5.1)."""
    told = f"{prop.key}" if prop.password else f"{prop.key} is {value!r}"
    if not fits_type(value, prop.type):
        yield Issue("property.value-type", at, f"{told}, type {prop.type}")
        return
    if value != value.strip() and prop.type.lower() != "string":
        yield Issue("property.value-blanks", at, told)
    broken = meets(value, prop.type, qualifiers)
    if broken:
        yield Issue("property.value-qualifiers", at, f"{told}: {broken}")
