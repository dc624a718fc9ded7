"""What the hosts are: size, load, how they run guests and why."""

import threading
import time
from dataclasses import dataclass

import libvirt

from sirocco.connectors.libvirt import xml
from sirocco.connectors.libvirt.errors import translate
from sirocco.connectors.libvirt.hosts import Host, Hosts
from sirocco.connectors.libvirt.records import Shelves
from sirocco.connectors.libvirt.settings import Settings
from sirocco.connectors.ports import ConnectorError, HostFacts

_FIRST_SAMPLE = 0.2  # seconds between the two readings that a first answer needs


@dataclass(frozen=True, slots=True)
class Accelerator:
    """libvirt's domain type, and why it is that: a text of the catalogues, or the operator's own."""

    domain_type: str
    why: str


class Accelerators:
    """How each host runs guests, found out once per process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Accelerator] = {}

    def of(self, host: Host) -> Accelerator:
        """The host's way, as set or as its capabilities tell."""
        if host.settings.simulated:
            return Accelerator("test", why="libvirt's simulator: its machines are not real")
        if self._settings.domain_type != "auto":
            if self._settings.domain_type_reason:
                return Accelerator(self._settings.domain_type, self._settings.domain_type_reason)
            return Accelerator(self._settings.domain_type, why="it is set so")
        if host.name not in self._known:
            self._known[host.name] = _probe(host.connection())
        return self._known[host.name]


def _probe(connection: libvirt.virConnect) -> Accelerator:
    """KVM where libvirt has it and the processor has hardware virtualisation; a KVM without that interprets."""
    capabilities = xml.parse(connection.getCapabilities())
    if capabilities.find("guest/arch[@name='x86_64']/domain[@type='kvm']") is None:
        return Accelerator("qemu", why="libvirt offers no KVM on this host")
    cpu = capabilities.find("host/cpu")
    if cpu is None:
        return Accelerator("qemu", why="libvirt does not know this host's processor")
    flags = libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES
    features = xml.parse(connection.baselineCPU([xml.text(cpu)], flags)).findall("feature")
    if {"vmx", "svm"}.isdisjoint({feature.get("name") for feature in features}):
        return Accelerator("qemu", why="KVM is there, but the processor shows neither vmx nor svm")
    return Accelerator("kvm", why="the processor has hardware virtualisation and libvirt offers KVM")


class Inventory:
    """Reads the hosts."""

    def __init__(self, hosts: Hosts, shelves: Shelves, accelerators: Accelerators) -> None:
        self._hosts, self._shelves, self._accelerators = hosts, shelves, accelerators
        self._samples: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()

    def all(self) -> tuple[HostFacts, ...]:
        """Hosts by name; one that does not answer is there with zeros and the reason."""
        return tuple(sorted((self._facts(host) for host in self._hosts), key=lambda facts: facts.name))

    def _facts(self, host: Host) -> HostFacts:
        try:
            return self._read(host)
        except libvirt.libvirtError as error:
            return _silent(host, translate(error, why="host {host} cannot be read: {said}", host=host.name))
        except ConnectorError as error:
            return _silent(host, error)

    def _read(self, host: Host) -> HostFacts:
        connection = host.connection()
        architecture, mebibytes, cores, *_ = connection.getInfo()
        total, used = mebibytes << 20, 0
        if not host.settings.simulated:
            memory = connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0)
            total = memory.get("total", total >> 10) << 10
            used = total - (sum(memory.get(key, 0) for key in ("free", "buffers", "cached")) << 10)
        accelerator = self._accelerators.of(host)
        pool = self._shelves.of(host).store.pool()
        return HostFacts(
            name=host.name,
            cores=cores,
            memory=total,
            disk=pool.info()[1],
            load=self._load(host.name, connection),
            memory_used=max(used, 0),
            accelerator=accelerator.domain_type,
            reason=accelerator.why,
            architecture=architecture,
            facts={
                "hostname": connection.getHostname(),
                "libvirt": _version(connection.getLibVersion()),
                "hypervisor": f"{connection.getType()} {_version(connection.getVersion())}",
                "disk_free": str(pool.info()[3]),
            },
        )

    def _load(self, name: str, connection: libvirt.virConnect) -> float:
        """Share of all cores that was busy since the last question."""
        with self._lock:
            before = self._samples.get(name)
            try:
                if before is None:
                    before = connection.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS, 0)
                    time.sleep(_FIRST_SAMPLE)
                now = connection.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS, 0)
            except libvirt.libvirtError as error:
                if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
                    return 0.0
                raise
            self._samples[name] = now
        spent = {key: now[key] - before.get(key, 0) for key in now}
        total = sum(spent.values())
        return min(max(1.0 - (spent.get("idle", 0) + spent.get("iowait", 0)) / total, 0.0), 1.0) if total > 0 else 0.0


def _silent(host: Host, error: ConnectorError) -> HostFacts:
    down = {"unreachable": error.message}
    return HostFacts(host.name, 0, 0, 0, 0.0, 0, "", error.message, facts=down, cause=error.details)


def _version(number: int) -> str:
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
