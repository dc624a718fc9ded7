"""libvirt's errors in the contract's words."""

from collections.abc import Iterator
from contextlib import contextmanager

import libvirt

from sirocco.connectors.ports import ConnectorError, Fault

_FAULTS = {
    Fault.TRANSIENT: (
        "VIR_ERR_RPC",
        "VIR_ERR_NO_CONNECT",
        "VIR_ERR_INVALID_CONN",
        "VIR_ERR_OPERATION_TIMEOUT",
        "VIR_ERR_SYSTEM_ERROR",
        "VIR_ERR_AGENT_UNRESPONSIVE",
        "VIR_ERR_AGENT_UNSYNCED",
        "VIR_ERR_OPERATION_ABORTED",
    ),
    Fault.AUTH: ("VIR_ERR_AUTH_FAILED", "VIR_ERR_AUTH_CANCELLED", "VIR_ERR_AUTH_UNAVAILABLE", "VIR_ERR_ACCESS_DENIED"),
    Fault.NOT_FOUND: (
        "VIR_ERR_NO_DOMAIN",
        "VIR_ERR_NO_STORAGE_VOL",
        "VIR_ERR_NO_STORAGE_POOL",
        "VIR_ERR_NO_NETWORK",
        "VIR_ERR_NO_DOMAIN_SNAPSHOT",
        "VIR_ERR_DEVICE_MISSING",
    ),
    Fault.CONFLICT: (
        "VIR_ERR_OPERATION_INVALID",
        "VIR_ERR_OPERATION_DENIED",
        "VIR_ERR_DOM_EXIST",
        "VIR_ERR_NETWORK_EXIST",
        "VIR_ERR_STORAGE_VOL_EXIST",
        "VIR_ERR_BLOCK_COPY_ACTIVE",
        "VIR_ERR_RESOURCE_BUSY",
        "VIR_ERR_SNAPSHOT_REVERT_RISKY",
        "VIR_ERR_MIGRATE_UNSAFE",
    ),
    Fault.INVALID: (
        "VIR_ERR_XML_ERROR",
        "VIR_ERR_XML_DETAIL",
        "VIR_ERR_XML_INVALID_SCHEMA",
        "VIR_ERR_INVALID_ARG",
        "VIR_ERR_CONFIG_UNSUPPORTED",
        "VIR_ERR_INVALID_MAC",
    ),
    Fault.UNSUPPORTED: ("VIR_ERR_NO_SUPPORT", "VIR_ERR_OPERATION_UNSUPPORTED", "VIR_ERR_ARGUMENT_UNSUPPORTED"),
    Fault.CAPACITY: ("VIR_ERR_NO_MEMORY",),
}
_BY_CODE = {getattr(libvirt, name): fault for fault, names in _FAULTS.items() for name in names}
_NAMES = {getattr(libvirt, name): name for name in dir(libvirt) if name.startswith("VIR_ERR_")}
_FULL = ("no space left", "cannot allocate memory", "not enough free", "disk quota exceeded")
_LOST = ("client socket is closed", "connection reset", "broken pipe", "end of file while reading", "keepalive")
_REFUSED = ("permission denied (", "host key verification failed")  # what a secure shell says
_BUSY = ("asynchronous jobs running", "cannot acquire state change lock")


def fault_of(code: int, message: str) -> Fault:
    """The fault of a libvirt error; words decide where libvirt has no code of its own for the cause."""
    words = message.lower()
    if any(word in words for word in _FULL):
        return Fault.CAPACITY
    if any(word in words for word in _REFUSED):
        return Fault.AUTH
    if any(word in words for word in (*_LOST, *_BUSY)):
        return Fault.TRANSIENT
    return _BY_CODE.get(code, Fault.INTERNAL)


def translate(error: libvirt.libvirtError, /, **details: object) -> ConnectorError:
    """The contract's error for a libvirt one; libvirt's own words are the place ``said``."""
    code, said = error.get_error_code() or 0, error.get_error_message() or str(error)
    native = _NAMES.get(code, str(code))
    return ConnectorError(fault_of(code, said), native, said=said, **details)


@contextmanager
def translated(**details: object) -> Iterator[None]:
    """Let no libvirt error out: its reason (``why``) is given here, with a place ``said`` for libvirt's own words."""
    try:
        yield
    except libvirt.libvirtError as error:
        raise translate(error, **details) from error


@contextmanager
def absent_is_fine() -> Iterator[None]:
    """Let what is not there, or not there any more, pass."""
    try:
        yield
    except libvirt.libvirtError as error:
        if not is_missing(error):
            raise


def is_missing(error: libvirt.libvirtError) -> bool:
    """Whether the error only says that something is not there."""
    return _BY_CODE.get(error.get_error_code()) is Fault.NOT_FOUND
