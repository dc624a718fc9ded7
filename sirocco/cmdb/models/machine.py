"""Machines with their disks, interfaces, attached volumes and usage."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sirocco.cmdb.models.base import Base, Caused, Lockable, Owned, Record
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import MachineState


class Machine(Owned, Lockable, Caused, Record):
    """A virtual machine: memory in bytes. ``native_id`` is its name at the provider, for life."""

    __tablename__ = "machine"
    __table_args__ = (
        Index("ix_machine_tenant_listed", "tenant_id", "created", "id"),
        Index("ix_machine_native", "provider_id", "native_id"),
        Index("ix_machine_provider_created", "provider_id", "created"),
    )

    user_id: Mapped[str] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(16), default=MachineState.CREATING, index=True)
    initial_state: Mapped[str] = mapped_column(String(16), default=MachineState.STARTED)
    cpu: Mapped[int]
    memory: Mapped[int] = mapped_column(BigInteger)
    architecture: Mapped[str] = mapped_column(String(16), default="x86_64")
    image_id: Mapped[str | None] = mapped_column(ForeignKey("image.id", ondelete="SET NULL"), index=True)
    credential_id: Mapped[str | None] = mapped_column(ForeignKey("credential.id", ondelete="SET NULL"))
    provider_id: Mapped[str | None] = mapped_column(ForeignKey("provider.id"))
    host_id: Mapped[str | None] = mapped_column(ForeignKey("host.id"), index=True)
    native_id: Mapped[str | None] = mapped_column(String(255))
    user_data: Mapped[bytes | None] = mapped_column(LargeBinary)
    latest_snapshot_id: Mapped[str | None] = mapped_column(String(36))
    fault: Mapped[str] = mapped_column(Text, default="")
    disks: Mapped[list["Disk"]] = relationship(
        cascade="all, delete-orphan", order_by="Disk.position", passive_deletes=True
    )
    nics: Mapped[list["Nic"]] = relationship(
        cascade="all, delete-orphan", order_by="Nic.position", passive_deletes=True
    )
    volumes: Mapped[list["MachineVolume"]] = relationship(
        cascade="all, delete-orphan", order_by="MachineVolume.device", passive_deletes=True
    )


class Disk(Base):
    """A disk that lives and dies with its machine. Capacity in bytes."""

    __tablename__ = "disk"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    capacity: Mapped[int] = mapped_column(BigInteger)
    initial_location: Mapped[str] = mapped_column(String(64), default="")


class Nic(Base):
    """An interface of a machine on a network."""

    __tablename__ = "nic"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id", ondelete="CASCADE"), index=True)
    network_id: Mapped[str] = mapped_column(ForeignKey("network.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    mac: Mapped[str] = mapped_column(String(17), unique=True)
    addresses: Mapped[list["NicAddress"]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class NicAddress(Base):
    """An address seen on, or fixed for, an interface."""

    __tablename__ = "nic_address"

    nic_id: Mapped[str] = mapped_column(ForeignKey("nic.id", ondelete="CASCADE"), primary_key=True)
    address_id: Mapped[str] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"), primary_key=True)


class MachineVolume(Base):
    """A volume attached to a machine; a volume is attached once at most."""

    __tablename__ = "machine_volume"
    __table_args__ = (UniqueConstraint("volume_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id", ondelete="CASCADE"), index=True)
    volume_id: Mapped[str] = mapped_column(ForeignKey("volume.id"))
    device: Mapped[str] = mapped_column(String(64), default="")


class UsageSample(Base):
    """Counters of a machine at one moment (nanoseconds, bytes)."""

    __tablename__ = "usage_sample"

    machine_id: Mapped[str] = mapped_column(ForeignKey("machine.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    cpu_time: Mapped[int] = mapped_column(BigInteger)
    memory: Mapped[int] = mapped_column(BigInteger)
    read: Mapped[int] = mapped_column(BigInteger)
    written: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger)
    sent: Mapped[int] = mapped_column(BigInteger)
