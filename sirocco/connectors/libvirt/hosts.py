"""Connections to the hosts of one provider: opened when needed, opened again when lost."""

import contextlib
import threading
import time
from collections.abc import Iterator

import libvirt

from sirocco.connectors.libvirt.errors import is_missing, translate
from sirocco.connectors.libvirt.settings import HostSettings, Settings
from sirocco.connectors.ports import ConnectorError, Fault

_KEEPALIVE = 5  # seconds between probes; three unanswered ones end a connection
_ARRIVING = (libvirt.VIR_DOMAIN_PAUSED_MIGRATION, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP)
_events = threading.Lock()
_started = False


def start_events() -> None:
    """Run libvirt's event loop in a thread of this process, once; needed before the first connection."""
    global _started  # noqa: PLW0603 - libvirt has one loop per process
    with _events:
        if _started:
            return
        _started = True
        libvirt.registerErrorHandler(lambda *_: None, None)  # errors are raised; libvirt would print them too
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_loop, name="libvirt-events", daemon=True).start()


def _loop() -> None:
    while True:
        with contextlib.suppress(libvirt.libvirtError):
            libvirt.virEventRunDefaultImpl()


class Host:
    """One libvirt daemon; any thread may use its connection."""

    def __init__(self, settings: HostSettings) -> None:
        self.settings, self.name = settings, settings.name
        self._lock = threading.Lock()
        self._connection: libvirt.virConnect | None = None
        self._refusal: ConnectorError | None = None
        self._refused_until = 0.0

    def connection(self) -> libvirt.virConnect:
        """The live connection; TRANSIENT when the host does not answer, AUTH when it refuses."""
        with self._lock:
            if self._connection is not None and not self._connection.isAlive():
                self._drop()
            if self._connection is None:
                self._connection = self._open()
            return self._connection

    def _open(self) -> libvirt.virConnect:
        start_events()
        started = time.monotonic()
        if self._refusal is not None and started < self._refused_until:
            raise self._refusal
        try:
            connection = libvirt.open(self.settings.uri)
        except libvirt.libvirtError as error:
            refusal = translate(error, why="host {host} does not answer: {said}", host=self.name)
            if refusal.fault is not Fault.AUTH:
                refusal.fault = Fault.TRANSIENT
            now = time.monotonic()  # as long as it took to fail, the next callers need not try again
            self._refusal, self._refused_until = refusal, now + (now - started)
            raise refusal from error
        with contextlib.suppress(libvirt.libvirtError):  # the test driver has no keep-alive
            connection.setKeepAlive(_KEEPALIVE, 3)
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(libvirt.libvirtError):
                self._connection.close()
        self._connection = None

    def close(self) -> None:
        """Give the connection up."""
        with self._lock:
            self._drop()

    def domain(self, machine: str) -> libvirt.virDomain | None:
        """The domain with this UUID, if it is here."""
        try:
            return self.connection().lookupByUUIDString(machine)
        except libvirt.libvirtError as error:
            if is_missing(error):
                return None
            raise

    def network(self, unique: str) -> libvirt.virNetwork | None:
        """The network with this UUID, if it is here."""
        try:
            return self.connection().networkLookupByUUIDString(unique)
        except libvirt.libvirtError as error:
            if is_missing(error):
                return None
            raise

    def path(self, file: str) -> str:
        """Where a file of the pool lies on the host."""
        return f"{self.settings.pool_path}/{file}"


def _standing(domain: libvirt.virDomain) -> int:
    """0 where a machine lives, 1 where it is arriving, 2 where it is only defined, 3 where it is gone."""
    try:
        state, reason = domain.state(0)
    except libvirt.libvirtError as error:
        if is_missing(error):
            return 3
        raise
    if state == libvirt.VIR_DOMAIN_PAUSED and reason in _ARRIVING:
        return 1
    return 2 if state == libvirt.VIR_DOMAIN_SHUTOFF else 0


class Hosts:
    """All hosts, in the order of the settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._hosts = tuple(Host(host) for host in settings.hosts)

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts)

    @property
    def first(self) -> Host:
        """The host that gives out addresses on shared networks."""
        return self._hosts[0]

    def named(self, name: str) -> Host:
        """The host of this name, the first one if the name is empty; INVALID for an unknown one."""
        if not name:
            return self.first
        for host in self._hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self._hosts)
        raise ConnectorError(Fault.INVALID, why="there is no host {host}; there are {known}", host=name, known=known)

    def twice(self) -> tuple[Host, ...]:
        """All hosts and all but the last again: who looks in this order misses no machine that moves meanwhile."""
        return self._hosts + self._hosts[:-1]

    def domains(self, machine: str) -> list[tuple[Host, libvirt.virDomain]]:
        """Where a machine is defined: one host, two while it moves; the one where it runs first.

        A host that does not answer is no obstacle when the machine is found on another; TRANSIENT when it is not.
        """
        found, silence = {}, None
        for host in self.twice():
            try:
                if host.name not in found and (domain := host.domain(machine)):
                    found[host.name] = host, domain
            except ConnectorError as error:
                silence = error
            if found and host is self._hosts[-1]:
                break
        if silence and not found:
            raise silence
        return sorted(found.values(), key=lambda pair: _standing(pair[1])) if len(found) > 1 else [*found.values()]

    def locate(self, machine: str) -> tuple[Host, libvirt.virDomain]:
        """A machine's host and domain; NOT_FOUND when no host has it."""
        for host, domain in self.domains(machine):
            return host, domain
        raise ConnectorError(Fault.NOT_FOUND, why="machine {id} is on none of the provider's hosts", id=machine)

    def close(self) -> None:
        """Give all connections up."""
        for host in self._hosts:
            host.close()
