"""``make bench-ovf``: reading and judging, OVA throughput, export and memory, written to docs/bench-ovf.md.

Times of reading are CPU times, the least of several runs. Throughputs are ratios to the same work done by ``tar``
and ``qemu-img`` on the same file in the same run, elapsed, the runs taken in turn.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ovf import judge
from ovf.packing import Piece, pack
from ovf.reader import read

MIB = 2**20
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "bench-ovf.md"
ENVELOPE = "http://schemas.dmtf.org/ovf/envelope/1"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_"
ROUNDS = 3


@dataclass(frozen=True)
class Figure:
    """A measured figure and what it should be."""

    name: str
    value: str
    goal: str
    met: bool

    def __str__(self) -> str:
        return f"| {self.name} | {self.value} | {self.goal} | {'yes' if self.met else 'no'} |"


def descriptor(systems: int, capacity: int = 64, href: str = "disk1.vmdk") -> bytes:
    """A descriptor of ordinary shape with this many systems."""
    nic = "".join(
        f"<Item><rasd:Connection>net</rasd:Connection><rasd:ElementName>NIC {n}</rasd:ElementName>"
        f"<rasd:InstanceID>{10 + n}</rasd:InstanceID><rasd:ResourceType>10</rasd:ResourceType></Item>\n"
        for n in range(4)
    )
    properties = "".join(
        f'<Property ovf:key="key{n}" ovf:type="string" ovf:userConfigurable="true" ovf:value="value {n}" '
        f'ovf:qualifiers="MinLen(1),MaxLen(64)"><Label>Key {n}</Label><Description>A value.</Description></Property>\n'
        for n in range(10)
    )

    def system(number: int) -> str:
        return f"""<VirtualSystem ovf:id="vm{number}"><Info>A machine</Info><Name>Machine {number}</Name>
<OperatingSystemSection ovf:id="96"><Info>OS</Info><Description>Debian</Description></OperatingSystemSection>
<ProductSection><Info>Product</Info><Product>Thing</Product>{properties}</ProductSection>
<VirtualHardwareSection><Info>Hardware</Info><System><vssd:ElementName>Family</vssd:ElementName>
<vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
<Item><rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits><rasd:ElementName>2 CPU</rasd:ElementName>
<rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
<rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
<Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ElementName>1024 MB</rasd:ElementName>
<rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType>
<rasd:VirtualQuantity>1024</rasd:VirtualQuantity></Item>
<Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID>
<rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
<Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Disk</rasd:ElementName>
<rasd:HostResource>ovf:/disk/disk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
<rasd:ResourceType>17</rasd:ResourceType></Item>
{nic}</VirtualHardwareSection></VirtualSystem>
"""

    inner = "".join(system(number) for number in range(systems))
    body = (
        inner
        if systems == 1
        else f'<VirtualSystemCollection ovf:id="all"><Info>All</Info>{inner}</VirtualSystemCollection>'
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="{ENVELOPE}" xmlns:ovf="{ENVELOPE}" xmlns:rasd="{CIM}ResourceAllocationSettingData"
 xmlns:vssd="{CIM}VirtualSystemSettingData"><References><File ovf:id="file1" ovf:href="{href}"/></References>
<DiskSection><Info>Disks</Info><Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="{capacity}"
 ovf:capacityAllocationUnits="byte * 2^20"/></DiskSection>
<NetworkSection><Info>Networks</Info><Network ovf:name="net"><Description>x</Description></Network></NetworkSection>
{body}</Envelope>
""".encode()


def reading(data: bytes) -> float:
    """Milliseconds of CPU to read and judge."""
    best = 1e9
    for _ in range(15):
        started = time.process_time()
        judge.findings(read(data))
        best = min(best, time.process_time() - started)
    return best * 1000


