"""What can be asked of machines: one at a time with a form where it needs words, or many at once."""

from collections.abc import Callable

from flask import render_template, request
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Host, Machine, Network, Volume
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts import commands as c
from sirocco.contracts.errors import INVALID, NOT_FOUND, SiroccoError
from sirocco.contracts.states import NetworkState, Role, VolumeState
from sirocco.domain.query import Comparison, Order, Query
from sirocco.services import bulk, hosts, machines, networks, volumes
from web import forms, lists
from web.area import Area, go

area = Area("machine_actions")
_BY_NAME = (Order("name"),)

COMMANDS: dict[str, Callable[[], c.Command]] = {
    "start": c.Start,
    "stop": c.Stop,
    "force-stop": lambda: c.Stop(force=True),
    "restart": c.Restart,
    "force-restart": lambda: c.Restart(force=True),
    "pause": c.Pause,
    "suspend": c.Suspend,
    "snapshot": lambda: c.Snapshot(forms.text("name"), forms.text("description")),
    "restore": lambda: c.Restore(forms.text("image")),
    "capture": lambda: c.Capture(forms.text("name"), forms.text("description")),
    "resize": lambda: c.Resize(forms.whole("cpu"), forms.mib("memory")),
    "attach-volume": lambda: c.AttachVolume(forms.text("volume"), forms.text("device")),
    "detach-volume": lambda: c.DetachVolume(forms.text("volume")),
    "attach-nic": lambda: c.AttachNic(forms.text("network"), forms.text("address")),
    "detach-nic": lambda: c.DetachNic(forms.text("nic")),
    "migrate": lambda: c.Migrate(forms.text("host")),
}
BULK = ("start", "stop", "restart", "delete")
_ASKED = (
    "force-stop",
    "force-restart",
    "snapshot",
    "restore",
    "capture",
    "resize",
    "attach-volume",
    "detach-volume",
    "attach-nic",
    "detach-nic",
    "migrate",
    "delete",
)


@area.page("/machines/<id>/actions/<action>", role=Role.MEMBER)
def ask(tx: Transaction, id: str, action: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """The form of an operation that needs words, or a thought before it."""
    if action not in _ASKED:
        raise SiroccoError(NOT_FOUND, kind="page", id=request.path)
    machine = machines.get(tx, id)
    return render_template("machines/act.html", machine=machine, action=action, **_choices(tx, machine, action))


def _choices(tx: Transaction, machine: Machine, action: str) -> dict[str, object]:
    """What the form of an operation offers."""
    match action:
        case "restore":
            return {"snapshots": machines.snapshots(tx, machine)}
        case "attach-volume":
            rows = volumes.page(tx, Query(Comparison("state", "=", VolumeState.AVAILABLE), _BY_NAME)).items
            return {"volumes": [row for row in rows if volumes.attachment(tx, row) is None]}
        case "detach-volume":
            return {"volumes": lists.by_id(tx, Volume, [use.volume_id for use in machine.volumes]).values()}
        case "attach-nic":
            started = Query(Comparison("state", "=", NetworkState.STARTED), _BY_NAME)
            return {"networks": networks.page(tx, started).items, "addresses": _fixed(tx)}
        case "detach-nic":
            return {"networks": lists.by_id(tx, Network, [nic.network_id for nic in machine.nics])}
        case "migrate":
            return {"hosts": _targets(tx, machine)}
    return {}


def _fixed(tx: Transaction) -> list[object]:
    rows = networks.addresses(tx, Query(Comparison("allocation", "=", "fixed"), (Order("ip"),))).items
    return [row for row in rows if row.machine_id is None]


def _targets(tx: Transaction, machine: Machine) -> list[Host]:
    tx.who.need(Role.OPERATOR)
    rows = hosts.page(tx, Query(Comparison("provider_id", "=", machine.provider_id or ""), _BY_NAME)).items
    return [row for row in rows if row.id != machine.host_id]


@area.action("/machines/<id>/actions/<action>", form=ask)
def act(tx: Transaction, id: str, action: str) -> ResponseReturnValue:  # noqa: A002
    """Carry an operation out."""
    if action == "delete":
        machines.delete(tx, id)
    else:
        machines.act(tx, id, command(action))
    return go("machines.show", id=id)


def command(action: str) -> c.Command:
    """The command of a form."""
    if action not in COMMANDS:
        raise SiroccoError(
            INVALID, where="action", why="it is one of {choices}", choices=", ".join((*COMMANDS, "delete"))
        )
    return COMMANDS[action]()


@area.action("/machines/bulk")
def act_on_many(tx: Transaction) -> ResponseReturnValue:
    """One action on all machines that are ticked: one job, a result for each."""
    action = forms.text("action")
    if action not in BULK:
        raise SiroccoError(INVALID, where="action", why="it is one of {choices}", choices=", ".join(BULK))
    job = bulk.act(tx, forms.chosen("machine"), None if action == "delete" else command(action))
    return go("jobs.show", id=job.id)
