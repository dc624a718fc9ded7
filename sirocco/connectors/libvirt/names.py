"""Names at the far end, derived from tokens so that a second attempt finds what the first one made."""

import re
import uuid

from sirocco.connectors.ports import Kind

_SPACE = uuid.UUID("0f5f6bb0-6b0a-5f0f-9f70-5d5a2c9f0a11")


def native_id(kind: Kind, token: str) -> str:
    """Machines and networks are known by their UUID, volumes and images by their stem in the pool."""
    unique = str(uuid.uuid5(_SPACE, f"{kind}/{token}"))
    return unique if kind in {Kind.MACHINE, Kind.NETWORK} else f"{kind}-{unique}"


def domain(name: str, machine: str) -> str:
    """A domain's name, short as it appears in socket paths, unique by the machine's id."""
    slug = re.sub(r"[^a-zA-Z0-9-]+", "-", name).strip("-")[:16] or "machine"
    return f"{slug}-{machine[:8]}"


def pieces(machine: str) -> str:
    """How all files of a machine begin."""
    return f"machine-{machine}-"


def disk(machine: str, number: int) -> str:
    """File of a machine's disk."""
    return f"{pieces(machine)}disk{number}.qcow2"


def seed(machine: str) -> str:
    """File of what the guest reads at its first boot."""
    return f"{pieces(machine)}seed.iso"


def serial_log(machine: str) -> str:
    """File that keeps the serial console's output."""
    return f"{pieces(machine)}serial.log"


def snapshots(machine: str) -> str:
    """File that keeps what libvirt knows of a machine's snapshots while it moves."""
    return f"{pieces(machine)}snapshots.json"


def content(stem: str) -> str:
    """File of a volume's or an image's bytes."""
    return f"{stem}.qcow2"


def record(stem: str) -> str:
    """File of what Sirocco knows of a volume, an image or a network."""
    return f"{stem}.json"


def kernel(image: str) -> str:
    """File of an image's kernel."""
    return f"{image}.vmlinuz"


def initrd(image: str) -> str:
    """File of an image's initial RAM disk."""
    return f"{image}.initrd"


def network(unique: str) -> str:
    """A network's name in libvirt."""
    return f"sirocco-{unique}"


def bridge(unique: str) -> str:
    """A network's bridge; Linux allows 15 characters."""
    return f"sirb{unique.replace('-', '')[:10]}"


def target(number: int) -> str:
    """The guest's name of disk ``number``: vda, vdb, ..., vdz, vdaa."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return f"vd{letters}"
