"""Templates and configurations of every kind: documents in CIMI's words, checked by whoever uses them."""

from typing import Any

from sqlalchemy import select

from sirocco.cmdb.models import Template
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import INVALID, NOT_FOUND, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.limits import check_text
from sirocco.domain.query import EVERYTHING, Query
from sirocco.services import events
from sirocco.services.words import edit

KINDS = (
    "MachineTemplate",
    "MachineConfiguration",
    "VolumeTemplate",
    "VolumeConfiguration",
    "NetworkTemplate",
    "NetworkConfiguration",
    "NetworkPortTemplate",
    "NetworkPortConfiguration",
    "AddressTemplate",
    "CredentialTemplate",
)


def create(
    tx: Transaction,
    kind: str,
    content: dict[str, Any],
    *,
    name: str = "",
    description: str = "",
    properties: dict[str, str] | None = None,
    shared: bool = False,
) -> Template:
    """Keep a document; ``shared`` with all tenants needs an operator."""
    tx.who.need(Role.OPERATOR if shared else Role.MEMBER)
    if kind not in KINDS:
        raise SiroccoError(INVALID, where="kind", why="it is one of {choices}", choices=", ".join(KINDS))
    check_text(name, description, properties)
    template = tx.add(
        Template(
            tenant_id=None if shared else tx.who.tenant_id,
            kind=kind,
            content=content,
            name=name,
            description=description,
            properties=properties or {},
        )
    )
    events.changed(tx, template, "create")
    return template


def get(tx: Transaction, kind: str, template_id: str) -> Template:
    """One document of a kind."""
    template = tx.find(Template, template_id)
    if template is None or template.kind != kind:
        raise SiroccoError(NOT_FOUND, kind=kind, id=template_id)
    return template


def page(tx: Transaction, kind: str, query: Query = EVERYTHING) -> Page[Template]:
    """The documents of a kind that the tenant may use."""
    return fetch(tx, Template, query, Template.kind == kind)


def update(
    tx: Transaction, kind: str, template_id: str, changes: dict[str, Any], version: int | None = None
) -> Template:
    """Change words, ``shared`` or ``content``."""
    tx.who.need(Role.MEMBER)
    get(tx, kind, template_id)
    template = tx.own(Template, template_id)
    edit(tx, template, changes, version)
    if "content" in changes:
        template.content = changes["content"]
    return template


def delete(tx: Transaction, kind: str, template_id: str) -> None:
    """Forget a document; what was made from it stays."""
    tx.who.need(Role.MEMBER)
    get(tx, kind, template_id)
    template = tx.own(Template, template_id)
    events.changed(tx, template, "delete")
    tx.session.delete(template)


def sizes(tx: Transaction) -> list[Template]:
    """Machine configurations by memory: the sizes that a form offers."""
    rows = tx.session.scalars(tx.visible(Template).where(Template.kind == "MachineConfiguration"))
    return sorted(rows, key=lambda row: (row.content.get("memory", 0), row.content.get("cpu", 0), row.id))


def by_name(tx: Transaction, kind: str, name: str) -> Template | None:
    """The oldest document of a kind with this name."""
    rows = select(Template).where(Template.kind == kind, Template.name == name).order_by(Template.created)
    return tx.session.scalar(rows.limit(1))
