"""Providers, accounts and locations: what operators register, and what a probe found out."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from sirocco.cmdb.models import Account, Host, Location, Machine, Network, Provider, Volume
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Cmdb, Transaction, expect_version
from sirocco.connectors import registry
from sirocco.connectors.kinds import ProviderKind, Value
from sirocco.connectors.ports import ProviderSettings, SettingError
from sirocco.contracts import capabilities as cap
from sirocco.contracts.errors import IN_USE, INVALID, NAME_TAKEN, SiroccoError
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import Role
from sirocco.domain.limits import check_text
from sirocco.domain.principal import SYSTEM
from sirocco.domain.query import EVERYTHING, Query
from sirocco.services import events
from sirocco.services.words import edit


def kinds() -> dict[str, ProviderKind]:
    """What each kind of provider that can be registered is opened with, by name."""
    return {name: registry.kind(name) for name in registry.names()}


def capabilities(provider: Provider) -> frozenset[str]:
    """The names of what the provider stated it can do."""
    return frozenset(entry["name"] for entry in provider.capabilities if entry["value"] is not False)


def stated(tx: Transaction) -> dict[str, list[dict[str, Any]]]:
    """What each provider stated it can do, by its id; for everybody, as nothing else is told of it."""
    rows = tx.session.scalars(select(Provider).order_by(Provider.created, Provider.id))
    return {row.id: [entry for entry in row.capabilities if entry["value"] is not False] for row in rows}


def shares_storage(provider: Provider) -> bool:
    """Whether all hosts see the same disks: a provider whose migrations copy disks has hosts that do not."""
    return cap.MIGRATE_COPY not in capabilities(provider)


def get(tx: Transaction, provider_id: str) -> Provider:
    """One provider."""
    tx.who.need(Role.OPERATOR)
    return tx.get(Provider, provider_id)


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[Provider]:
    """All providers."""
    tx.who.need(Role.OPERATOR)
    return fetch(tx, Provider, query)


def create(
    tx: Transaction,
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    *,
    secrets: Mapping[str, str] | None = None,
    description: str = "",
    properties: Mapping[str, str] | None = None,
) -> Provider:
    """Register a provider; a worker probes it within seconds. Secrets are sealed at once and never shown again."""
    tx.who.need(Role.OPERATOR)
    check_text(name, description, dict(properties or {}))
    if kind not in registry.names():
        raise SiroccoError(INVALID, where="kind", why="it is one of {choices}", choices=", ".join(registry.names()))
    _refuse_taken(tx, name)
    _check_settings(kind, settings)
    _check_secrets(kind, secrets or {})
    provider_id = new_id()
    provider = Provider(
        id=provider_id,
        name=name,
        description=description,
        properties=dict(properties or {}),
        kind=kind,
        settings=dict(settings),
        secrets=_sealed(tx, provider_id, secrets or {}),
    )
    tx.add(provider)
    tx.add(Location(provider_id=provider.id, name="default"))
    events.changed(tx, provider, "create")
    return provider


def _check_settings(kind: str, settings: Mapping[str, Any]) -> None:
    """Refuse what the connector could not be opened with, before anything is kept."""
    try:
        registry.kind(kind).check(settings)
    except SettingError as error:
        raise SiroccoError(INVALID, **(error.reason | {"where": f"settings.{error.where}"})) from None


def _check_secrets(kind: str, secrets: Mapping[str, str]) -> None:
    for one in registry.kind(kind).settings:
        if one.value is Value.SECRET and one.required and not secrets.get(one.name):
            raise SiroccoError(INVALID, where=one.where, why="it is empty")


def _sealed(tx: Transaction, provider_id: str, secrets: Mapping[str, str]) -> dict[str, str]:
    return {field: tx.sealer.seal(value, "provider", provider_id, field) for field, value in secrets.items()}


def _refuse_taken(tx: Transaction, name: str) -> None:
    if not name:
        raise SiroccoError(INVALID, where="name", why="it is empty")
    if tx.session.scalar(select(Provider.id).where(Provider.name == name)):
        raise SiroccoError(NAME_TAKEN, kind="provider", name=name)


def update(tx: Transaction, provider_id: str, changes: Mapping[str, Any], version: int | None = None) -> Provider:
    """Change words, settings, ``enabled`` or ``secrets``, all of which are replaced."""
    tx.who.need(Role.OPERATOR)
    provider = tx.own(Provider, provider_id)
    expect_version(provider, version)
    check_text(
        changes.get("name", provider.name), changes.get("description", ""), dict(changes.get("properties") or {})
    )
    if changes.get("name", provider.name) != provider.name:
        _refuse_taken(tx, changes["name"])
    if "settings" in changes:
        _check_settings(provider.kind, changes["settings"])
    for field in ("name", "description", "properties", "settings", "enabled"):
        if field in changes:
            setattr(provider, field, changes[field])
    if "secrets" in changes:
        _check_secrets(provider.kind, changes["secrets"])
        provider.secrets = _sealed(tx, provider.id, changes["secrets"])
    provider.updated = tx.now
    events.changed(tx, provider, "update")
    return provider


def delete(tx: Transaction, provider_id: str) -> None:
    """Forget a provider that holds nothing of ours."""
    tx.who.need(Role.OPERATOR)
    provider = tx.own(Provider, provider_id)
    for model in (Machine, Volume, Network):
        used = tx.session.scalar(select(func.count()).select_from(model).where(model.provider_id == provider.id))
        if used:
            raise SiroccoError(IN_USE, kind="provider", name=provider.name, users=f"{used} {model.__tablename__}s")
    events.changed(tx, provider, "delete")
    for host in tx.session.scalars(select(Host).where(Host.provider_id == provider.id)):
        tx.session.delete(host)
    tx.session.flush()
    tx.session.delete(provider)


def secrets_of(tx: Transaction, provider: Provider) -> dict[str, str]:
    """The provider's secrets, opened; for the process that connects, never for an answer."""
    return {field: tx.sealer.open(value, "provider", provider.id, field) for field, value in provider.secrets.items()}


