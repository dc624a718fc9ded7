"""Where a local hypervisor keeps its things, and what its parts are called."""

import hashlib
import ipaddress
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sirocco.contracts.told import ToldError

SOCKET_LIMIT = 107  # sun_path of a Unix socket, less the closing zero


class HypervisorError(ToldError):
    """The local hypervisor cannot do what was asked; the message says what, why and what to do."""


@dataclass(frozen=True, slots=True)
class HostPaths:
    """The folders of one libvirtd."""

    root: Path
    name: str

    @property
    def run(self) -> Path:
        """What the daemon sees as /run/libvirt."""
        return self.root / "run"

    @property
    def socket(self) -> Path:
        """The socket that connectors open."""
        return self.run / "libvirt-sock"

    @property
    def pid_file(self) -> Path:
        """Written by libvirtd, the only way by which it is ended."""
        return self.run / "libvirtd.pid"

    @property
    def running(self) -> Path:
        """Names of the machines that ran when the hypervisor was stopped."""
        return self.root / "running"

    @property
    def uri(self) -> str:
        """The address to connect to; works from any network namespace."""
        return f"qemu+unix:///system?socket={self.socket}"

    @property
    def uuid(self) -> str:
        """The host's own id: two daemons on one machine must differ, or libvirt refuses to migrate between them."""
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


@dataclass(frozen=True, slots=True)
class Layout:
    """All of a local hypervisor, under one root."""

    root: Path

    @property
    def namespace(self) -> str:
        """The network namespace's name, derived from the root so that two roots never meet."""
        return "sirocco-" + hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def link(self) -> tuple[str, str]:
        """Names of the veth pair: the end of the machine, the end of the namespace."""
        tag = self.namespace.removeprefix("sirocco-")
        return f"sir{tag}", f"sirn{tag}"

    @property
    def state_file(self) -> Path:
        """What ``start`` decided, read by ``status`` and ``stop``."""
        return self.root / "state.json"

    def host(self, number: int) -> HostPaths:
        """The folders of host ``number``, from 1."""
        return HostPaths(self.root / f"host{number}", f"host{number}")

    def pool(self, number: int) -> Path:
        """The folder of disks of host ``number``; 0 is the folder that all hosts share."""
        return self.root / ("pool" if number == 0 else f"pool{number}")


@dataclass(frozen=True, slots=True)
class State:
    """What a running hypervisor was started with; ``addresses`` is the range that the machine has a route to."""

    hosts: int
    shared_storage: bool
    addresses: str
    accelerator: str
    reason: str

    @property
    def outside(self) -> str:
        """The machine's address on the link into the namespace."""
        return str(ipaddress.ip_network(self.addresses)[-3])

    @property
    def inside(self) -> str:
        """The namespace's address on that link; migrations between hosts use it too."""
        return str(ipaddress.ip_network(self.addresses)[-2])

    @property
    def first_network(self) -> str:
        """The range of a first network for machines."""
        return str(next(ipaddress.ip_network(self.addresses).subnets(new_prefix=24)))

    def save(self, path: Path) -> None:
        """Write for the next process."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "State | None":
        """What ``save`` wrote, or nothing; ``HypervisorError`` for a file that cannot be read."""
        try:
            return cls(**json.loads(path.read_text())) if path.exists() else None
        except (ValueError, TypeError) as error:
            raise HypervisorError(
                "{path} is damaged ({cause}): delete it and start the hypervisor again", path=path, cause=error
            ) from error
