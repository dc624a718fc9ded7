"""The first page: what there is, how much may still be had, what is going on."""

from flask import render_template
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Event
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import JobState, MachineState
from sirocco.domain.query import AnyOf, Comparison, Order, Query
from sirocco.services import events, jobs, machines, networks, tenants, volumes
from web.area import Area

area = Area("dashboard")
_ACTIVE = AnyOf(
    tuple(Comparison("state", "=", state) for state in (JobState.QUEUED, JobState.RUNNING, JobState.STOPPING))
)
_LATEST = (Order("created", descending=True),)
_FIGURES = (MachineState.STARTED, MachineState.STOPPED, MachineState.ERROR)


@area.page("/")
def show(tx: Transaction) -> ResponseReturnValue:
    """Figures, limits, jobs at work, recent events."""
    states = {state: machines.page(tx, Query(Comparison("state", "=", state), last=1)).count for state in _FIGURES}
    return render_template(
        "dashboard/show.html",
        states=states,
        machines=machines.page(tx, Query(last=1)).count,
        volumes=volumes.page(tx, Query(last=1)).count,
        networks=networks.page(tx, Query(last=1)).count,
        quotas=tenants.quotas(tx, tx.who.tenant_id) if tx.who.tenant_id else [],
        active=jobs.page(tx, Query(_ACTIVE, _LATEST, last=8)),
        latest=jobs.page(tx, Query(None, _LATEST, last=6)).items,
        events=_telling(events.recent(tx, limit=60))[:10],
    )


def _telling(found: list[Event]) -> list[Event]:
    """Events without the steps and states of jobs, which have a card of their own."""
    return [event for event in found if event.resource_kind != "job" or event.type == "alarm"]
