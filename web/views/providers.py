"""Providers, for operators."""

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from sirocco.cmdb.transaction import Transaction
from sirocco.connectors.kinds import ProviderKind
from sirocco.contracts.errors import INVALID, SiroccoError
from sirocco.contracts.states import Role
from sirocco.domain.query import Comparison, Order, Query
from sirocco.services import hosts, machines, networks, providers, volumes
from web import forms, lists, provider_settings
from web.area import Area, go, to

area = Area("providers")


@area.page("/providers", role=Role.OPERATOR)
def index(tx: Transaction) -> ResponseReturnValue:
    """All clouds and pools of hosts."""
    question = lists.asked(("name", "kind", "created"), sort="name")
    shown = lists.Shown.of(question, providers.page(tx, question.query()))
    return render_template(
        "providers/index.html", shown=shown, counts={row.id: _count(tx, row.id) for row in shown.items}
    )


def _count(tx: Transaction, provider_id: str) -> dict[str, int]:
    here = Query(Comparison("provider_id", "=", provider_id), last=1)
    return {"hosts": hosts.page(tx, here).count, "machines": machines.page(tx, here).count}


@area.page("/providers/new", role=Role.OPERATOR)
def new(tx: Transaction) -> ResponseReturnValue:  # noqa: ARG001 - every page has its transaction
    """The form for a new provider."""
    return render_template("providers/new.html", kind=_kind(), kinds=providers.kinds())


def _kind() -> ProviderKind:
    """The kind that the form is for."""
    kinds = providers.kinds()
    name = request.values.get("kind", "libvirt")
    if name not in kinds:
        raise SiroccoError(INVALID, where="kind", why="it is one of {choices}", choices=", ".join(kinds))
    return kinds[name]


@area.action("/providers", role=Role.OPERATOR, form=new)
def create(tx: Transaction) -> ResponseReturnValue:
    """Register the provider of the form; a worker probes it within seconds."""
    kind = _kind()
    row = providers.create(
        tx,
        forms.needed("name"),
        kind.name,
        provider_settings.read(kind),
        secrets=provider_settings.secrets(kind),
        description=forms.text("description"),
    )
    return go("providers.show", id=row.id, done="created")


@area.page("/providers/<id>", role=Role.OPERATOR)
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """One provider: settings, capabilities, hosts."""
    row = providers.get(tx, id)
    kind, here = providers.kinds()[row.kind], Query(Comparison("provider_id", "=", row.id), (Order("name"),))
    counted = Query(here.where, last=1)
    return render_template(
        "providers/show.html",
        row=row,
        kind=kind,
        given=provider_settings.shown(kind, row.settings),
        hosts=hosts.page(tx, here).items,
        locations=providers.locations(tx, here).items,
        accounts=providers.accounts(tx, here).items,
        machines=machines.page(tx, counted).count,
        volumes=volumes.page(tx, counted).count,
        networks=networks.page(tx, counted).count,
    )


@area.action("/providers/<id>", role=Role.OPERATOR, form=show)
def save(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Keep changes."""
    changes = {
        "name": forms.needed("name"),
        "description": forms.text("description"),
        "settings": provider_settings.read(providers.kinds()[providers.get(tx, id).kind]),
        "enabled": forms.ticked("enabled"),
    }
    providers.update(tx, id, changes, forms.whole("version"))
    return go("providers.show", id=id, done="saved")


@area.page("/providers/<id>/delete", role=Role.OPERATOR)
def ask_delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """A thought before it is gone."""
    row = providers.get(tx, id)
    return render_template(
        "delete.html",
        name=row.name,
        back=(to("providers.show", id=id), row.name),
        action=to("providers.delete", id=id),
        what=gettext("The provider is forgotten here. It has to be free of our machines, volumes and networks."),
    )


@area.action("/providers/<id>/delete", role=Role.OPERATOR, form=ask_delete)
def delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Forget a provider that holds nothing."""
    providers.delete(tx, id)
    return go("providers.index", done="deleted")
