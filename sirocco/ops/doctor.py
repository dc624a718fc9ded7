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
from sirocco.ops.words import said, worded

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
        lines += ["", worded("Settings that are not at their default:")]
        chosen = [entry for entry in self.settings if entry.origin != "default"]
        lines += [f"  {entry.variable} = {entry.value}   ({entry.origin})" for entry in chosen] or [
            "  " + worded("none")
        ]
        lines += ["", _verdict(sound=self.sound)]
        return "\n".join(lines)


def _verdict(*, sound: bool) -> str:
    if sound:
        return worded("All is well.")
    return worded("Something needed is missing: see the lines marked {mark}.", mark=worded("MISSING"))


def _line(finding: Finding) -> str:
    mark = "ok" if finding.good else worded("MISSING") if finding.needed else worded("absent")
    remedy = "" if finding.good or not finding.remedy else f"\n          -> {finding.remedy}"
    return f"{mark:<8}  {worded('{what}: {cause}', what=finding.what, cause=finding.found)}{remedy}"


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
    yield Finding("Python", good=True, found=f"{platform.python_version()} ({found})")


def _user(_settings: Settings) -> Iterator[Finding]:
    root = os.geteuid() == 0
    yield Finding(
        "root",
        good=root,
        found=worded("yes") if root else worded("no, user {number}", number=os.geteuid()),
        remedy=worded("the local hypervisor and the image factory need root: use sudo"),
        needed=False,
    )


def _room(settings: Settings) -> Iterator[Finding]:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    remedy = worded(
        "free some space, or set SIROCCO_HOME to a larger disk: {size} GiB are needed", size=_LEAST_DISK >> 30
    )
    found = worded("{size} GiB free in {path}", size=f"{free / 2**30:.1f}", path=place)
    yield Finding(worded("disk"), good=free >= _LEAST_DISK, found=found, remedy=remedy)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    found = worded("{size} GiB", size=f"{memory / 2**30:.1f}")
    remedy = worded("{size} GiB are needed", size=_LEAST_MEMORY >> 30)
    yield Finding(worded("memory"), good=memory >= _LEAST_MEMORY, found=found, remedy=remedy, needed=False)


def _engine(settings: Settings) -> Iterator[Finding]:
    if settings.temporal_address:
        yield _reached(settings.temporal_address)
        return
    program = temporal_server.program(settings)
    try:
        release = temporal_server.version(program)
        yield Finding(worded("workflow engine"), good=True, found=f"{release} ({program})")
    except temporal_server.EngineError as error:
        yield Finding(worded("workflow engine"), good=False, found=said(error), remedy="make setup")


def _reached(address: str) -> Finding:
    what = worded("workflow engine")
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return Finding(what, good=True, found=worded("{address} answers", address=address))
    except (OSError, ValueError) as error:
        remedy = worded("check TEMPORAL_ADDRESS and the network")
        return Finding(what, good=False, found=f"{address}: {error}", remedy=remedy)


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url and not (settings.home / "cmdb.sqlite").exists():
        yield Finding("CMDB", good=True, found=worded("none yet; it is made at first start"))
        return
    try:
        at, wanted = migrate.current(settings.database) or worded("none"), migrate.newest()
    except SQLAlchemyError as error:
        yield Finding("CMDB", good=False, found=str(error).splitlines()[0], remedy=worded("check SIROCCO_DATABASE_URL"))
        return
    found = worded("schema {schema}, this release needs {wanted}", schema=at, wanted=wanted)
    yield Finding("CMDB", good=at == wanted, found=found, remedy="siroccod migrate")


def _keys(settings: Settings) -> Iterator[Finding]:
    path = settings.keyring
    if not path.exists():
        yield Finding(worded("key ring"), good=True, found=worded("none yet; it is made at first start"))
        return
    try:
        ring = KeyRing(path)
    except KeyRingError as error:
        remedy = worded("restore {path} from a backup", path=path)
        yield Finding(worded("key ring"), good=False, found=said(error), remedy=remedy)
        return
    closed = not stat.S_IMODE(path.stat().st_mode) & 0o077
    found = worded("keys: {count}, current: {key}", count=len(ring.ids), key=ring.current)
    if not closed:
        found = worded("{path} can be read by others", path=path)
    yield Finding(worded("key ring"), good=closed, found=found, remedy=f"chmod 600 {path}", needed=False)


def _ports(settings: Settings) -> Iterator[Finding]:
    if running(settings):
        yield Finding("ports", good=True, found=worded("in use by this installation, which runs"))
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
            remedy = worded("another one will be chosen")
            if by_name:
                remedy = worded("set {variable} to a free port", variable=f"SIROCCO_{name.upper()}")
            return Finding(name, good=False, found=f"{host}:{port}: {error.strerror}", remedy=remedy, needed=by_name)
    return Finding(name, good=True, found=worded("{address} is free", address=f"{host}:{port}"))


def _hypervisor(settings: Settings) -> Iterator[Finding]:
    lacks = requirements.missing()
    for lack in lacks:
        what = worded("local hypervisor, {what}", what=lack.what)
        yield Finding(what, good=False, found=worded("missing"), remedy=worded(lack.remedy), needed=False)
    if not lacks:
        yield Finding(worded("local hypervisor"), good=True, found=f"libvirt, {_qemu()}")
        verdict = _accelerator(settings)
        told = worded(verdict.why) + (f" ({verdict.seen})" if verdict.seen else "")
        yield Finding(worded("acceleration"), good=True, found=f"{verdict.domain_type}: {told}")
    packages = missing_packages()
    yield Finding(
        worded("image factory"),
        good=not packages,
        found=worded("missing {packages}", packages=", ".join(packages)) if packages else worded("complete"),
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
        remedy = worded("check the spelling; docs/reference/settings.md lists all")
        what, found = worded("variable {name}", name=name), worded("means nothing to Sirocco")
        yield Finding(what, good=False, found=found, remedy=remedy, needed=False)
