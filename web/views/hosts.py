"""Hypervisor hosts, for operators: load map, maintenance."""

from dataclasses import replace

from flask import render_template, request
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Location, Provider
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.contracts.states import HostState, Role
from sirocco.services import events, hosts, jobs
from web import forms, lists
from web.area import Area, go
from web.use import host_use

area = Area("hosts")
_FEW = 24
"""So many hosts are shown with all their bars; more of them as one figure each."""
_ON_THE_MAP = 2000
_SORTABLE = ("name", "state", "cores", "memory", "load", "created")


@area.page("/hosts", role=Role.OPERATOR)
def index(tx: Transaction) -> ResponseReturnValue:
    """All hosts as a map of their load and as a table: the same figures."""
    question = lists.asked(_SORTABLE, filters=("state", "provider_id"), sort="name")
    shown = lists.Shown.of(question, hosts.page(tx, question.query()))
    return render_template(
        "hosts/index.html",
        shown=shown,
        hosts=hosts.page(tx, replace(question.query(), first=1, last=_ON_THE_MAP)).items,
        few=_FEW,
        use=host_use,
        providers=lists.by_id(tx, Provider, {row.provider_id for row in shown.items}),
        states=list(HostState),
    )


@area.page("/hosts/<id>", role=Role.OPERATOR)
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """One host: what it has, what is claimed, what runs there."""
    row = hosts.get(tx, id)
    return render_template(
        "hosts/show.html",
        row=row,
        use=host_use(row),
        machines=hosts.machines_on(tx, row),
        provider=tx.session.get(Provider, row.provider_id),
        location=tx.session.get(Location, row.location_id) if row.location_id else None,
        current=jobs.get(tx, row.job_id) if row.job_id else None,
        events=events.of_resource(tx, row, last=12),
    )


@area.page("/hosts/<id>/drain", role=Role.OPERATOR)
def ask_drain(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """What draining would move."""
    row = hosts.get(tx, id)
    return render_template("hosts/drain.html", row=row, machines=hosts.machines_on(tx, row))


@area.action("/hosts/<id>/actions/<action>", role=Role.OPERATOR)
def act(tx: Transaction, id: str, action: str) -> ResponseReturnValue:  # noqa: A002
    """Drain a host, let it take machines again, or change its overbooking."""
    match action:
        case "drain":
            job = hosts.drain(tx, id)
            return go("jobs.show", id=job.id)
        case "enable":
            hosts.enable(tx, id)
        case "overbooking":
            hosts.update(tx, id, {"overbooking": forms.figure("overbooking", 1)}, forms.whole("version"))
        case _:
            raise SiroccoError(NOT_FOUND, kind="page", id=request.path)
    return go("hosts.show", id=id)
