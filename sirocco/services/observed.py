"""What a cloud shows of our machines, brought into the CMDB: states, hosts, addresses, usage."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete, insert, select

from sirocco.cmdb.models import Address, Host, Machine, Network, Nic, NicAddress, UsageSample
from sirocco.cmdb.transaction import Transaction
from sirocco.connectors.ports import MachineFacts, Observed, State, Usage
from sirocco.contracts.states import MachineState
from sirocco.domain.machines import SETTLED
from sirocco.services import events

_STATES = {
    State.STARTED: MachineState.STARTED,
    State.STOPPED: MachineState.STOPPED,
    State.PAUSED: MachineState.PAUSED,
    State.SUSPENDED: MachineState.SUSPENDED,
    State.ERROR: MachineState.ERROR,
}
KEPT = timedelta(hours=24)
"""How long usage samples are kept."""


def settled_state(state: State) -> MachineState | None:
    """The CMDB's word for a state that a machine rests in; None while the far end is at work."""
    return _STATES.get(state)


def keep_facts(tx: Transaction, machine: Machine, seen: Observed) -> None:
    """Write host and addresses of a machine as its provider shows them."""
    facts = seen.facts
    if not isinstance(facts, MachineFacts):
        return
    host = tx.session.scalar(select(Host).where(Host.provider_id == machine.provider_id, Host.name == facts.host))
    if host is not None and host.id != machine.host_id:
        machine.host_id = host.id
    for nic_facts in facts.nics:
        nic = next((nic for nic in machine.nics if nic.mac == nic_facts.mac.lower()), None)
        if nic is not None:
            for ip in nic_facts.addresses:
                _learn(tx, machine, nic, ip)


def _learn(tx: Transaction, machine: Machine, nic: Nic, ip: str) -> None:
    """Keep an address seen on an interface; a fixed one of another machine's is not believed, a learnt one moves."""
    address = tx.session.scalar(select(Address).where(Address.network_id == nic.network_id, Address.ip == ip))
    if address is not None and any(use.address_id == address.id for use in nic.addresses):
        return
    if address is not None and address.machine_id not in {None, machine.id}:
        if address.allocation == "fixed":
            return
        tx.session.execute(delete(NicAddress).where(NicAddress.address_id == address.id))
        address.machine_id, address.tenant_id, address.hostname = machine.id, machine.tenant_id, machine.name
    if address is None:
        network = tx.session.get_one(Network, nic.network_id)
        address = tx.add(
            Address(
                tenant_id=machine.tenant_id,
                network_id=network.id,
                ip=ip,
                name=ip,
                hostname=machine.name,
                machine_id=machine.id,
                protocol="IPv6" if ":" in ip else "IPv4",
            )
        )
    nic.addresses.append(NicAddress(address_id=address.id))
    events.record(tx, machine, "model", {"change": "update", "address": ip})


def reconcile(tx: Transaction, machine: Machine, seen: Observed) -> None:
    """Bring the record of a machine that no job works on to what its provider shows."""
    if machine.job_id is not None:
        return
    keep_facts(tx, machine, seen)
    state = settled_state(seen.state)
    if state is not None and state != machine.state and machine.state in SETTLED | {MachineState.ERROR}:
        events.set_state(tx, machine, state)


def vanished(tx: Transaction, machine: Machine) -> None:
    """A machine that its provider no longer has, though nobody here deleted it."""
    if machine.job_id is None and machine.state != MachineState.ERROR:
        machine.fault = "the provider no longer has this machine"
        events.set_state(tx, machine, MachineState.ERROR)


def sample(tx: Transaction, usage: Mapping[str, Usage]) -> None:
    """Keep machines' counters of this moment, by the machines' ids, and forget what is older than a day."""
    if usage:
        tx.session.execute(insert(UsageSample), [_row(tx, *one) for one in usage.items()])
        tx.session.execute(delete(UsageSample).where(UsageSample.machine_id.in_(usage), UsageSample.at < tx.now - KEPT))


def _row(tx: Transaction, machine_id: str, usage: Usage) -> dict[str, object]:
    return {
        "machine_id": machine_id,
        "at": tx.now,
        "cpu_time": usage.cpu_time,
        "memory": usage.memory,
        "read": usage.read,
        "written": usage.written,
        "received": usage.received,
        "sent": usage.sent,
    }
