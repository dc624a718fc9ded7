"""What a fake provider is opened with, checked before anything is touched."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sirocco.connectors.kinds import Column, Measure, ProviderKind, Setting, Value
from sirocco.connectors.ports import Kind, SettingError


@dataclass(frozen=True, slots=True)
class Host:
    """A pretend hypervisor; memory and disk in bytes."""

    name: str
    cores: int
    memory: int
    disk: int


GIB = 1 << 30
DEFAULT_HOSTS = tuple(Host(f"fake-{n}", 64, 256 * GIB, 4096 * GIB) for n in range(1, 5))
_KEYS = {"store", "hosts", "delays", "capacity", "without"}


@dataclass(frozen=True, slots=True)
class FakeSettings:
    """The store, the hosts, seconds by verb (``start``, ``create.machine``, ``*``), most objects by kind, lacks."""

    store: Path
    hosts: tuple[Host, ...] = ()
    delays: Mapping[str, float] | None = None
    capacity: Mapping[Kind, int] | None = None
    without: frozenset[str] = frozenset()

    def delay(self, verb: str, kind: Kind) -> float:
        """Seconds that an operation takes."""
        delays = self.delays or {}
        return delays.get(f"{verb}.{kind}", delays.get(verb, delays.get("*", 0.0)))


def _host(number: int, value: Any) -> Host:
    where = f"hosts[{number}]"
    if not isinstance(value, Mapping):
        raise SettingError(where, why="it is not an object with name, cores, memory and disk")
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise SettingError(f"{where}.name", why="it is not a name")
    sizes = [value.get(key) for key in ("cores", "memory", "disk")]
    for key, size in zip(("cores", "memory", "disk"), sizes, strict=True):
        if type(size) is not int or size < 1:
            raise SettingError(
                f"{where}.{key}", why="it is not a whole number of at least 1 (memory and disk in bytes)"
            )
    return Host(name, *sizes)  # type: ignore[arg-type]  # checked just above


def _delays(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise SettingError("delays", why="it is not an object of verbs and seconds")
    for verb, seconds in value.items():
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise SettingError(f"delays.{verb}", why="it is not a number of seconds, zero or more")
    return {str(verb): float(seconds) for verb, seconds in value.items()}


def _capacity(value: Any) -> dict[Kind, int]:
    if not isinstance(value, Mapping):
        raise SettingError(
            "capacity", why="it is not an object with the most objects by kind ({known})", known=", ".join(Kind)
        )
    for kind, count in value.items():
        if kind not in set(Kind) or type(count) is not int or count < 0:
            raise SettingError(
                f"capacity.{kind}", why="it is not one of {known} with a whole number", known=", ".join(Kind)
            )
    return {Kind(kind): count for kind, count in value.items()}


def _hosts(value: Any) -> tuple[Host, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        raise SettingError("hosts", why="it is not a list of objects with name, cores, memory and disk")
    hosts = tuple(_host(number, entry) for number, entry in enumerate(value))
    if len({host.name for host in hosts}) != len(hosts):
        raise SettingError("hosts", why="two of them have the same name")
    return hosts


def read(settings: Mapping[str, Any]) -> FakeSettings:
    """Check plain settings; INVALID with the key and the remedy."""
    unknown = sorted(set(settings) - _KEYS)
    if unknown:
        raise SettingError(
            unknown[0], why="there is no such setting; there are {known}", known=", ".join(sorted(_KEYS))
        )
    store = settings.get("store")
    if not isinstance(store, str | Path) or not str(store):
        raise SettingError("store", why="it is not the path of a file to keep the pretend cloud in")
    without = settings.get("without", ())
    if isinstance(without, str) or not isinstance(without, Iterable):
        raise SettingError("without", why="it is not a list of capability names")
    return FakeSettings(
        Path(store),
        _hosts(settings.get("hosts", ())),
        _delays(settings.get("delays", {})),
        _capacity(settings.get("capacity", {})),
        frozenset(without),
    )


KIND = ProviderKind(
    "fake",
    "fake: a pretend cloud, to look around",
    (
        Setting(
            "store",
            Value.TEXT,
            "File of the pretend cloud",
            "Its path; the file is made if it is not there.",
            required=True,
        ),
        Setting(
            "hosts",
            Value.LINES,
            "Hosts",
            "One per line: name, cores, GiB of memory, GiB of disk. Without any there are four of 64 cores.",
            columns=(
                Column("name"),
                Column("cores", Measure.COUNT),
                Column("memory", Measure.GIB),
                Column("disk", Measure.GIB),
            ),
        ),
        Setting("delays.*", Value.NUMBER, "Seconds that an operation takes"),
    ),
    read,
)
