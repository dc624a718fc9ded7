"""Tenants, users, what users may do where, and how they prove who they are."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sirocco.cmdb.models.base import Base, Record, utc_now


class Tenant(Record):
    """A customer, department or project: the wall between resources.

    ``placement`` says how its machines are laid out (``spread`` or ``pack``); ``providers`` lists the ids of the
    providers it may use, empty for all.
    """

    __tablename__ = "tenant"
    __table_args__ = (UniqueConstraint("name"),)

    enabled: Mapped[bool] = mapped_column(default=True)
    placement: Mapped[str] = mapped_column(String(16), default="spread")
    providers: Mapped[list[str]] = mapped_column(default=list)


class User(Record):
    """A person or a program; ``name`` is what one signs in with."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("name"),)

    password_hash: Mapped[str] = mapped_column(default="")
    operator: Mapped[bool] = mapped_column(default=False)
    enabled: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str] = mapped_column(String(8), default="")
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    memberships: Mapped[list["Membership"]] = relationship(cascade="all, delete-orphan", lazy="selectin")


class Membership(Base):
    """A user's role in a tenant."""

    __tablename__ = "membership"

    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))


class ApiKey(Record):
    """A key for programs; only its hash is kept. Acts as its user in one tenant."""

    __tablename__ = "api_key"

    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    hash: Mapped[str] = mapped_column(String(64))
    expires: Mapped[datetime | None]
    used: Mapped[datetime | None]


class WebSession(Base):
    """A signed-in browser; ``id`` is the hash of what the cookie holds."""

    __tablename__ = "web_session"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    csrf: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=utc_now)
    seen: Mapped[datetime] = mapped_column(default=utc_now)
    agent: Mapped[str] = mapped_column(String(255), default="")


class Ticket(Base):
    """A pass for one console connection: used once, valid for seconds; ``id`` is the hash of what the browser holds."""

    __tablename__ = "ticket"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    machine_id: Mapped[str] = mapped_column(String(36))
    expires: Mapped[datetime]
