"""Which hosts to fill first, by a score from 0 to 1 for each."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from placement.leases.slots import SlotTable

Scores = npt.NDArray[np.float64]

_CROWD = 4


@runtime_checkable
class HostChoice(Protocol):
    """Scores hosts for a lease over [start, end)."""

    def scores(self, table: SlotTable, start: int, end: int) -> Scores | None:
        """One score for each host, the higher the better; None if all are equal."""
        ...


@dataclass(frozen=True, slots=True)
class NoPreference:
    """All hosts are equal: they are filled in the site's order."""

    def scores(self, table: SlotTable, start: int, end: int) -> Scores | None:  # noqa: ARG002 (the protocol's)
        """Nothing to choose by."""
        return None


@dataclass(frozen=True, slots=True)
class Greedy:
    """Few leases there now, little capacity beyond need, and free capacity that stays as it is (Haizea's greedy).

    0.5 x (1 - leases running there / 4, at least 0) + 0.25 x (1 - share of the largest host's capacity)
    + 0.25 x (share of [start, end) for which what is free stays unchanged).
    """

    def scores(self, table: SlotTable, start: int, end: int) -> Scores | None:
        """The weighted sum for every host."""
        running = np.zeros(table.hosts)
        for reservation in table.at(start):
            running[[host for host, _ in reservation.claims]] += 1
        largest = np.maximum(table.capacity.max(axis=0), 1)
        capacity = (table.capacity / largest).mean(axis=1)
        steady = np.clip((table.unchanged_until(start) - start) / max(end - start, 1), 0, 1)
        scores: Scores = 0.5 * (1 - np.minimum(running, _CROWD) / _CROWD) + 0.25 * (1 - capacity) + 0.25 * steady
        return scores
