"""Machines: how they are asked for, changed, acted on and shown."""

import base64
import binascii
from collections.abc import Iterable
from typing import Any, cast

from api.cimi import changes as change
from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import (
    KB,
    KIB,
    ONLY_2,
    Access,
    Attribute,
    Values,
    boolean,
    reference,
    text,
    uri,
)
from api.cimi.model.machine import MACHINE
from api.cimi.resource import WORDS, Action, Change, Creation, Removal, Resource, metadata_of
from api.cimi.resources import machine_parts
from api.cimi.resources.credentials import made_credential
from api.cimi.resources.volumes import volume_request
from api.cimi.templates import id_of, needed, template_of, words
from sirocco.cmdb.models import Image, Machine
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts import commands as c
from sirocco.contracts.states import Role
from sirocco.services import machines
from sirocco.services.machine_create import DiskRequest, MachineRequest, NewVolume, NicRequest, VolumeRequest

_FORCE = (boolean("force", access=Access.CREATE),)
_IMAGE = (reference("image", "MachineImage", access=Access.CREATE),)
_HOST = (reference("host", "Host", access=Access.CREATE),)
_NEW_IMAGE = (*WORDS, uri("imageLocation", access=Access.CREATE), text("type", access=Access.CREATE))


def create(exchange: Exchange, values: Values) -> Made:
    """Ask for a machine by a template."""
    template = template_of(exchange, MACHINE, values)
    machine, job = machines.create(exchange.tx, _request(exchange, values, template))
    return Made(machine, job)


def _request(exchange: Exchange, values: Values, template: Values) -> MachineRequest:
    name, description, properties = words(values)
    where = MACHINE.template
    config = cast("Values", needed(template, "machineConfig", where))
    return MachineRequest(
        name=name,
        description=description,
        properties=properties,
        cpu=cast("int", needed(config, "cpu", f"{where}.machineConfig")),
        memory=cast("int", needed(config, "memory", f"{where}.machineConfig")) * KIB,
        image_id=id_of(needed(template, "machineImage", where)),
        disks=tuple(_disk(disk) for disk in _entries(config, "disks")),
        nics=_nics(template),
        volumes=tuple(VolumeRequest(id_of(use), _location(use)) for use in _entries(template, "volumes")),
        new_volumes=tuple(
            NewVolume(volume_request(name=f"{name} volume {index}".strip(), template=entry), _location(entry))
            for index, entry in enumerate(_entries(template, "volumeTemplates"), 1)
        ),
        credential_id=_credential(exchange, template, name),
        user_data=_user_data(template),
        initial_state=str(template.get("initialState") or "STARTED"),
        provider_id=id_of(template.get("sirocco_provider")),
        host_id=id_of(template.get("sirocco_host")),
    )


def _entries(values: Values, name: str) -> list[Values]:
    return cast("list[Values]", values.get(name) or [])


def _location(entry: Values) -> str:
    return str(entry.get("initialLocation") or "")


def _disk(disk: Values) -> DiskRequest:
    return DiskRequest(cast("int", disk["capacity"]) * KB, _location(disk))


def _nics(template: Values) -> tuple[NicRequest, ...] | None:
    if template.get("networkInterfaces") is None:
        return None
    return tuple(_nic(index, entry) for index, entry in enumerate(_entries(template, "networkInterfaces")))


def _nic(index: int, entry: Values) -> NicRequest:
    where = f"{MACHINE.template}.networkInterfaces[{index}]"
    addresses = _entries(entry, "addresses")
    if len(addresses) > 1:
        raise invalid(f"{where}.addresses", why="an interface takes one fixed address")
    port = id_of(entry.get("networkPort"))
    network = id_of(entry.get("network") if port else needed(entry, "network", where))
    return NicRequest(network, id_of(addresses[0]) if addresses else "", port)


def _credential(exchange: Exchange, template: Values, name: str) -> str:
    """The id of the credential referred to, or of a new one made from what is given by value."""
    given = cast("Values", template.get("credential") or {})
    if not given or "href" in given:
        return id_of(given)
    return made_credential(exchange, f"{name} credential".strip(), given).id


def _user_data(template: Values) -> bytes:
    try:
        return base64.b64decode("".join(str(template.get("userData") or "").split()), validate=True)
    except binascii.Error as fault:
        raise invalid(f"{MACHINE.template}.userData", why="it is not Base64") from fault


