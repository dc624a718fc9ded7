"""How things leave the pretend cloud, and what they give back."""

from dataclasses import replace

from sirocco.connectors.fake.actions import let_go
from sirocco.connectors.fake.capacity import Size, release
from sirocco.connectors.fake.objects import BODIES, MachineBody, Step, VolumeBody, conflict, end, ending, load
from sirocco.connectors.fake.wiring import refuse_if_used, take_addresses, unlink
from sirocco.connectors.ports import Ref, State

REMEMBERED = 24 * 3600.0  # seconds for which ended objects and operations are still known by token


def delete(step: Step, ref: Ref) -> None:
    """Remove an object, whatever it is doing; NOT_FOUND when it is gone, CONFLICT while another needs it."""
    entry = load(step.db, BODIES[ref.kind], ref.native_id, step.now, final=True)
    if ending(step.db, ref.native_id) is not None:
        return
    refuse_if_used(step, ref.native_id)
    match entry.body:
        case MachineBody() as machine:
            _take_apart(step, ref.native_id, machine)
        case VolumeBody(facts=facts, host=host):
            if facts.machine:
                raise conflict("InUse", why="{used} is in use by {user}", used=ref.native_id, user=facts.machine)
            release(step, host, Size(disk=facts.capacity))
    end(step, ref.native_id, replace(entry.body, state=State.BUSY))
    _forget(step)


def _take_apart(step: Step, native_id: str, body: MachineBody) -> None:
    facts = body.facts
    release(step, facts.host, Size(facts.cpu, facts.memory, sum(disk.capacity for disk in body.disks)))
    take_addresses(step, native_id)
    unlink(step, native_id)
    for use in facts.volumes:
        let_go(step, use.volume)


def _forget(step: Step) -> None:
    oldest = step.now - REMEMBERED
    for table in ("object", "link", "address"):
        step.db.execute(f"DELETE FROM {table} WHERE ends < ?", (oldest,))  # noqa: S608
    step.db.execute("DELETE FROM task WHERE ready < ?", (oldest,))
