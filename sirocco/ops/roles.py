"""The roles of an installation: how each process is started, and how its health is asked."""

from collections.abc import Callable, Mapping
from socket import socket

from sirocco.ops import listen, ports, temporal_server
from sirocco.ops.health import alive, answers
from sirocco.ops.settings import Settings
from sirocco.ops.supervisor import Role
from sirocco.ops.words import worded

_PATIENCE = 30.0


def engine(settings: Settings, release: str, port: int, ui_port: int, say: Callable[[str], None]) -> Role:
    """The embedded Temporal server: healthy when the port is its own and its store answers through its interface."""
    probe = f"http://127.0.0.1:{ui_port}/api/v1/namespaces/{settings.temporal_namespace}"

    def own_the_store() -> tuple[int, ...]:
        held = temporal_server.lock(settings.temporal, patience=_PATIENCE)
        moved = temporal_server.prepare_store(settings.temporal, release)
        if moved:
            say(worded("The engine's store is of another version: moved to {path}; the CMDB rebuilds it.", path=moved))
        return (held,)

    return Role(
        "temporal",
        tuple(temporal_server.command(settings, port, ui_port)),
        lambda pid: ports.owned_by(pid, port) and answers(probe),
        address=f"127.0.0.1:{port}",
        before=own_the_store,
    )


def served(name: str, command: tuple[str, ...], opened: socket, address: str, environment: Mapping[str, str]) -> Role:
    """A process behind a port that the supervisor keeps open for it: healthy when it answers there."""
    probe = f"{_local(opened)}/healthz"
    return Role(
        name,
        command,
        lambda _pid: answers(probe),
        address=address,
        environment={**environment, **listen.environment(opened)},
        descriptors=(opened.fileno(),),
    )


def working(settings: Settings, name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> Role:
    """A process without a port: healthy while it gives signs of life.

    What a worker starts for the cloud (a hypervisor daemon, a copy) may outlive it; a solver's helpers must not.
    """
    return Role(
        name,
        command,
        lambda pid: alive(settings, name, pid),
        environment=environment,
        sweep=name == "solver",
    )


def _local(opened: socket) -> str:
    """The address of a socket of ours for our own questions."""
    host, port = opened.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
