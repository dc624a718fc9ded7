"""Products and the properties they ask for (DSP0243 2.1, clause 9.5)."""
# ruff: noqa: RUF009 -- the calls declare fields, as dataclasses.field does

from dataclasses import dataclass

from ovf.fields import U16, Flag, Plain, Whole, Words, attribute, children, leaf, text
from ovf.parts import Part, Section, Text


@dataclass(frozen=True)
class Icon(Part):
    """A picture of the product, a file of the package; sizes in pixels."""

    height: int | None = attribute("height", Whole(0, U16), None)
    width: int | None = attribute("width", Whole(0, U16), None)
    mime_type: str = attribute("mimeType")
    file_ref: str = attribute("fileRef")


@dataclass(frozen=True)
class ConfiguredValue(Part):
    """The value of a property in one configuration."""

    value: str = attribute("value", Plain(exact=True))
    configuration: str = attribute("configuration")


@dataclass(frozen=True)
class Property(Part):
    """A value the guest asks for (clause 9.5.1). ``category`` is the heading it stands under."""

    category: Text | None = None
    label: Text | None = text("Label")
    description: Text | None = text("Description")
    values: tuple[ConfiguredValue, ...] = children("Value", lambda: ConfiguredValue)
    key: str = attribute("key")
    type: str = attribute("type")
    qualifiers: str = attribute("qualifiers")
    user_configurable: bool = attribute("userConfigurable", Flag(), default=False)
    value: str | None = attribute("value", Plain(exact=True), None)
    password: bool = attribute("password", Flag(), default=False)
    configuration: tuple[str, ...] = attribute("configuration", Words(","), ())


@dataclass(frozen=True)
class ProductSection(Section):
    """A product and its properties; class and instance make their key space (clause 9.5)."""

    product: Text | None = text("Product")
    vendor_name: Text | None = text("Vendor")
    version: str = leaf("Version")
    full_version: str = leaf("FullVersion")
    product_url: str = leaf("ProductUrl")
    vendor_url: str = leaf("VendorUrl")
    app_url: str = leaf("AppUrl")
    icons: tuple[Icon, ...] = children("Icon", lambda: Icon)
    properties: tuple[Property, ...] = children("Property", lambda: Property)
    product_class: str = attribute("class")
    instance: str = attribute("instance")

    def full_key(self, prop: Property) -> str:
        """``class.key.instance``, leaving out what is empty (clause 9.5.1)."""
        return ".".join(part for part in (self.product_class, prop.key, self.instance) if part)
