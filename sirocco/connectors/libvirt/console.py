"""The serial console, as bytes both ways, for any number of threads."""

import contextlib
import queue
import threading
import time

import libvirt

from sirocco.connectors.libvirt.errors import translate
from sirocco.connectors.libvirt.hosts import Host
from sirocco.connectors.ports import ConnectorError, Fault

_CHUNK = 4096
_READABLE = libvirt.VIR_STREAM_EVENT_READABLE
_ENDED = libvirt.VIR_STREAM_EVENT_HANGUP | libvirt.VIR_STREAM_EVENT_ERROR


class SerialConsole:
    """One session; a newer one on the same machine ends it."""

    def __init__(self, stream: libvirt.virStream) -> None:
        self._stream = stream
        self._arrived: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        stream.eventAddCallback(_READABLE | _ENDED, self._happened, None)

    @classmethod
    def open(cls, host: Host, domain: libvirt.virDomain) -> "SerialConsole":
        """Open the first serial port; CONFLICT unless the machine runs."""
        if not domain.isActive():
            raise ConnectorError(Fault.CONFLICT, why="the machine does not run: start it to open its console")
        stream = host.connection().newStream(libvirt.VIR_STREAM_NONBLOCK)
        domain.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
        return cls(stream)

    def _happened(self, stream: libvirt.virStream, events: int, _opaque: object) -> None:
        """Called by libvirt's event loop: take all that is there."""
        try:
            while not self._closed:
                data = stream.recv(_CHUNK)
                if data == -2:  # would block: nothing more yet
                    break
                if not data:
                    events |= _ENDED
                    break
                self._arrived.put(data)
        except libvirt.libvirtError:
            events |= _ENDED
        if events & _ENDED:
            self._arrived.put(None)
            with contextlib.suppress(libvirt.libvirtError):
                stream.eventRemoveCallback()

    def receive(self, timeout: float) -> bytes:
        """Bytes from the guest; empty when none came in ``timeout`` seconds; raises EOFError at the end."""
        try:
            data = self._arrived.get(timeout=timeout)
        except queue.Empty:
            return b""
        if data is None:
            self._arrived.put(None)  # for the next who asks
            raise EOFError("the console has ended")
        return data

    def send(self, data: bytes) -> None:
        """Bytes to the guest; waits while it does not take them."""
        with self._lock:
            while data:
                if self._closed:
                    raise ConnectorError(Fault.CONFLICT, why="the console is closed")
                try:
                    sent = self._stream.send(data)
                except libvirt.libvirtError as error:
                    raise translate(error, why="the console takes no input: {said}") from error
                if sent == -2:
                    time.sleep(0.01)  # the far end's buffer is full
                else:
                    data = data[sent:]

    def close(self) -> None:
        """End the session."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for end in (self._stream.eventRemoveCallback, self._stream.abort):
                with contextlib.suppress(libvirt.libvirtError):
                    end()
            self._arrived.put(None)
