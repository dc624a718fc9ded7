"""Examining the machine and the settings: what is there, what is missing, and the exact remedy."""

import os
import platform
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from sirocco.cmdb import migrate
from sirocco.hypervisor import accelerator, requirements
from sirocco.images.build import missing_packages
from sirocco.ops import temporal_server
from sirocco.ops.keyring import KeyRing, KeyRingError
from sirocco.ops.lock import running
from sirocco.ops.settings import Known, Settings, known, strangers

_LIBRARIES = ("temporalio", "sqlalchemy", "flask", "gunicorn", "ortools", "libvirt-python", "cryptography")
_LEAST_DISK = 4 * 2**30
_LEAST_MEMORY = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``needed`` things without which Sirocco does not work; others narrow what it can do."""

    what: str
    good: bool
    found: str
    remedy: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was looked at, with the settings and where each came from."""

    findings: tuple[Finding, ...]
    settings: tuple[Known, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing that is needed is missing."""
        return all(finding.good for finding in self.findings if finding.needed)

    def as_data(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "sound": self.sound,
            "findings": [asdict(finding) for finding in self.findings],
            "settings": [asdict(entry) for entry in self.settings],
        }

    def as_text(self) -> str:
        """For people."""
        lines = [_line(finding) for finding in self.findings]
        lines += ["", "Settings that are not at their default:"]
        chosen = [entry for entry in self.settings if entry.origin != "default"]
        lines += [f"  {entry.variable} = {entry.value}   ({entry.origin})" for entry in chosen] or ["  none"]
        lines += ["", "All is well." if self.sound else "Something needed is missing: see the lines marked MISSING."]
        return "\n".join(lines)


def _line(finding: Finding) -> str:
    mark = "ok" if finding.good else "MISSING" if finding.needed else "absent"
    remedy = "" if finding.good or not finding.remedy else f"\n          -> {finding.remedy}"
    return f"{mark:<8}  {finding.what}: {finding.found}{remedy}"


def examine(settings: Settings) -> Findings:
    """Look at everything; nothing is changed."""
    looks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _python,
        _user,
        _room,
        _engine,
        _database,
        _keys,
        _ports,
        _hypervisor,
        _spelling,
    )
    return Findings(tuple(finding for look in looks for finding in look(settings)), known(settings))


def _python(_settings: Settings) -> Iterator[Finding]:
    found = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    yield Finding("Python", good=True, found=f"{platform.python_version()} with {found}")


def _user(_settings: Settings) -> Iterator[Finding]:
    root = os.geteuid() == 0
    yield Finding(
        "root",
        good=root,
        found="yes" if root else f"no, user {os.geteuid()}",
        remedy="the local hypervisor and the image factory need root: use sudo",
        needed=False,
    )


def _room(settings: Settings) -> Iterator[Finding]:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    remedy = f"free some space, or set SIROCCO_HOME to a larger disk: {_LEAST_DISK >> 30} GiB are needed"
    yield Finding("disk", good=free >= _LEAST_DISK, found=f"{free / 2**30:.1f} GiB free in {place}", remedy=remedy)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    found = f"{memory / 2**30:.1f} GiB"
    yield Finding("memory", good=memory >= _LEAST_MEMORY, found=found, remedy="2 GiB are needed", needed=False)


def _engine(settings: Settings) -> Iterator[Finding]:
    if settings.temporal_address:
        yield _reached("workflow engine", settings.temporal_address)
        return
    program = temporal_server.program(settings)
    try:
        yield Finding("workflow engine", good=True, found=f"{temporal_server.version(program)} at {program}")
    except temporal_server.EngineError as error:
        yield Finding("workflow engine", good=False, found=str(error), remedy="make setup")


def _reached(what: str, address: str) -> Finding:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return Finding(what, good=True, found=f"{address} answers")
    except (OSError, ValueError) as error:
        return Finding(what, good=False, found=f"{address}: {error}", remedy="check TEMPORAL_ADDRESS and the network")


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url and not (settings.home / "cmdb.sqlite").exists():
        yield Finding("CMDB", good=True, found="none yet; it is made at first start")
        return
    try:
        at, wanted = migrate.current(settings.database) or "nothing", migrate.newest()
    except SQLAlchemyError as error:
        yield Finding("CMDB", good=False, found=str(error).splitlines()[0], remedy="check SIROCCO_DATABASE_URL")
        return
    yield Finding(
        "CMDB", good=at == wanted, found=f"schema {at}, this release needs {wanted}", remedy="siroccod migrate"
    )


def _keys(settings: Settings) -> Iterator[Finding]:
    path = settings.keyring
    if not path.exists():
        yield Finding("key ring", good=True, found="none yet; it is made at first start")
        return
    try:
        ring = KeyRing(path)
    except KeyRingError as error:
        yield Finding("key ring", good=False, found=str(error), remedy=f"restore {path} from a backup")
        return
    closed = not stat.S_IMODE(path.stat().st_mode) & 0o077
    found = f"{len(ring.ids)} keys, current {ring.current}" + ("" if closed else f"; {path} can be read by others")
    yield Finding("key ring", good=closed, found=found, remedy=f"chmod 600 {path}", needed=False)


def _ports(settings: Settings) -> Iterator[Finding]:
    if running(settings):
        yield Finding("ports", good=True, found="in use by this installation, which runs")
        return
    for name, host in (
        ("port", settings.host),
        ("console_port", settings.host),
        ("temporal_port", "127.0.0.1"),
        ("temporal_ui_port", "127.0.0.1"),
    ):
        yield _free(name, host, getattr(settings, name), by_name=name in settings.model_fields_set)


def _free(name: str, host: str, port: int, *, by_name: bool) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            remedy = f"set SIROCCO_{name.upper()} to a free port" if by_name else "another one will be chosen"
            return Finding(name, good=False, found=f"{host}:{port}: {error.strerror}", remedy=remedy, needed=by_name)
    return Finding(name, good=True, found=f"{host}:{port} is free")


def _hypervisor(settings: Settings) -> Iterator[Finding]:
    lacks = requirements.missing()
    for lack in lacks:
        yield Finding(f"local hypervisor, {lack.what}", good=False, found="missing", remedy=lack.remedy, needed=False)
    if not lacks:
        yield Finding("local hypervisor", good=True, found=f"libvirt and {_qemu()}")
        yield Finding("acceleration", good=True, found=str(_accelerator(settings)))
    packages = missing_packages()
    yield Finding(
        "image factory",
        good=not packages,
        found=f"missing {', '.join(packages)}" if packages else "complete",
        remedy=f"apt-get install --no-install-recommends {' '.join(packages)}",
        needed=False,
    )


def _accelerator(settings: Settings) -> accelerator.Verdict:
    """What the running installation found, or a probe that leaves nothing behind."""
    if settings.libvirt.is_dir():
        return accelerator.probe(settings.libvirt / "accelerator.json")
    with tempfile.TemporaryDirectory(prefix="sirocco-doctor-") as scratch:
        return accelerator.probe(Path(scratch, "accelerator.json"))


def _qemu() -> str:
    done = subprocess.run(["qemu-img", "--version"], check=False, capture_output=True, text=True)
    return done.stdout.split("\n")[0].replace("qemu-img version", "QEMU")


def _spelling(_settings: Settings) -> Iterator[Finding]:
    for name in strangers():
        remedy = "check the spelling; docs/reference/settings.md lists all"
        yield Finding(f"variable {name}", good=False, found="means nothing to Sirocco", remedy=remedy, needed=False)
