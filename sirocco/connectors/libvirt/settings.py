"""What a libvirt provider is opened with, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sirocco.connectors.ports import ConnectorError, Fault

DOMAIN_TYPES = ("auto", "kvm", "qemu")
FORWARD_MODES = ("nat", "open")
_POOL_PATH = "/var/lib/libvirt/images/sirocco"


@dataclass(frozen=True, slots=True)
class HostSettings:
    """A host: its name in Sirocco, its libvirt address, its pool of disks, where others migrate machines to."""

    name: str
    uri: str
    pool: str = "sirocco"
    pool_path: str = _POOL_PATH
    migrate_uri: str = ""

    @property
    def simulated(self) -> bool:
        """Whether this is libvirt's test driver, whose machines are not real."""
        return self.uri.startswith("test:")


@dataclass(frozen=True, slots=True)
class Settings:
    """A pool of hosts.

    ``domain_type``: ``kvm``, ``qemu`` (software emulation) or ``auto``, with ``domain_type_reason`` for people.
    ``shared_storage``: the hosts' pools are one folder. ``shared_network``: bridges of one name are one link on all
    hosts, the first of which gives out addresses. ``forward_mode``: how a network reaches the outside (libvirt's
    words; ``open`` leaves the firewall to the host). ``same_machine``: the hosts are daemons of one machine, so a
    folder is shared although libvirt cannot see it; never set it for hosts that are machines of their own.
    """

    hosts: tuple[HostSettings, ...]
    domain_type: str = "auto"
    domain_type_reason: str = ""
    shared_storage: bool = False
    shared_network: bool = False
    forward_mode: str = "nat"
    same_machine: bool = False


def _invalid(what: str) -> ConnectorError:
    return ConnectorError(Fault.INVALID, f"settings of the libvirt provider: {what}")


def _only_known(given: Mapping[str, Any], known: type, where: str) -> None:
    unknown = set(given) - set(known.__dataclass_fields__)  # type: ignore[attr-defined]
    if unknown:
        raise _invalid(f"{where} has no key {min(unknown)!r}; there are {', '.join(known.__dataclass_fields__)}")  # type: ignore[attr-defined]


def _host(given: Any) -> HostSettings:
    if not isinstance(given, Mapping):
        raise _invalid("each of hosts is a table with at least name and uri")
    _only_known(given, HostSettings, "a host")
    for key in ("name", "uri"):
        if not given.get(key):
            raise _invalid(f"a host lacks {key}")
    if not all(isinstance(value, str) for value in given.values()):
        raise _invalid(f"host {given['name']}: all values are texts")
    return HostSettings(**given)


def read(given: Mapping[str, Any]) -> Settings:
    """Settings from plain data; INVALID names what is wrong."""
    _only_known(given, Settings, "the provider")
    hosts = tuple(_host(host) for host in given.get("hosts", ()))
    if not hosts:
        raise _invalid("hosts is empty: give at least one, for example {'name': 'local', 'uri': 'qemu:///system'}")
    if len({host.name for host in hosts}) < len(hosts):
        raise _invalid("two hosts have the same name")
    settings = Settings(**{**given, "hosts": hosts})
    if settings.domain_type not in DOMAIN_TYPES:
        raise _invalid(f"domain_type is one of {', '.join(DOMAIN_TYPES)}, not {settings.domain_type!r}")
    if settings.forward_mode not in FORWARD_MODES:
        raise _invalid(f"forward_mode is one of {', '.join(FORWARD_MODES)}, not {settings.forward_mode!r}")
    return settings
