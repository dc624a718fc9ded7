"""What a kind of resource is: its names in paths, documents and metadata, its attributes and its operations."""

from dataclasses import dataclass
from functools import cache

from api.cimi.model.attribute import BOTH, PREFIX, Access, Attribute, Type, boolean, mapping, moment, text, uri

CIMI = "http://schemas.dmtf.org/cimi/{version}"
SIROCCO = "http://sirocco.ow2.org/cimi/1"

NAME = text("name", column="name", access=Access.EDIT, longest=255)
DESCRIPTION = text("description", column="description", access=Access.EDIT, longest=4096)
PROPERTIES = mapping("properties", column="properties", access=Access.EDIT, element="property")
SHARED = boolean(
    "sirocco_shared", access=Access.EDIT, kept=True, description="Whether every tenant may use it; operators decide."
)
COMMON = (
    uri("id", column="id"),
    NAME,
    DESCRIPTION,
    moment("created", column="created"),
    moment("updated", column="updated"),
    PROPERTIES,
)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of resource; each is declared once, and equal only to itself.

    ``collection`` is the last part of its collection's path and the attribute of the cloud entry point (empty when it
    lies below another resource only); ``items`` the JSON member of a collection that holds its items; ``template`` the
    attribute of a create message. ``common`` is false for the few kinds that /1 XML gives no id and name;
    there ``operations_first`` has operations before the attributes, and a collection that is inlined in another
    resource has operations only if ``operations_inlined``.
    """

    name: str
    collection: str
    items: str
    attributes: tuple[Attribute, ...]
    template: str = ""
    versions: frozenset[int] = BOTH
    own: bool = False
    common: bool = True
    operations_first: bool = False
    operations_inlined: bool = True
    description: str = ""

    @property
    def path(self) -> str:
        """The path of its collection, below the base."""
        return self.collection.removeprefix(PREFIX)

    def namespace(self, version: int) -> str:
        """The XML namespace of its documents, and what its type's URI begins with."""
        return SIROCCO if self.own else CIMI.format(version=version)

    def uri(self, version: int) -> str:
        """The URI of the type."""
        return f"{self.namespace(version)}/{self.name}"

    def shown(self, version: int) -> tuple[Attribute, ...]:
        """All attributes of one version, common ones first, in the order of XML."""
        return _shown(self, version)

    def attribute(self, name: str, version: int) -> Attribute | None:
        """An attribute by name."""
        return _by_name(self, version).get(name)

    @property
    def create(self) -> str:
        """The name of its create message."""
        return f"{self.name}Create"


@cache
def _shown(kind: Kind, version: int) -> tuple[Attribute, ...]:
    attributes = (*COMMON, *kind.attributes) if kind.common else kind.attributes
    return tuple(attribute for attribute in attributes if version in attribute.versions)


@cache
def _by_name(kind: Kind, version: int) -> dict[str, Attribute]:
    return {attribute.name: attribute for attribute in kind.shown(version)}


def collections_of(kind: Kind, version: int) -> tuple[Attribute, ...]:
    """The collections below a resource of this kind."""
    return tuple(attribute for attribute in kind.shown(version) if attribute.type is Type.COLLECTION)
