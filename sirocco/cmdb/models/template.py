"""Templates and configurations: documents that later requests refer to."""

from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from sirocco.cmdb.models.base import Record, Shareable


class Template(Shareable, Record):
    """A CIMI template or configuration of one ``kind`` (``MachineTemplate``, ``VolumeConfiguration``, ...).

    ``content`` holds its attributes in CIMI's names and units; references inside are ``{"href": "collection/id"}``.
    """

    __tablename__ = "template"
    __table_args__ = (Index("ix_template_kind_tenant", "kind", "tenant_id"),)

    kind: Mapped[str] = mapped_column(String(32))
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
