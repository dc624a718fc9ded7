"""Networks, ports on them, and addresses."""

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sirocco.cmdb.models.base import Caused, Lockable, Owned, Record, Shareable
from sirocco.contracts.states import NetworkState


class Network(Shareable, Lockable, Caused, Record):
    """A network with DHCP; ``nat`` reaches the outside, otherwise it is isolated."""

    __tablename__ = "network"

    state: Mapped[str] = mapped_column(String(16), default=NetworkState.CREATING)
    network_type: Mapped[str] = mapped_column(String(16), default="")
    cidr: Mapped[str] = mapped_column(String(43), default="")
    nat: Mapped[bool] = mapped_column(default=False)
    mtu: Mapped[int] = mapped_column(default=1500)
    class_of_service: Mapped[str] = mapped_column(String(64), default="")
    provider_id: Mapped[str | None] = mapped_column(ForeignKey("provider.id"), index=True)
    native_id: Mapped[str | None] = mapped_column(String(255))
    fault: Mapped[str] = mapped_column(Text, default="")


class NetworkPort(Owned, Record):
    """A place on a network where an interface can be plugged in; ``nic_id`` names the interface that uses it."""

    __tablename__ = "network_port"

    network_id: Mapped[str] = mapped_column(ForeignKey("network.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default=NetworkState.STARTED)
    port_type: Mapped[str] = mapped_column(String(64), default="")
    class_of_service: Mapped[str] = mapped_column(String(64), default="")
    nic_id: Mapped[str | None] = mapped_column(String(36), unique=True)


class Address(Owned, Record):
    """An IP address on a network: ``dynamic`` when learnt from a machine, ``fixed`` when taken before its use."""

    __tablename__ = "address"
    __table_args__ = (UniqueConstraint("network_id", "ip"),)

    network_id: Mapped[str] = mapped_column(ForeignKey("network.id"), index=True)
    ip: Mapped[str] = mapped_column(String(45))
    hostname: Mapped[str] = mapped_column(String(255), default="")
    allocation: Mapped[str] = mapped_column(String(16), default="dynamic")
    protocol: Mapped[str] = mapped_column(String(8), default="IPv4")
    mask: Mapped[str] = mapped_column(String(45), default="")
    default_gateway: Mapped[str] = mapped_column(String(45), default="")
    machine_id: Mapped[str | None] = mapped_column(String(36), index=True)
