"""The tiny image: a real Linux in about 20 MB that boots in seconds under software emulation, of Debian packages.

busybox, a secure shell server, the QEMU guest agent and a reader of NoCloud seeds; it asks for an address on every
interface, answers HTTP on port 80 and says ``READY`` on its serial console. Whoever reaches the serial console has
root's shell; from the network only secure shell keys given in the seed open it. No password opens anything.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sirocco.contracts.told import ToldError

_RESOURCES = Path(__file__).parent / "tiny"
_PACKAGES = ("busybox-static", "dropbear-bin", "qemu-guest-agent")
_KERNEL = "linux-image-cloud-amd64"
_PROGRAMS = ("usr/sbin/dropbear", "usr/bin/dropbearkey", "usr/sbin/qemu-ga")
_DEVICES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "virtio_balloon", "virtio-rng")
_MODULES = (*_DEVICES, "virtio_scsi", "sd_mod", "ata_piix", "sr_mod", "isofs", "ext4", "button", "evdev")
_BOOT_MODULES = re.compile(
    r"(virtio|virtio_ring|virtio_pci|virtio_pci_modern_dev|virtio_pci_legacy_dev|virtio_blk|virtio_scsi|scsi_mod"
    r"|scsi_common|sd_mod|t10-pi|crc.*|ext4|jbd2|mbcache)\.ko"
)
CAPACITY = 64 << 20
"""Bytes of the image as a disk."""
_START = 1 << 20  # of the only partition
_FOLDERS = """bin sbin usr/bin usr/sbin lib lib64 dev proc sys run tmp root/.ssh etc/dropbear var/log var/run mnt
boot/extlinux usr/share/udhcpc"""
_TOOLS = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "depmod": "kmod",
    "cpio": "cpio",
    "sfdisk": "fdisk",
    "mke2fs": "e2fsprogs",
    "extlinux": "extlinux",
    "qemu-img": "qemu-utils",
}

Progress = Callable[[float, str], None]


class BuildError(ToldError):
    """The image cannot be built; the message says what, why and what to do."""


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """A disk image in qcow2, and what is needed to boot its kernel without a boot loader."""

    disk: Path
    kernel: Path
    initrd: Path
    cmdline: str


def missing_packages() -> tuple[str, ...]:
    """Debian packages to install before an image can be built."""
    lacks = {package for tool, package in _TOOLS.items() if shutil.which(tool) is None}
    return tuple(sorted(lacks))


def build_tiny(target_dir: Path, progress: Progress = lambda _share, _step: None) -> BuiltImage:
    """The tiny image in ``target_dir``, built if it is not there for this version of its recipe; needs root.

    ``progress`` is called with a share from 0 to 1 and the step's name. Raises ``BuildError``.
    """
    target_dir.mkdir(parents=True, exist_ok=True)
    image = _paths(target_dir / f"tiny-{_recipe()}")
    if not image.disk.exists():
        lacks = missing_packages()
        if lacks:
            raise BuildError(
                "the image factory needs: apt-get install --no-install-recommends {packages}", packages=" ".join(lacks)
            )
        if os.geteuid() != 0:
            raise BuildError("the image factory needs root for file ownership and one loop mount: use sudo")
        with tempfile.TemporaryDirectory(prefix="sirocco-image-", dir=target_dir) as work:
            _build(Path(work), image, progress)
    progress(1.0, "image ready")
    return image


def _recipe() -> str:
    """Changes when any ingredient of ours does, so that an old image is never taken for a new one."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(path for path in _RESOURCES.rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _paths(stem: Path) -> BuiltImage:
    cmdline = (_RESOURCES / "cmdline").read_text().strip()
    return BuiltImage(stem.with_suffix(".qcow2"), stem.with_suffix(".vmlinuz"), stem.with_suffix(".initrd"), cmdline)


