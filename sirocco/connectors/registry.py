"""Connectors by name, found through entry points and imported only when first opened."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from sirocco.connectors.ports import Connector, ConnectorError, Fault, ProviderSettings

GROUP = "sirocco.connectors"


@cache
def _registered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> tuple[str, ...]:
    """The kinds of provider that can be opened, sorted."""
    return tuple(sorted(_registered()))


def open_connector(kind: str, settings: ProviderSettings) -> Connector:
    """Import the connector of this kind and connect; INVALID for an unknown kind."""
    if kind not in _registered():
        why = "no connector is named {name}; there are {known}"
        raise ConnectorError(Fault.INVALID, why=why, name=kind, known=", ".join(names()))
    factory = cast("Callable[[ProviderSettings], Connector]", _registered()[kind].load())
    return factory(settings)
