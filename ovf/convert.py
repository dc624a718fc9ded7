"""Converts disks with qemu-img, told exactly what it reads, held to limits, and given nothing it does not need.

The source is described by a block graph with explicit formats: qemu-img never probes, and reads a member of an
OVA where it lies. What it may do beyond that is bounded by ``prlimit`` and, where the system allows, by an empty
network and no capabilities (``unshare``, ``setpriv``).
"""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from ovf.disk_headers import SECTOR, DiskHeader, Format
from ovf.errors import OvfError, RefusedError
from ovf.limits import DEFAULT, GIB, MIB, Limits
from ovf.storage import Extent

Progress = Callable[[float], None]


class Target(Enum):
    """The formats disks are converted to: qemu-img's name and options."""

    STREAM_OPTIMIZED = ("vmdk", "subformat=streamOptimized")
    QCOW2 = ("qcow2", "compression_type=zlib")
    RAW = ("raw", "")
    VHD = ("vpc", "subformat=dynamic,force_size=on")
    VHDX = ("vhdx", "subformat=dynamic")

    @property
    def format(self) -> str:
        """qemu-img's name of the format."""
        return self.value[0]

    @property
    def options(self) -> str:
        """qemu-img's options for it."""
        return self.value[1]


@dataclass(frozen=True)
class Source:
    """An image to read: where it lies, what its header said, and the image it is a difference to."""

    extent: Extent
    header: DiskHeader
    flat: Extent | None = None
    parent: "Source | None" = None


def convert(
    source: Source, target: Path, form: Target, limits: Limits = DEFAULT, progress: Progress | None = None
) -> int:
    """Write the source as a new file in the given format and return the file's size in bytes.

    Raises:
        OvfError: qemu-img is missing or failed, took too long or wrote too much; nothing is left behind.
    """
    header = source.header
    output_limit = min(header.capacity + header.capacity // 8 + 64 * MIB, limits.disk_bytes)
    options = ["-o", form.options] if form.options else []
    command = [*_confinement(limits, output_limit), "qemu-img", "convert", "-p", "-t", "unsafe", "-T", "unsafe"]
    command += ["-O", form.format, *options, "json:" + json.dumps(_graph(source)), str(target)]
    try:
        _run(command, limits.convert_seconds, progress)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target.stat().st_size


def _graph(source: Source) -> dict[str, object]:
    """The block graph of a source: one explicit node per layer."""
    header = source.header
    if header.extents:
        if source.flat is None or source.flat.size < header.capacity:
            raise RefusedError("the data of the flat VMDK is missing or too short", where=source.extent.path.name)
        return {"driver": "raw", "file": _file(source.flat, header.capacity)}
    node: dict[str, object] = {"driver": header.format.value, "file": _file(source.extent, source.extent.size)}
    if header.format is Format.RAW and source.extent.offset:
        return _file(source.extent, source.extent.size)
    if header.format is Format.VHD:
        node["force_size_calc"] = "current_size"
    if source.parent is not None:
        node["backing"] = _graph(source.parent)
    elif header.format is Format.QCOW2:
        node["backing"] = None
    return node


def _file(extent: Extent, size: int) -> dict[str, object]:
    file: dict[str, object] = {"driver": "file", "filename": str(extent.path.resolve())}
    whole = -(-size // SECTOR) * SECTOR
    if extent.offset == 0 and size == extent.path.stat().st_size:
        return file
    return {"driver": "raw", "offset": extent.offset, "size": whole, "file": file}


def _run(command: list[str], seconds: int, progress: Progress | None) -> None:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise OvfError("qemu-img is not installed", remedy="install Debian's package qemu-utils") from None
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        _follow(process, progress)
        error = process.stderr.read() if process.stderr else b""
        code = process.wait()
    finally:
        late = not timer.is_alive()
        timer.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    if code:
        reason = f"took longer than {seconds} s" if late else error.decode("utf-8", "replace").strip()[-300:]
        raise OvfError(f"qemu-img failed: {reason or f'ended by signal {-code}'}", remedy="export the disk again")


def _follow(process: subprocess.Popen[bytes], progress: Progress | None) -> None:
    """Pass on what qemu-img prints, lines like ``(12.34/100%)``, until it ends."""
    waiting = b""
    while process.stdout is not None and (piece := os.read(process.stdout.fileno(), 4096)):
        *lines, waiting = (waiting + piece).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            number = line.strip().removeprefix(b"(").partition(b"/")[0]
            if progress is not None and number.replace(b".", b"", 1).isdigit():
                progress(float(number) / 100)


def _confinement(limits: Limits, output_limit: int) -> list[str]:
    prefix = list(_isolation())
    if shutil.which("prlimit"):
        memory = max(limits.convert_memory, GIB)
        prefix += ["prlimit", f"--as={memory}", f"--fsize={output_limit}", "--core=0", "--nofile=256", "--"]
    return prefix


@cache
def _isolation() -> tuple[str, ...]:
    """The strongest isolation this system lets us use without asking anybody."""
    drop = ("setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--")
    no_privileges = drop if os.geteuid() == 0 else ("setpriv", "--no-new-privs", "--")
    user = () if os.geteuid() == 0 else ("--user", "--map-current-user")
    candidates = (("unshare", *user, "--net", "--", *no_privileges), no_privileges)
    return next((one for one in candidates if _works(one)), ())


def _works(prefix: tuple[str, ...]) -> bool:
    try:
        return subprocess.run([*prefix, "true"], capture_output=True, check=False, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
