"""Connectors by name, found through entry points and imported only when first opened.

An entry point names a connector's ``connect``; the module that holds it also states the kind of provider as ``KIND``,
without loading what only ``connect`` needs.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from sirocco.connectors.kinds import ProviderKind
from sirocco.connectors.ports import Connector, ConnectorError, Fault, ProviderSettings

GROUP = "sirocco.connectors"


@cache
def _registered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> tuple[str, ...]:
    """The kinds of provider that can be opened, sorted."""
    return tuple(sorted(_registered()))


def kind(name: str) -> ProviderKind:
    """What a provider of this kind is opened with; KeyError for an unknown kind."""
    return cast("ProviderKind", import_module(_registered()[name].module).KIND)


def open_connector(name: str, settings: ProviderSettings) -> Connector:
    """Import the connector of this kind and connect; INVALID for an unknown kind."""
    if name not in _registered():
        why = "no connector is named {name}; there are {known}"
        raise ConnectorError(Fault.INVALID, why=why, name=name, known=", ".join(names()))
    factory = cast("Callable[[ProviderSettings], Connector]", _registered()[name].load())
    return factory(settings)
