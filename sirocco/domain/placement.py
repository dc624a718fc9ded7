"""Choosing a host: one question, one explained answer. Nothing here changes anything."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Needs:
    """What is to be placed. Memory and disk in bytes; capabilities by name; ``hosts`` narrows, empty = any.

    ``excluded`` are hosts that have just refused.
    """

    cores: int
    memory: int
    disk: int = 0
    capabilities: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    policy: str = "spread"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host as it stands: what is free now (bytes), and what its provider can do."""

    provider_id: str
    host_id: str
    name: str
    online: bool
    free_cores: int
    free_memory: int
    free_disk: int
    memory: int
    capabilities: frozenset[str]


class Obstacle(StrEnum):
    """Why a host is out of the question, in words that are translated one by one."""

    NONE = "there is no host"
    FORBIDDEN = "its provider is not allowed here"
    ELSEWHERE = "it is not where the request has to go"
    REFUSED = "it has just refused"
    CLOSED = "it takes no machines"
    LACKS = "its provider lacks"
    CORES = "too few free cores"
    MEMORY = "too little free memory"
    DISK = "too little free disk"


@dataclass(frozen=True, slots=True)
class Choice:
    """Candidates that fit, best first, and for those that do not fit, why."""

    ranked: tuple[Candidate, ...]
    refused: tuple[tuple[str, str], ...]

    @property
    def explanation(self) -> str:
        """The reasons with how many hosts each holds for, most frequent first."""
        counts = Counter(reason for _, reason in self.refused)
        return "; ".join(f"{reason} ({count})" for reason, count in counts.most_common()) or Obstacle.NONE


def choose(needs: Needs, candidates: Iterable[Candidate]) -> Choice:
    """Keep the candidates that meet the needs and rank them: most free memory first to spread, last to pack."""
    fitting, refused = [], []
    for candidate in candidates:
        reason = _obstacle(needs, candidate)
        if reason:
            refused.append((candidate.name, reason))
        else:
            fitting.append(candidate)
    sign = 1 if needs.policy == "pack" else -1
    fitting.sort(key=lambda one: (sign * _free_share(one), one.name, one.host_id))
    return Choice(tuple(fitting), tuple(refused))


def _free_share(candidate: Candidate) -> float:
    return candidate.free_memory / candidate.memory if candidate.memory else 0.0


def _obstacle(needs: Needs, one: Candidate) -> str:
    missing = needs.capabilities - one.capabilities
    checks = (
        (needs.providers and one.provider_id not in needs.providers, Obstacle.FORBIDDEN),
        (needs.hosts and one.host_id not in needs.hosts, Obstacle.ELSEWHERE),
        (one.host_id in needs.excluded, Obstacle.REFUSED),
        (not one.online, Obstacle.CLOSED),
        (bool(missing), f"{Obstacle.LACKS}: {', '.join(sorted(missing))}"),
        (one.free_cores < needs.cores, Obstacle.CORES),
        (one.free_memory < needs.memory, Obstacle.MEMORY),
        (one.free_disk < needs.disk, Obstacle.DISK),
    )
    return next((reason for holds, reason in checks if holds), "")
