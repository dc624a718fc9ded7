"""How long suspending, resuming, moving and copying take (HPCC'09 model; every part rounded up to a second)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import ceil

from placement.leases.model import Image


class Exclusion(Enum):
    """Which suspensions and resumptions exclude each other.

    LOCAL: state lies on each host's own disk, so nodes of one host go one after another, hosts in parallel.
    GLOBAL: state lies on one shared file system, so all nodes go one after another.
    """

    LOCAL = "local"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Overheads:
    """Rates and fixed times.

    `suspend_rate` and `resume_rate` are MB/s (None: no time at all); `margin` multiplies the times they give, because
    estimates must be conservative; `suspend_time` and `resume_time` replace them, in seconds per node. `enactment` is
    added per node and command, `shutdown` follows every run, both in seconds. `bandwidth` is Mbit/s, for images and
    migrations (None: no time at all). With `between_leases`, leases exclude each other as the nodes of one do: then a
    suspension may have to be over before the instant for which it is needed.
    """

    suspend_rate: float | None = None
    resume_rate: float | None = None
    margin: float = 1.0
    suspend_time: int | None = None
    resume_time: int | None = None
    exclusion: Exclusion = Exclusion.LOCAL
    between_leases: bool = False
    enactment: int = 0
    shutdown: int = 0
    bandwidth: float | None = None

    def suspend(self, memory: Sequence[int], nodes: Sequence[int]) -> int:
        """Seconds to suspend a lease whose node i has `memory[i]` MB and runs on host `nodes[i]`."""
        return self._state_time(memory, nodes, self.suspend_rate, self.suspend_time)

    def resume(self, memory: Sequence[int], nodes: Sequence[int]) -> int:
        """Seconds to resume a lease whose node i has `memory[i]` MB and runs on host `nodes[i]`."""
        return self._state_time(memory, nodes, self.resume_rate, self.resume_time)

    def copy(self, megabytes: int) -> int:
        """Seconds to copy so many MB at the bandwidth, rounded up."""
        return 0 if self.bandwidth is None else ceil(Fraction(megabytes * 8) / _exact(self.bandwidth))

    def migrate_at_most(self, memory: Sequence[int], image: Image | None) -> int:
        """Seconds until a suspended lease may resume anywhere: every image and memory file, one after another."""
        size = image.size if image else 0
        return sum(self.copy(size) + self.copy(amount) for amount in memory)

    def migration_rounds(
        self, memory: Sequence[int], image: Image | None, moves: Sequence[tuple[int, int, int]]
    ) -> list[int]:
        """Seconds of each round of moves (node, from, to): first all images, then all memory files.

        Moves of one round share no host and go in parallel; a round takes as long as its largest file.
        """
        rounds = _rounds(moves)
        images = [self.copy(image.size) for _ in rounds] if image else []
        files = [self.copy(max(memory[node] for node in nodes)) for nodes in rounds]
        return [seconds for seconds in images + files if seconds]

    def _state_time(self, memory: Sequence[int], nodes: Sequence[int], rate: float | None, fixed: int | None) -> int:
        by_host: dict[int, int] = defaultdict(int)
        for amount, host in zip(memory, nodes, strict=True):
            by_host[host] += self._node_time(amount, rate, fixed) + self.enactment
        return sum(by_host.values()) if self.exclusion is Exclusion.GLOBAL else max(by_host.values())

    def _node_time(self, amount: int, rate: float | None, fixed: int | None) -> int:
        if fixed is not None:
            return fixed
        return 0 if rate is None else ceil(amount * _exact(self.margin) / _exact(rate))


def _exact(value: float) -> Fraction:
    """The decimal number as written, so that rounding up never adds a second for a binary remainder."""
    return Fraction(str(value))


def _rounds(moves: Sequence[tuple[int, int, int]]) -> list[list[int]]:
    rounds: list[list[int]] = []
    left = list(moves)
    while left:
        busy: set[int] = set()
        now: list[int] = []
        for node, origin, target in left:
            if origin not in busy and target not in busy:
                busy |= {origin, target}
                now.append(node)
        left = [move for move in left if move[0] not in now]
        rounds.append(now)
    return rounds
