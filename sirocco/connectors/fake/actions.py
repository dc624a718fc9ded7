"""What can be done to machines, volumes and networks, and from which states."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from sirocco.connectors.fake.capacity import Size, claim, release
from sirocco.connectors.fake.creation import LEAST_MEMORY, connect_nic, connect_volume, image_capacity, new_id
from sirocco.connectors.fake.objects import (
    Entry,
    ImageBody,
    MachineBody,
    NetworkBody,
    Run,
    Shot,
    Step,
    VolumeBody,
    add,
    change,
    conflict,
    invalid,
    load,
)
from sirocco.connectors.fake.wiring import take_addresses, unlink
from sirocco.connectors.ports import (
    Action,
    AttachNic,
    AttachVolume,
    Capture,
    ConnectorError,
    DetachNic,
    DetachVolume,
    DropSnapshot,
    Fault,
    GrowVolume,
    ImageFacts,
    Kind,
    Migrate,
    Pause,
    Ref,
    Resize,
    Restart,
    RestoreSnapshot,
    Start,
    State,
    Stop,
    Suspend,
    TakeSnapshot,
)

Machine = Entry[MachineBody]


def act(step: Step, ref: Ref, action: Action) -> Ref:
    """Do it, and tell what it acts on or has made; refuses as ``create`` does, and UNSUPPORTED for the wrong kind."""
    if ref.kind is Kind.MACHINE and type(action) in _ON_MACHINES:
        machine = _idle(load(step.db, MachineBody, ref.native_id, step.now))
        made = _ON_MACHINES[type(action)](step, machine, action)
        return made or ref
    if ref.kind is Kind.VOLUME and isinstance(action, GrowVolume):
        _grow(step, load(step.db, VolumeBody, ref.native_id, step.now), action)
        return ref
    if ref.kind is Kind.VOLUME and isinstance(action, Capture):
        return _capture_volume(step, load(step.db, VolumeBody, ref.native_id, step.now), action)
    if ref.kind is Kind.NETWORK and isinstance(action, Start | Stop):
        _switch(step, load(step.db, NetworkBody, ref.native_id, step.now), action)
        return ref
    raise ConnectorError(
        Fault.UNSUPPORTED,
        "Unsupported",
        why="{request} is not possible for this kind of object: {kind}",
        request=type(action).__name__,
        kind=ref.kind,
    )


def _idle(machine: Machine) -> Machine:
    if machine.busy:
        raise conflict("Busy", why="machine {id} is busy with another operation", id=machine.id)
    return machine


def _need(machine: Machine, *states: State) -> None:
    if machine.body.state not in states:
        raise conflict(
            "WrongState",
            why="machine {id} is {state}; it has to be one of: {needed}",
            id=machine.id,
            state=machine.body.state,
            needed=", ".join(states),
        )


def _turn(step: Step, machine: Machine, after: MachineBody) -> None:
    """Change power: busy until done."""
    change(step, machine.id, replace(machine.body, state=State.BUSY), after)


def _edit(step: Step, machine: Machine, after: MachineBody) -> None:
    """Change while going on."""
    change(step, machine.id, machine.body, after)


def _start(step: Step, machine: Machine, _: Start) -> None:
    body = machine.body
    if body.state is State.STARTED:
        return
    _need(machine, State.STOPPED, State.PAUSED, State.SUSPENDED)
    run = Run() if body.state is State.STOPPED else body.run
    _turn(step, machine, replace(body, state=State.STARTED, run=run.going(step.ready)))


def _stop(step: Step, machine: Machine, action: Stop) -> None:
    if machine.body.state is State.STOPPED:
        return
    _need(machine, State.STARTED, *((State.PAUSED, State.SUSPENDED, State.ERROR) if action.force else ()))
    _turn(step, machine, replace(machine.body, state=State.STOPPED, run=Run()))


def _restart(step: Step, machine: Machine, _: Restart) -> None:
    _need(machine, State.STARTED, State.STOPPED)
    _turn(step, machine, replace(machine.body, state=State.STARTED, run=Run(0.0, step.ready)))


def _pause(step: Step, machine: Machine, _: Pause) -> None:
    if machine.body.state is State.PAUSED:
        return
    _need(machine, State.STARTED)
    _turn(step, machine, replace(machine.body, state=State.PAUSED, run=machine.body.run.halted(step.ready)))


def _suspend(step: Step, machine: Machine, _: Suspend) -> None:
    if machine.body.state is State.SUSPENDED:
        return
    _need(machine, State.STARTED, State.PAUSED)
    run = machine.body.run
    halted = run if machine.body.state is State.PAUSED else run.halted(step.ready)
    _turn(step, machine, replace(machine.body, state=State.SUSPENDED, run=halted))


def _resize(step: Step, machine: Machine, action: Resize) -> None:
    _need(machine, State.STARTED, State.STOPPED)
    if action.cpu < 1 or action.memory < LEAST_MEMORY:
        raise invalid(why="a machine needs a processor and {least} bytes of memory at least", least=LEAST_MEMORY)
    facts = machine.body.facts
    cores, memory = action.cpu - facts.cpu, action.memory - facts.memory
    claim(step, facts.host, Size(max(cores, 0), max(memory, 0)))
    if cores < 0 or memory < 0:
        release(step, facts.host, Size(max(-cores, 0), max(-memory, 0)))
    _edit(step, machine, replace(machine.body, facts=replace(facts, cpu=action.cpu, memory=action.memory)))


def _attach_volume(step: Step, machine: Machine, action: AttachVolume) -> None:
    facts = machine.body.facts
    if any(use.volume == action.use.volume for use in facts.volumes):
        return
    _need(machine, State.STARTED, State.STOPPED, State.PAUSED)
    use = connect_volume(step, machine.id, action.use, facts.volumes)
    _edit(step, machine, replace(machine.body, facts=replace(facts, volumes=(*facts.volumes, use))))


def _detach_volume(step: Step, machine: Machine, action: DetachVolume) -> None:
    facts = machine.body.facts
    rest = tuple(use for use in facts.volumes if use.volume != action.volume)
    if rest == facts.volumes:
        return
    _need(machine, State.STARTED, State.STOPPED, State.PAUSED)
    let_go(step, action.volume)
    unlink(step, machine.id, action.volume)
    _edit(step, machine, replace(machine.body, facts=replace(facts, volumes=rest)))


def let_go(step: Step, volume: str) -> None:
    """The volume belongs to no machine when the step is ready."""
    body = load(step.db, VolumeBody, volume, step.now, final=True).body
    after = replace(body, state=State.AVAILABLE, facts=replace(body.facts, machine=""))
    change(step, volume, replace(body, state=State.BUSY), after)


def _attach_nic(step: Step, machine: Machine, action: AttachNic) -> None:
    facts = machine.body.facts
    if any((nic.mac, nic.network) == (action.nic.mac, action.nic.network) for nic in facts.nics):
        return
    _need(machine, State.STARTED, State.STOPPED, State.PAUSED)
    nic = connect_nic(step, machine.id, action.nic)
    _edit(step, machine, replace(machine.body, facts=replace(facts, nics=(*facts.nics, nic))))


def _detach_nic(step: Step, machine: Machine, action: DetachNic) -> None:
    facts = machine.body.facts
    rest = tuple(nic for nic in facts.nics if nic.mac != action.mac)
    if rest == facts.nics:
        return
    _need(machine, State.STARTED, State.STOPPED, State.PAUSED)
    take_addresses(step, machine.id, action.mac)
    unlink(step, machine.id, action.mac)
    _edit(step, machine, replace(machine.body, facts=replace(facts, nics=rest)))


def _with_shots(body: MachineBody, shots: tuple[Shot, ...]) -> MachineBody:
    names = tuple(shot.name for shot in shots)
    return replace(body, shots=shots, facts=replace(body.facts, snapshots=names))


def _take_snapshot(step: Step, machine: Machine, action: TakeSnapshot) -> None:
    body = machine.body
    _need(machine, State.STARTED, State.STOPPED, State.PAUSED)
    if not action.snapshot:
        raise invalid(why="a snapshot needs a name")
    if action.snapshot in body.facts.snapshots:
        raise conflict(
            "NameTaken", why="machine {id} has a snapshot {snapshot} already", id=machine.id, snapshot=action.snapshot
        )
    state = State.STOPPED if body.state is State.STOPPED else State.PAUSED
    shot = Shot(action.snapshot, state, body.run.halted(step.ready))
    _edit(step, machine, _with_shots(body, (*body.shots, shot)))


def _restore_snapshot(step: Step, machine: Machine, action: RestoreSnapshot) -> None:
    shot = next((shot for shot in machine.body.shots if shot.name == action.snapshot), None)
    if shot is None:
        raise ConnectorError(
            Fault.NOT_FOUND,
            "NotFound",
            why="machine {id} has no snapshot {snapshot}",
            id=machine.id,
            snapshot=action.snapshot,
        )
    runs = shot.state is not State.STOPPED
    run = shot.run.going(step.ready) if runs else Run()
    _turn(step, machine, replace(machine.body, state=State.STARTED if runs else State.STOPPED, run=run))


def _drop_snapshot(step: Step, machine: Machine, action: DropSnapshot) -> None:
    if action.snapshot in machine.body.facts.snapshots:
        kept = tuple(shot for shot in machine.body.shots if shot.name != action.snapshot)
        _edit(step, machine, _with_shots(machine.body, kept))


def _capture(step: Step, machine: Machine, action: Capture) -> Ref:
    _need(machine, State.STARTED, State.STOPPED, State.PAUSED)
    disk = machine.body.disks[0]
    size = image_capacity(step, disk.image) if disk.image is not None else 0
    after = ImageBody(State.AVAILABLE, ImageFacts(action.name, size, disk.capacity))
    image = new_id(Kind.IMAGE)
    add(step, image, replace(after, state=State.CREATING), after)
    _edit(step, machine, machine.body)
    return Ref(Kind.IMAGE, image)


def _migrate(step: Step, machine: Machine, action: Migrate) -> None:
    facts = machine.body.facts
    if facts.host == action.host:
        return
    _need(machine, State.STARTED, State.STOPPED, State.PAUSED)
    if not action.host:
        raise invalid(why="a migration needs a host to go to")
    size = Size(facts.cpu, facts.memory, sum(disk.capacity for disk in machine.body.disks))
    claim(step, action.host, size)
    release(step, facts.host, size)
    _edit(step, machine, replace(machine.body, facts=replace(facts, host=action.host)))


def _grow(step: Step, volume: Entry[VolumeBody], action: GrowVolume) -> None:
    body = volume.body
    if volume.busy or body.state is not State.AVAILABLE:
        raise conflict("Busy", why="volume {id} is {state}", id=volume.id, state=body.state)
    more = action.capacity - body.facts.capacity
    if more < 0:
        raise invalid(
            why="a volume cannot shrink from {now} to {wanted} bytes", now=body.facts.capacity, wanted=action.capacity
        )
    if more:
        claim(step, body.host, Size(disk=more))
        after = replace(body, facts=replace(body.facts, capacity=action.capacity))
        change(step, volume.id, replace(body, state=State.BUSY), after)


def _capture_volume(step: Step, volume: Entry[VolumeBody], action: Capture) -> Ref:
    body = volume.body
    if volume.busy or body.state is not State.AVAILABLE or body.facts.machine:
        raise conflict("Busy", why="volume {id} is in use or {state}", id=volume.id, state=body.state)
    after = ImageBody(State.AVAILABLE, ImageFacts(action.name, body.facts.capacity, body.facts.capacity))
    image = new_id(Kind.IMAGE)
    add(step, image, replace(after, state=State.CREATING), after)
    change(step, volume.id, replace(body, state=State.BUSY), body)
    return Ref(Kind.IMAGE, image)


def _switch(step: Step, network: Entry[NetworkBody], action: Start | Stop) -> None:
    state = State.STARTED if isinstance(action, Start) else State.STOPPED
    if network.body.state is not state:
        change(step, network.id, replace(network.body, state=State.BUSY), replace(network.body, state=state))


_ON_MACHINES = cast(
    "dict[type, Callable[[Step, Machine, Any], Ref | None]]",
    {
        Start: _start,
        Stop: _stop,
        Restart: _restart,
        Pause: _pause,
        Suspend: _suspend,
        Resize: _resize,
        AttachVolume: _attach_volume,
        DetachVolume: _detach_volume,
        AttachNic: _attach_nic,
        DetachNic: _detach_nic,
        TakeSnapshot: _take_snapshot,
        RestoreSnapshot: _restore_snapshot,
        DropSnapshot: _drop_snapshot,
        Capture: _capture,
        Migrate: _migrate,
    },
)
