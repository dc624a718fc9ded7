"""The one shape of every constraint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from placement.model import BoolArray, IntArray
from placement.trajectory import State, Trajectory

if TYPE_CHECKING:
    from placement.cpsat import Translation
    from placement.draft import Draft
    from placement.pools import Pools
    from placement.problem import Problem, Wishes
    from placement.timetable import Timetable

Fault = tuple[int, str]
"""(time in s, what is wrong)."""


@dataclass(frozen=True)
class Total:
    """What VMs take together on some hosts, `members` (H,), each `need` (V,), is from `low` to `high`."""

    members: BoolArray
    need: IntArray
    low: int = 0
    high: int = 1 << 60

    def of(self, host: Sequence[int]) -> int:
        """The sum over VMs on hosts (V,), -1 for none."""
        at = np.asarray(host, dtype=np.int64)
        placed = np.flatnonzero(at >= 0)
        return int(self.need[placed][self.members[at[placed]]].sum())

    def astray(self, total: IntArray) -> IntArray:
        """How far sums are from what they may be."""
        far: IntArray = np.maximum(np.maximum(total - self.high, self.low - total), 0)
        return far


class Constraint:
    """A rule on states and on plans; subclasses are frozen dataclasses of host and VM numbers.

    The first half (`check`, `check_plan`) judges and is all that the checker uses; the second half (`prepare`, `mask`,
    `translate`, `pool`, `order`) guides the search. A discrete constraint binds the final state, a continuous one every
    instant. VMs that do not run at the end are ignored unless the constraint says otherwise.
    """

    id: ClassVar[str]
    """Name in instances."""
    at_start: ClassVar[str]
    """What happens when the constraint is violated at the start."""
    always_continuous: ClassVar[bool] = False
    everywhere: ClassVar[bool] = False
    """Whether `mask` restricts VMs that the constraint does not name."""
    continuous: bool = False

    def involved(self) -> tuple[int, ...]:
        """VMs that the constraint names."""
        return ()

    def check(self, state: State) -> Iterator[str]:  # noqa: ARG002
        """What is wrong with a final state."""
        yield from ()

    def check_plan(self, path: Trajectory) -> Iterator[Fault]:  # noqa: ARG002
        """What is wrong on the way; called for continuous constraints only."""
        yield from ()

    def prepare(self, wishes: "Wishes") -> None:
        """Write down wanted states and amounts before the search."""

    def mask(self, vm: int, draft: "Draft", allowed: BoolArray) -> None:
        """Clear in `allowed` (H,) the hosts that VM may not be put on, given the VMs that are placed."""

    def translate(self, cp: "Translation") -> None:
        """Add the constraint on the final state to a CP-SAT model."""

    def total(self, problem: "Problem") -> Total | None:  # noqa: ARG002
        """What the constraint asks of a sum over the hosts that are online where nothing else decides about them."""
        return None

    def pool(self, pools: "Pools") -> None:
        """Add what must hold of numbers of VMs on pools of like hosts wherever the constraint holds."""

    def order(self, timetable: "Timetable") -> None:
        """Add what a continuous constraint asks of the order of actions."""
