"""Images of machines and volumes, snapshots, and where each lies at each provider."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sirocco.cmdb.models.base import Base, Caused, Lockable, Record, Shareable
from sirocco.contracts.states import ImageState


class Image(Shareable, Lockable, Caused, Record):
    """A machine image (type IMAGE), or a snapshot of one machine (type SNAPSHOT). Sizes in bytes.

    ``path`` and ``format`` tell of the file in the image store; an image captured at a provider has none.
    """

    __tablename__ = "image"

    type: Mapped[str] = mapped_column(String(16), default="IMAGE")
    state: Mapped[str] = mapped_column(String(16), default=ImageState.CREATING)
    location: Mapped[str] = mapped_column(Text, default="")
    path: Mapped[str] = mapped_column(Text, default="")
    format: Mapped[str] = mapped_column(String(16), default="")
    boot: Mapped[dict[str, Any]] = mapped_column(default=dict)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    capacity: Mapped[int] = mapped_column(BigInteger, default=0)
    machine_id: Mapped[str | None] = mapped_column(String(36), index=True)
    machine_state: Mapped[str] = mapped_column(String(16), default="")
    related_image_id: Mapped[str | None] = mapped_column(String(36), index=True)
    fault: Mapped[str] = mapped_column(Text, default="")


class ProviderImage(Base):
    """An image as one provider knows it."""

    __tablename__ = "provider_image"
    __table_args__ = (UniqueConstraint("provider_id", "native_id"),)

    image_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("provider.id", ondelete="CASCADE"), primary_key=True)
    native_id: Mapped[str] = mapped_column(String(255))


class VolumeImage(Shareable, Lockable, Caused, Record):
    """The content of a volume at one moment, from which volumes can be made. Capacity in bytes."""

    __tablename__ = "volume_image"

    state: Mapped[str] = mapped_column(String(16), default=ImageState.CREATING)
    location: Mapped[str] = mapped_column(Text, default="")
    bootable: Mapped[bool] = mapped_column(default=False)
    capacity: Mapped[int] = mapped_column(BigInteger, default=0)
    volume_id: Mapped[str | None] = mapped_column(String(36), index=True)
    fault: Mapped[str] = mapped_column(Text, default="")
