"""Clouds, accounts on them, their locations and hypervisor hosts, and the capacity claimed on each host."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sirocco.cmdb.models.base import Base, Caused, Lockable, Record, Shareable
from sirocco.contracts.states import HostState


class Provider(Caused, Record):
    """A cloud, or a pool of our own hosts, as reached by one connector."""

    __tablename__ = "provider"
    __table_args__ = (UniqueConstraint("name"),)

    kind: Mapped[str] = mapped_column(String(32))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secrets: Mapped[dict[str, str]] = mapped_column(default=dict)
    enabled: Mapped[bool] = mapped_column(default=True)
    capabilities: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    api_version: Mapped[str] = mapped_column(String(64), default="")
    probed: Mapped[datetime | None]
    fault: Mapped[str] = mapped_column(Text, default="")


class Location(Record):
    """A place where a provider runs machines; country as ISO 3166-1 alpha-2."""

    __tablename__ = "location"

    provider_id: Mapped[str] = mapped_column(ForeignKey("provider.id", ondelete="CASCADE"), index=True)
    country: Mapped[str] = mapped_column(String(2), default="")


class Account(Shareable, Record):
    """Credentials of a tenant, or of all tenants, at a provider; secrets are sealed."""

    __tablename__ = "account"

    provider_id: Mapped[str] = mapped_column(ForeignKey("provider.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    login: Mapped[str] = mapped_column(String(255), default="")
    secret: Mapped[str] = mapped_column(Text, default="")
    enabled: Mapped[bool] = mapped_column(default=True)


class Host(Lockable, Caused, Record):
    """A hypervisor host: what it has, what is claimed on it (bytes), and what was last seen."""

    __tablename__ = "host"
    __table_args__ = (UniqueConstraint("provider_id", "name"),)

    provider_id: Mapped[str] = mapped_column(ForeignKey("provider.id", ondelete="CASCADE"), index=True)
    location_id: Mapped[str | None] = mapped_column(ForeignKey("location.id", ondelete="SET NULL"))
    state: Mapped[str] = mapped_column(String(16), default=HostState.ONLINE)
    cores: Mapped[int] = mapped_column(default=0)
    memory: Mapped[int] = mapped_column(BigInteger, default=0)
    disk: Mapped[int] = mapped_column(BigInteger, default=0)
    overbooking: Mapped[float] = mapped_column(default=1.0)
    cores_claimed: Mapped[int] = mapped_column(default=0)
    memory_claimed: Mapped[int] = mapped_column(BigInteger, default=0)
    disk_claimed: Mapped[int] = mapped_column(BigInteger, default=0)
    load: Mapped[float] = mapped_column(default=0.0)
    memory_used: Mapped[int] = mapped_column(BigInteger, default=0)
    accelerator: Mapped[str] = mapped_column(String(16), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    seen: Mapped[datetime | None]


class Claim(Base):
    """Capacity of a host taken by a job for a machine or a volume; a migrating machine holds two."""

    __tablename__ = "claim"

    holder_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    host_id: Mapped[str] = mapped_column(ForeignKey("host.id"), primary_key=True)
    cores: Mapped[int] = mapped_column(default=0)
    memory: Mapped[int] = mapped_column(BigInteger, default=0)
    disk: Mapped[int] = mapped_column(BigInteger, default=0)
