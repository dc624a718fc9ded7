"""What the local hypervisor needs of the machine, and what to do about what is missing."""

import grp
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# program -> Debian package
PROGRAMS = {
    "libvirtd": "libvirt-daemon",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "dnsmasq": "dnsmasq-base",
    "iptables": "iptables",
    "ip": "iproute2",
    "unshare": "util-linux",
}
PACKAGES = (
    *sorted({*PROGRAMS.values()}),
    "libvirt-daemon-driver-qemu",
    "libvirt-daemon-config-nwfilter",
)
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_QEMU_DRIVER = "usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so"
_USER = "libvirt-qemu"


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is not there, and the remedy."""

    what: str
    remedy: str


def find(program: str) -> str | None:
    """A program's path; the system's own folders count even if the caller's PATH lacks them."""
    return shutil.which(program) or shutil.which(program, path=_SYSTEM_PATH)


def missing() -> tuple[Missing, ...]:
    """What keeps the local hypervisor from running here; empty when it can."""
    lacks = []
    if os.geteuid() != 0:
        lacks.append(Missing("root", "run as root or with sudo: namespaces, bridges and dnsmasq need it"))
    packages = sorted({package for program, package in PROGRAMS.items() if find(program) is None})
    if not any(Path("/").glob(_QEMU_DRIVER)):
        packages.append("libvirt-daemon-driver-qemu")
    if packages:
        install = "apt-get install --no-install-recommends " + " ".join(packages)
        lacks.append(Missing(", ".join(packages), install))
    if not lacks and not _namespaces():
        lacks.append(Missing("namespaces", "allow mount, UTS and network namespaces (a container needs --privileged)"))
    return tuple(lacks)


def _namespaces() -> bool:
    command = ["unshare", "--mount", "--uts", "--net", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_driver() -> bool:
    """Whether libvirt's simulator ``test:///default`` can be offered instead."""
    virsh = find("virsh")
    if virsh is None:
        return False
    done = subprocess.run([virsh, "-q", "-c", "test:///default", "version"], capture_output=True, check=False)
    return done.returncode == 0


def ensure_user() -> None:
    """Create the system user ``libvirt-qemu``, without which the QEMU driver refuses to load (root needed).

    Debian creates it with libvirt-daemon-system, a package that is otherwise not needed.
    """
    try:
        grp.getgrnam(_USER)
    except KeyError:
        subprocess.run([find("groupadd") or "groupadd", "--system", _USER], check=True)
    try:
        pwd.getpwnam(_USER)
    except KeyError:
        home = ["-d", "/var/lib/libvirt", "-s", "/usr/sbin/nologin"]
        subprocess.run([find("useradd") or "useradd", "--system", "-g", _USER, *home, _USER], check=True)
