"""Pools of disks: volumes by name, bytes in and out through libvirt's streams, so remote hosts work as local ones."""

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import libvirt

from sirocco.connectors.libvirt import xml
from sirocco.connectors.libvirt.errors import fault_of, is_missing
from sirocco.connectors.libvirt.hosts import Host
from sirocco.connectors.ports import ConnectorError, Fault

_CHUNK = 1 << 18
_BUSY_SECONDS = 30.0


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most ``size``; empty at the end."""
        ...

    def tell(self) -> int:
        """How many were read."""
        ...


class Store:
    """The pool of one host, made when it is first used."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._lock = threading.Lock()

    def pool(self) -> libvirt.virStoragePool:
        """The pool, defined and started."""
        connection, settings = self.host.connection(), self.host.settings
        with self._lock:
            try:
                pool = connection.storagePoolLookupByName(settings.pool)
            except libvirt.libvirtError as error:
                if not is_missing(error):
                    raise
                pool = connection.storagePoolDefineXML(xml.pool(settings.pool, settings.pool_path), 0)
                pool.build(0)
                pool.setAutostart(1)
            if not pool.isActive():
                pool.create(0)
            return pool

    def refresh(self) -> libvirt.virStoragePool:
        """The pool after a look at what other daemons or tools made in it; waits while uploads keep it busy."""
        pool, deadline = self.pool(), time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                pool.refresh(0)
            except libvirt.libvirtError as error:
                busy = fault_of(error.get_error_code(), error.get_error_message() or "") is Fault.TRANSIENT
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return pool

    def find(self, name: str) -> libvirt.virStorageVol | None:
        """The volume of this name, looked for twice before it counts as absent."""
        for pool in (self.pool, self.refresh):
            try:
                return pool().storageVolLookupByName(name)
            except libvirt.libvirtError as error:
                if not is_missing(error):
                    raise
        return None

    def names(self) -> list[str]:
        """Files in the pool, sorted."""
        return sorted(self.refresh().listVolumes())

    def remove(self, name: str) -> None:
        """Delete a volume; gone already is success."""
        volume = self.find(name)
        if volume is None:
            return
        try:
            volume.delete(0)
        except libvirt.libvirtError as error:
            if not is_missing(error) and self.find(name) is not None:
                raise

    def ensure(self, name: str, capacity: int, *, backing: str = "") -> None:
        """An empty disk, or one that shares the content of ``backing`` until it is written to; one there stays."""
        if self.find(name) is not None:
            return
        path = self.host.path(backing) if backing else ""
        try:
            self.pool().createXML(xml.volume(name, capacity, "qcow2", path), 0)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_STORAGE_VOL_EXIST:
                raise

    def clone(self, name: str, source: str, *, image_format: str = "qcow2") -> libvirt.virStorageVol:
        """A full copy that depends on nothing."""
        original = self.require(source)
        return self.pool().createXMLFrom(xml.volume(name, original.info()[1], image_format), original, 0)

    def require(self, name: str) -> libvirt.virStorageVol:
        """The volume of this name; NOT_FOUND without it."""
        volume = self.find(name)
        if volume is None:
            why = "{file} is not in pool {pool} of host {host}"
            raise ConnectorError(Fault.NOT_FOUND, why=why, file=name, pool=self.host.settings.pool, host=self.host.name)
        return volume

    def upload(
        self,
        name: str,
        source: Readable,
        size: int,
        *,
        image_format: str = "raw",
        sent: Callable[[int], None] | None = None,
    ) -> libvirt.virStorageVol:
        """A new volume with these bytes; what an earlier attempt left under the name is replaced."""
        self.remove(name)
        volume = self.pool().createXML(xml.volume(name, size, image_format), 0)
        if not self.host.settings.simulated:  # the simulator keeps names and sizes only
            self.write(volume, source, size, sent)
        return volume

    def write(
        self, volume: libvirt.virStorageVol, source: Readable, size: int, sent: Callable[[int], None] | None = None
    ) -> None:
        """Put ``size`` bytes at the start of a volume."""
        stream = self.host.connection().newStream(0)
        volume.upload(stream, 0, size, 0)

        def supply(_stream: libvirt.virStream, count: int, _opaque: object) -> bytes:
            if sent is not None:
                sent(source.tell())
            return source.read(min(count, _CHUNK))

        try:
            stream.sendAll(supply, None)
            stream.finish()
        except BaseException:
            with contextlib.suppress(libvirt.libvirtError):
                stream.abort()
            raise

    def chunks(self, volume: libvirt.virStorageVol, size: int) -> Iterator[bytes]:
        """The first ``size`` bytes of a volume."""
        stream = self.host.connection().newStream(0)
        volume.download(stream, 0, size, 0)
        left = size
        while left > 0:
            data = stream.recv(min(left, _CHUNK))
            if not data:
                break
            left -= len(data)
            yield data
        stream.finish()

    def read(self, name: str, size: int) -> bytes | None:
        """The first bytes of a file in the pool, if it is there."""
        volume = self.find(name)
        return None if volume is None else b"".join(self.chunks(volume, min(size, volume.info()[1])))

    def put(self, name: str, data: bytes) -> None:
        """A small file with these bytes; one of the same size is overwritten in place."""
        volume = self.find(name)
        if volume is None or volume.info()[1] != len(data):
            self.upload(name, io.BytesIO(data), len(data))
        else:
            self.write(volume, io.BytesIO(data), len(data))
