"""The serial console of a machine in the browser: the page, and tickets for its socket."""

import secrets

from flask import g, jsonify, render_template
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Machine
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import WRONG_STATE, SiroccoError
from sirocco.contracts.states import MachineState, Role
from sirocco.identity import sessions
from sirocco.services import machines
from web.area import Area
from web.language import chosen
from web.security import console_origin

area = Area("machine_console")


@area.page("/machines/<id>/console", role=Role.MEMBER)
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """The terminal. Its style elements carry the page's nonce."""
    machine = machines.get(tx, id)
    g.nonce = secrets.token_urlsafe(18)
    origin = console_origin(g.portal.settings).replace("http", "ws", 1)
    socket = f"{origin}/console/{machine.id}?language={chosen()}"
    return render_template("machines/console.html", machine=machine, nonce=g.nonce, socket=socket)


@area.action("/machines/<id>/console/ticket")
def ticket(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """A pass for one connection, for a minute, for this session."""
    machine = machines.get(tx, id)
    _refuse_unless_running(machine)
    return jsonify(ticket=sessions.issue_ticket(tx, g.signed.session_id, machine.id))


def _refuse_unless_running(machine: Machine) -> None:
    if machine.state not in {MachineState.STARTED, MachineState.STOPPING}:
        raise SiroccoError(
            WRONG_STATE,
            kind="machine",
            name=machine.name,
            state=machine.state,
            action="console",
            needed=MachineState.STARTED,
        )
