"""Queries in SQL: filter, sort and cut in the database, count in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Numeric,
    Select,
    String,
    and_,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import BigInteger, Integer

from sirocco.cmdb.models import Record
from sirocco.cmdb.models.base import Utc
from sirocco.cmdb.transaction import Transaction
from sirocco.domain.query import AllOf, AnyOf, Comparison, Condition, Contains, PropertyIs, Query, Value

R = TypeVar("R", bound=Record)

_TYPES: tuple[tuple[type[Any], tuple[type[Any], ...]], ...] = (
    (bool, (Boolean,)),
    (datetime, (DateTime, Utc)),
    (int, (Integer, BigInteger, Numeric)),
    (str, (String,)),
)


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """A part of a collection and how many items match in all."""

    items: Sequence[R]
    count: int


def fetch(tx: Transaction, model: type[R], query: Query, *conditions: ColumnElement[bool]) -> Page[R]:
    """The page of ``model`` that ``query`` asks for; attributes are column names, an unknown one never matches.

    Rows are counted and skipped by their ids, which an index has; only those of the page are read.
    """
    found = tx.visible(model).where(*conditions)
    if query.where is not None:
        found = found.where(_condition(model, query.where))
    order = _order(tx, model, query)
    ids = _cut(found.with_only_columns(model.id).order_by(*order), query)
    count = tx.session.scalar(found.with_only_columns(func.count()).select_from(model)) or 0
    return Page(tx.session.scalars(select(model).where(model.id.in_(ids)).order_by(*order)).all(), count)


def _order(tx: Transaction, model: type[R], query: Query) -> list[ColumnElement[Any]]:
    keys = [
        key.desc() if order.descending else key.asc()
        for order in query.order
        if (column := _column(model, order.attribute)) is not None
        for key in (_sortable(tx, column),)
    ]
    return [*keys, model.created.expression, model.id.expression]


def _sortable(tx: Transaction, column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """Text sorts by code point after decomposition (DSP0263 2.0.0, 4.1.6.6) on every database."""
    if not isinstance(column.type, String):
        return column.expression
    if tx.session.get_bind().dialect.name == "postgresql":
        return func.normalize(column, literal_column("NFKD")).collate("C")
    return func.nfkd(column)


def _cut(rows: Select[str], query: Query) -> Select[str]:
    skip = max(query.first, 1) - 1
    if query.last and query.last <= skip:
        return rows.where(false())
    return rows.offset(skip).limit(query.last - skip) if query.last else rows.offset(skip)


def _column(model: type[Record], name: str) -> InstrumentedAttribute[Any] | None:
    return getattr(model, name) if name in model.__mapper__.columns else None


def _condition(model: type[Record], where: Condition) -> ColumnElement[bool]:
    match where:
        case AllOf(parts):
            return and_(*(_condition(model, part) for part in parts))
        case AnyOf(parts):
            return or_(*(_condition(model, part) for part in parts))
        case PropertyIs(key, op, value):
            held = model.properties[key].as_string()
            return and_(held == value) if op == "=" else and_(held != value)
        case Contains(attribute, text):
            column = _column(model, attribute)
            return false() if column is None else column.icontains(text, autoescape=True)
        case Comparison(attribute, op, value):
            column = _column(model, attribute)
            return false() if column is None else _compare(column, op, value)


def _compare(column: InstrumentedAttribute[Any], op: str, value: Value) -> ColumnElement[bool]:
    if not _comparable(column, value):
        return false()
    match op:
        case "=":
            return column == value
        case "!=":
            return not_(func.coalesce(column == value, false()))
        case "<":
            return column < value
        case "<=":
            return column <= value
        case ">":
            return column > value
        case _:
            return column >= value


def _comparable(column: InstrumentedAttribute[Any], value: Value) -> bool:
    """A value of another type than the column's never matches."""
    for python, sql in _TYPES:
        if isinstance(value, python):
            return isinstance(column.type, sql)
    return False
