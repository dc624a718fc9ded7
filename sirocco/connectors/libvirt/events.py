"""Domain events: tell the caller at once that a machine may have changed."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import libvirt

from sirocco.connectors.libvirt.hosts import Host, Hosts
from sirocco.connectors.ports import ConnectorError, Kind, Ref

_RECONNECT = 5.0  # seconds between looks at the connections
_EVENTS = (
    libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
    libvirt.VIR_DOMAIN_EVENT_ID_REBOOT,
    libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
    libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
    libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
)


class DomainWatch:
    """Listens on all hosts, again after a connection was lost."""

    def __init__(self, hosts: Hosts, changed: Callable[[Ref], None]) -> None:
        self._hosts, self._changed = hosts, changed
        self._closing = threading.Event()
        self._registered: dict[str, tuple[libvirt.virConnect, list[int]]] = {}
        self._look()
        self._thread = threading.Thread(target=self._keep, name="libvirt-watch", daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while not self._closing.wait(_RECONNECT):
            self._look()

    def _look(self) -> None:
        for host in self._hosts:
            with contextlib.suppress(libvirt.libvirtError, ConnectorError):  # down now: the next look tries again
                self._listen(host)

    def _listen(self, host: Host) -> None:
        connection = host.connection()
        known = self._registered.get(host.name)
        if known is not None and known[0] is connection:
            return
        ids = []
        for event in _EVENTS:
            with contextlib.suppress(libvirt.libvirtError):  # the simulator knows fewer
                ids.append(connection.domainEventRegisterAny(None, event, self._happened, None))
        self._registered[host.name] = connection, ids
        if known is not None:  # what changed while nobody listened is unknown: look at all of them
            for domain in connection.listAllDomains(0):
                self._changed(Ref(Kind.MACHINE, domain.UUIDString()))

    def _happened(self, _connection: libvirt.virConnect, domain: libvirt.virDomain, *_details: Any) -> None:
        if not self._closing.is_set():
            self._changed(Ref(Kind.MACHINE, domain.UUIDString()))

    def close(self) -> None:
        """End the subscription."""
        self._closing.set()
        self._thread.join()
        for connection, ids in self._registered.values():
            for number in ids:
                with contextlib.suppress(libvirt.libvirtError):
                    connection.domainEventDeregisterAny(number)
