"""Credentials that machines are given."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sirocco.cmdb.models.base import Owned, Record


class Credential(Owned, Record):
    """A user name with a sealed password, a public SSH key, or both."""

    __tablename__ = "credential"

    user_name: Mapped[str] = mapped_column(String(255), default="")
    password: Mapped[str] = mapped_column(Text, default="")
    public_key: Mapped[str] = mapped_column(Text, default="")
