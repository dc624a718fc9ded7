"""From records to documents: attributes, references, operations, selection and expansion."""

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from api.cimi.codec.limits import EXPANDED, PAGE
from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, V2, Attribute, Type, Value, Values
from api.cimi.model.kind import COMMON, Kind
from api.cimi.query.bind import bound, narrowed
from api.cimi.query.parameters import Parameters
from api.cimi.resource import Below, Resource, Row
from api.common.words import TOLD, of_record
from sirocco.contracts.errors import FORBIDDEN, NOT_FOUND, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.query import Query

_COLLECTION = frozenset({"id", "count", "operations"})
_PLAIN = Parameters()
_NOTHING = object()


class Representation:
    """Shows the resources of a registry; ``resources`` are found by the first part of their path."""

    def __init__(self, resources: dict[str, Resource]) -> None:
        self.resources = resources

    def document(
        self, exchange: Exchange, resource: Resource, row: Row, parameters: Parameters | None = None
    ) -> Values:
        """One resource, with what was selected of it and what was expanded in it."""
        wanted = exchange.parameters if parameters is None else parameters
        path = resource.path(row)
        values = self.shown(exchange, resource.kind, row, path)
        if resource.more is not None:
            values |= resource.more(exchange, row)
        if wanted.selects("operations"):
            values["operations"] = self._operations(exchange, resource, row, path)
        return self._expanded(exchange, resource.kind, _selected(values, wanted), wanted)

    def shown(self, exchange: Exchange, kind: Kind, row: Row, path: str) -> Values:
        """What the record's columns show."""
        values: Values = {}
        for attribute in kind.shown(exchange.wire.version):
            name, column = attribute.name, attribute.column
            if attribute.type is Type.COLLECTION:
                values[name] = {"href": f"{path}/{name}"}
            elif column in TOLD and attribute.type is Type.STRING:
                values[name] = of_record(row, column, exchange.translate)
            elif column and not attribute.secret and (held := getattr(row, column, _NOTHING)) is not _NOTHING:
                values[name] = _column(attribute, held, exchange)
        values["id"] = path
        return values

    def _operations(self, exchange: Exchange, resource: Resource, row: Row, path: str) -> list[Value]:
        permitted = dict(resource.permits(exchange.tx, row)) if resource.permits else None
        version, who = exchange.wire.version, exchange.tx.who
        if getattr(row, "tenant_id", "") is None and not (who.may(Role.OPERATOR) or resource.kind.own):
            return []  # what all tenants share is changed by operators
        operations: list[Value] = []
        for name, rel, below in _offered(resource, version, who.role):
            available = True if permitted is None or name == "edit" else permitted.get(name)
            if available:
                operations.append({"rel": rel, "href": path + below})
            elif available is False and version == V2:
                operations.append({"rel": rel, "href": path + below, "available": False})
        return operations

    def listing(self, exchange: Exchange, resource: Resource) -> Values:
        """A whole collection, or the part that the query parameters ask for."""
        add = "add" if resource.create is not None and exchange.tx.who.may(resource.create.role) else ""
        if not resource.tabled:
            page = resource.page(exchange.tx, Query(first=1, last=PAGE))
            documents = [self.document(exchange, resource, row, _PLAIN) for row in page.items]
            return self.documents(exchange, resource.kind, resource.kind.path, documents, add=add)
        page = resource.page(exchange.tx, _capped(bound(resource.kind, exchange.parameters, exchange.wire)))
        items = self._items(exchange, resource, page.items)
        return _collection(exchange, resource.kind, resource.kind.path, items, page.count, add=add)

    def _items(self, exchange: Exchange, resource: Resource, rows: Sequence[Row]) -> list[Values]:
        _refuse_wide(exchange.parameters, len(rows))
        inner = _of_items(exchange, resource.kind)
        return [self.document(exchange, resource, row, inner) for row in rows]

    def item(self, exchange: Exchange, below: Below, owner: Row, row: Row, path: str) -> Values:
        """One item of a collection below a resource, complete."""
        if below.elsewhere:
            return self.document(exchange, self.resources[below.kind.path], row, _PLAIN)
        values = self.shown(exchange, below.kind, row, f"{path}/{row.id}")
        if below.show is not None:
            values |= below.show(exchange, owner, row)
        if below.remove is not None and exchange.tx.who.may(below.remove.role):
            values["operations"] = [{"rel": "delete", "href": f"{path}/{row.id}"}]
        return values

    def below(self, exchange: Exchange, below: Below, owner: Row, path: str) -> Values:
        """A collection below a resource; it is small, so its parameters are applied to documents."""
        documents = [self.item(exchange, below, owner, row, path) for row in below.rows(exchange, owner)]
        add = below.add is not None and exchange.tx.who.may(below.add.role)
        rel = ("add" if exchange.wire.version == V1 else "insert") if add else ""
        return self.documents(exchange, below.kind, path, documents, add=rel)

    def documents(
        self, exchange: Exchange, kind: Kind, path: str, documents: Sequence[Values], *, add: str = ""
    ) -> Values:
        """Complete documents as the collection that the query parameters ask for."""
        found, count = narrowed(kind, documents, exchange.parameters, exchange.wire)
        items = [self.cut(exchange, kind, document, _of_items(exchange, kind)) for document in found]
        return _collection(exchange, kind, path, items, count, add=add)

    def cut(self, exchange: Exchange, kind: Kind, document: Values, parameters: Parameters) -> Values:
        """What is selected of a complete document, with its references expanded."""
        return self._expanded(exchange, kind, _selected(document, parameters), parameters)

    def _expanded(self, exchange: Exchange, kind: Kind, values: Values, parameters: Parameters) -> Values:
        if not parameters.expand:
            return values
        for attribute in kind.shown(exchange.wire.version):
            value = values.get(attribute.name)
            if value and parameters.expands(attribute.name):
                inner = parameters.inside(attribute.name)
                if attribute.type is Type.REFERENCE:
                    values[attribute.name] = self._inlined(exchange, value, inner)
                elif attribute.type is Type.COLLECTION:
                    values[attribute.name] = self._inlined_collection(exchange, cast("Values", value), inner)
        return values

    def _inlined(self, exchange: Exchange, value: Value, inner: Parameters) -> Value:
        if isinstance(value, list):
            return [self._inlined(exchange, entry, inner) for entry in value]
        target = self.follow(exchange, str(cast("Values", value).get("href", "")), inner)
        return value if target is None else target | cast("Values", value)

    def _inlined_collection(self, exchange: Exchange, value: Values, inner: Parameters) -> Value:
        path = str(value["href"])
        try:
            content = self._content(_with(exchange, inner), path)
        except SiroccoError as refusal:
            if refusal.problem in {NOT_FOUND, FORBIDDEN}:
                return value
            raise
        return value if content is None else value | content

    def _content(self, exchange: Exchange, path: str) -> Values | None:
        """The collection at a path of one, three or five parts; None where nothing is."""
        first, *rest = path.split("/")
        resource = self.resources.get(first)
        if resource is None:
            return None
        exchange.tx.who.need(resource.role)
        if not rest:
            return self.listing(exchange, resource)
        row, below = resource.find(exchange.tx, rest[0]), resource.below.get((rest[1], exchange.wire.version))
        if below is None or len(rest) == 2:
            return None if below is None else self.below(exchange, below, row, path)
        item = next((item for item in below.rows(exchange, row) if str(item.id) == rest[2]), None)
        return None if item is None else self.below(exchange, below.inner[rest[3]], item, path)

    def follow(self, exchange: Exchange, path: str, parameters: Parameters = _PLAIN) -> Values | None:
        """The document that a reference leads to; None when the caller may not see it."""
        first, _, record_id = path.partition("/")
        resource = self.resources.get(first)
        if resource is None or not record_id or "/" in record_id or not exchange.tx.who.may(resource.role):
            return None
        try:
            return self.document(exchange, resource, resource.find(exchange.tx, record_id), parameters)
        except SiroccoError as refusal:
            if refusal.problem in {NOT_FOUND, FORBIDDEN}:
                return None
            raise


