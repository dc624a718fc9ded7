"""Machines: the list, asking for a new one, and everything about one."""

import secrets
from collections.abc import Sequence

from flask import render_template
from flask import request as flask_request
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Address, Credential, Host, Image, Machine, Network, Provider, Template, Volume
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import FORBIDDEN, SiroccoError
from sirocco.contracts.states import ImageState, MachineState, NetworkState, Role, VolumeState
from sirocco.domain.machines import TRANSITIONS
from sirocco.domain.query import AllOf, Comparison, Condition, Order, Query
from sirocco.services import credentials, events, hosts, images, jobs, machines, networks, providers, templates, volumes
from sirocco.services.machine_create import (
    DiskRequest,
    MachineRequest,
    NicRequest,
    VolumeRequest,
    default_network,
)
from sirocco.services.machines import Allowed
from web import documents, forms, lists
from web.area import Area, go
from web.copying import machine_texts
from web.use import rates

area = Area("machines")
_SORTABLE = ("name", "state", "cpu", "memory", "created")
_BY_NAME = (Order("name"),)
_WORDS = (
    "amber",
    "breeze",
    "cedar",
    "dune",
    "ember",
    "gust",
    "harbour",
    "lagoon",
    "mistral",
    "oasis",
    "sirocco",
    "tide",
)


def _is(attribute: str, value: str) -> Condition:
    return Comparison(attribute, "=", value)


@area.page("/machines")
def index(tx: Transaction) -> ResponseReturnValue:
    """The tenant's machines, searched, filtered, ordered and cut by the database."""
    question = lists.asked(_SORTABLE, filters=("state",))
    shown = lists.Shown.of(question, machines.page(tx, question.query()))
    return render_template(
        "machines/index.html",
        shown=shown,
        images=lists.by_id(tx, Image, [row.image_id for row in shown.items]),
        addresses=_addresses(tx, shown.items),
        allowed={row.id: operations(tx, row) for row in shown.items},
        states=list(MachineState),
    )


def _addresses(tx: Transaction, rows: Sequence[Machine]) -> dict[str, list[str]]:
    found = tx.session.scalars(tx.visible(Address).where(Address.machine_id.in_([row.id for row in rows])))
    addresses: dict[str, list[str]] = {}
    for row in found:
        addresses.setdefault(row.machine_id or "", []).append(row.ip)
    return addresses


def operations(tx: Transaction, machine: Machine) -> dict[str, Allowed]:
    """Every operation of a machine by name; one that needs another role is there too, with that reason."""
    known = {answer.action: answer for answer in machines.allowed(tx, machine)}
    for action, transition in TRANSITIONS.items():
        if action not in known:
            known[action] = Allowed(action, available=False, reason=SiroccoError(FORBIDDEN, role=transition.role.value))
    return known


@area.page("/machines/new", role=Role.MEMBER)
def new(tx: Transaction) -> ResponseReturnValue:
    """The form for a new machine: four fields that are filled in already, the rest folded away."""
    started = Query(_is("state", NetworkState.STARTED), _BY_NAME)
    usable = Query(AllOf((_is("state", ImageState.AVAILABLE), _is("type", "IMAGE"))), _BY_NAME)
    default = default_network(tx)
    if template := flask_request.args.get("template"):
        forms.suggest(documents.to_machine(templates.get(tx, "MachineTemplate", template).content))
    return render_template(
        "machines/new.html",
        suggestion=_suggestion(),
        images=images.page(tx, usable).items,
        sizes=[row for row in templates.sizes(tx) if {"cpu", "memory"} <= row.content.keys()],
        networks=networks.page(tx, started).items,
        default_network=default.id if default else "",
        credentials=credentials.page(tx, Query(None, _BY_NAME)).items,
        volumes=_free_volumes(tx),
        providers=providers.page(tx).items if tx.who.may(Role.OPERATOR) else [],
        hosts=hosts.page(tx).items if tx.who.may(Role.OPERATOR) else [],
    )


def _suggestion() -> str:
    return f"{secrets.choice(_WORDS)}-{secrets.randbelow(90) + 10}"


def _free_volumes(tx: Transaction) -> list[Volume]:
    rows = volumes.page(tx, Query(_is("state", VolumeState.AVAILABLE), _BY_NAME)).items
    return [row for row in rows if volumes.attachment(tx, row) is None]


@area.action("/machines", form=new)
def create(tx: Transaction) -> ResponseReturnValue:
    """Ask for the machine of the form."""
    machine, _ = machines.create(tx, asked(tx))
    return go("machines.show", id=machine.id)


def asked(tx: Transaction) -> MachineRequest:
    """The machine that the form asks for."""
    cpu, memory = _size(tx)
    extra = forms.gibs("disk")
    boot = forms.gib("boot_disk")
    return MachineRequest(
        name=forms.needed("name"),
        cpu=cpu,
        memory=memory,
        image_id=forms.needed("image"),
        description=forms.text("description"),
        disks=tuple(DiskRequest(size) for size in (boot, *extra)) if boot or extra else (),
        nics=tuple(NicRequest(network) for network in forms.chosen("network")),
        volumes=tuple(VolumeRequest(volume) for volume in forms.chosen("volume")),
        credential_id=forms.text("credential"),
        user_data=forms.text("user_data").replace("\r\n", "\n").encode(),
        initial_state=forms.text("initial_state") or MachineState.STARTED,
        provider_id=forms.text("provider"),
        host_id=forms.text("host"),
    )


def _size(tx: Transaction) -> tuple[int, int]:
    """Cores and bytes of memory: of the size chosen, or as typed in the advanced part."""
    if forms.text("size") in {"", "own"}:
        return forms.whole("cpu"), forms.mib("memory")
    row: Template = templates.get(tx, "MachineConfiguration", forms.text("size"))
    return int(row.content.get("cpu", 0)), int(row.content.get("memory", 0)) * 1024


@area.page("/machines/<id>")
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """Everything about one machine, and everything that can be done with it."""
    machine = machines.get(tx, id)
    recent = jobs.page(tx, Query(_is("target_id", machine.id), (Order("created", descending=True),), last=8)).items
    current = jobs.get(tx, machine.job_id) if machine.job_id else None
    return render_template(
        "machines/show.html",
        machine=machine,
        allowed=operations(tx, machine),
        image=tx.find(Image, machine.image_id) if machine.image_id else None,
        credential=tx.find(Credential, machine.credential_id) if machine.credential_id else None,
        networks=lists.by_id(tx, Network, [nic.network_id for nic in machine.nics]),
        addresses=lists.by_id(tx, Address, [at.address_id for nic in machine.nics for at in nic.addresses]),
        volumes=lists.by_id(tx, Volume, [use.volume_id for use in machine.volumes]),
        snapshots=machines.snapshots(tx, machine),
        provider=tx.session.get(Provider, machine.provider_id) if machine.provider_id else None,
        host=tx.session.get(Host, machine.host_id) if machine.host_id else None,
        current=current,
        steps=jobs.steps(tx, current) if current else [],
        jobs=recent,
        events=events.of_resource(tx, machine, last=12),
        use=rates(machines.usage(tx, machine)),
        texts=machine_texts(machine),
    )


@area.page("/machines/<id>/edit", role=Role.MEMBER)
def edit(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Name and description."""
    return render_template("machines/edit.html", machine=machines.get(tx, id))


@area.action("/machines/<id>/edit", form=edit)
def save(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Keep the new words, unless somebody else was faster."""
    changes = {"name": forms.needed("name"), "description": forms.text("description")}
    machines.update(tx, id, changes, forms.whole("version"))
    return go("machines.show", id=id, done="saved")
