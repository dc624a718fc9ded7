"""Clouds and hosts, for operators."""

from collections.abc import Iterable, Sequence
from typing import cast

from api.cimi import changes as change
from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, V2, Value, Values
from api.cimi.resource import Action, Below, Change, Creation, Removal, Resource
from api.cimi.templates import id_of, words
from sirocco.cmdb.models import Host, Location, Provider
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import HostState, Role
from sirocco.domain.query import Comparison, Query
from sirocco.services import hosts, providers

PROVIDER, ACCOUNT, LOCATION, HOST = (KINDS[name] for name in ("Provider", "Account", "Location", "Host"))


def _create(exchange: Exchange, values: Values) -> Made:
    name, description, properties = words(values)
    provider = providers.create(
        exchange.tx,
        name,
        str(values["kind"]),
        cast("Values", values.get("settings") or {}),
        secrets=cast("dict[str, str]", values.get("secrets") or {}),
        description=description,
        properties=properties,
    )
    if values.get("enabled") is False:
        provider.enabled = False
    return Made(provider)


def _update(exchange: Exchange, provider_id: str, values: Values) -> Made:
    columns = change.columns(PROVIDER, values, exchange.wire.version)
    if values.get("secrets") is not None:
        columns["secrets"] = values["secrets"]
    return Made(providers.update(exchange.tx, provider_id, columns, exchange.expected))


def _delete(exchange: Exchange, provider_id: str) -> Made:
    providers.delete(exchange.tx, provider_id)
    return Made()


def _more(_exchange: Exchange, provider: Provider) -> Values:
    shown: list[Value] = [
        {name: str(entry[name]) for name in ("name", "value", "scope") if entry.get(name) not in (None, "")}
        for entry in provider.capabilities
    ]
    return {"capabilities": shown}


def _hosts_of(exchange: Exchange, provider: Provider) -> Sequence[Host]:
    return hosts.page(exchange.tx, _at(provider)).items


def _locations_of(exchange: Exchange, provider: Provider) -> Sequence[Location]:
    return providers.locations(exchange.tx, _at(provider)).items


def _at(provider: Provider) -> Query:
    return Query(Comparison("provider_id", "=", provider.id))


def _create_account(exchange: Exchange, values: Values) -> Made:
    """For the tenant that the request works in, or for all when it names none."""
    name, description, properties = words(values)
    tenant = id_of(values.get("tenant"))
    if tenant and tenant != exchange.tx.who.tenant_id:
        raise invalid(
            "tenant", why="it is not the tenant that the request works in; choose that by the header tenantId"
        )
    account = providers.create_account(
        exchange.tx,
        id_of(values["provider"]),
        name,
        str(values.get("login") or ""),
        str(values.get("secret") or ""),
        shared=not tenant,
        description=description,
        properties=properties,
    )
    if values.get("enabled") is False:
        account.enabled = False
    return Made(account)


def _update_account(exchange: Exchange, account_id: str, values: Values) -> Made:
    columns = change.columns(ACCOUNT, values, exchange.wire.version)
    if values.get("secret") is not None:
        columns["secret"] = values["secret"]
    return Made(providers.update_account(exchange.tx, account_id, columns, exchange.expected))


def _delete_account(exchange: Exchange, account_id: str) -> Made:
    providers.delete_account(exchange.tx, account_id)
    return Made()


def _create_location(exchange: Exchange, values: Values) -> Made:
    name, description, properties = words(values)
    country, provider_id = str(values.get("country") or ""), id_of(values["provider"])
    row = providers.create_location(
        exchange.tx, provider_id, name, country, description=description, properties=properties
    )
    return Made(row)


def _update_location(exchange: Exchange, location_id: str, values: Values) -> Made:
    columns = change.columns(LOCATION, values, exchange.wire.version)
    return Made(providers.update_location(exchange.tx, location_id, columns, exchange.expected))


def _delete_location(exchange: Exchange, location_id: str) -> Made:
    providers.delete_location(exchange.tx, location_id)
    return Made()


def _update_host(exchange: Exchange, host_id: str, values: Values) -> Made:
    columns = {
        name: value for name, value in change.columns(HOST, values, exchange.wire.version).items() if name != "name"
    }
    return Made(hosts.update(exchange.tx, host_id, columns, exchange.expected))


def _drain(exchange: Exchange, host_id: str, _values: Values) -> Made:
    return Made(job=hosts.drain(exchange.tx, host_id))


def _enable(exchange: Exchange, host_id: str, _values: Values) -> Made:
    return Made(hosts.enable(exchange.tx, host_id))


def _host_permits(_tx: Transaction, host: Host) -> Iterable[tuple[str, bool]]:
    yield "drain", not host.job_id and host.state in {HostState.ONLINE, HostState.DRAINING}
    yield "enable", not host.job_id and host.state in {HostState.DRAINING, HostState.MAINTENANCE}


_HOSTS = Below(HOST, _hosts_of, elsewhere=True)
_LOCATIONS = Below(LOCATION, _locations_of, elsewhere=True)

PROVIDERS = Resource(
    PROVIDER,
    providers.get,
    providers.page,
    more=_more,
    create=Creation(Role.OPERATOR, _create),
    update=Change(Role.OPERATOR, _update),
    delete=Removal(Role.OPERATOR, _delete),
    below={
        (name, version): below for name, below in (("hosts", _HOSTS), ("locations", _LOCATIONS)) for version in (V1, V2)
    },
    role=Role.OPERATOR,
)

ACCOUNTS = Resource(
    ACCOUNT,
    providers.account,
    providers.accounts,
    create=Creation(Role.OPERATOR, _create_account),
    update=Change(Role.OPERATOR, _update_account),
    delete=Removal(Role.OPERATOR, _delete_account),
    role=Role.TENANT_ADMIN,
)

LOCATIONS = Resource(
    LOCATION,
    providers.location,
    providers.locations,
    create=Creation(Role.OPERATOR, _create_location),
    update=Change(Role.OPERATOR, _update_location),
    delete=Removal(Role.OPERATOR, _delete_location),
)

HOSTS = Resource(
    HOST,
    hosts.get,
    hosts.page,
    permits=_host_permits,
    update=Change(Role.OPERATOR, _update_host),
    actions=(
        Action("drain", Role.OPERATOR, _drain, own=True, description="Move all machines off and keep new ones away."),
        Action("enable", Role.OPERATOR, _enable, own=True, description="Let it take machines again."),
    ),
    role=Role.OPERATOR,
)