def _build(work: Path, image: BuiltImage, progress: Progress) -> None:
    progress(0.05, "fetching packages")
    staging, kernel, version = _fetch(work)
    progress(0.5, "laying out the file system")
    root = work / "root"
    _lay_out(root, staging)
    modules = _install_modules(root, kernel, version)
    _initrd(work / "ramdisk", root, modules)
    shutil.copy(kernel / f"boot/vmlinuz-{version}", root / "boot/vmlinuz")
    progress(0.7, "writing the disk")
    disk = _disk(work, root, image.cmdline)
    progress(0.9, "compressing")
    shutil.copy(root / "boot/vmlinuz", image.kernel)
    shutil.copy(root / "boot/initrd.img", image.initrd)
    part = work / "disk.qcow2"
    _run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", str(disk), str(part))
    part.rename(image.disk)  # last: an image that is there is whole


def _run(*command: str, cwd: Path | None = None, stdin: bytes | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()[-400:]
        told = {"command": command[0], "status": done.returncode, "words": words}
        raise BuildError("{command} failed with status {status}: {words}", **told)
    return done.stdout.decode(errors="replace")


# --- ingredients --------------------------------------------------------------------------------------------------


def _fetch(work: Path) -> tuple[Path, Path, str]:
    """Unpacked programs, unpacked kernel, kernel version; no maintainer script runs."""
    kernel_package = _depends(_KERNEL)
    downloads = work / "packages"
    downloads.mkdir()
    names = [*_libraries(), *_PACKAGES, kernel_package]
    try:
        _run("apt-get", "-o", "APT::Sandbox::User=root", "download", "-q", *names, cwd=downloads)
    except BuildError as error:
        raise BuildError("{cause}; if packages are unknown, run: apt-get update", cause=error) from error
    staging, kernel = work / "programs", work / "kernel"
    for archive in sorted(downloads.glob("*.deb")):
        target = kernel if archive.name.startswith("linux-image") else staging
        _run("dpkg-deb", "-x", str(archive), str(target))
    version = kernel_package.removeprefix("linux-image-")
    _run("/sbin/depmod", "-b", str(kernel), version)
    return staging, kernel, version


def _depends(package: str) -> str:
    for line in _run("apt-cache", "depends", package).splitlines():
        if line.strip().startswith("Depends:"):
            return line.split()[-1]
    raise BuildError("package {package} is unknown here: run apt-get update", package=package)


def _libraries() -> list[str]:
    """Library packages that our programs need, with their own needs."""
    avoid = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    lines = _run("apt-cache", "depends", "--recurse", *avoid, *_PACKAGES).splitlines()
    return sorted({line for line in lines if re.fullmatch(r"lib(?!.*perl)[a-z0-9.+-]+", line)})


# --- file system --------------------------------------------------------------------------------------------------


def _lay_out(root: Path, staging: Path) -> None:
    for folder in _FOLDERS.split():
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "root/.ssh").chmod(0o700)
    (root / "root").chmod(0o700)
    busybox = next(path for path in (staging / "bin/busybox", staging / "usr/bin/busybox") if path.exists())
    shutil.copy(busybox, root / "bin/busybox")
    for applet in _run(str(busybox), "--list").split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    (root / "sbin/getty").symlink_to("../bin/getty")
    (root / "sbin/init").symlink_to("../bin/busybox")
    for program in _PROGRAMS:
        shutil.copy(staging / program, root / program)
    _copy_libraries(root, staging)
    shutil.copytree(_RESOURCES / "root", root, dirs_exist_ok=True)
    for script in (*_SCRIPTS, "usr/share/udhcpc/default.script"):
        (root / script).chmod(0o755)
    _accounts(root)


_SCRIPTS = ("etc/rcS", "etc/rcK", "etc/datasource", "bin/console-login", "sbin/shutdown")


def _copy_libraries(root: Path, staging: Path) -> None:
    folders = [
        path for path in (staging / "lib/x86_64-linux-gnu", staging / "usr/lib/x86_64-linux-gnu") if path.is_dir()
    ]
    search = ":".join(map(str, folders))
    loader = next(folder / "ld-linux-x86-64.so.2" for folder in folders if (folder / "ld-linux-x86-64.so.2").exists())
    shutil.copy(loader, root / "lib64/ld-linux-x86-64.so.2")
    for program in _PROGRAMS:
        listing = _run(str(loader), "--library-path", search, "--list", str(staging / program))
        for library in re.findall(r"=> (/\S+)", listing):
            shutil.copy(library, root / "lib")
    for name in ("libnss_files.so.2", "libnss_dns.so.2"):
        found = [folder / name for folder in folders if (folder / name).exists()]
        for library in found:
            shutil.copy(library, root / "lib")


