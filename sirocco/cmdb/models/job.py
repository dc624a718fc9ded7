"""Jobs: the outbox, the record of intent and the pointer to the workflow, in one row."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sirocco.cmdb.models.base import Base, Caused, Record, utc_now
from sirocco.contracts.states import JobState


class Job(Record):
    """One request being carried out; its id is the workflow's id. Without a tenant it is the operators' own."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_state_due", "state", "due"),
        Index("ix_job_target", "target_kind", "target_id"),
        Index("ix_job_tenant_listed", "tenant_id", "created", "id"),
    )

    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenant.id"))
    user_id: Mapped[str] = mapped_column(String(36), default="")
    state: Mapped[str] = mapped_column(String(16), default=JobState.QUEUED)
    action: Mapped[str] = mapped_column(String(64))
    workflow: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    target_kind: Mapped[str] = mapped_column(String(32), default="")
    target_id: Mapped[str] = mapped_column(String(36), default="")
    affected: Mapped[list[dict[str, str]]] = mapped_column(default=list)
    provider_id: Mapped[str] = mapped_column(String(36), default="")
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), index=True)
    progress: Mapped[int] = mapped_column(default=0)
    return_code: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(64), default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status_message: Mapped[str] = mapped_column(Text, default="")
    status_changed: Mapped[datetime] = mapped_column(default=utc_now)
    due: Mapped[datetime] = mapped_column(default=utc_now)
    attempts: Mapped[int] = mapped_column(default=0)


class JobStep(Caused, Base):
    """A step of a job, for people who watch it."""

    __tablename__ = "job_step"

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    started: Mapped[datetime] = mapped_column(default=utc_now)
    ended: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=1)
    message: Mapped[str] = mapped_column(Text, default="")


class Intent(Base):
    """What a job is about to make at a provider, written before the call: nothing made can be forgotten."""

    __tablename__ = "intent"

    token: Mapped[str] = mapped_column(String(36), primary_key=True)
    job_id: Mapped[str] = mapped_column(String(36), index=True)
    provider_id: Mapped[str] = mapped_column(String(36), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    resource_id: Mapped[str] = mapped_column(String(36), index=True)
    created: Mapped[datetime] = mapped_column(default=utc_now)
