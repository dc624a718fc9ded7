"""What all records share: ids, times, versions, owners."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, MetaData, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from sirocco.contracts.ids import new_id


def utc_now() -> datetime:
    """The present, with its zone."""
    return datetime.now(UTC)


class Utc(TypeDecorator[datetime]):
    """A moment in UTC that keeps its zone on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone: it would mean another time elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy calls it so
        """Give the zone back to what SQLite kept without one."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables, with names for every constraint so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Utc(),
        dict[str, Any]: JSON(),
        dict[str, str]: JSON(),
        list[str]: JSON(),
        list[dict[str, str]]: JSON(),
    }


class Record(Base):
    """A resource: an id that is never reused, a name, the owner's properties, and a version for optimistic locking."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    properties: Mapped[dict[str, str]] = mapped_column(default=dict)
    created: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    updated: Mapped[datetime] = mapped_column(default=utc_now)
    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        """Every update checks and raises the version."""
        return {"version_id_col": cls.version}


class Owned:
    """Belongs to one tenant; repositories never show it to another."""

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), index=True)


class Shareable:
    """Belongs to one tenant, or to all when ``tenant_id`` is empty."""

    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenant.id"), index=True)


class Caused:
    """Carries a text about what went wrong; ``cause`` is what ``errors.kept`` keeps of it, empty for another text."""

    cause: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")


class Lockable:
    """Has at most one job acting on it at a time: the job's id is the lock."""

    job_id: Mapped[str | None] = mapped_column(String(36))
