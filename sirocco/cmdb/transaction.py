"""One request's work on the CMDB: a session, who asks, and the time; every query is bound to what they may see."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from sirocco.cmdb.database import Database
from sirocco.cmdb.models import Base, Record
from sirocco.cmdb.models.base import Shareable, utc_now
from sirocco.contracts.errors import NOT_FOUND, STALE, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.principal import Principal

R = TypeVar("R", bound=Record)
B = TypeVar("B", bound=Base)


class Sealer(Protocol):
    """Seals secrets so that each opens only in the place it was sealed for."""

    def seal(self, plain: str, *place: str) -> str:
        """The sealed text; ``place`` (tenant, record, field) is bound to it."""
        ...

    def open(self, sealed: str, *place: str) -> str:
        """The plain text; raises ValueError when sealed for another place or by an unknown key."""
        ...

    def mark(self, data: bytes, like: str = "") -> str:
        """A keyed hash that tells the same data again, made with the key of the mark ``like`` if there is one."""
        ...


@dataclass(slots=True)
class Transaction:
    """What services work with. Nothing is written before the transaction ends well."""

    session: Session
    who: Principal
    sealer: Sealer
    now: datetime = field(default_factory=utc_now)
    _locked: dict[tuple[type[Record], str], Record | None] = field(default_factory=dict)

    def visible(self, model: type[B]) -> Select[B]:
        """All rows of a table that the principal may see: own tenant's and shared ones, or all for an operator."""
        rows = select(model)
        column = getattr(model, "tenant_id", None)
        if column is None or self.who.everywhere:
            return rows
        own = column == self.who.tenant_id
        return rows.where(own | column.is_(None) if issubclass(model, Shareable) else own)

    def find(self, model: type[R], record_id: str) -> R | None:
        """The row with this id, unless it does not exist or is another tenant's."""
        return self.session.scalar(self.visible(model).where(model.id == record_id))

    def get(self, model: type[R], record_id: str, *, lock: bool = False) -> R:
        """As ``find``, but a row that cannot be seen is refused as not found. ``lock`` holds it until the end."""
        rows = self.visible(model).where(model.id == record_id)
        row = self.session.scalar(rows.with_for_update() if lock else rows)
        if row is None:
            raise SiroccoError(NOT_FOUND, kind=word(model), id=record_id)
        return row

    def own(self, model: type[R], record_id: str, *, lock: bool = True) -> R:
        """As ``get``, but for changing: a shared row belongs to operators only."""
        row = self.get(model, record_id, lock=lock)
        if getattr(row, "tenant_id", "") is None:
            self.who.need(Role.OPERATOR)
        return row

    def locked(self, model: type[R], record_id: str) -> R | None:
        """The row, read and held once until the end, unless it does not exist or was deleted meanwhile."""
        key = model, record_id
        if key not in self._locked:
            self._locked[key] = self.session.get(model, record_id, with_for_update=True)
        row = self._locked[key]
        return row if isinstance(row, model) and row in self.session else None

    def add(self, row: B) -> B:
        """Keep a new row."""
        self.session.add(row)
        self.session.flush()
        return row


def word(model: type[Base]) -> str:
    """The field's word for a table's rows, as messages say it."""
    return str(model.__tablename__).removesuffix("_account").replace("_", " ")


def expect_version(row: Record, version: int | None) -> None:
    """Refuse a change to a row that is no longer as its reader saw it."""
    if version is not None and row.version != version:
        raise SiroccoError(STALE, kind=word(type(row)), id=row.id)


class Cmdb:
    """The database with its sealer: where transactions come from."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self.database, self.sealer = database, sealer

    @contextmanager
    def writing(self, who: Principal) -> Iterator[Transaction]:
        """A transaction that commits at the end."""
        with self.database.writing() as session:
            yield Transaction(session, who, self.sealer)

    @contextmanager
    def reading(self, who: Principal) -> Iterator[Transaction]:
        """A transaction that changes nothing and blocks nobody."""
        with self.database.reading() as session:
            yield Transaction(session, who, self.sealer)
