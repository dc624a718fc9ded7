"""Reaching the engine: the one named by TEMPORAL_ADDRESS, or the embedded one."""

from pathlib import Path

from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import KeepAliveConfig, RetryConfig, TLSConfig

from sirocco.ops.codec import data_converter
from sirocco.ops.errors import OperationError
from sirocco.ops.keyring import KeyRing
from sirocco.ops.settings import Settings

_EMBEDDED = "engine.address"


class EngineUnknownError(OperationError):
    """No engine is named and none is embedded here."""


def announce(settings: Settings, address: str) -> None:
    """Tell the processes of this home where their embedded engine listens."""
    (settings.run / _EMBEDDED).write_text(address)


def address(settings: Settings) -> str:
    """Where the engine listens, ``host:port``."""
    if settings.temporal_address:
        return settings.temporal_address
    try:
        return (settings.run / _EMBEDDED).read_text()
    except FileNotFoundError:
        raise EngineUnknownError(
            "no engine: set TEMPORAL_ADDRESS, or start the embedded one with `siroccod up`"
        ) from None


async def connect(settings: Settings, ring: KeyRing, *, lazy: bool = False) -> Client:
    """A client of the engine. ``lazy`` connects at the first call, so that the engine may come later.

    Calls are tried again for at most 2 s: callers have their own way to wait. Connect after a fork, never before.
    """
    return await Client.connect(
        address(settings),
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key.get_secret_value() or None,
        tls=_tls(settings),
        data_converter=data_converter(ring),
        retry_config=RetryConfig(max_retries=3, max_elapsed_time_millis=2000),
        keep_alive_config=KeepAliveConfig(interval_millis=10_000, timeout_millis=5_000),
        runtime=_measured(settings),
        lazy=lazy,
    )


def _measured(settings: Settings) -> Runtime | None:
    """A runtime that serves Prometheus metrics of workflows, activities and calls; None for the default one."""
    if not settings.metrics_port:
        return None
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    measured = PrometheusConfig(bind_address=f"{host}:{settings.metrics_port}", durations_as_seconds=True)
    return Runtime(telemetry=TelemetryConfig(metrics=measured))


def _tls(settings: Settings) -> TLSConfig | bool:
    named = (settings.temporal_tls_ca, settings.temporal_tls_cert, settings.temporal_tls_key)
    if not any((*named, settings.temporal_tls_name)):
        return settings.temporal_tls or bool(settings.temporal_api_key.get_secret_value())
    ca, cert, key = (Path(name).read_bytes() if name else None for name in named)
    return TLSConfig(
        server_root_ca_cert=ca, client_cert=cert, client_private_key=key, domain=settings.temporal_tls_name or None
    )
