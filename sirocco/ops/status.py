"""What runs, for people and scripts: one small file, replaced whole at every change."""

import json
import os
import platform
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sirocco import __version__
from sirocco.ops.settings import Settings
from sirocco.ops.words import worded

if TYPE_CHECKING:
    from sirocco.ops.supervisor import Supervisor

FILE = "status.json"
FIRST_MACHINE = "first-machine.json"


class Writer:
    """Keeps the file current; safe to call from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._guard = threading.Lock()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._children: list[dict[str, Any]] = []
        self._hypervisor: dict[str, Any] | None = None
        self._addresses: dict[str, str] = {}
        self._ready = False
        self.versions = {"sirocco": __version__, "python": platform.python_version()}

    def children_changed(self, supervisor: "Supervisor") -> None:
        """Write down how the supervised processes are."""
        self._children = [
            {
                "role": child.role.name,
                "pid": child.pid,
                "health": str(child.health),
                "address": child.role.address,
                "restarts": max(0, child.starts - 1),
            }
            for child in supervisor.children
        ]
        self._write()

    def hypervisor_changed(self, pid: int | None, health: str, address: str, restarts: int) -> None:
        """Write down how the local hypervisor is."""
        self._hypervisor = {
            "role": "hypervisor",
            "pid": pid,
            "health": health,
            "address": address,
            "restarts": restarts,
        }
        self._write()

    def publish(self, addresses: Mapping[str, str]) -> None:
        """Write down where people and programs find what."""
        self._addresses = dict(addresses)
        self._write()

    def ready(self) -> None:
        """Start-up is complete, a first machine included where one was wanted."""
        self._ready = True
        self._write()

    def stopped(self) -> None:
        """Nothing runs any more."""
        self._children, self._hypervisor, self._ready = [], None, False
        self._write(stopped=True)

    def _write(self, *, stopped: bool = False) -> None:
        pid = None if stopped else os.getpid()
        with self._guard:
            content = {
                "running": pid is not None,
                "ready": self._ready,
                "supervisor": {"pid": pid, "since": self._started},
                "processes": self._children + ([self._hypervisor] if self._hypervisor else []),
                "addresses": self._addresses,
                "versions": self.versions,
                "home": str(self._settings.home),
            }
            scratch = self._settings.run / f"{FILE}.new"
            scratch.write_text(json.dumps(content, indent=1))
            scratch.replace(self._settings.run / FILE)


def read(settings: Settings, *, running: bool) -> dict[str, Any]:
    """The status as it is; what a supervisor that died without a word left behind does not count as running."""
    known = _load(settings.run / FILE)
    if not running:
        known = {**known, "running": False, "ready": False, "processes": [], "supervisor": {"pid": None}}
    return {
        "running": running,
        "ready": False,
        "processes": [],
        "addresses": {},
        "versions": {"sirocco": __version__},
        "home": str(settings.home),
        **known,
        "first_machine": first_machine(settings) or None,
    }


def first_machine(settings: Settings) -> dict[str, str]:
    """What is known of the first machine; empty where there is none, or no longer."""
    return _load(settings.home / FIRST_MACHINE)


def _load(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def as_text(known: dict[str, Any]) -> str:
    """The status for people."""
    if not known["running"]:
        return worded("Sirocco does not run on {home}. Start it with `siroccod up`.", home=known["home"])
    release = known["versions"]["sirocco"]
    lines = [worded("Sirocco {version} runs on {home}.", version=release, home=known["home"])]
    for entry in known["processes"]:
        pid = entry["pid"] or "-"
        health = worded(entry["health"])
        lines.append(f"  {entry['role']:<11} {health:<13} pid {pid:<8} {entry['address']}".rstrip())
    lines += [f"  {name}: {address}" for name, address in known["addresses"].items() if address]
    if machine := known["first_machine"]:
        place = machine["address"] or worded("no address reported")
        lines.append("  " + worded("first machine: {name}, {address}", name=machine["name"], address=place))
    return "\n".join(lines)
