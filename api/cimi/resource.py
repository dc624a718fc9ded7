"""A kind of resource bound to the services that carry it: how it is found, shown, made, changed and acted on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from api.cimi.exchange import Exchange, Made
from api.cimi.model.attribute import BOTH, Access, Attribute, Type, Value, Values
from api.cimi.model.kind import CIMI, COMMON, DESCRIPTION, NAME, PROPERTIES, SIROCCO, Kind
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.domain.query import Query

Row = Any
"""A record of the CMDB, of the table that the resource is about."""


class Rows(Protocol):
    """A part of a collection, and how many match in all."""

    @property
    def items(self) -> Sequence[Row]:
        """The rows of this part."""
        ...

    @property
    def count(self) -> int:
        """How many match in all."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that no table holds."""

    items: Sequence[Row]
    count: int


def metadata_of(kind: Kind, provider_id: str | None) -> dict[str, Value]:
    """The reference to what a resource of a kind can do, at its provider when it has one."""
    return {"resourceMetadata": {"href": f"resourceMetadata/{kind.name}{f'.{provider_id}' if provider_id else ''}"}}


WORDS = (NAME, DESCRIPTION, PROPERTIES)


@dataclass(frozen=True, slots=True)
class Creation:
    """How a resource is made: who may, what the message holds, and the call that does it.

    ``reads`` are the attributes of the message, the resource's own ones unless given; ``names`` are the types a
    message may state; ``makes`` is the kind that is made, where it is not the collection's.
    """

    role: Role
    call: Callable[[Exchange, Values], Made]
    reads: tuple[Attribute, ...] = ()
    names: tuple[str, ...] = ()
    makes: Kind | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """How a resource is edited: the call gets the values to set, None for those to reset."""

    role: Role
    call: Callable[[Exchange, str, Values], Made]


@dataclass(frozen=True, slots=True)
class Removal:
    """How a resource is deleted."""

    role: Role
    call: Callable[[Exchange, str], Made]


@dataclass(frozen=True, slots=True)
class Action:
    """An operation with a URI of its own; ``reads`` are its parameters, ``names`` further messages it takes.

    ``makes`` is the kind of the new resource that it answers with instead of its job.
    """

    name: str
    role: Role
    call: Callable[[Exchange, str, Values], Made]
    reads: tuple[Attribute, ...] = ()
    names: tuple[str, ...] = ()
    own: bool = False
    versions: frozenset[int] = BOTH
    description: str = ""
    makes: Kind | None = None

    def uri(self, version: int) -> str:
        """The URI that names the action."""
        return f"{SIROCCO if self.own else CIMI.format(version=version)}/action/{self.name}"


@dataclass(frozen=True, slots=True)
class Below:
    """A collection below a resource: its items of ``kind``, and what may be done to them.

    ``show`` gives an item's values beyond what columns show. ``elsewhere`` items are resources of their own, which
    live under the path of their kind. ``add`` and ``remove`` write; ``insert`` is what /2 sends instead.
    """

    kind: Kind
    rows: Callable[[Exchange, Row], Sequence[Row]]
    show: Callable[[Exchange, Row, Row], Values] | None = None
    add: Creation | None = None
    remove: Removal | None = None
    elsewhere: bool = False
    inner: Mapping[str, "Below"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A kind and its services; each is declared once, and equal only to itself. ``role`` is who may read it.

    ``more`` adds values that no column shows. ``permits`` tells which of the write operations are possible now; the
    rest is hidden. A resource that is not ``tabled`` is filtered and sorted as documents.
    """

    kind: Kind
    find: Callable[[Transaction, str], Row]
    page: Callable[[Transaction, Query], Rows]
    more: Callable[[Exchange, Row], Values] | None = None
    permits: Callable[[Transaction, Row], Iterable[tuple[str, bool]]] | None = None
    create: Creation | None = None
    update: Change | None = None
    delete: Removal | None = None
    actions: tuple[Action, ...] = ()
    below: Mapping[tuple[str, int], Below] = field(default_factory=dict)
    role: Role = Role.VIEWER
    tabled: bool = True

    def path(self, row: Row) -> str:
        """Where a record is served, below the base."""
        return f"{self.kind.path}/{row.id}"


def message(kind: Kind, version: int) -> tuple[Attribute, ...]:
    """The attributes of a kind's create message: its words, and its template or the attributes themselves."""
    if not kind.template:
        return kind.shown(version)
    template = Attribute(
        kind.template,
        Type.REFERENCE,
        kind=f"{kind.name}Template",
        embeddable=True,
        access=Access.CREATE,
        required=True,
    )
    ours = (one for one in kind.shown(version) if one.extension and one.access is Access.CREATE)
    return (*COMMON, template, *ours)
