"""Volumes: disks that live on their own."""

from sqlalchemy import BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sirocco.cmdb.models.base import Caused, Lockable, Owned, Record
from sirocco.contracts.states import VolumeState


class Volume(Owned, Lockable, Caused, Record):
    """A disk that survives the machines it is attached to. Capacity in bytes."""

    __tablename__ = "volume"

    user_id: Mapped[str] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(16), default=VolumeState.CREATING, index=True)
    type: Mapped[str] = mapped_column(String(255), default="")
    filesystem: Mapped[str] = mapped_column(String(16), default="")
    capacity: Mapped[int] = mapped_column(BigInteger)
    bootable: Mapped[bool] = mapped_column(default=False)
    volume_image_id: Mapped[str | None] = mapped_column(ForeignKey("volume_image.id", ondelete="SET NULL"))
    provider_id: Mapped[str | None] = mapped_column(ForeignKey("provider.id"), index=True)
    host_id: Mapped[str | None] = mapped_column(ForeignKey("host.id"))
    native_id: Mapped[str | None] = mapped_column(String(255))
    fault: Mapped[str] = mapped_column(Text, default="")