def connection(tx: Transaction, provider_id: str) -> tuple[str, ProviderSettings]:
    """A provider's kind, and what its connector is opened with."""
    provider = tx.get(Provider, provider_id)
    return provider.kind, ProviderSettings(provider.name, provider.settings, secrets_of(tx, provider))


def directory(cmdb: Cmdb) -> Callable[[str], tuple[str, ProviderSettings]]:
    """A look-up of ``connection`` by provider id, as processes with open connectors need it."""

    def look_up(provider_id: str) -> tuple[str, ProviderSettings]:
        with cmdb.reading(SYSTEM) as tx:
            return connection(tx, provider_id)

    return look_up


def probed(tx: Transaction, provider: Provider, api_version: str, stated: Iterable[Mapping[str, Any]]) -> None:
    """Keep what a probe found; a fault of before is over."""
    provider.fault, provider.cause, provider.api_version, provider.probed = "", {}, api_version, tx.now
    provider.capabilities = [dict(entry) for entry in stated]


def newest_probe(tx: Transaction) -> datetime | None:
    """When a provider was last looked at: with each probe there are new figures of its hosts and machines."""
    return tx.session.scalar(select(func.max(Provider.probed)))


def locations(tx: Transaction, query: Query = EVERYTHING) -> Page[Location]:
    """All locations."""
    return fetch(tx, Location, query)


def location(tx: Transaction, location_id: str) -> Location:
    """One location."""
    return tx.get(Location, location_id)


def create_location(tx: Transaction, provider_id: str, name: str, country: str = "", **words: Any) -> Location:
    """Add a location to a provider."""
    tx.who.need(Role.OPERATOR)
    check_text(name, words.get("description", ""), words.get("properties"))
    provider = tx.get(Provider, provider_id)
    row = tx.add(Location(provider_id=provider.id, name=name, country=_country(country), **words))
    events.changed(tx, row, "create")
    return row


def _country(code: str) -> str:
    if code and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise SiroccoError(INVALID, where="country", why="it is a two-letter code of ISO 3166-1")
    return code.upper()


def update_location(tx: Transaction, location_id: str, changes: dict[str, Any], version: int | None = None) -> Location:
    """Change words or ``country``."""
    tx.who.need(Role.OPERATOR)
    row = tx.own(Location, location_id)
    edit(tx, row, changes, version)
    row.country = _country(changes.get("country", row.country))
    return row


def delete_location(tx: Transaction, location_id: str) -> None:
    """Forget a location."""
    tx.who.need(Role.OPERATOR)
    row = tx.own(Location, location_id)
    events.changed(tx, row, "delete")
    tx.session.delete(row)


def accounts(tx: Transaction, query: Query = EVERYTHING) -> Page[Account]:
    """Accounts that the tenant uses."""
    tx.who.need(Role.TENANT_ADMIN)
    return fetch(tx, Account, query)


def account(tx: Transaction, account_id: str) -> Account:
    """One account."""
    tx.who.need(Role.TENANT_ADMIN)
    return tx.get(Account, account_id)


def create_account(
    tx: Transaction, provider_id: str, name: str, login: str, secret: str, *, shared: bool, **words: Any
) -> Account:
    """Keep credentials at a provider, for the chosen tenant or for all; the secret is sealed."""
    tx.who.need(Role.OPERATOR)
    check_text(name, words.get("description", ""), words.get("properties"))
    tx.get(Provider, provider_id)
    account_id, tenant_id = new_id(), None if shared else tx.who.tenant_id
    row = Account(id=account_id, provider_id=provider_id, tenant_id=tenant_id, name=name, login=login, **words)
    row.secret = _sealed_secret(tx, row, secret)
    tx.add(row)
    events.changed(tx, row, "create")
    return row


def _sealed_secret(tx: Transaction, row: Account, secret: str) -> str:
    return tx.sealer.seal(secret, "account", row.id, "secret") if secret else ""


def update_account(tx: Transaction, account_id: str, changes: dict[str, Any], version: int | None = None) -> Account:
    """Change words, ``login``, ``secret`` or ``enabled``."""
    tx.who.need(Role.OPERATOR)
    row = tx.own(Account, account_id)
    edit(tx, row, changes, version)
    row.login, row.enabled = changes.get("login", row.login), changes.get("enabled", row.enabled)
    if "secret" in changes:
        row.secret = _sealed_secret(tx, row, changes["secret"])
    return row


def delete_account(tx: Transaction, account_id: str) -> None:
    """Forget an account."""
    tx.who.need(Role.OPERATOR)
    row = tx.own(Account, account_id)
    events.changed(tx, row, "delete")
    tx.session.delete(row)
