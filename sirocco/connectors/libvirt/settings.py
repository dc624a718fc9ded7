"""What a libvirt provider is opened with, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sirocco.connectors.kinds import Column, ProviderKind, Setting, Value
from sirocco.connectors.ports import SettingError

_DOMAIN_TYPES = (("auto", "as the host can"), ("kvm", "KVM only"), ("qemu", "software emulation"))
_FORWARD_MODES = (("nat", "libvirt sets the firewall up"), ("open", "the host's firewall does it"))
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


def _only_known(given: Mapping[str, Any], known: type, at: str = "") -> None:
    keys = known.__dataclass_fields__  # type: ignore[attr-defined]
    for key in sorted(set(map(str, given)) - set(keys)):
        raise SettingError(f"{at}{key}", why="there is no such setting; there are {known}", known=", ".join(keys))


def _host(number: int, given: Any) -> HostSettings:
    where = f"hosts[{number}]"
    if not isinstance(given, Mapping):
        raise SettingError(where, why="it is not an object with at least name and uri")
    _only_known(given, HostSettings, f"{where}.")
    for key in given:
        if not isinstance(given[key], str):
            raise SettingError(f"{where}.{key}", why="it is not a text")
    for key in ("name", "uri"):
        if not given.get(key):
            raise SettingError(f"{where}.{key}", why="it is empty")
    return HostSettings(**given)


def _hosts(given: Any) -> tuple[HostSettings, ...]:
    if not isinstance(given, list | tuple):
        raise SettingError("hosts", why="it is not a list of objects with at least name and uri")
    hosts = tuple(_host(number, host) for number, host in enumerate(given))
    if not hosts:
        why = "it is empty: give at least one, for example {example}"
        raise SettingError("hosts", why=why, example='{"name": "local", "uri": "qemu:///system"}')
    if len({host.name for host in hosts}) < len(hosts):
        raise SettingError("hosts", why="two of them have the same name")
    return hosts


def read(given: Mapping[str, Any]) -> Settings:
    """Settings from plain data; a SettingError names what is wrong."""
    _only_known(given, Settings)
    for key, pairs in (("domain_type", _DOMAIN_TYPES), ("forward_mode", _FORWARD_MODES)):
        choices = [value for value, _ in pairs]
        if given.get(key, choices[0]) not in choices:
            raise SettingError(key, why="it is one of {choices}", choices=", ".join(choices))
    for key in ("shared_storage", "shared_network", "same_machine"):
        if not isinstance(given.get(key, False), bool):
            raise SettingError(key, why="it is not true or false")
    if not isinstance(given.get("domain_type_reason", ""), str):
        raise SettingError("domain_type_reason", why="it is not a text")
    return Settings(**{**given, "hosts": _hosts(given.get("hosts", ()))})


KIND = ProviderKind(
    "libvirt",
    "libvirt: hypervisor hosts of your own",
    (
        Setting(
            "hosts",
            Value.LINES,
            "Hosts",
            "One per line: a name and libvirt's address, such as host2 qemu+ssh://root@host2/system. "
            "A third word is the address that migrations go to, if it is another.",
            required=True,
            columns=(Column("name"), Column("uri"), Column("migrate_uri", required=False)),
            example="host1 qemu:///system",
        ),
        Setting("domain_type", Value.CHOICE, "How guests run", choices=_DOMAIN_TYPES),
        Setting("forward_mode", Value.CHOICE, "The way out of networks with NAT", choices=_FORWARD_MODES),
        Setting(
            "shared_storage",
            Value.FLAG,
            "All hosts have the same storage",
            "Machines then migrate without copying their disks.",
        ),
        Setting(
            "shared_network",
            Value.FLAG,
            "Networks reach all hosts",
            "Bridges of one name are one link, and the first host gives out the addresses.",
        ),
    ),
    read,
)
