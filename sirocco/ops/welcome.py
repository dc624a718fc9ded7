"""What a person is told once everything runs: at the first start, and at every later one."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sqlalchemy import select

from sirocco.cmdb.models import Address, Machine, User
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import MachineState
from sirocco.identity.secrets import password_matches
from sirocco.ops.first_machine import FirstMachine
from sirocco.ops.local_hypervisor import pretends
from sirocco.ops.password import ADMIN, FIRST_PASSWORD, PASSWORD_HERE, first_password
from sirocco.ops.settings import Settings
from sirocco.ops.status import FIRST_MACHINE, first_machine
from sirocco.ops.words import worded

_AT_REST = (MachineState.STOPPED, MachineState.PAUSED, MachineState.SUSPENDED)
_CLI = ".venv/bin/sirocco"


def first(tx: Transaction, settings: Settings, machine: FirstMachine | None) -> str:
    """All that is new, the password included where it was generated; ``machine`` is None where none was deployed."""
    told = {
        worded("Portal"): settings.portal,
        worded("User"): ADMIN,
        worded("Password"): _password(tx, settings, new=True),
    }
    if machine:
        told[worded("Machine")] = f"{machine.name}, {machine.address or worded('no address reported')}"
    visit = _visit(settings, machine, MachineState.STARTED)
    return "\n".join(
        _lines(
            settings,
            told,
            worded("Three things to try:"),
            (visit, f"curl -u {ADMIN} {settings.portal}/cimi/cloudEntryPoint"),
        )
    )


def again(tx: Transaction, settings: Settings) -> str:
    """What is there, as it is now; what the status says of the first machine is brought up to date."""
    told = {worded("Portal"): settings.portal}
    if password := _password(tx, settings, new=False):
        told |= {worded("User"): ADMIN, worded("Password"): password}
    machine, state = _first_machine(tx, settings)
    if machine:
        shown = worded(state.capitalize()).lower()
        told[worded("Machine")] = f"{machine.name}, {shown}, {machine.address or worded('no address reported')}"
    visit = _visit(settings, machine, state)
    return "\n".join(
        _lines(
            settings,
            told,
            worded("Next to try:"),
            (visit, worded(".venv/bin/siroccod doctor   (what this machine has and lacks)")),
        )
    )


def _lines(settings: Settings, told: Mapping[str, str], invitation: str, tries: tuple[str, str]) -> Iterator[str]:
    visit, last = tries
    width = max(10, *map(len, told))
    yield ""
    yield from (f"  {name:<{width}} {value}" for name, value in told.items())
    yield from ("", invitation, f"  1. {visit}")
    yield f"  2. {_CLI} login {settings.portal} && {_CLI} machine list"
    yield from (f"  3. {last}", "")


def _password(tx: Transaction, settings: Settings, *, new: bool) -> str:
    """Where the administrator's password is to be found; empty where there is no such user any more."""
    admin = tx.session.scalar(select(User).where(User.name == ADMIN, User.enabled))
    if admin is None:
        return ""
    generated = first_password(settings)
    if generated and password_matches(admin.password_hash, generated):
        kept = worded("kept in {path}; delete the file when you know it", path=settings.secrets / FIRST_PASSWORD)
        return f"{PASSWORD_HERE}   ({kept})" if new else kept
    if new and settings.admin_password.get_secret_value():
        return worded("as given by SIROCCO_ADMIN_PASSWORD")
    return worded("as you set it; a new one: .venv/bin/siroccod password {name}", name=ADMIN)


def _first_machine(tx: Transaction, settings: Settings) -> tuple[FirstMachine | None, str]:
    """The first machine and its state; None once it is deleted."""
    file, known = settings.home / FIRST_MACHINE, first_machine(settings)
    if not known:
        return None, ""
    machine = FirstMachine(**known)
    row = tx.find(Machine, machine.uri.rpartition("/")[2])
    if row is None:
        file.write_text("{}")
        return None, ""
    address = tx.session.scalar(select(Address.ip).where(Address.machine_id == row.id).order_by(Address.created))
    machine = replace(machine, name=row.name, address=address or "")
    file.write_text(json.dumps(machine.as_data()))
    return machine, row.state


def _visit(settings: Settings, machine: FirstMachine | None, state: str) -> str:
    if machine and state in _AT_REST:
        return f"{_CLI} machine start {machine.name}"
    if machine and machine.address and not pretends(settings):
        invitation = "curl http://{address}/   (the machine answers), then open its console in the portal"
        return worded(invitation, address=machine.address)
    return worded("Open the portal and look around")
