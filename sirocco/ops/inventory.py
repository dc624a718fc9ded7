"""What a provider itself holds: the far end's own answer, not the CMDB's."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from sirocco.cmdb.models import Provider
from sirocco.connectors.ports import Connector, ConnectorError, Kind, ProviderSettings
from sirocco.connectors.registry import open_connector
from sirocco.domain.principal import SYSTEM
from sirocco.ops.cmdb import existing
from sirocco.ops.errors import OperationError
from sirocco.ops.settings import Settings
from sirocco.ops.words import worded
from sirocco.services import providers


def read(settings: Settings, name: str) -> dict[str, Any]:
    """All objects of a provider by kind; OperationError when there is no such provider or it does not answer."""
    kind, opened_with = _provider(settings, name)
    try:
        connector = open_connector(kind, opened_with)
        try:
            return {"provider": name, "kind": kind, **_objects(connector)}
        finally:
            connector.close()
    except ConnectorError as error:
        raise OperationError("provider {name} does not answer: {cause}", name=name, cause=error.message) from error


def _provider(settings: Settings, name: str) -> tuple[str, ProviderSettings]:
    with existing(settings) as cmdb, cmdb.reading(SYSTEM) as tx:
        row = tx.session.scalar(select(Provider).where(Provider.name == name))
        if row is None:
            known = ", ".join(tx.session.scalars(select(Provider.name).order_by(Provider.name))) or worded("none")
            raise OperationError("there is no provider named {name!r}; there are: {known}", name=name, known=known)
        return row.kind, ProviderSettings(row.name, row.settings, providers.secrets_of(tx, row))


def _objects(connector: Connector) -> dict[str, list[dict[str, Any]]]:
    return {
        f"{kind}s": [
            {
                "id": seen.ref.native_id,
                "state": str(seen.state),
                "ours": bool(seen.token),
                "token": seen.token,
                **asdict(seen.facts),
            }
            for seen in connector.list(kind, owned=False)
        ]
        for kind in Kind
    }


_COUNTED = {
    Kind.MACHINE: "Machines: {count}",
    Kind.VOLUME: "Volumes: {count}",
    Kind.IMAGE: "Images: {count}",
    Kind.NETWORK: "Networks: {count}",
}


def as_text(held: dict[str, Any]) -> str:
    """The inventory for people."""
    lines = [worded("Provider {name} ({kind}) holds:", name=held["provider"], kind=held["kind"])]
    for kind in Kind:
        entries = held[f"{kind}s"]
        lines.append(f"  {worded(_COUNTED[kind], count=len(entries))}")
        lines += [f"    {one['name']:<30} {one['state']:<10} {one['id']}" for one in entries]
    return "\n".join(lines)