@cache
def _offered(resource: Resource, version: int, role: Role) -> tuple[tuple[str, str, str], ...]:
    """What a role may ask of such resources: its name, its relation, and where below the resource it is asked."""
    found = [("edit", "edit", "")] if resource.update and role.includes(resource.update.role) else []
    if resource.delete and role.includes(resource.delete.role):
        found.append(("delete", "delete", ""))
    found += [
        (action.name, action.uri(version), f"/{action.name}")
        for action in resource.actions
        if version in action.versions and role.includes(action.role)
    ]
    return tuple(found)


def _with(exchange: Exchange, parameters: Parameters) -> Exchange:
    return Exchange(exchange.tx, exchange.wire, parameters, exchange.ids, translate=exchange.translate)


def _column(attribute: Attribute, value: Any, exchange: Exchange) -> Value:
    if attribute.type is Type.REFERENCE:
        return {"href": f"{KINDS[attribute.kind].path}/{value}"} if value else None
    if attribute.under and value:
        return f"http://schemas.dmtf.org/cimi/{exchange.wire.version}/{attribute.under}/{value}"
    if attribute.factor > 1 and isinstance(value, int):
        return value // attribute.factor
    return cast("Value", value)


def _selected(values: Values, parameters: Parameters) -> Values:
    if parameters.select is None:
        return values
    return {name: _cut(value, parameters.inside(name)) for name, value in values.items() if parameters.selects(name)}


