"""One private libvirtd: its own mount, UTS and network namespaces, ended by its pid file."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from sirocco.hypervisor.layout import SOCKET_LIMIT, HostPaths, HypervisorError, Layout, State

_STARTUP = 120.0  # seconds; the first start asks QEMU for its capabilities, 4 to 10 s of work on a quiet machine
_SHUTDOWN = 60.0
_FILTERS = Path("/etc/libvirt/nwfilter")
_BINDS = {"etc": "/etc/libvirt", "lib": "/var/lib/libvirt", "run": "/run/libvirt", "cache": "/var/cache/libvirt"}
_LAUNCH = """
set -e
root=$1; hostname "$2"
for pair in {binds}; do mkdir -p "${{pair#*:}}"; mount --bind "$root/${{pair%%:*}}" "${{pair#*:}}"; done
mkdir -p /var/log/libvirt; mount --bind "$root/log" /var/log/libvirt
for file in hosts resolv.conf; do [ ! -e "/etc/$file" ] || mount --bind "$root/etc/$file" "/etc/$file"; done
exec libvirtd --daemon --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirt/libvirtd.pid
""".format(binds=" ".join(f"{name}:{target}" for name, target in _BINDS.items()))

_LIBVIRTD_CONF = """unix_sock_dir = "/run/libvirt"
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
listen_tls = 0
listen_tcp = 0
host_uuid = "{uuid}"
log_level = 3
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
max_clients = 500
max_workers = 20
"""
# QEMU runs as root without confinement inside the private namespaces only; a real host's settings are never touched.
_QEMU_CONF = """user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
security_default_confined = 0
cgroup_controllers = [ ]
namespaces = []
seccomp_sandbox = 0
stdio_handler = "file"
vnc_listen = "127.0.0.1"
migration_host = "{address}"
migration_port_min = {port}
migration_port_max = {last_port}
"""


def pid(paths: HostPaths) -> int | None:
    """The daemon's process id if it lives."""
    try:
        number = int(paths.pid_file.read_text())
        command = Path(f"/proc/{number}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return number if b"libvirtd" in command else None


def virsh(paths: HostPaths, *command: str, seconds: float = 30.0) -> str:
    """Output of one virsh command; ``HypervisorError`` with libvirt's words when it fails."""
    call = ["virsh", "-q", "-c", paths.uri, *command]
    try:
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        told = {"host": paths.name, "command": command[0], "seconds": f"{seconds:g}"}
        raise HypervisorError("libvirtd of {host} gave no answer to {command} in {seconds} s", **told) from None
    if done.returncode:
        said = done.stderr.strip() or f"{command[0]}: {done.returncode}"
        raise HypervisorError("libvirtd of {host}: {cause}", host=paths.name, cause=said)
    return done.stdout


def start(layout: Layout, state: State, number: int) -> HostPaths:
    """Start the daemon of host ``number`` and wait until it answers; one that runs already is left alone."""
    paths = layout.host(number)
    if len(os.fsencode(paths.socket)) > SOCKET_LIMIT:
        raise HypervisorError("{path} is too long for a socket: choose a root with a shorter path", path=paths.socket)
    if pid(paths) is None:
        _configure(paths, state, number)
        for stale in (paths.socket, paths.pid_file):
            stale.unlink(missing_ok=True)
        _launch(layout, paths)
    _await(paths)
    return paths


def _configure(paths: HostPaths, state: State, number: int) -> None:
    for folder in ("etc/qemu", "lib", "run", "cache", "log"):
        (paths.root / folder).mkdir(parents=True, exist_ok=True)
    if _FILTERS.is_dir():
        shutil.copytree(_FILTERS, paths.root / "etc/nwfilter", dirs_exist_ok=True)
    (paths.root / "etc/libvirtd.conf").write_text(_LIBVIRTD_CONF.format(uuid=paths.uuid))
    # No name server is reachable from the namespace: names come from a file, or each question waits ten seconds.
    (paths.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{state.inside} {paths.name}\n")
    (paths.root / "etc/resolv.conf").write_text("")
    port = 49152 + 64 * (number - 1)
    settings = _QEMU_CONF.format(address=state.inside, port=port, last_port=port + 63)
    (paths.root / "etc/qemu.conf").write_text(settings)


def _launch(layout: Layout, paths: HostPaths) -> None:
    command = ["ip", "netns", "exec", layout.namespace, "unshare", "--mount", "--uts", "--propagation", "private"]
    command += ["--", "sh", "-c", _LAUNCH, "sh", str(paths.root), paths.name]
    with (paths.root / "log/stdout.log").open("ab") as log:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=False)
    if done.returncode:
        told = {"host": paths.name, "status": done.returncode, "words": _last_words(paths)}
        raise HypervisorError("libvirtd of {host} ended with status {status}: {words}", **told)


def _await(paths: HostPaths) -> None:
    """The socket appears before the QEMU driver has loaded, so readiness is an answer, not a socket."""
    deadline = time.monotonic() + _STARTUP
    while time.monotonic() < deadline:
        if paths.socket.exists():
            with contextlib.suppress(HypervisorError):
                virsh(paths, "version")
                return
        time.sleep(0.1)
    told = {"host": paths.name, "seconds": f"{_STARTUP:g}", "words": _last_words(paths)}
    raise HypervisorError("libvirtd of {host} did not come up in {seconds} s: {words}", **told)


def _last_words(paths: HostPaths) -> str:
    lines: list[str] = []
    for log in sorted((paths.root / "log").glob("*.log")):
        lines += log.read_text(errors="replace").splitlines()[-5:]
    return " | ".join(lines) or "it left no log"


def stop(paths: HostPaths) -> None:
    """End the daemon by its pid file and wait for it; its machines live on unless they were ended before."""
    number = pid(paths)
    if number is None:
        return
    os.kill(number, signal.SIGTERM)
    if not wait_gone((number,), _SHUTDOWN):
        told = {"host": paths.name, "pid": number, "log": paths.root / "log"}
        raise HypervisorError("libvirtd of {host} (pid {pid}) does not end: see {log}", **told)


def wait_gone(pids: tuple[int, ...], seconds: float) -> bool:
    """Whether all these processes ended in time; a zombie of another parent counts as ended."""
    deadline = time.monotonic() + seconds
    while any(_alive(number) for number in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _alive(number: int) -> bool:
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return fields[0] != "Z"
