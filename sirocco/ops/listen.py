"""Listening sockets.

The supervisor opens them once and hands them on: a restart of the process behind a port refuses no caller, and nobody
else can take the port meanwhile. Without a supervisor a process opens its own.
"""

import os
import socket

_VARIABLE = "SIROCCO_LISTEN_FD"


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket; OSError when the address is taken. Port 0 takes any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=512)


def environment(opened: socket.socket) -> dict[str, str]:
    """What the child process must find in its environment; pass the descriptor to it as well."""
    return {_VARIABLE: str(opened.fileno())}


def inherited() -> int | None:
    """The descriptor handed on by the supervisor, if one was."""
    given = os.environ.get(_VARIABLE)
    return int(given) if given else None


def gunicorn_bind(host: str, port: int) -> str:
    """The ``bind`` of gunicorn: the inherited socket, or an address."""
    given = inherited()
    bracketed = f"[{host}]" if ":" in host else host
    return f"fd://{given}" if given is not None else f"{bracketed}:{port}"


def listening_socket(host: str, port: int) -> socket.socket:
    """The inherited socket, or a new one; for servers that take a socket object."""
    given = inherited()
    return open_socket(host, port) if given is None else socket.socket(fileno=given)
