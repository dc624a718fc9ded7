"""Whether KVM truly accelerates here: only running something shows it, so something is run, once per boot.

On a virtual machine with a software KVM, ``/dev/kvm`` opens and libvirt starts ``kvm`` domains, but the guest's
instructions are interpreted and nothing ever boots. KVM is used only when the processor has hardware virtualisation,
the device opens, and a boot sector that counts down and leaves QEMU by its debug port does so in time.
"""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

QEMU = "qemu-system-x86_64"
LIMIT = 4.0  # seconds; plain emulation needs about 0.4, an interpreting KVM does not leave the BIOS
_COUNT = 40_000_000
_EXIT = 0x2A
_EXIT_STATUS = _EXIT << 1 | 1  # what isa-debug-exit makes of it
_FLOPPY = 1_474_560
_COUNT_DOWN = b"\xfa\x66\xb9" + _COUNT.to_bytes(4, "little") + b"\x66\x49\x75\xfc"  # cli; mov ecx; dec ecx; jnz
_LEAVE = bytes([0xB0, _EXIT, 0xE6, 0xF4, 0xF4])  # mov al; out 0xf4, al; hlt
_BOOT_SECTOR = (_COUNT_DOWN + _LEAVE).ljust(510, b"\0") + b"\x55\xaa"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``kvm`` or ``qemu`` (software emulation), libvirt's words for it; why; and what was seen, in English."""

    domain_type: str
    why: str
    seen: str = ""

    def __str__(self) -> str:
        """All of it in a line."""
        return f"{self.domain_type}: {self.why}" + (f" ({self.seen})" if self.seen else "")


def _has_virtualisation(cpuinfo: Path) -> bool:
    for line in cpuinfo.read_text(errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return not {"vmx", "svm"}.isdisjoint(value.split())
    return False


def boot(accelerator: str, limit: float = LIMIT) -> tuple[bool, str]:
    """Run the boot sector; whether it finished in ``limit`` seconds, and a sentence about it."""
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.write(_BOOT_SECTOR.ljust(_FLOPPY, b"\0"))
        disk.flush()
        command = [QEMU, "-accel", accelerator, "-m", "32", "-nodefaults", "-display", "none", "-no-reboot"]
        command += ["-boot", "strict=on,menu=off", "-drive", f"file={disk.name},if=virtio,format=raw"]
        command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        started = time.monotonic()
        try:
            done = subprocess.run(command, timeout=limit, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        except subprocess.TimeoutExpired:
            return False, f"a boot sector did not end in {limit:g} s: instructions are interpreted"
    if done.returncode == _EXIT_STATUS:
        return True, f"a boot sector ran in {time.monotonic() - started:.2f} s"
    return False, f"QEMU ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()[-200:]}"


def _decide(cpuinfo: Path, device: Path) -> Verdict:
    if not _has_virtualisation(cpuinfo):
        return Verdict("qemu", why="the processor shows neither vmx nor svm")
    if not os.access(device, os.R_OK | os.W_OK):
        return Verdict("qemu", why="the device of KVM is absent or may not be opened", seen=str(device))
    finished, seen = boot("kvm")
    if finished:
        return Verdict("kvm", why="KVM runs a trial guest at the processor's speed", seen=seen)
    return Verdict("qemu", why="KVM is there, but a trial guest does not run to its end with it", seen=seen)


def probe(cache: Path, *, cpuinfo: Path = Path("/proc/cpuinfo"), device: Path = Path("/dev/kvm")) -> Verdict:
    """The verdict for this boot of the machine, remembered in the file ``cache``."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        known = json.loads(cache.read_text())
        if known.pop("boot") == boot_id:
            return Verdict(**known)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no verdict yet, or one that cannot be read: find out anew
    verdict = _decide(cpuinfo, device)
    cache.write_text(json.dumps({"boot": boot_id, **asdict(verdict)}))
    return verdict
