"""Events, kept requests, and leadership among processes."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sirocco.cmdb.models.base import Base, utc_now


class Event(Base):
    """Something that happened to a resource; ``id`` grows, so that a stream can be taken up where it ended.

    Without a tenant it is for operators: tenants, users, hosts and providers are nobody else's business.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_resource", "resource_kind", "resource_id"), Index("ix_event_tenant", "tenant_id"))

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    tenant_id: Mapped[str | None] = mapped_column(String(36))
    user_id: Mapped[str] = mapped_column(String(36), default="")
    resource_kind: Mapped[str] = mapped_column(String(32))
    resource_id: Mapped[str] = mapped_column(String(36))
    resource_name: Mapped[str] = mapped_column(String(255), default="")
    job_id: Mapped[str | None] = mapped_column(String(36))
    type: Mapped[str] = mapped_column(String(16))
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    outcome: Mapped[str] = mapped_column(String(16), default="Success")
    severity: Mapped[str] = mapped_column(String(16), default="low")
    timestamp: Mapped[datetime] = mapped_column(default=utc_now)


class KeptRequest(Base):
    """A write that carried an Idempotency-Key, and the answer it got."""

    __tablename__ = "kept_request"

    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(default=0)
    headers: Mapped[dict[str, str]] = mapped_column(default=dict)
    body: Mapped[str] = mapped_column(Text, default="")
    created: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class Leadership(Base):
    """Which process does a piece of housekeeping, and until when it may believe so."""

    __tablename__ = "leadership"

    duty: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]
