"""Ports: choosing free ones, and knowing whose they are. A port that answers may belong to anybody."""

import json
import socket
from pathlib import Path

from sirocco.ops.errors import OperationError
from sirocco.ops.listen import open_socket
from sirocco.ops.settings import Settings

_REMEMBERED = "ports.json"
_LISTENING = "0A"


class PortTakenError(OperationError):
    """A port that was asked for by name belongs to another program."""


def claim(settings: Settings, name: str, host: str) -> socket.socket:
    """A listening socket for the setting ``name``, or PortTakenError when its port was asked for and is taken.

    Where the default is taken, or any port will do, the port used last time is tried first, so that addresses stay
    what people noted down.
    """
    wanted: int = getattr(settings, name)
    for port in filter(None, (wanted, _remembered(settings).get(name))):
        try:
            return open_socket(host, port)
        except OSError as error:
            if wanted and name in settings.model_fields_set:
                variable = f"SIROCCO_{name.upper()}"
                taken = {"address": f"{host}:{port}", "variable": variable, "cause": error.strerror}
                raise PortTakenError("{address} ({variable}): {cause}; choose another port", **taken) from None
    return open_socket(host, 0)


def remember(settings: Settings, ports: dict[str, int]) -> None:
    """Keep the ports in use for the next start."""
    (settings.run / _REMEMBERED).write_text(json.dumps(ports))


def owned_by(pid: int, port: int) -> bool:
    """Whether a process listens on this TCP port, by the kernel's tables (proc(5))."""
    held = _sockets(pid)
    tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    lines = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return any(
        part[3] == _LISTENING and int(part[1].rpartition(":")[2], 16) == port and part[9] in held for part in lines
    )


def _sockets(pid: int) -> set[str]:
    """Inode numbers of a process's sockets; empty when it has ended."""
    found: set[str] = set()
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return found
    for descriptor in descriptors:
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def _remembered(settings: Settings) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads((settings.run / _REMEMBERED).read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