def _cut(value: Value, inner: Parameters) -> Value:
    """What is selected inside a structure; a reference or a collection is cut where it is inlined."""
    if inner.select is None:
        return value
    if isinstance(value, list):
        return [_cut(entry, inner) for entry in value]
    return _selected(value, inner) if isinstance(value, dict) and "href" not in value else value


def _of_items(exchange: Exchange, kind: Kind) -> Parameters:
    """What applies to each item. /2 shows only what all resources share, unless more is asked for."""
    parameters, inner = exchange.parameters, exchange.parameters.inside(kind.items)
    select = parameters.select
    if inner.select is not None:
        select = inner.select
    elif select is not None:
        select = select - {"count"} if _names_items(select, kind) else None
    elif exchange.wire.version == V2 and kind.collection and not parameters.expands(kind.items):
        select = frozenset({attribute.name for attribute in COMMON} | {"operations"})
    return Parameters(select=select, expand=parameters.expand | inner.expand)


def _names_items(select: frozenset[str], kind: Kind) -> bool:
    """Whether a selection is about the items of a collection rather than about the collection."""
    return bool({one for one in select if one.partition("/")[0] != kind.items} - _COLLECTION)


def _refuse_wide(parameters: Parameters, count: int) -> None:
    if parameters.expand and count > EXPANDED:
        raise invalid(
            "$expand",
            why="{count} items are too many to expand; ask for {most} at most by $first and $last",
            count=count,
            most=EXPANDED,
        )


def _capped(query: Query) -> Query:
    last = min(query.last or PAGE + query.first - 1, query.first + PAGE - 1)
    return Query(query.where, query.order, query.first, last)


def _collection(exchange: Exchange, kind: Kind, path: str, items: list[Values], count: int, *, add: str = "") -> Values:
    operations: list[Value] = [{"rel": add, "href": path}] if add else []
    values: Values = {"id": path, "count": count, "items": cast("list[Value]", items), "operations": operations}
    select = exchange.parameters.select
    if select is None or _names_items(select, kind):
        return values
    keep = {"id", "count", *select} | ({"items"} if exchange.parameters.selects(kind.items) else set())
    return {name: value for name, value in values.items() if name in keep}
