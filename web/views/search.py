"""Search over everything the reader may see."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import render_template, request
from flask.typing import ResponseReturnValue

from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import Role
from sirocco.domain.query import AnyOf, Condition, Contains, Query
from sirocco.services import credentials, hosts, images, jobs, machines, networks, providers, tenants, users, volumes
from web.area import Area, to

area = Area("search")
_EACH = 5
_PLACES = (
    ("machine", "machines.show", machines.page, Role.VIEWER),
    ("volume", "volumes.show", volumes.page, Role.VIEWER),
    ("image", "images.show", images.page, Role.VIEWER),
    ("network", "networks.show", networks.page, Role.VIEWER),
    ("credential", "credentials.show", credentials.page, Role.VIEWER),
    ("job", "jobs.show", jobs.page, Role.VIEWER),
    ("user", "users.show", users.page, Role.TENANT_ADMIN),
    ("host", "hosts.show", hosts.page, Role.OPERATOR),
    ("provider", "providers.show", providers.page, Role.OPERATOR),
    ("tenant", "tenants.show", tenants.page, Role.OPERATOR),
)


@dataclass(frozen=True, slots=True)
class Found:
    """Something that the words fit."""

    kind: str
    name: str
    address: str
    state: str = ""


@area.page("/search")
def show(tx: Transaction) -> ResponseReturnValue:
    """The page of results; the palette shows its list alone."""
    words = request.args.get("q", "").strip()[:255]
    found = list(_find(tx, words)) if words else []
    return render_template("search/show.html", words=words, found=found)


def _find(tx: Transaction, words: str) -> Iterator[Found]:
    named: Condition = AnyOf((Contains("name", words), Contains("id", words)))
    for address in networks.addresses(tx, Query(Contains("ip", words), last=_EACH)).items:
        place = ("machines.show", address.machine_id) if address.machine_id else ("networks.show", address.network_id)
        yield Found("address", address.ip, to(place[0], id=place[1]))
    for kind, endpoint, page, role in _PLACES:
        if tx.who.may(role):
            for row in page(tx, Query(named, last=_EACH)).items:
                yield Found(kind, row.name or row.id, to(endpoint, id=row.id), getattr(row, "state", ""))