def _accounts(root: Path) -> None:
    files = {
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
        "etc/group": "root:x:0:\ntty:x:5:\n",
        "etc/shadow": "root:*:19000:0:99999:7:::\n",
        "etc/shells": "/bin/sh\n",
        "etc/securetty": "ttyS0\n",
        "etc/hostname": "tiny\n",
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
    }
    for name, text in files.items():
        (root / name).write_text(text)
    (root / "etc/shadow").chmod(0o600)


def _install_modules(root: Path, kernel: Path, version: str) -> list[Path]:
    """Kernel modules in loading order, copied flat."""
    ordered: list[Path] = []
    for module in _MODULES:
        listing = subprocess.run(
            ["/sbin/modprobe", "-d", str(kernel), "-S", version, "--show-depends", module],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip  # a module built into the kernel is not an error
        for path in re.findall(r"insmod (\S+)", listing):
            if Path(path) not in ordered:
                ordered.append(Path(path))
    target = root / "lib/modules" / version
    target.mkdir(parents=True)
    for path in ordered:
        shutil.copy(path, target)
    (root / "etc/modules.order").write_text("".join(f"{path.name}\n" for path in ordered))
    return ordered


def _initrd(ramdisk: Path, root: Path, modules: list[Path]) -> None:
    for folder in ("bin", "dev", "proc", "sys", "new", "modules"):
        (ramdisk / folder).mkdir(parents=True)
    shutil.copy(root / "bin/busybox", ramdisk / "bin")
    chosen = [path for path in modules if _BOOT_MODULES.fullmatch(path.name)]
    for path in chosen:
        shutil.copy(path, ramdisk / "modules")
    (ramdisk / "order").write_text("\n".join(path.name for path in chosen))
    shutil.copy(_RESOURCES / "init", ramdisk / "init")
    (ramdisk / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(ramdisk)) for path in sorted(ramdisk.rglob("*")))
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"], cwd=ramdisk, input=names.encode(), capture_output=True, check=True
    ).stdout
    (root / "boot/initrd.img").write_bytes(gzip.compress(packed, 9))


# --- disk ---------------------------------------------------------------------------------------------------------


def _disk(work: Path, root: Path, cmdline: str) -> Path:
    """One partition at 1 MiB, ext4 filled from the folder without a mount, boot loader through a loop mount."""
    (root / "boot/extlinux/extlinux.conf").write_text(
        "DEFAULT linux\nPROMPT 0\nTIMEOUT 0\nLABEL linux\n"
        f" LINUX /boot/vmlinuz\n INITRD /boot/initrd.img\n APPEND {cmdline}\n"
    )
    disk = work / "disk.raw"
    with disk.open("wb") as file:
        file.truncate(CAPACITY)
    _run("sfdisk", "-q", str(disk), stdin=f"{_START // 512},,83,*\n".encode())
    blocks = str((CAPACITY - _START) // 4096)
    features = "^64bit,^metadata_csum,^has_journal"  # what extlinux can read; a tiny disk needs no journal
    offset = f"offset={_START},root_owner=0:0"
    fill = ["-m", "0", "-d", str(root), "-E", offset, str(disk), blocks]
    _run("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-L", "root", "-O", features, *fill)
    _write_boot_sector(disk)
    with _mounted(disk, work / "mount") as mount:
        _run("extlinux", "--install", str(mount / "boot/extlinux"))
    return disk


def _write_boot_sector(disk: Path) -> None:
    code = Path("/usr/lib/EXTLINUX/mbr.bin").read_bytes()[:440]
    with disk.open("r+b") as file:
        file.write(code)


@contextmanager
def _mounted(disk: Path, mount: Path) -> Iterator[Path]:
    mount.mkdir()
    loop = _run("losetup", "-f", "--show", "-o", str(_START), str(disk)).strip()
    try:
        _run("mount", "-t", "ext4", loop, str(mount))
        try:
            yield mount
        finally:
            _run("umount", str(mount))
    finally:
        _run("losetup", "-d", loop)
