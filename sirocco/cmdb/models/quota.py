"""How much of each resource a tenant may have, and has."""

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from sirocco.cmdb.models.base import Base


class Quota(Base):
    """One resource of one tenant: ``ceiling`` empty means unlimited. Memory and volume capacity in bytes."""

    __tablename__ = "quota"

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True)
    resource: Mapped[str] = mapped_column(String(32), primary_key=True)
    ceiling: Mapped[int | None] = mapped_column(BigInteger)
    used: Mapped[int] = mapped_column(BigInteger, default=0)