def update(exchange: Exchange, machine_id: str, values: Values) -> Made:
    """Change words; other processors or memory start a job that resizes the machine."""
    machine = machines.get(exchange.tx, machine_id)
    columns = change.columns(MACHINE, values, exchange.wire.version)
    cpu, memory = columns.pop("cpu", machine.cpu), columns.pop("memory", machine.memory)
    machine = machines.update(exchange.tx, machine_id, columns, exchange.expected)
    if (cpu, memory) == (machine.cpu, machine.memory // KIB * KIB):
        return Made(machine)
    return Made(machine, machines.act(exchange.tx, machine_id, c.Resize(cpu, memory)))


def delete(exchange: Exchange, machine_id: str) -> Made:
    """Ask for the end of a machine."""
    return Made(job=machines.delete(exchange.tx, machine_id))


def _act(exchange: Exchange, machine_id: str, command: c.Command) -> Made:
    return Made(job=machines.act(exchange.tx, machine_id, command))


def _start(exchange: Exchange, machine_id: str, _values: Values) -> Made:
    return _act(exchange, machine_id, c.Start())


def _stop(exchange: Exchange, machine_id: str, values: Values) -> Made:
    return _act(exchange, machine_id, c.Stop(force=values.get("force") is True))


def _restart(exchange: Exchange, machine_id: str, values: Values) -> Made:
    return _act(exchange, machine_id, c.Restart(force=values.get("force") is True))


def _pause(exchange: Exchange, machine_id: str, _values: Values) -> Made:
    return _act(exchange, machine_id, c.Pause())


def _suspend(exchange: Exchange, machine_id: str, _values: Values) -> Made:
    return _act(exchange, machine_id, c.Suspend())


def _restore(exchange: Exchange, machine_id: str, values: Values) -> Made:
    return _act(exchange, machine_id, c.Restore(id_of(needed(values, "image", "restore"))))


def _migrate(exchange: Exchange, machine_id: str, values: Values) -> Made:
    return _act(exchange, machine_id, c.Migrate(id_of(values.get("host"))))


def _connect_volume(exchange: Exchange, machine_id: str, values: Values) -> Made:
    device = str(values.get("initialLocation") or "")
    return _act(exchange, machine_id, c.AttachVolume(id_of(needed(values, "volume", "connectvolume")), device))


def capture(exchange: Exchange, machine_id: str, values: Values) -> Made:
    """Make an image of a machine."""
    name, description, _ = words(values)
    return _new_image(exchange, machine_id, c.Capture(name, description), values)


def snapshot(exchange: Exchange, machine_id: str, values: Values) -> Made:
    """Record a machine's state."""
    name, description, _ = words(values)
    return _new_image(exchange, machine_id, c.Snapshot(name, description), values)


def _new_image(exchange: Exchange, machine_id: str, command: c.Command, values: Values) -> Made:
    location = values.get("imageLocation")
    if location and exchange.wire.relative(str(location)) != f"machines/{machine_id}":
        raise invalid("imageLocation", why="it is not the machine that the request goes to")
    job = machines.act(exchange.tx, machine_id, command)
    image_id = next(entry["id"] for entry in job.affected if entry["kind"] == "image")
    image = exchange.tx.get(Image, image_id)
    properties = words(values)[2]
    if properties:
        image.properties = properties
    return Made(image, job, path=f"machineImages/{image.id}", status=201)


def permits(tx: Transaction, machine: Machine) -> Iterable[tuple[str, bool]]:
    """What can be asked of a machine now; what its provider cannot do is not even named.

    It depends on the machine's state and provider and on whether a job is at work: found out once in a transaction
    for all the machines that are alike.
    """
    alike = (machine.provider_id, machine.state, bool(machine.job_id))
    known: dict[object, list[tuple[str, bool]]] = tx.session.info.setdefault("permitted", {})
    if alike not in known:
        known[alike] = [
            (_VERBS.get(one.action, one.action), one.available)
            for one in machines.allowed(tx, machine)
            if one.reason is None or one.reason.problem.code != "not-capable"
        ]
    return known[alike]


_VERBS = {"attach-volume": "connectvolume"}


def _more(exchange: Exchange, machine: Machine) -> Values:
    more = metadata_of(MACHINE, machine.provider_id)
    more["eventLog"] = {"href": f"eventLogs/machines.{machine.id}"}
    return more if exchange.tx.who.may(Role.OPERATOR) else more | {"sirocco_host": None}


def _action(name: str, call: Any, *reads: Attribute, **more: Any) -> Action:
    return Action(name, more.pop("role", Role.MEMBER), call, reads, **more)


MACHINES = Resource(
    MACHINE,
    machines.get,
    machines.page,
    more=_more,
    permits=permits,
    create=Creation(Role.MEMBER, create),
    update=Change(Role.MEMBER, update),
    delete=Removal(Role.MEMBER, delete),
    actions=(
        _action("restart", _restart, *_FORCE, description="Reboot, or start when stopped."),
        _action("start", _start, description="Boot, or resume from pause or suspension."),
        _action("stop", _stop, *_FORCE, description="Shut down; force cuts the power."),
        _action("pause", _pause, description="Freeze in memory."),
        _action("suspend", _suspend, description="Freeze to disk."),
        _action(
            "capture",
            capture,
            *_NEW_IMAGE,
            names=("MachineImageCreate", "MachineImage"),
            makes=KINDS["MachineImage"],
            description="Make an image.",
        ),
        _action(
            "snapshot",
            snapshot,
            *_NEW_IMAGE,
            names=("MachineImageCreate", "MachineImage"),
            makes=KINDS["MachineImage"],
            description="Record the state.",
        ),
        _action("restore", _restore, *_IMAGE, description="Put back to a snapshot."),
        _action(
            "connectvolume",
            _connect_volume,
            reference("volume", "Volume", access=Access.CREATE),
            text("initialLocation", access=Access.CREATE, longest=64),
            versions=ONLY_2,
            description="Attach a volume.",
        ),
        _action("migrate", _migrate, *_HOST, own=True, role=Role.OPERATOR, description="Move to another host."),
    ),
    below=machine_parts.BELOW,
)
