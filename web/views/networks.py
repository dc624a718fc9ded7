"""Networks and the addresses on them."""

from flask import render_template
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Machine, Network, Provider
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.contracts.states import NetworkState, Role
from sirocco.domain.query import Comparison, Order, Query
from sirocco.services import events, jobs, networks, providers
from web import forms, lists
from web.area import Area, go

area = Area("networks")
_SORTABLE = ("name", "state", "cidr", "created")
_ASKED = ("delete", "edit", "address", "port")


@area.page("/networks")
def index(tx: Transaction) -> ResponseReturnValue:
    """Networks that the tenant may use."""
    question = lists.asked(_SORTABLE, filters=("state",), sort="name", searched=("name", "description", "cidr", "id"))
    shown = lists.Shown.of(question, networks.page(tx, question.query()))
    return render_template("networks/index.html", shown=shown, states=list(NetworkState))


@area.page("/networks/new", role=Role.MEMBER)
def new(tx: Transaction) -> ResponseReturnValue:
    """The form for a new network."""
    operator = tx.who.may(Role.OPERATOR)
    return render_template("networks/new.html", providers=providers.page(tx).items if operator else [])


@area.action("/networks", form=new)
def create(tx: Transaction) -> ResponseReturnValue:
    """Ask for the network of the form."""
    request = networks.NetworkRequest(
        name=forms.needed("name"),
        description=forms.text("description"),
        cidr=forms.text("cidr"),
        nat=forms.text("reach") == "nat",
        mtu=forms.whole("mtu", 1500),
        provider_id=forms.text("provider"),
        shared=forms.ticked("shared"),
    )
    network, _ = networks.create(tx, request)
    return go("networks.show", id=network.id)


@area.page("/networks/<id>")
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """Everything about one network."""
    network = networks.get(tx, id)
    addresses = networks.addresses_of(tx, network)
    return render_template(
        "networks/show.html",
        network=network,
        addresses=addresses,
        ports=networks.ports(tx, Query(Comparison("network_id", "=", network.id), (Order("name"),))).items,
        machines=lists.by_id(tx, Machine, [row.machine_id for row in addresses]),
        provider=tx.session.get(Provider, network.provider_id) if network.provider_id else None,
        current=jobs.get(tx, network.job_id) if network.job_id else None,
        possible=networks.actions(network),
        mine=_mine(tx, network),
        events=events.of_resource(tx, network, last=12),
    )


def _mine(tx: Transaction, network: Network) -> bool:
    return network.tenant_id is not None or tx.who.may(Role.OPERATOR)


@area.page("/networks/<id>/actions/<action>", role=Role.MEMBER)
def ask(tx: Transaction, id: str, action: str) -> ResponseReturnValue:  # noqa: A002
    """The form of an operation."""
    if action not in _ASKED:
        raise SiroccoError(NOT_FOUND, kind="page", id=action)
    return render_template("networks/act.html", network=networks.get(tx, id), action=action)


@area.action("/networks/<id>/actions/<action>", form=ask)
def act(tx: Transaction, id: str, action: str) -> ResponseReturnValue:  # noqa: A002
    """Carry an operation out."""
    match action:
        case "start" | "stop":
            networks.act(tx, id, action)
        case "delete":
            networks.delete(tx, id)
        case "edit":
            changes = {"name": forms.needed("name"), "description": forms.text("description")}
            networks.update(tx, id, changes, forms.whole("version"))
        case "address":
            networks.create_address(tx, id, forms.text("ip"), hostname=forms.text("hostname"))
        case "port":
            networks.create_port(tx, id, forms.needed("name"), description=forms.text("description"))
        case _:
            raise SiroccoError(NOT_FOUND, kind="page", id=action)
    return go("networks.show", id=id)


@area.action("/addresses/<id>/delete")
def release(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Give up a fixed address."""
    network_id = networks.address(tx, id).network_id
    networks.delete_address(tx, id)
    return go("networks.show", id=network_id, done="deleted")


@area.action("/ports/<id>/delete")
def delete_port(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Give up a port that no interface uses."""
    network_id = networks.port(tx, id).network_id
    networks.delete_port(tx, id)
    return go("networks.show", id=network_id, done="deleted")
