"""Templates and configurations: documents in CIMI's own words."""

from functools import partial
from typing import Any

from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import Access, Values
from api.cimi.model.kind import COMMON, SHARED, Kind
from api.cimi.resource import Change, Creation, Removal, Resource
from api.cimi.templates import words
from sirocco.cmdb.models import Template
from sirocco.cmdb.query import Page
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.domain.query import Query
from sirocco.services import templates

_WORDS = frozenset(attribute.name for attribute in (*COMMON, SHARED))


def _content(values: Values) -> Values:
    """What is kept: no secrets, which belong into the message that makes something of the template."""
    _refuse_secrets(values, "")
    return {name: value for name, value in values.items() if name not in _WORDS and value is not None}


def _refuse_secrets(values: Values, where: str) -> None:
    for name, value in values.items():
        if name == "password" and value:
            raise invalid(f"{where}{name}", why="a template that is kept holds no password; give it when you use it")
        if isinstance(value, dict):
            _refuse_secrets(value, f"{where}{name}.")


def _create(kind: Kind, exchange: Exchange, values: Values) -> Made:
    name, description, properties = words(values)
    row = templates.create(
        exchange.tx,
        kind.name,
        _content(values),
        name=name,
        description=description,
        properties=properties,
        shared=values.get(SHARED.name) is True,
    )
    return Made(row)


def _update(kind: Kind, exchange: Exchange, row_id: str, values: Values) -> Made:
    held = templates.get(exchange.tx, kind.name, row_id)
    changes: dict[str, Any] = {
        name: values[name] if values[name] is not None else {} if name == "properties" else ""
        for name in ("name", "description", "properties")
        if name in values
    }
    if values.get(SHARED.name) is not None:
        changes["shared"] = values[SHARED.name]
    content = {name: value for name, value in held.content.items() if name not in values} | _content(values)
    return Made(templates.update(exchange.tx, kind.name, row_id, changes | {"content": content}, exchange.expected))


def _delete(kind: Kind, exchange: Exchange, row_id: str) -> Made:
    templates.delete(exchange.tx, kind.name, row_id)
    return Made()


def _find(kind: Kind, tx: Transaction, row_id: str) -> Template:
    return templates.get(tx, kind.name, row_id)


def _page(kind: Kind, tx: Transaction, query: Query) -> Page[Template]:
    return templates.page(tx, kind.name, query)


def _more(kind: Kind, exchange: Exchange, row: Template) -> Values:
    """The document's own attributes; what the version does not know and what is secret stay out."""
    shown = {
        attribute.name: row.content[attribute.name]
        for attribute in kind.shown(exchange.wire.version)
        if attribute.name in row.content and attribute.access is Access.EDIT and not attribute.secret
    }
    return shown | {SHARED.name: row.tenant_id is None}


def _resource(name: str) -> Resource:
    kind = KINDS[name]
    return Resource(
        kind,
        partial(_find, kind),
        partial(_page, kind),
        more=partial(_more, kind),
        create=Creation(Role.MEMBER, partial(_create, kind)),
        update=Change(Role.MEMBER, partial(_update, kind)),
        delete=Removal(Role.MEMBER, partial(_delete, kind)),
        tabled=False,
    )


DOCUMENTS = tuple(_resource(name) for name in templates.KINDS)