def elapsed(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def peak(arguments: list[str]) -> tuple[float, int]:
    """Seconds elapsed and peak memory in KiB of this library at work, qemu-img included."""
    code = (
        "import sys, resource; from ovf.cli import main; code = main(sys.argv[1:]);"
        "own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "theirs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss;"
        "print('peak', own, theirs, file=sys.stderr); sys.exit(code)"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    _, own, theirs = done.stderr.strip().splitlines()[-1].split()
    return seconds, int(own) + int(theirs)


def image(folder: Path, size: int, data: int, random: int = MIB) -> None:
    """A disk with this many random bytes in each MiB of data, as qcow2, packed into an OVA with a manifest."""
    block = os.urandom(random) + bytes(MIB - random)
    with (folder / "seed.raw").open("wb") as output:
        for number in range(data // MIB):
            output.write(number.to_bytes(8, "big") + block[8:])
        output.truncate(size)
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "seed.raw", "disk1.qcow2"]
    subprocess.run(convert, check=True, cwd=folder)
    (folder / "seed.raw").unlink()
    pieces = [Piece.of_path("disk1.qcow2", folder / "disk1.qcow2")]
    pack(descriptor(1, size // MIB, "disk1.qcow2"), "a", pieces, folder / "a.ova")


def theirs(folder: Path) -> float:
    """tar, then qemu-img."""
    plain = folder / "plain"
    plain.mkdir()
    seconds = elapsed(["tar", "-xf", "a.ova", "-C", "plain"], folder)
    seconds += elapsed(["qemu-img", "convert", "-f", "qcow2", "-O", "qcow2", "plain/disk1.qcow2", "plain/out"], folder)
    subprocess.run(["rm", "-r", str(plain)], check=True)
    return seconds


def ours(folder: Path) -> tuple[float, int]:
    """Read, check and convert the disk of an OVA, by the library."""
    code = (
        "import sys, tempfile, resource; from pathlib import Path; from ovf.opened import open_package;"
        "from ovf.checking import check; from ovf.convert import Target, convert; from ovf.disks import source;"
        "o = open_package(sys.argv[1]); check(o); w = Path(sys.argv[2]);"
        "convert(source(o, o.package.disks[0], w), w / 'out.qcow2', Target.QCOW2);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss"
        " + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    with tempfile.TemporaryDirectory(dir=folder) as workspace:
        started = time.perf_counter()
        command = [sys.executable, "-c", code, str(folder / "a.ova"), workspace]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        return time.perf_counter() - started, int(done.stdout)


def throughput(folder: Path) -> tuple[float, int]:
    """The ratio of their time to ours, and our peak memory in KiB."""
    pairs = [(theirs(folder), ours(folder)) for _ in range(ROUNDS)]
    return min(one for one, _ in pairs) / min(mine for _, (mine, _) in pairs), max(used for _, (_, used) in pairs)


def exporting(folder: Path) -> tuple[float, int]:
    """The ratio of qemu-img's time to ours for a streamOptimized export, and our peak memory in KiB."""
    alone, mine, memory = [], [], 0
    command = ["qemu-img", "convert", "-f", "qcow2", "-O", "vmdk", "-o", "subformat=streamOptimized"]
    for _ in range(ROUNDS):
        alone.append(elapsed([*command, "disk1.qcow2", "alone.vmdk"], folder))
        seconds, used = peak(["convert", str(folder / "a.ova"), str(folder / "out.ova"), "--profile", "vsphere"])
        mine.append(seconds)
        memory = max(memory, used)
        (folder / "alone.vmdk").unlink()
        (folder / "out.ova").unlink()
    return min(alone) / min(mine), memory


def figures(large: int) -> list[Figure]:
    typical, big = descriptor(1), descriptor(1)
    systems = 1
    while len(big) < 500_000:
        systems += 5
        big = descriptor(systems)
    found = []
    small_ms, big_ms = reading(typical), reading(big)
    found.append(
        Figure(
            f"typical descriptor ({len(typical)} bytes) read and judged", f"{small_ms:.1f} ms", "5 ms", small_ms <= 5
        )
    )
    found.append(
        Figure(f"large descriptor ({len(big)} bytes) read and judged", f"{big_ms:.0f} ms", "100 ms", big_ms <= 100)
    )
    with tempfile.TemporaryDirectory(prefix="ovf-bench-") as place:
        folder = Path(place)
        image(folder, large, large)
        size = (folder / "a.ova").stat().st_size / 2**30
        ratio, memory = throughput(folder)
        name = f"OVA of {size:.1f} GiB read, checked, converted: share of tar + qemu-img"
        found.append(Figure(name, f"{ratio:.2f}", "0.8", ratio >= 0.8))
        found.append(
            Figure("the same, peak memory with qemu-img", f"{memory / 1024:.0f} MiB", "150 MiB", memory <= 150 * 1024)
        )
    with tempfile.TemporaryDirectory(prefix="ovf-bench-") as place:
        folder = Path(place)
        image(folder, 1024 * MIB, 512 * MIB, MIB // 2)
        ratio, memory = exporting(folder)
        found.append(
            Figure("export as streamOptimized OVA: share of qemu-img alone", f"{ratio:.2f}", "0.8", ratio >= 0.8)
        )
        found.append(
            Figure("the same, peak memory with qemu-img", f"{memory / 1024:.0f} MiB", "150 MiB", memory <= 150 * 1024)
        )
    return found


def main(arguments: list[str]) -> int:
    large = int(arguments[0]) * MIB if arguments else 4096 * MIB
    found = figures(large)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}"
    lines = ["# OVF: figures", "", f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench-ovf` ({machine}).", ""]
    lines += ["| figure | measured | goal | met |", "|---|---|---|---|", *map(str, found), ""]
    lines += [
        "Reading is CPU time, the least of 15 runs. Shares compare elapsed times of the same work on the same file in",
        f"the same run, the least of {ROUNDS} runs each, taken in turn; 1.00 is as fast as the programs alone.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))
    return 0 if all(figure.met for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
