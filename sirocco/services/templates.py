"""Templates and configurations of every kind: documents in CIMI's words, checked by whoever uses them.

What a document refers to is there when it is kept; it may be gone when the document is used, and is looked for again.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from sirocco.cmdb.models import (
    Address,
    Credential,
    Host,
    Image,
    Network,
    NetworkPort,
    Provider,
    Record,
    Template,
    Volume,
    VolumeImage,
)
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction, word
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

_LEADS_TO: dict[str, type[Record]] = {
    "machineImage": Image,
    "credential": Credential,
    "volumes": Volume,
    "addresses": Address,
    "network": Network,
    "networkPort": NetworkPort,
    "volumeImage": VolumeImage,
    "sirocco_provider": Provider,
    "sirocco_host": Host,
}
_LEADS_TO_TEMPLATE = {
    "machineConfig": "MachineConfiguration",
    "volumeTemplates": "VolumeTemplate",
    "volumeConfig": "VolumeConfiguration",
    "networkConfig": "NetworkConfiguration",
    "networkPortConfig": "NetworkPortConfiguration",
}


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
    _check_references(tx, content)
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
    """Change words, ``shared`` or ``content``; what ``content`` refers to anew must be there."""
    tx.who.need(Role.MEMBER)
    held = get(tx, kind, template_id).content
    template = tx.own(Template, template_id)
    _check_references(
        tx, {name: value for name, value in changes.get("content", {}).items() if value != held.get(name)}
    )
    edit(tx, template, changes, version)
    if "content" in changes:
        template.content = changes["content"]
    return template


def _check_references(tx: Transaction, content: dict[str, Any]) -> None:
    for where, name, href in _references(content):
        wanted, found_id = _LEADS_TO.get(name, Template), href.rpartition("/")[2]
        row = tx.find(wanted, found_id)
        if row is None or (isinstance(row, Template) and row.kind != _LEADS_TO_TEMPLATE[name]):
            raise SiroccoError(INVALID, where=where, why="there is no {kind} {id}", kind=word(wanted), id=found_id)


def _references(content: dict[str, Any], above: str = "") -> Iterator[tuple[str, str, str]]:
    """Every reference in a document: where it stands, the attribute's name, the address."""
    for name, value in content.items():
        entries = value if isinstance(value, list) else [value]
        for number, entry in enumerate(entries):
            if isinstance(entry, dict):
                where = f"{above}{name}[{number}]" if isinstance(value, list) else f"{above}{name}"
                if entry.get("href") and (name in _LEADS_TO or name in _LEADS_TO_TEMPLATE):
                    yield where, name, str(entry["href"])
                yield from _references(entry, f"{where}.")


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
