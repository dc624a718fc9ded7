"""What every kind of resource lets people change: its words, and who shares it."""

from typing import Any

from sirocco.cmdb.models import Image, Record, VolumeImage
from sirocco.cmdb.transaction import Transaction, expect_version, word
from sirocco.contracts.errors import INVALID, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.limits import check_text
from sirocco.services import events, image_quota


def edit(tx: Transaction, row: Record, changes: dict[str, Any], version: int | None) -> None:
    """The common part of every update: name, description and properties, and ``shared`` where a row can be.

    A name that is reset is the word for the kind of row, as at creation: what has no name cannot be shown in a list.
    """
    expect_version(row, version)
    name = changes.get("name", row.name) or word(type(row))
    description, properties = changes.get("description", row.description), changes.get("properties", row.properties)
    check_text(name, description, properties)
    if "shared" in changes:
        share(tx, row, shared=changes["shared"])
    row.name, row.description, row.properties, row.updated = name, description, properties, tx.now
    events.changed(tx, row, "update")


def share(tx: Transaction, row: Any, *, shared: bool) -> None:
    """Let every tenant use a row, or the chosen tenant alone; a change needs an operator."""
    if shared == (row.tenant_id is None):
        return
    tx.who.need(Role.OPERATOR)
    if not shared and not tx.who.tenant_id:
        raise SiroccoError(INVALID, where="tenantId", why="choose the tenant that it shall belong to from now on")
    if isinstance(row, Image | VolumeImage):
        image_quota.give_back(tx, row)
    row.tenant_id = None if shared else tx.who.tenant_id
    if isinstance(row, Image | VolumeImage):
        image_quota.count(tx, row)
